"""Distances between waveforms in the spectral domain: multi-resolution STFT and multi-scale mel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio.mel import log_mel, stft_magnitude
from ..config import MelConfig

OVERLAP = 4  # windows per hop
MAGNITUDE_EPSILON = 1e-7  # inside the root: keeps the gradient of silence finite


@dataclass(frozen=True, slots=True)
class SpectralLossSettings:
    """FFT sizes of the STFT distance (Yamamoto et al., Parallel WaveGAN, section 3.2), and of the mel distance with its
    bands per size (Kumar et al., improved RVQGAN, section 3.4, as BigVGAN v2 uses it)."""

    stft_sizes: tuple[int, ...] = (512, 1024, 2048)
    mel_sizes: tuple[int, ...] = (128, 512, 2048)
    mel_bands: tuple[int, ...] = (10, 40, 160)


def stft_distance(made: Tensor, real: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Spectral convergence plus log-magnitude L1, averaged over the sizes.

    made, real: (batch, samples)  ->  scalar
    """
    total = made.new_zeros(())
    for size in sizes:
        found = stft_magnitude(made, size, size // OVERLAP, size, MAGNITUDE_EPSILON)
        with torch.no_grad():
            wanted = stft_magnitude(real, size, size // OVERLAP, size, MAGNITUDE_EPSILON)
        convergence = (wanted - found).norm() / wanted.norm().clamp(min=MAGNITUDE_EPSILON)
        total = total + convergence + F.l1_loss(found.log(), wanted.log())
    return total / len(sizes)


def mel_distance(made: Tensor, real: Tensor, mel: MelConfig, settings: SpectralLossSettings) -> Tensor:
    """L1 between log-mels of several window sizes, averaged, and of the vocoder's own mel.

    made, real: (batch, samples)  ->  scalar
    """
    scales = [
        replace(mel, fft_size=size, window=size, hop=size // OVERLAP, bands=bands)
        for size, bands in zip(settings.mel_sizes, settings.mel_bands, strict=True)
    ]
    total = made.new_zeros(())
    for scale in (*scales, mel):
        with torch.no_grad():
            wanted = log_mel(real, scale)
        total = total + F.l1_loss(log_mel(made, scale), wanted)
    return total / (len(scales) + 1)
