"""Discriminators for the vocoder, at a width a CPU can train.

Multi-period (HiFi-GAN, arXiv 2010.05646, section 2.3) and multi-resolution (UnivNet, arXiv 2106.07889, section 2.2).

Differs from the paper: BigVGAN v2 uses sub-band CQT discriminators; these need a package that pulls in another torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ...audio.mel import stft_magnitude
from ...checks import check_fields
from ...errors import TrainingError

LEAK = 0.1
PERIOD_KERNEL, PERIOD_STRIDE = 5, 3
SPECTRUM_KERNEL, SPECTRUM_STRIDE = (3, 9), (1, 2)
LAST_KERNEL = 3
OVERLAP = 4
MAGNITUDE_EPSILON = 1e-7

Judgement = tuple[Tensor, list[Tensor]]
"""Scores of a discriminator, and the features of its layers."""


@dataclass(frozen=True, slots=True)
class DiscriminatorSettings:
    """periods in samples; widths: channels of the layers of each kind."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    period_widths: tuple[int, ...] = (8, 16, 32, 64)
    fft_sizes: tuple[int, ...] = (512, 1024, 2048)
    spectrum_widths: tuple[int, ...] = (8, 16, 16, 16)

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


class PeriodDiscriminator(nn.Module):
    """Sees every `period`-th sample side by side."""

    def __init__(self, period: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.period = period
        self.layers = _layers(widths, (PERIOD_KERNEL, 1), (PERIOD_STRIDE, 1))
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (LAST_KERNEL, 1), padding=(LAST_KERNEL // 2, 0)))

    def forward(self, waveform: Tensor) -> Judgement:
        """waveform: (batch, samples)"""
        missing = -waveform.shape[-1] % self.period
        padded = F.pad(waveform.unsqueeze(1), (0, missing), mode="reflect")
        return _judge(self.layers, self.last, padded.unflatten(-1, (-1, self.period)))


class SpectrumDiscriminator(nn.Module):
    """Sees the magnitude spectrum at one resolution."""

    def __init__(self, fft_size: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.fft_size = fft_size
        self.layers = _layers(widths, SPECTRUM_KERNEL, SPECTRUM_STRIDE)
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, LAST_KERNEL, padding=LAST_KERNEL // 2))

    def forward(self, waveform: Tensor) -> Judgement:
        """waveform: (batch, samples)"""
        size = self.fft_size
        magnitude = stft_magnitude(waveform, size, size // OVERLAP, size, MAGNITUDE_EPSILON)
        return _judge(self.layers, self.last, magnitude.transpose(1, 2).unsqueeze(1))  # (batch, 1, frames, bins)


class Discriminators(nn.Module):
    """All of them."""

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [PeriodDiscriminator(period, settings.period_widths) for period in settings.periods]
            + [SpectrumDiscriminator(size, settings.spectrum_widths) for size in settings.fft_sizes]
        )

    def forward(self, waveform: Tensor) -> list[Judgement]:
        """waveform: (batch, samples)"""
        return [judge(waveform) for judge in self.judges]


def discriminator_loss(real: list[Judgement], made: list[Judgement]) -> Tensor:
    """Least-squares loss: real speech scores one, made speech zero (HiFi-GAN eq. 1)."""
    terms = [
        (1 - wanted).square().mean() + found.square().mean() for (wanted, _), (found, _) in zip(real, made, strict=True)
    ]
    return torch.stack(terms).mean()


def adversarial_loss(made: list[Judgement]) -> Tensor:
    """Distance of the scores of made speech from one (HiFi-GAN eq. 2)."""
    return torch.stack([(1 - score).square().mean() for score, _ in made]).mean()


def feature_distance(real: list[Judgement], made: list[Judgement]) -> Tensor:
    """L1 between the features of real and made speech, averaged over the layers (HiFi-GAN eq. 4)."""
    terms = [
        F.l1_loss(found, wanted.detach())
        for (_, features), (_, made_features) in zip(real, made, strict=True)
        for wanted, found in zip(features, made_features, strict=True)
    ]
    return torch.stack(terms).mean()


def _layers(widths: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int]) -> nn.ModuleList:
    padding = (kernel[0] // 2, kernel[1] // 2)
    pairs = zip((1, *widths[:-1]), widths, strict=True)
    return nn.ModuleList(weight_norm(nn.Conv2d(narrow, wide, kernel, stride, padding)) for narrow, wide in pairs)


def _judge(layers: nn.ModuleList, last: nn.Module, signal: Tensor) -> Judgement:
    features = []
    for layer in layers:
        signal = F.leaky_relu(layer(signal), LEAK)
        features.append(signal)
    return last(signal), features
