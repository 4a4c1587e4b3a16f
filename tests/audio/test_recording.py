"""Recordings of speakers: the part that is used, silence at the ends, and what makes a recording poor."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from indextts2.audio.io import read_audio
from indextts2.audio.recording import ONE_VOICE, part_of_recording, recording_quality, without_silence
from indextts2.contracts import Waveform
from indextts2.errors import AudioError
from indextts2.loading.checkpoint import load_encoder, open_checkpoint
from indextts2.loading.find import built_in_references
from indextts2.stages.reference import style_similarity

RATE = 24_000
BUILT_IN = list(built_in_references().values())
OFFICIAL = Path("/work/shared/official/voices")
VOICES = sorted(OFFICIAL.glob("voice_*.wav"))


def speech(seconds=4.0, level=0.1, rate=RATE):
    """Bursts of noise with gaps of softer noise, as syllables of clean speech."""
    draw = torch.Generator().manual_seed(1)
    count = round(seconds * rate)
    samples = torch.randn(count, generator=draw)
    gate = ((torch.arange(count) / rate) % 0.4 < 0.3).float()
    return level * samples.clamp(-3, 3) / 3 * (gate + 1e-3)


def wave(*parts, rate=RATE):
    return Waveform(torch.cat(parts)[None, None], rate)


def silence(seconds, level=0.0, rate=RATE):
    return level * torch.randn(round(seconds * rate), generator=torch.Generator().manual_seed(2))


def shortened(waveform):
    return waveform.seconds - without_silence(waveform).seconds


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3])
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_silence_and_room_noise_at_both_ends_are_trimmed_and_the_speech_stays_whole(level, rate):
    said = speech(3.0, rate=rate)
    alone = wave(silence(5.0, 0.0, rate), said, silence(2.0, 0.0, rate), rate=rate)
    waveform = Waveform(alone.samples + silence(10.0, level, rate), rate)  # a room sounds while somebody speaks too
    kept = without_silence(waveform)
    assert kept.seconds == pytest.approx(3.3, abs=0.15)
    assert recording_quality(waveform).trimmed == pytest.approx((4.85, 1.85), abs=0.15)


def test_a_click_in_front_of_the_silence_does_not_keep_it():
    clicked = silence(5.0)
    clicked[100:110] = 0.9
    assert shortened(wave(clicked, speech())) == pytest.approx(4.85, abs=0.05)


def test_short_gaps_soft_starts_and_recordings_without_silence_stay_as_they_are():
    for waveform in (
        wave(speech()),
        wave(silence(0.3), speech(), silence(0.3)),
        wave(silence(2.0)),
        wave(torch.zeros(0)),
    ):
        assert without_silence(waveform) is waveform


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: path.stem)
def test_built_in_references_are_untouched_and_without_fault(path):
    recording = read_audio(path)
    assert without_silence(recording) is recording
    assert recording_quality(recording).faults == ()


def test_stereo_keeps_its_channels():
    two = Waveform(wave(silence(3.0), speech()).samples.expand(1, 2, -1), RATE)
    assert without_silence(two).samples.shape[:2] == (1, 2)


def test_a_part_is_taken_by_its_start_and_length():
    whole = wave(torch.arange(RATE * 4) / RATE)
    part = part_of_recording(whole, 1.0, 2.0)
    assert part.seconds == 2.0 and part.samples[0, 0, 0] == 1.0
    assert part_of_recording(whole, 1.0).seconds == 3.0 and part_of_recording(whole) is whole
    assert part_of_recording(whole, 3.0, 9.0).seconds == 1.0
    with pytest.raises(AudioError, match="nothing is left from 4"):
        part_of_recording(whole, 4.0)
    with pytest.raises(AudioError, match="0 s or more"):
        part_of_recording(whole, -1.0)


@pytest.mark.parametrize(
    ("waveform", "said"),
    [
        (wave(speech(level=0.004)), "soft"),
        (wave(speech(level=0.2) + silence(4.0, 0.02)), "noisy"),
        (wave((speech(level=1.0) * 4).clamp(-0.8, 0.8)), "clipped"),
        (wave(speech(1.0)), "only"),
    ],
)
def test_each_fault_is_told_in_a_sentence_and_alone(waveform, said):
    (fault,) = recording_quality(waveform).faults
    assert said in fault and fault.endswith(".")
    assert f"Note: {fault}" in recording_quality(waveform).describe()


def test_a_clean_recording_has_no_fault():
    assert recording_quality(wave(speech())).faults == ()


def test_nothing_can_be_measured_of_nothing_without_failing():
    for samples in (torch.zeros(0), torch.zeros(10), torch.zeros(RATE), torch.full((RATE,), float("nan"))):
        assert recording_quality(wave(samples)).faults


@pytest.mark.skipif(len(BUILT_IN) < 2, reason="the mini's two built-in references are needed")
def test_two_voices_in_a_row_are_told_and_one_is_not():
    encoder = load_encoder(open_checkpoint("mini"))
    first, second = (read_audio(path) for path in BUILT_IN[:2])
    both = Waveform(torch.cat([first.samples, second.samples], dim=-1), first.sample_rate)
    assert style_similarity(encoder, first) > 0.7 and style_similarity(encoder, second) > 0.7
    assert style_similarity(encoder, both) < ONE_VOICE
    assert style_similarity(encoder, part_of_recording(first, 0.0, 2.0)) is None


@pytest.mark.skipif(not VOICES, reason=f"the released example voices are not at {OFFICIAL}")
def test_released_example_voices_are_neither_noisy_nor_soft_nor_clipped():
    for path in VOICES:
        faults = recording_quality(read_audio(path)).faults
        assert not [fault for fault in faults if "only" not in fault], (path.name, faults)
        assert without_silence(read_audio(path)).seconds > 0.7 * read_audio(path).seconds
