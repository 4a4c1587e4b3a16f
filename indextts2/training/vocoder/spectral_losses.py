"""Distances between waveforms in the spectral domain: multi-resolution STFT, multi-scale mel, the low band alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...audio.mel import log_mel, stft_magnitude
from ...checks import check_fields
from ...config import MelConfig
from ...errors import TrainingError

OVERLAP = 4  # windows per hop
MAGNITUDE_EPSILON = 1e-7  # inside the root: keeps the gradient of silence finite
LOW_BAND_EPSILON = 1e-2  # the same, some 60 dB below a loud harmonic: what is quieter between harmonics does not count


@dataclass(frozen=True, slots=True)
class SpectralLossSettings:
    """FFT sizes of the STFT distance, and of the mel distance with its bands per size.

    After Parallel WaveGAN (arXiv 1910.11480, section 3.2) and improved RVQGAN (arXiv 2306.06546, section 3.4), as
    BigVGAN v2 uses them.

    low_band_hz, low_band_sizes: the low band and the FFT sizes that tell its harmonics from what lies between them.
    """

    stft_sizes: tuple[int, ...] = (512, 1024, 2048)
    mel_sizes: tuple[int, ...] = (128, 512, 2048)
    mel_bands: tuple[int, ...] = (10, 40, 160)
    low_band_hz: float = 1000.0
    low_band_sizes: tuple[int, ...] = (2048, 4096)

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


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


def low_band_distance(made: Tensor, real: Tensor, sample_rate: int, settings: SpectralLossSettings) -> Tensor:
    """Log-magnitude L1 below `low_band_hz`, averaged over the sizes; the constant component is left out.

    Harmonics of a low voice lie there, close together; of the bins of the other distances it has a tenth.
    made, real: (batch, samples)  ->  scalar
    """
    total = made.new_zeros(())
    for size in settings.low_band_sizes:
        bins = slice(1, round(settings.low_band_hz * size / sample_rate) + 1)
        found = stft_magnitude(made, size, size // OVERLAP, size, LOW_BAND_EPSILON)[:, bins]
        with torch.no_grad():
            wanted = stft_magnitude(real, size, size // OVERLAP, size, LOW_BAND_EPSILON)[:, bins]
        total = total + F.l1_loss(found.log(), wanted.log())
    return total / len(settings.low_band_sizes)
