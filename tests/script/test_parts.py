"""Fitting, cleaning, loudness, scores, mixing and casts, without any model."""

from __future__ import annotations

import math

import pytest
import torch

from indextts2.contracts import EmotionWeights, MelSpectrogram, SemanticSpeech
from indextts2.errors import InputError, ScriptError
from indextts2.script.cast import Cast, Voice, default_cast, read_cast
from indextts2.script.clean import (
    CleanSettings,
    clean_frames,
    clean_mel,
    finished_row,
    joined_rows,
    joined_without_pause,
    kept_frames,
    overlap_samples,
    soft_ends,
    tail_end,
)
from indextts2.script.fit import FitSettings, Slot, plan_fit, retargeted, slots_of
from indextts2.script.line import LineReport, SpokenLine
from indextts2.script.loudness import loudness, loudness_gain
from indextts2.script.mix import MixSettings, mix
from indextts2.script.model import Line, Script, samples_of
from indextts2.script.read import read_script, write_script
from indextts2.script.take_scores import TakeScore, judged_sound, judged_tokens, longest_loop
from indextts2.stages.duration import Clock

RATE, HOP = 22_050, 256
PER_SECOND = RATE / HOP
CLOCK = Clock(RATE, HOP, PER_SECOND / 25.0)


def noise(count: int, seed: int = 0, size: float = 0.2) -> torch.Tensor:
    return size * torch.randn(count, generator=torch.Generator().manual_seed(seed)).clamp(-3, 3)


def mel_of(*parts: tuple[int, float]) -> torch.Tensor:
    """Frames at levels in dB: (20, frames)."""
    levels = torch.cat([torch.full((count,), level) for count, level in parts])
    return (levels * math.log(10) / 20).expand(20, -1).clone()


def spoken(count: int, status: str = "spoken", needs: int | None = None, seed: int = 0) -> SpokenLine:
    report = LineReport(status, "free", None, count, RATE, needs_samples=needs)
    return SpokenLine(soft_ends(noise(count, seed), RATE), torch.zeros(1, dtype=torch.int64), report)


def test_a_cue_is_filled_by_the_model_first_and_then_by_the_stretch():
    steered = plan_fit(10_000, Slot(12_000, 15_000), FitSettings(), controls_length=True)
    assert (steered.samples, steered.told, steered.fits) == (12_000, 12_000, True)
    long = plan_fit(10_000, Slot(15_000), FitSettings(), controls_length=True)
    assert (long.samples, long.told) == (15_000, 12_500)
    free = plan_fit(10_000, Slot(9_000), FitSettings(), controls_length=False)
    assert (free.samples, free.told) == (9_000, None)
    assert plan_fit(10_000, Slot(10_100), FitSettings(), controls_length=True).told is None


def test_a_long_cue_is_not_filled_beyond_the_limits_and_says_so():
    fit = plan_fit(10_000, Slot(50_000), FitSettings(), controls_length=False)
    assert fit.samples == 12_500 and "silence follows" in fit.note
    assert plan_fit(10_000, Slot(50_000), FitSettings(cue="within"), controls_length=False).samples is None
    assert plan_fit(10_000, Slot(5_000), FitSettings(cue="start"), controls_length=False).samples is None


def test_a_short_cue_takes_the_gap_behind_it_before_the_voice_is_squeezed():
    gap = plan_fit(10_000, Slot(5_000, 20_000), FitSettings(), controls_length=False)
    assert gap.samples == 8_000 and gap.fits and "behind the end" in gap.note
    squeezed = plan_fit(10_000, Slot(5_000, 6_000), FitSettings(), controls_length=False)
    assert squeezed.samples == 6_000 and squeezed.fits
    late = plan_fit(10_000, Slot(3_000, 4_000), FitSettings(), controls_length=False)
    assert (late.samples, late.fits, late.needs) == (8_000, False, 5_000)
    over = plan_fit(10_000, Slot(3_000, 4_000), FitSettings(overflow="overlap"), controls_length=False)
    assert (over.samples, over.fits) == (8_000, True)


