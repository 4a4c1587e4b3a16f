"""Sums as properties: durations, pauses and cues of random scripts add up to the whole, to the sample."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts2.contracts import Duration, DurationReport, Segment, SpokenWord, SpokenWords
from indextts2.errors import InputError
from indextts2.script.caption_cues import CaptionSettings, captions_of
from indextts2.script.caption_files import write_captions
from indextts2.script.line import LineReport, SpokenLine
from indextts2.script.mix import MixSettings, mix
from indextts2.script.model import Line, Script, milliseconds_at, samples_of
from indextts2.script.read import read_script
from indextts2.script.words import timeline_words
from indextts2.stages.duration import Clock, merged_report, plan_segments, resolve_targets, split_evenly

RATE = 22_050
CLOCK = Clock(RATE, 256, 1.72)
seeded = settings(max_examples=25, deadline=None, derandomize=True)


def spoken(count: int) -> SpokenLine:
    """A line whose every sample is one, so that samples of a track can be counted."""
    return SpokenLine(
        torch.ones(count), torch.zeros(0, dtype=torch.int64), LineReport("spoken", "free", None, count, RATE)
    )


@st.composite
def scripts(draw):
    """Lines with cues, pauses or neither, in any order, and their sounds."""
    lines, sounds = [], []
    for number in range(draw(st.integers(1, 8))):
        start = draw(st.none() | st.integers(0, 9_000))
        end = None if start is None else draw(st.none() | st.integers(start + 1, start + 4_000))
        pause = draw(st.none() | st.integers(0, 1_500))
        words = " ".join(draw(st.lists(st.sampled_from(["so", "well,", "I", "know.", "中文"]), min_size=1, max_size=5)))
        lines.append(Line(words, speaker=draw(st.sampled_from(["", "Anna", "Ben"])), start_ms=start, end_ms=end,
                          pause_ms=pause, seed=number))  # fmt: skip
        sounds.append(spoken(draw(st.integers(0, 60_000))))
    overflow = draw(st.sampled_from(["list", "overlap", "shift"]))
    mixing = MixSettings(overflow, draw(st.floats(0.0, 2.0)), draw(st.sampled_from([0.0, 0.3, 20.0])))
    return Script(tuple(lines)), sounds, mixing


@seeded
@given(scripts())
def test_a_timeline_is_its_lines_its_pauses_and_nothing_else(made):
    script, sounds, mixing = made
    timeline = mix(script, sounds, RATE, mixing)
    track = timeline.waveform.samples[0, 0]
    wanted = torch.zeros_like(track)
    for place in timeline.placements:
        assert place.end - place.start == len(sounds[place.line].audio)
        wanted[place.start : place.end] += 1.0
    peak = max(1.0, float(wanted.max()) if len(wanted) else 1.0)
    assert torch.equal(track, wanted / peak)
    ends = [place.end for place in timeline.placements]
    assert len(track) == max([round(mixing.seconds * RATE), *ends], default=0)
    listed = {one.line for one in timeline.unfit} | {place.line for place in timeline.placements}
    assert listed == set(range(len(script.lines))), "every line is placed or listed"
    if mixing.overflow == "list":
        cued = {p.start for p in timeline.placements if script.lines[p.line].start_ms is not None}
        assert cued <= {samples_of(line.start_ms, RATE) for line in script.lines if line.start_ms is not None}
    if mixing.overflow == "shift":
        assert all(before.end <= after.start for before, after in pairwise(timeline.placements))


@seeded
@given(scripts())
def test_pauses_between_lines_without_cues_are_exact(made):
    script, sounds, mixing = made
    lines = tuple(Line(line.text, pause_ms=line.pause_ms) for line in script.lines)
    timeline = mix(Script(lines), sounds, RATE, mixing)
    pauses = [round((mixing.gap if line.pause_ms is None else line.pause_ms / 1000) * RATE) for line in lines]
    whole = sum(len(sound.audio) for sound in sounds) + sum(pauses[:-1])
    assert timeline.waveform.samples.shape[-1] == max(whole, round(mixing.seconds * RATE))


@seeded
@given(scripts())
def test_words_of_a_timeline_fill_their_lines(made):
    script, sounds, mixing = made
    timeline = mix(script, sounds, RATE, mixing)
    words = timeline_words(script, sounds, timeline)
    assert words.sample_count == timeline.waveform.samples.shape[-1]
    for place in timeline.placements:
        own = [word for word in words.words if word.group == place.line]
        if own:
            assert (own[0].start, own[-1].end) == (place.start, place.end)
            assert all(before.end == after.start for before, after in pairwise(own))


@st.composite
def spoken_words(draw):
    at, words = 0, []
    for group in range(draw(st.integers(1, 4))):
        speaker = draw(st.sampled_from(["", "Anna", "Ben"]))
        for _ in range(draw(st.integers(1, 12))):
            start = at + draw(st.integers(0, 30_000))
            at = start + draw(st.integers(0, 20_000))
            words.append(
                SpokenWord(
                    draw(st.sampled_from(["so", "well,", "know.", "中文。", "w" * 50])), start, at, group, speaker
                )
            )
    return SpokenWords(tuple(words), RATE, at + draw(st.integers(0, 9_000)))


@seeded
@given(spoken_words(), st.integers(8, 60), st.integers(1, 3), st.floats(1.0, 60.0))
def test_captions_hold_every_word_once_and_their_cues_follow_each_other(words, width, rows, speed):
    captions = captions_of(words, CaptionSettings(width, rows, speed))
    assert [word for one in captions for row in one.rows for word in row] == list(words.words)
    for one in captions:
        own = [word for row in one.rows for word in row]
        assert one.start_ms == milliseconds_at(own[0].start, RATE) and one.end_ms > one.start_ms
        assert len({(word.group, word.speaker) for word in own}) == 1
    for before, after in pairwise(captions):
        assert before.start_ms <= after.start_ms
        if before.start_ms < after.start_ms:  # cues of one moment are shown together
            assert before.end_ms <= after.start_ms
    starts = [cue.start_ms for cue in read_script(write_captions(words, "srt"), "srt").lines]
    assert starts == sorted(starts) and len(starts) <= len(words.words)


@seeded
@given(st.integers(0, 10**10), st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=30))
def test_parts_sum_to_the_whole(total, weights):
    if total < len(weights):
        return
    parts = split_evenly(total, weights)
    assert sum(parts) == total and min(parts) >= 1 and len(parts) == len(weights)


OWN = st.sampled_from([None, None, None, Duration("seconds", 0.7), Duration("frames", 30), Duration("tokens", 12)])


@seeded
@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0.0, 1.0), OWN, st.integers(1, 90)), min_size=1, max_size=6),
    st.floats(0.1, 30.0),
    st.booleans(),
)
def test_segments_and_pauses_of_a_text_sum_to_the_seconds_asked(segments, seconds, trained):
    texts = [Segment("so", tuple(range(size)), pause_seconds=pause, duration=own) for size, pause, own, _ in segments]
    whole, counts = Duration("seconds", seconds), [tokens for *_, tokens in segments]
    try:
        plans = plan_segments(texts, whole, CLOCK, trained=trained)
        targets = resolve_targets(plans, texts, counts, whole, CLOCK)
    except InputError as error:
        assert "Ask for more" in str(error)
        return
    pauses = sum(CLOCK.pause_samples(one.pause_seconds) for one in texts)
    spans = [target.samples if target else 0 for target in targets]
    if any(plan.shared for plan in plans):
        assert sum(spans) + pauses == round(seconds * RATE)
    reports = [
        DurationReport("x", "natural", None, count, sample_count=span)
        for count, span in zip(counts, spans, strict=True)
    ]
    assert merged_report(reports, pauses).sample_count == sum(spans) + pauses
