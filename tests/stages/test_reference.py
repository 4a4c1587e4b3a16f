"""Encoding a reference: both paths, any format, and clear refusals."""

from __future__ import annotations

import logging
import math

import pytest
import torch

from indextts2.audio.fbank import semantic_input, style_features
from indextts2.audio.mel import log_mel
from indextts2.audio.resample import resample_sinc, resample_soxr
from indextts2.contracts import Waveform
from indextts2.errors import AudioError
from indextts2.stages.reference import encode_reference


@pytest.fixture(scope="module")
def encoder(tiny_checkpoint):
    from indextts2.loading.checkpoint import load_encoder, open_checkpoint

    return load_encoder(open_checkpoint(tiny_checkpoint))


def speech(seconds: float = 1.5, rate: int = 24_000, channels: int = 1, seed: int = 0) -> Waveform:
    """A buzz with changing loudness and some noise, different for every seed."""
    time = torch.arange(int(seconds * rate)) / rate
    buzz = sum(torch.sin(2 * math.pi * (110 + 7 * seed) * k * time) / k for k in range(1, 20))
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(seed))
    mono = 0.1 * (buzz * (1.2 + torch.sin(9 * time)) + 0.2 * noise)
    return Waveform(mono.expand(1, channels, -1).clone(), rate)


def test_speaker_path_resamples_twice_and_emotion_path_once(encoder):
    recording = speech()
    reference = encode_reference(encoder, recording)
    at_mel_rate = resample_soxr(recording.samples[:, 0], 24_000, 22_050)
    twice = resample_sinc(at_mel_rate, 22_050, 16_000)
    once = resample_soxr(recording.samples[:, 0], 24_000, 16_000)
    with torch.no_grad():
        for waveform, found in ((twice, reference.features), (once, reference.emotion_features)):
            hidden = encoder.semantic_encoder(*semantic_input(waveform, encoder.config.semantic_encoder))
            torch.testing.assert_close(found, (hidden - encoder.mean) / encoder.std)
        torch.testing.assert_close(reference.style, encoder.style_encoder(style_features(twice)))
        torch.testing.assert_close(reference.mel, log_mel(at_mel_rate, encoder.config.mel))
        torch.testing.assert_close(reference.quantized, encoder.codec.embed(reference.tokens))
    assert reference.fingerprint == encoder.fingerprint != ""
    assert reference.seconds == pytest.approx(recording.seconds, abs=1e-3)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_any_sample_rate_gives_the_same_lengths(encoder, rate):
    reference = encode_reference(encoder, speech(1.5, rate))
    stride = encoder.config.semantic_encoder.stride
    assert abs(reference.tokens.shape[1] - 150 / stride) <= 1
    assert abs(reference.mel.shape[2] - 1.5 * 22_050 / 256) <= 1


def test_stereo_is_mixed_down(encoder):
    mono = encode_reference(encoder, speech())
    stereo = encode_reference(encoder, speech(channels=2))
    torch.testing.assert_close(stereo.features, mono.features)
    one_sided = speech(channels=2)
    one_sided.samples[:, 1] = 0.0
    torch.testing.assert_close(encode_reference(encoder, one_sided).features, mono.features, rtol=1e-2, atol=1e-2)


def test_a_separate_recording_gives_the_emotion_and_nothing_else(encoder):
    alone = encode_reference(encoder, speech())
    both = encode_reference(encoder, speech(), emotion_waveform=speech(2.0, 16_000, seed=5))
    own = encode_reference(encoder, speech(2.0, 16_000, seed=5))
    torch.testing.assert_close(both.emotion_features, own.emotion_features)
    for name in ("features", "tokens", "quantized", "style", "mel"):
        torch.testing.assert_close(getattr(both, name), getattr(alone, name))


def test_ten_minutes_are_cut_to_the_limit_with_a_notice(encoder, caplog):
    recording = speech(16.5, 16_000)
    long = Waveform(recording.samples.repeat(1, 1, 36), 16_000)
    with caplog.at_level(logging.INFO, logger="indextts2"):
        reference = encode_reference(encoder, long)
    assert reference.seconds == 15.0
    assert "first 15.0 s" in caplog.text
    torch.testing.assert_close(reference.mel, encode_reference(encoder, recording).mel)


def test_another_limit_can_be_asked_for(encoder):
    assert encode_reference(encoder, speech(3.0), seconds_limit=2.0).seconds == 2.0


def test_short_audio_is_used_with_a_warning(encoder, caplog):
    with caplog.at_level(logging.WARNING, logger="indextts2"):
        encode_reference(encoder, speech(0.5))
    assert "only 0.50 s" in caplog.text


def test_the_waveform_is_not_changed(encoder):
    recording = speech()
    before = recording.samples.clone()
    encode_reference(encoder, recording)
    assert torch.equal(recording.samples, before)


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (torch.zeros(1, 1, 0), "empty"),
        (torch.zeros(1, 0, 24_000), "empty"),
        (torch.zeros(1, 1, 24_000), "silent"),
        (torch.full((1, 1, 24_000), float("nan")), "NaN"),
        (torch.full((1, 1, 24_000), float("inf")), "NaN or infinite"),
        (0.1 * torch.ones(1, 1, 2_400), "0.10 s"),
        (torch.ones(2, 1, 24_000), "batch of 2"),
    ],
    ids=["no samples", "no channels", "silence", "NaN", "infinity", "0.1 s", "batch"],
)
def test_unusable_audio_is_refused_with_the_reason(encoder, samples, text):
    with pytest.raises(AudioError, match=text):
        encode_reference(encoder, Waveform(samples, 24_000))


def test_unusable_emotion_audio_is_named_as_such(encoder):
    with pytest.raises(AudioError, match="emotion audio is silent"):
        encode_reference(encoder, speech(), emotion_waveform=Waveform(torch.zeros(1, 1, 24_000), 24_000))