@pytest.mark.parametrize("controls_length", [False, True])
def test_pauses_keep_their_length_and_only_the_speech_is_stretched(controls_length):
    settings = FitSettings(model_range=(1.0, 1.0))
    longer = plan_fit(10_000, Slot(50_000), settings, controls_length=controls_length, pauses=6_000)
    assert longer.samples == 6_000 + 4_000 * 1.25
    squeezed = plan_fit(10_000, Slot(8_500, 8_500), settings, controls_length=controls_length, pauses=6_000)
    assert squeezed.samples == 8_500 and squeezed.fits
    late = plan_fit(10_000, Slot(7_900, 7_900), settings, controls_length=controls_length, pauses=6_000)
    assert (late.samples, late.fits, late.needs) == (6_000 + 4_000 * 0.8, False, 6_000 + 4_000 * 0.5)
    all_silence = plan_fit(10_000, Slot(5_000, 5_000), settings, controls_length=controls_length, pauses=9_000)
    assert not all_silence.fits and all_silence.samples == 9_800 and all_silence.needs == 9_500


def test_the_length_the_model_is_told_counts_the_pauses_in():
    fit = plan_fit(10_000, Slot(20_000), FitSettings(), controls_length=True, pauses=6_000)
    assert (fit.samples, fit.told) == (6_000 + 4_000 * 1.5625, 6_000 + 4_000 * 1.25)
    assert plan_fit(10_000, Slot(10_200), FitSettings(), controls_length=True, pauses=6_000).told == 10_200


def test_slots_end_at_the_next_start_whatever_the_order_of_the_file():
    lines = [Line("b", start_ms=1000, end_ms=3000), Line("c"), Line("a", start_ms=0, end_ms=500)]
    slots = slots_of(lines, 1000, "list")
    assert slots == (Slot(2000, None), Slot(), Slot(500, 1000))
    crowded = slots_of([Line("a", start_ms=0, end_ms=900), Line("b", start_ms=400, end_ms=900)], 1000, "list")
    assert crowded[0] == Slot(400, 400)


def semantic(*counts: int, pauses: tuple[float, ...]) -> SemanticSpeech:
    zeros = torch.zeros(len(counts), dtype=torch.int64)
    tokens = torch.zeros(len(counts), max(counts), dtype=torch.int64)
    return SemanticSpeech(tokens, torch.tensor(counts), None, zeros, zeros, pauses)


@pytest.mark.parametrize("samples", [22_050, 22_051, 40_001])
def test_rows_of_a_line_share_its_samples_to_the_last_one(samples):
    own = retargeted(semantic(20, 7, pauses=(0.1, 0.0)), samples, CLOCK)
    assert int(own.sample_targets.sum()) + int(0.1 * RATE) == samples
    with pytest.raises(InputError, match="pauses of the line"):
        retargeted(semantic(20, 7, pauses=(1.0, 0.0)), 22_050, CLOCK)


def swelling(count: int) -> torch.Tensor:
    """A tone that swells and fades as words do, but neither begins nor ends at zero."""
    share = torch.arange(count) / count
    return (0.2 + 0.3 * torch.sin(math.pi * share)) * torch.sin(torch.arange(count) * 0.05 + 1.0)


@pytest.mark.parametrize("pauses", [(0.0, 0.0, 0.0), (0.2, 0.0, 0.1)])
def test_joined_rows_are_as_long_as_asked_and_do_not_click(pauses):
    settings = CleanSettings()
    overlap = overlap_samples(pauses, RATE, settings)
    own = retargeted(semantic(20, 30, 25, pauses=pauses), 60_000, CLOCK, overlap)
    tones = [swelling(int(count)) for count in own.sample_targets]
    rows = [
        finished_row(tone, int(own.sample_targets[row]), RATE, settings, first=not before, last=not behind)
        for row, tone in enumerate(tones)
        for before, behind in [[joined_without_pause(pauses, at, RATE, settings) for at in (row - 1, row)]]
    ]
    whole = joined_rows(rows, pauses, RATE, settings)
    assert whole.shape[0] == 60_000
    inside = max(float(tone.diff().abs().max()) for tone in tones)
    assert float(whole.diff().abs().max()) <= inside
    hard = CleanSettings(soft_ends=False, joins=False)
    clicking = joined_rows([finished_row(tone, 0, RATE, hard) for tone in tones], pauses, RATE, hard)
    assert float(clicking.diff().abs().max()) > inside * 2


def test_a_row_is_padded_to_its_target_and_only_its_last_partial_frame_is_cut():
    row = noise(10 * HOP)
    assert finished_row(row, 12 * HOP, RATE, CleanSettings()).shape[0] == 12 * HOP
    assert finished_row(row, 10 * HOP - 100, RATE, CleanSettings()).shape[0] == 10 * HOP - 100


