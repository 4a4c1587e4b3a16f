"""The mel spectrogram: lengths, floor, gradients, refusals. Its values are checked in parity/test_vocoder.py."""

from __future__ import annotations

import math

import pytest
import torch

from indextts2.audio.mel import log_mel, mel_filterbank
from indextts2.config import MelConfig
from indextts2.errors import AudioError

MEL = MelConfig()


def test_frame_count_is_samples_divided_by_hop():
    for samples in (385, 512, 1000, 4096, 4097):
        assert log_mel(torch.zeros(2, samples), MEL).shape == (2, 80, samples // 256)


def test_silence_lies_on_the_floor():
    silence = log_mel(torch.zeros(1, 2048), MEL)
    assert silence.min() >= math.log(MEL.floor) - 1e-6
    assert silence.max() < math.log(1e-3)


def test_a_tone_peaks_in_the_band_around_its_frequency():
    time = torch.arange(8192) / MEL.sample_rate
    for hertz in (300.0, 1000.0, 5000.0):
        band = log_mel(torch.sin(2 * math.pi * hertz * time).unsqueeze(0), MEL)[0].mean(-1).argmax()
        triangle = mel_filterbank(MEL)[band]
        centre = float(triangle.argmax()) * MEL.sample_rate / MEL.fft_size
        assert abs(centre - hertz) < 0.12 * hertz


def test_a_louder_signal_is_shifted_by_its_gain():
    noise = 0.1 * torch.randn(1, 4096, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(log_mel(4 * noise, MEL), log_mel(noise, MEL) + math.log(4), rtol=0, atol=1e-2)


def test_gradient_reaches_the_waveform_even_from_silence():
    for waveform in (torch.zeros(1, 2048), 0.1 * torch.randn(1, 2048, generator=torch.Generator().manual_seed(0))):
        waveform.requires_grad_()
        log_mel(waveform, MEL).sum().backward()
        assert torch.isfinite(waveform.grad).all()


@pytest.mark.parametrize(
    "config",
    [MEL, MelConfig(high_hz=8_000.0), MelConfig(sample_rate=16_000, fft_size=400, window=400, low_hz=20.0, bands=40)],
)
def test_the_filterbank_equals_that_of_librosa(config):
    from librosa.filters import mel

    wanted = mel(
        sr=config.sample_rate, n_fft=config.fft_size, n_mels=config.bands, fmin=config.low_hz, fmax=config.high_hz
    )
    assert torch.equal(mel_filterbank(config), torch.from_numpy(wanted))


def test_the_filterbank_is_computed_once_per_configuration():
    assert mel_filterbank(MelConfig()) is mel_filterbank(MelConfig())
    assert mel_filterbank(MelConfig(bands=20)).shape == (20, 513)


def test_too_short_audio_is_refused_with_the_needed_length():
    with pytest.raises(AudioError, match="384"):
        log_mel(torch.zeros(1, 384), MEL)
