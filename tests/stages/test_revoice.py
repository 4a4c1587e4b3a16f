"""Recordings in the middle of the chain: tokens to say again, mels, exact frames."""

from __future__ import annotations

import pytest
import torch

from indextts2.audio.mel import log_mel
from indextts2.contracts import DurationReport, Waveform
from indextts2.errors import AudioError, InputError
from indextts2.loading.checkpoint import load_encoder, open_checkpoint
from indextts2.stages.revoice import audio_to_semantic, cut_where_quiet, mel_from_audio, with_frame_count
from indextts2.values.report import speech_report, weights_in_words
from tests.conftest import TINY

RATE = 16_000


@pytest.fixture(scope="module")
def encoder(tiny_checkpoint):
    return load_encoder(open_checkpoint(tiny_checkpoint))


def noise(seconds: float, rate: int = RATE, batch: int = 1, channels: int = 1) -> Waveform:
    samples = torch.randn(batch, channels, round(seconds * rate), generator=torch.Generator().manual_seed(0))
    return Waveform((0.1 * samples).clamp(-1, 1), rate)


def test_tokens_of_a_recording_ask_for_its_exact_length(encoder):
    semantic = audio_to_semantic(encoder, noise(0.9))
    assert semantic.latent is None and semantic.tokens.shape == (1, int(semantic.token_lengths[0]))
    assert semantic.sample_targets.tolist() == [round(0.9 * 22_050)]
    assert semantic.frame_targets.tolist() == [-(-round(0.9 * 22_050) // 256)]
    assert semantic.encoder_fingerprint == encoder.fingerprint
    assert audio_to_semantic(encoder, noise(0.9), keep_length=False).frame_targets.tolist() == [0]


def test_a_long_recording_becomes_rows_that_together_last_as_long(encoder):
    steps = []
    semantic = audio_to_semantic(encoder, noise(2.0), row_seconds=0.9, progress=lambda *step: steps.append(step))
    rows = semantic.tokens.shape[0]
    assert rows >= 3 and steps == [(done, rows) for done in range(rows + 1)]
    assert int(semantic.sample_targets.sum()) == pytest.approx(2.0 * 22_050, abs=rows)


def test_a_recording_is_cut_where_it_is_quietest():
    mono = torch.ones(1, 2 * RATE)
    mono[:, round(0.85 * RATE) : round(0.92 * RATE)] = 0.0
    first, *_ = cut_where_quiet(mono, RATE, 1.0)
    assert 0.85 <= first.shape[-1] / RATE <= 0.92
    assert sum(row.shape[-1] for row in cut_where_quiet(mono, RATE, 1.0)) == mono.shape[-1]


def test_a_rest_too_short_to_be_read_joins_the_row_before_it():
    rows = cut_where_quiet(torch.ones(1, round(1.05 * RATE)), RATE, 1.0)
    assert min(row.shape[-1] for row in rows) >= 0.25 * RATE


@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_rows_too_short_to_be_encoded_are_refused(rate):
    for seconds in (0.1, 0.12, 0.166, 0.35):
        with pytest.raises(InputError, match="at least 0.36 s"):
            cut_where_quiet(torch.zeros(1, rate), rate, seconds)
    assert min(row.shape[-1] for row in cut_where_quiet(torch.zeros(1, rate), rate, 0.36)) >= 0.25 * rate


def test_the_mel_of_a_recording_is_that_of_its_mixed_down_samples():
    wave = noise(0.5, rate=22_050, channels=2)
    mel = mel_from_audio(TINY.mel, wave)
    assert torch.equal(mel.mel, log_mel(wave.samples.mean(dim=1), TINY.mel))
    assert mel.sample_targets.tolist() == [wave.samples.shape[-1]]
    assert mel_from_audio(TINY.mel, noise(0.5, batch=3)).mel.shape[0] == 3


@pytest.mark.parametrize("wave", [noise(0.1), Waveform(torch.zeros(1, 0, RATE), RATE)])
def test_audio_too_short_to_be_read_is_refused(encoder, wave):
    with pytest.raises(AudioError, match="at least"):
        audio_to_semantic(encoder, wave)
    with pytest.raises(AudioError, match="at least"):
        mel_from_audio(TINY.mel, wave)


def test_a_batch_is_refused_where_one_recording_is_needed_and_so_are_infinite_samples(encoder):
    with pytest.raises(AudioError, match="batch of 2"):
        audio_to_semantic(encoder, noise(0.5, batch=2))
    with pytest.raises(InputError, match="NaN"):
        mel_from_audio(TINY.mel, Waveform(torch.full((1, 1, RATE), float("inf")), RATE))


@pytest.mark.parametrize("frames", [3, 50, 333])
def test_frames_asked_for_are_shared_by_the_rows_to_the_last_one(encoder, frames):
    semantic = audio_to_semantic(encoder, noise(1.6), row_seconds=0.9)
    asked = with_frame_count(semantic, frames, 256)
    assert int(asked.frame_targets.sum()) == frames and int(asked.frame_targets.min()) >= 1
    assert torch.equal(asked.sample_targets, asked.frame_targets * 256)
    assert torch.equal(semantic.sample_targets, audio_to_semantic(encoder, noise(1.6), row_seconds=0.9).sample_targets)


def test_reports_name_what_was_asked_and_made_and_repeat_no_warning():
    one = DurationReport("2 s", "model", 40, 41, None, 172, 1.02, None, 44_100, warnings=("Careful.",))
    text = speech_report([one, one], ["Hello.", "x" * 80], 22_050, 88_200)
    assert "1. 'Hello.' asked: 2 s, 41 tokens of 40 aimed at, 172 frames (stretched to 1.02), 44100 samples" in text
    assert text.count("Note: Careful.") == 1 and "4.000 s" in text and "…" in text
    assert weights_in_words.__doc__