def test_tails_and_noise_behind_the_last_word_are_cut_and_speech_is_not():
    speech = mel_of((100, -10.0), (30, -80.0))
    assert tail_end(speech, PER_SECOND) == 105
    burst = mel_of((100, -10.0), (40, -80.0), (4, -40.0), (10, -80.0))
    assert tail_end(burst, PER_SECOND) == 105
    word = mel_of((100, -10.0), (40, -80.0), (20, -15.0), (10, -80.0))
    assert tail_end(word, PER_SECOND) == 165
    assert tail_end(mel_of((50, -10.0)), PER_SECOND) == 50


def test_only_the_middle_of_a_long_silence_goes():
    keep = kept_frames(mel_of((50, -10.0), (200, -80.0), (50, -10.0)), PER_SECOND, 0.5)
    assert int((~keep).sum()) == 200 - round(0.5 * PER_SECOND)
    assert bool(keep[:60].all()) and bool(keep[-60:].all())


def test_rows_with_a_length_of_their_own_keep_their_silences():
    rows = torch.stack([mel_of((50, -10.0), (200, -80.0), (50, -10.0))] * 2)
    mel = MelSpectrogram(rows, torch.tensor([300, 300]), torch.tensor([0, 300 * HOP]), (0.0, 0.0), RATE, HOP)
    assert clean_mel(mel, clean_frames(mel, CleanSettings())).frame_lengths.tolist() == [169, 300]
    off = CleanSettings(trim_tails=False, longest_silence=0.0)
    assert clean_mel(mel, clean_frames(mel, off)).frame_lengths.tolist() == [300, 300]


def test_loudness_of_a_full_sine_is_known_and_lines_come_out_equally_loud():
    tone = torch.sin(2 * math.pi * 997 * torch.arange(2 * RATE) / RATE)
    assert loudness(tone, RATE) == pytest.approx(-3.01, abs=0.1)
    assert loudness(0.1 * tone, RATE) == pytest.approx(-23.01, abs=0.1)
    quiet = torch.cat([0.1 * tone, torch.zeros(4 * RATE)])
    assert loudness(quiet, RATE) == pytest.approx(-23.01, abs=0.7)
    assert loudness(torch.zeros(RATE), RATE) is None and loudness_gain(torch.zeros(RATE), RATE, -20.0) == 1.0
    louder = 0.1 * tone * loudness_gain(0.1 * tone, RATE, -20.0)
    assert loudness(louder, RATE) == pytest.approx(-20.0, abs=0.05)
    assert float((tone * loudness_gain(tone, RATE, -1.0)).abs().max()) <= 0.98


def test_loops_of_tokens_are_found():
    assert longest_loop(torch.arange(50)) == 0
    assert longest_loop(torch.tensor([1, 2, 3] + [7] * 20 + [4, 5])) == 19
    assert longest_loop(torch.tensor([1, 2, 3, 4] * 10)) == 36
    assert longest_loop(torch.tensor([5])) == 0


def test_scores_prefer_takes_that_end_and_have_the_length_asked_for():
    good = judged_tokens([torch.arange(25)], [True], 25, 25.0, 0, 0)
    long = judged_tokens([torch.arange(40)], [True], 25, 25.0, 1, 0)
    endless = judged_tokens([torch.arange(25)], [False], 25, 25.0, 2, 0)
    looping = judged_tokens([torch.zeros(60, dtype=torch.int64)], [True], None, 25.0, 3, 0)
    assert good.cost < long.cost < endless.cost
    assert not good.faults and endless.faults == ("it did not end",) and "repeats" in looping.faults[0]
    silent = judged_sound(good, [mel_of((20, -10.0), (80, -80.0))], PER_SECOND)
    assert silent.silence_share == 0.8 and "silent" in silent.faults[0]
    assert TakeScore(0, 0, 5, True, 0.0, 0.0, 0.1, 0.0, -0.05).faults == ("it does not sound like the speaker",)


