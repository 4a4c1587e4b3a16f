"""Words at given times: the spans that semantic-to-mel is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.contracts import Anchor, Duration, PreparedText, Segment, SemanticSpeech
from indextts2.errors import InputError
from indextts2.sampling import SamplingSettings
from indextts2.stages.duration import Clock
from indextts2.stages.prepare_text import with_anchored_lengths
from indextts2.stages.t2s import word_times
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from indextts2.stages.t2s.word_alignment import WordAlignment
from indextts2.stages.t2s.word_times import place_words, spans_at
from indextts2.text.pace import DEFAULT_PACE
from tests.stages.speaking import prepared, tiny_handle, tiny_model, tiny_speaker

CLOCK = Clock(22_050, 256, 1.72)
SPOKEN = WordAlignment(torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 4, 4, 4]), 1.0)
SECOND = 22_050 / 256


def test_a_piece_begins_at_its_time_and_what_follows_keeps_its_natural_length():
    spans = spans_at(SPOKEN, {2: 0.5}, CLOCK)
    assert spans == ((5, round(0.5 * SECOND)), (7, CLOCK.natural_frames(7)))


def test_several_pieces_and_the_whole_length_are_met_to_the_frame():
    spans = spans_at(SPOKEN, {4: 1.0, 1: 0.2}, CLOCK, seconds=1.5)
    assert [tokens for tokens, _ in spans] == [3, 6, 3]
    ends = torch.tensor([frames for _, frames in spans]).cumsum(0).tolist()
    assert ends == [round(time * SECOND) for time in (0.2, 1.0, 1.5)]


def test_a_piece_that_no_token_speaks_begins_where_the_next_one_does():
    assert spans_at(SPOKEN, {3: 0.5}, CLOCK) == spans_at(SPOKEN, {4: 0.5}, CLOCK)


@pytest.mark.parametrize(
    ("times", "seconds"), [({0: 0.5}, None), ({1: 0.0}, None), ({1: 0.5, 2: 0.4}, None), ({3: 0.5, 4: 0.6}, None),
                           ({2: 0.5}, 0.5), ({9: 0.5}, None)],
)  # fmt: skip
def test_times_that_leave_a_span_without_tokens_or_frames_are_refused(times, seconds):
    with pytest.raises(InputError, match="at least 1 token and 1 frame"):
        spans_at(SPOKEN, times, CLOCK, seconds=seconds)


WORDS = "Look there now"
"""Pieces 0, 2 and 4 are words; 1 and 3 are blanks."""


def segment(first=0, **more):
    origins = tuple(first + origin if origin >= 0 else -1 for origin in (0, -1, 5, -1, 11))
    return Segment(WORDS, (2, 3, 4, 5, 6), start=first, end=first + len(WORDS), origins=origins, **more)


@pytest.fixture
def placed(monkeypatch):
    """`place_words` of texts whose every piece is spoken by ten tokens."""
    t2s = tiny_handle(tiny_model())

    def place(*anchors, segments=None):
        segments = segments or (segment(),)
        text = PreparedText(" ".join([WORDS] * len(segments)), "", tuple(segments), anchors=anchors)
        line = WordAlignment(torch.arange(5).repeat_interleave(10), 1.0)
        monkeypatch.setattr(word_times, "word_alignments", lambda *args: (line,) * len(segments))
        count = len(segments)
        free = torch.zeros(count, dtype=torch.int64)
        semantic = SemanticSpeech(
            torch.zeros(count, 50, dtype=torch.int64), torch.full((count,), 50), None, free, free, (0.1,) * count
        )
        return place_words(t2s, text, semantic, tiny_speaker()), Clock.of(t2s.config)

    return place


def seconds_at(frame, clock):
    return frame * clock.hop / clock.sample_rate


def test_a_word_inside_a_segment_begins_at_its_frame(placed):
    clock = Clock.of(tiny_handle(tiny_model()).config)
    wanted = round(20 * clock.frames_per_token * 1.2)
    semantic, _ = placed(Anchor("at", 5, seconds_at(wanted, clock)))
    assert semantic.spans_of(0) == ((20, wanted), (30, clock.natural_frames(30)))
    assert int(semantic.sample_targets[0]) == (wanted + clock.natural_frames(30)) * clock.hop


def test_a_word_that_ends_early_enough_is_left_alone_and_a_late_one_is_hurried(placed):
    clock = Clock.of(tiny_handle(tiny_model()).config)
    assert placed(Anchor("by", 14, 100.0))[0].spans_of(0) == ((50, clock.natural_frames(50)),)
    bound = round(50 * clock.frames_per_token * 0.9)
    assert placed(Anchor("by", 14, seconds_at(bound, clock)))[0].spans_of(0) == ((50, bound),)


def test_the_first_words_begin_after_silence_and_pauses_fit(placed):
    segments = (segment(), segment(len(WORDS) + 1))
    semantic, clock = placed(Anchor("at", 0, 0.5), Anchor("at", len(WORDS) + 1, 4.0), segments=segments)
    lead = int(semantic.lead_seconds * clock.sample_rate)
    pause = int(semantic.pauses[0] * clock.sample_rate)
    assert lead == round(0.5 * clock.sample_rate)
    assert lead + int(semantic.sample_targets[0]) + pause == round(4.0 * clock.sample_rate)


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ((Anchor("at", 5, 30.0),), "'Look' would be stretched to"),
        ((Anchor("at", 5, 1.0), Anchor("at", 11, 1.0)), "no sound is left before 1 s"),
    ],
)
def test_impossible_times_are_refused_by_the_words(placed, anchors, message):
    with pytest.raises(InputError, match=message):
        placed(*anchors)


def test_words_that_begin_before_others_end_are_refused(placed):
    with pytest.raises(InputError, match="what stands before it ends at"):
        placed(Anchor("at", len(WORDS) + 1, 0.01), segments=(segment(), segment(len(WORDS) + 1)))


def test_speech_is_asked_for_the_length_that_its_times_leave():
    natural = DEFAULT_PACE.seconds_of(WORDS)
    asked = with_anchored_lengths([segment()], [Anchor("at", 0, 1.0), Anchor("at", 5, 2.0)], DEFAULT_PACE)[0].duration
    assert asked is not None and asked.unit == "seconds" and asked.value == pytest.approx(1.0 + 2 / 5 * natural)
    near, far = (with_anchored_lengths([segment()], [Anchor("by", 14, bound)], DEFAULT_PACE)[0] for bound in (0.6, 5.0))
    assert near.duration == Duration("seconds", 0.6) and far.duration is None


def test_a_length_that_is_asked_follows_the_pace_of_the_checkpoint():
    slow = replace(DEFAULT_PACE, syllable=2 * DEFAULT_PACE.syllable, letter=2 * DEFAULT_PACE.letter, segment=0.5)
    anchors = [Anchor("at", 0, 1.0), Anchor("at", 5, 2.0)]
    usual, longer = (with_anchored_lengths([segment()], anchors, pace)[0].duration for pace in (DEFAULT_PACE, slow))
    assert longer.value - 1.0 == pytest.approx(2.0 * (usual.value - 1.0))


def test_a_length_of_the_whole_and_given_times_exclude_each_other():
    text = prepared((2, 3))
    text = PreparedText("a b", "", text.segments, anchors=(Anchor("at", 0, 1.0),))
    with pytest.raises(InputError, match="Leave out the other length"):
        text_to_semantic(
            tiny_handle(tiny_model()), text, tiny_speaker(), duration=Duration("seconds", 1.0),
            sampling=SamplingSettings(max_tokens=5),
        )  # fmt: skip
