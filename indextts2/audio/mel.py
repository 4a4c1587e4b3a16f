"""The log-mel spectrogram that S2M produces and the vocoder reads (docs/spec/reference.md#mel)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import MelConfig
from ..errors import AudioError

SLANEY_HZ_PER_MEL = 200.0 / 3  # below the corner
SLANEY_CORNER_HZ = 1000.0
SLANEY_LOG_STEP = np.log(6.4) / 27.0  # above it: 27 steps for a factor of 6.4


def log_mel(waveform: Tensor, config: MelConfig) -> Tensor:
    """Natural-log mel spectrogram; differentiable.

    waveform: (batch, samples) in [-1, 1] at config.sample_rate  ->  (batch, bands, samples // hop)

    Raises AudioError when the waveform is too short for the reflecting border of the first frame.
    """
    border = (config.fft_size - config.hop) // 2
    if waveform.shape[-1] <= border:
        raise AudioError(
            f"The audio has {waveform.shape[-1]} samples, but a mel spectrogram needs more than {border} "
            f"({1000 * border / config.sample_rate:.0f} ms at {config.sample_rate} Hz). Use a longer clip."
        )
    # cuFFT has no half precision, and the smallest energies would vanish in it.
    padded = F.pad(waveform.float().unsqueeze(1), (border, border), mode="reflect").squeeze(1)
    magnitude = stft_magnitude(padded, config.fft_size, config.hop, config.window, config.magnitude_epsilon)
    energy = mel_filterbank(config).to(magnitude.device) @ magnitude  # (batch, bands, frames)
    return energy.clamp(min=config.floor).log()


def stft_magnitude(waveform: Tensor, fft_size: int, hop: int, window: int, epsilon: float) -> Tensor:
    """Magnitude of the short-time spectrum, without centring, with a periodic Hann window.

    waveform: (batch, samples)  ->  (batch, fft_size // 2 + 1, (samples - fft_size) // hop + 1)
    """
    hann = hann_window(window).to(waveform.device)
    spectrum = torch.stft(waveform, fft_size, hop, window, hann, center=False, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + epsilon).sqrt()


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # kept for later calls, which may compute gradients
def hann_window(length: int) -> Tensor:
    return torch.hann_window(length)


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # kept for later calls, which may compute gradients
def mel_filterbank(config: MelConfig) -> Tensor:
    """Triangles of equal area, evenly spaced on Slaney's mel scale, as in librosa. (bands, fft_size // 2 + 1)"""
    high_hz = config.sample_rate / 2 if config.high_hz is None else config.high_hz
    ends = _hz_to_mel(np.array([config.low_hz, high_hz], dtype=np.float64))
    edges = _mel_to_hz(np.linspace(ends[0], ends[1], config.bands + 2))  # (bands + 2,) in Hz
    bins = np.fft.rfftfreq(config.fft_size, 1.0 / config.sample_rate)
    distance = edges[:, None] - bins
    width = np.diff(edges)[:, None]
    rising, falling = -distance[:-2] / width[:-1], distance[2:] / width[1:]
    triangles = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    area = 2.0 / (edges[2:] - edges[:-2])
    return torch.from_numpy((triangles * area[:, None]).astype(np.float32))


def _hz_to_mel(hertz: np.ndarray) -> np.ndarray:
    """Slaney's scale: even steps up to a corner, even ratios above it."""
    above = SLANEY_CORNER_HZ / SLANEY_HZ_PER_MEL + np.log(np.maximum(hertz, SLANEY_CORNER_HZ) / SLANEY_CORNER_HZ) / (
        SLANEY_LOG_STEP
    )
    return np.where(hertz >= SLANEY_CORNER_HZ, above, hertz / SLANEY_HZ_PER_MEL)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    corner = SLANEY_CORNER_HZ / SLANEY_HZ_PER_MEL
    above = SLANEY_CORNER_HZ * np.exp(SLANEY_LOG_STEP * (mel - corner))
    return np.where(mel >= corner, above, mel * SLANEY_HZ_PER_MEL)
