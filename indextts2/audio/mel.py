"""The log-mel spectrogram that S2M produces and the vocoder reads (spec/s2m.md section 2)."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import MelConfig
from ..errors import AudioError


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
def hann_window(length: int) -> Tensor:
    return torch.hann_window(length)


@lru_cache(maxsize=32)
def mel_filterbank(config: MelConfig) -> Tensor:
    """Slaney-scaled, area-normalised triangles. (bands, fft_size // 2 + 1)"""
    from librosa.filters import mel

    triangles = mel(
        sr=config.sample_rate, n_fft=config.fft_size, n_mels=config.bands, fmin=config.low_hz, fmax=config.high_hz
    )
    return torch.from_numpy(triangles)