def test_sixty_cues_start_at_their_samples_and_end_before_the_next_and_read_back_the_same():
    cues = "\n".join(
        f"{n + 1}\n00:{n * 7 // 60:02}:{n * 7 % 60:02},{(n * 137) % 1000:03} --> "
        f"00:{(n * 7 + 4) // 60:02}:{(n * 7 + 4) % 60:02},{(n * 331) % 1000:03}\nA: Line {n}.\n"
        for n in range(60)
    )
    script = read_script(cues, "srt")
    lines = [spoken(slot.room or 0, seed=n) for n, slot in enumerate(slots_of(script.lines, RATE, "list"))]
    timeline = mix(script, lines, RATE, MixSettings())
    assert [one.start for one in timeline.placements] == [samples_of(line.start_ms or 0, RATE) for line in script.lines]
    starts = [one.start for one in timeline.placements[1:]]
    assert all(one.end <= start for one, start in zip(timeline.placements, starts, strict=False))
    track = timeline.waveform.samples[0, 0]
    assert all(torch.equal(track[one.start : one.end], lines[one.line].audio) for one in timeline.placements)
    assert timeline.script == script == read_script(write_script(timeline.script, "srt"))
    inside = max(float(line.audio.diff().abs().max()) for line in lines)
    assert float(track.diff().abs().max()) <= inside


def test_lines_without_cues_follow_each_other_with_their_pauses():
    script = Script((Line("a", pause_ms=100), Line("b"), Line("c", start_ms=5000), Line("d")))
    timeline = mix(script, [spoken(1000)] * 4, 1000 * 22_050 // 1000, MixSettings(gap=0.5, seconds=10))
    assert [one.start for one in timeline.placements] == [0, 1000 + 2205, 110_250, 111_250 + 11_025]
    assert timeline.waveform.samples.shape[-1] == 220_500


def test_a_free_line_that_runs_into_the_next_cue_is_listed_and_not_cut():
    script = Script((Line("a"), Line("b", start_ms=100)))
    timeline = mix(script, [spoken(5000), spoken(1000)], RATE, MixSettings())
    assert [(one.line, one.needs, one.has) for one in timeline.unfit] == [(0, 5000, 2205)]
    shifted = mix(script, [spoken(5000), spoken(1000)], RATE, MixSettings(overflow="shift"))
    assert [one.start for one in shifted.placements] == [0, 5000]


def test_lines_on_top_of_each_other_never_clip():
    script = Script((Line("a", start_ms=0), Line("b", start_ms=1)))
    loud = [SpokenLine(torch.full((2000,), 0.9), torch.zeros(1), spoken(2000).report)] * 2
    timeline = mix(script, loud, RATE, MixSettings(overflow="overlap"))
    assert float(timeline.waveform.samples.abs().max()) <= 1.0 and "softer" in timeline.notes[0]


def test_a_cast_file_names_recordings_saved_speakers_and_built_in_voices(tmp_path):
    for name in ("anna.wav", "ben.safetensors", "carl.wav"):
        (tmp_path / name).write_bytes(name.encode())
    built_in = {"one": tmp_path / "carl.wav"}
    text = 'Anna: {reference: anna.wav, emotion: happy .6}\nBen: ben.safetensors\n"": one\n"*": [one, anna.wav]\n'
    cast = read_cast(text, built_in, tmp_path)
    voices = cast.assigned(("Anna", "Ben", "", "Dora", "Emil", "Fred"))
    assert voices["Anna"].emotion_weights == EmotionWeights.of(happy=0.6)
    assert voices["Ben"].source == tmp_path / "ben.safetensors" and voices[""].source == built_in["one"]
    assert voices["Dora"] == voices["Fred"] != voices["Emil"]
    assert cast.notes(("Dora", "Emil", "Fred")) == ("Dora, Fred share one voice.",)
    assert voices["Anna"].fingerprint() != Voice(tmp_path / "anna.wav").fingerprint()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna: {reference: none.wav}", "no file"),
        ("Anna: {reference: ~nosuch_user/a.wav}", "no file"),
        ("Anna: {built_in: none}", "no built-in voice 'none'"),
        ("Anna: {refrence: a.wav}", "known keys"),
        ("Anna: {}", "one of reference"),
        ("Anna: {built_in: one, emotion: hapy}", "an emotion such as"),
        ("Anna: [", "Line 1, column"),
        ("- Anna", "list of names"),
        ("", "list of names"),
    ],
)
def test_faults_of_a_cast_are_one_sentence(text, words, tmp_path):
    with pytest.raises(ScriptError, match=words):
        read_cast(text, {"one": tmp_path / "x.wav"}, tmp_path)


def test_a_name_without_a_voice_is_named():
    with pytest.raises(InputError, match="no voice for Anna, the narrator"):
        Cast().assigned(("Anna", ""))
    with pytest.raises(InputError, match="No built-in voice"):
        default_cast({})
