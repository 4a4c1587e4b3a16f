"""The half of the teacher that makes sound, in torch: from content, F0 and energy to samples.

An iSTFTNet decoder (Kaneko et al. 2022) with adaptive instance norms, as in StyleTTS 2, driven by the harmonics of the
F0 curve. Here the source of sound can also be breath or creak, which the published graph has no input for, and
convolutions may run in bfloat16, which a CPU with matrix units does several times faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

RATE = 24_000
HOP = 300  # samples per value of the F0 and energy curves
VOICED_HZ = 10.0  # F0 above it is voiced
HARMONICS = 9
HARMONIC_LEVEL = 0.1
FFT, FFT_HOP = 20, 5
BINS = FFT // 2 + 1
STYLE_DIM = 128
UP_RATES = (10, 6)
KERNELS = (3, 7, 11)
DILATIONS = (1, 3, 5)
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Source:
    """Excitation of the voice, one value per curve value: F0 in Hz (0 is unvoiced), and shares from 0 to 1.

    breath: of the harmonics, how much noise replaces; creak: how much every second period is weakened and shaken.
    """

    f0: np.ndarray
    breath: np.ndarray
    creak: np.ndarray


class SoundMaker:
    """The decoder as a function of its weights (`graph.sound_weights`)."""

    def __init__(self, weights: Mapping[str, np.ndarray], *, bfloat16: bool = False) -> None:
        self.kind = torch.bfloat16 if bfloat16 else torch.float32
        self.weights = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        for name, weight in self.weights.items():
            if name.endswith(".weight") and weight.dim() == 3:  # one-dimensional convolutions run as (1, kernel) ones
                wide = weight.unsqueeze(2).to(self.kind)
                self.weights[name] = wide.contiguous(memory_format=torch.channels_last)
                bias = name.removesuffix("weight") + "bias"
                if bias in self.weights:
                    self.weights[bias] = self.weights[bias].to(self.kind)

    @torch.inference_mode()
    def __call__(
        self, content: np.ndarray, source: Source, energy: np.ndarray, speaker: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """content: (dim, units); energy: (2 units,); speaker: (>= STYLE_DIM,) -> samples (units * 600,)."""
        style = _tensor(speaker[None, :STYLE_DIM])
        pitch = self._conv("F0_conv", _tensor(source.f0[None, None, None]), stride=2)
        loudness = self._conv("N_conv", _tensor(energy[None, None, None]), stride=2)
        said = _tensor(content[None, :, None])
        x = self._block("encode", torch.cat([said, pitch, loudness], 1), style)
        residual = self._conv("asr_res.asr_res.0", said)
        for number in range(4):
            x = self._block(f"decode.{number}", torch.cat([x, residual, pitch, loudness], 1), style, up=number == 3)
        excited = self._spectrum(excitation(source, self.weights, random))
        spectrum = self._generate(x, excited, style)[0, :, 0].float()
        return self._samples(spectrum[:BINS].exp(), spectrum[BINS:].sin(), len(source.f0) * HOP)

    def _conv(self, name: str, x: Tensor, *, stride: int = 1, dilation: int = 1, padding: int | None = None) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        width = weight.shape[-1]
        padding = (width - 1) * dilation // 2 if padding is None else padding
        given = x.to(self.kind).contiguous(memory_format=torch.channels_last)
        return functional.conv2d(given, weight, bias, (1, stride), (0, padding), (1, dilation))

    def _up(self, name: str, x: Tensor, stride: int, padding: int, **more: int) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        outer = more.get("output_padding", 0)
        return functional.conv_transpose2d(
            x.to(self.kind), weight, bias, (1, stride), (0, padding), (0, outer), more.get("groups", 1)
        )

    def _norm(self, name: str, x: Tensor, style: Tensor) -> Tensor:
        both = style @ self.weights[f"{name}.fc.weight"] + self.weights[f"{name}.fc.bias"]
        scale, shift = both[0].chunk(2)
        # Every channel over time; a batch of one, so this is its norm.
        return functional.batch_norm(x.float(), None, None, 1.0 + scale, shift, training=True, eps=EPSILON)

    def _block(self, name: str, x: Tensor, style: Tensor, *, up: bool = False) -> Tensor:
        beside = functional.interpolate(x, scale_factor=(1.0, 2.0)) if up else x
        beside = self._conv(f"{name}.conv1x1", beside)
        x = functional.leaky_relu(self._norm(f"{name}.norm1", x, style), 0.2)
        if up:
            x = self._up(f"{name}.pool", x, 2, 1, output_padding=1, groups=x.shape[1])
        x = self._conv(f"{name}.conv1", x)
        x = functional.leaky_relu(self._norm(f"{name}.norm2", x, style), 0.2)
        return (self._conv(f"{name}.conv2", x).float() + beside) / math.sqrt(2.0)

    def _snake(self, name: str, x: Tensor) -> Tensor:
        alpha = self.weights[name].reshape(1, -1, 1, 1)
        return torch.addcmul(x, (alpha * x).sin_().square_(), 1.0 / alpha)

    def _resblock(self, name: str, x: Tensor, style: Tensor) -> Tensor:
        for number, dilation in enumerate(DILATIONS):
            y = self._snake(f"{name}.alpha1.{number}", self._norm(f"{name}.adain1.{number}", x, style))
            y = self._conv(f"{name}.convs1.{number}", y, dilation=dilation)
            y = self._snake(f"{name}.alpha2.{number}", self._norm(f"{name}.adain2.{number}", y, style))
            x = x + self._conv(f"{name}.convs2.{number}", y)
        return x

    def _generate(self, x: Tensor, excited: Tensor, style: Tensor) -> Tensor:
        for number, rate in enumerate(UP_RATES):
            last = number == len(UP_RATES) - 1
            later = math.prod(UP_RATES[number + 1 :])
            beside = self._conv(
                f"generator.noise_convs.{number}", excited, stride=later, padding=0 if last else (later + 1) // 2
            )
            beside = self._resblock(f"generator.noise_res.{number}", beside, style)
            x = self._up(f"generator.ups.{number}", functional.leaky_relu(x, 0.1), rate, rate // 2)
            if last:
                x = torch.cat([x[..., 1:2], x], dim=3)  # one value of reflection
            x = x + beside
            blocks = range(number * len(KERNELS), (number + 1) * len(KERNELS))
            made = [self._resblock(f"generator.resblocks.{block}", x, style) for block in blocks]
            x = (made[0] + made[1] + made[2]) / len(KERNELS)
        return self._conv("generator.conv_post", functional.leaky_relu(x, 0.01))

    def _spectrum(self, samples: Tensor) -> Tensor:
        """(samples,) -> (1, 2 * BINS, 1, frames): magnitude and phase."""
        window = torch.hann_window(FFT)
        spectrum = torch.stft(
            samples, FFT, FFT_HOP, window=window, center=True, pad_mode="reflect", return_complex=True
        )
        return torch.cat([spectrum.abs(), spectrum.angle()])[None, :, None]

    def _samples(self, magnitude: Tensor, phase: Tensor, count: int) -> np.ndarray:
        spectrum = torch.polar(magnitude, phase)
        return torch.istft(spectrum, FFT, FFT_HOP, window=torch.hann_window(FFT), center=True, length=count).numpy()


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))


def excitation(source: Source, weights: Mapping[str, Tensor], random: np.random.Generator) -> Tensor:
    """The sound source of the voice: weighted harmonics of F0, breath and creak. Returns (samples,)."""
    f0 = np.repeat(source.f0.astype(np.float64), HOP)
    curve = np.cumsum(source.f0 / RATE) * HOP  # cycles at the end of every curve value
    places = (np.arange(len(f0)) + 0.5) / HOP - 0.5
    cycles = np.interp(places, np.arange(len(curve)), curve)
    voiced = f0 > VOICED_HZ
    harmonics = np.sin(2.0 * np.pi * cycles[None] * np.arange(1, HARMONICS + 1)[:, None]) * (HARMONIC_LEVEL * voiced)
    breath, creak = np.repeat(source.breath, HOP), np.repeat(source.creak, HOP)
    second = 0.5 - 0.5 * np.cos(np.pi * cycles)  # 0 and 1 in turn, period by period
    harmonics = harmonics * (1.0 - breath) * (1.0 - creak * second)
    linear, bias = weights["generator.m_source.l_linear.weight"], weights["generator.m_source.l_linear.bias"]
    mixed = torch.from_numpy(harmonics.astype(np.float32)).T @ linear + bias
    noise = random.standard_normal(len(f0)).astype(np.float32) * (breath * voiced).astype(np.float32)
    return torch.tanh(mixed[:, 0] + HARMONIC_LEVEL * torch.from_numpy(noise))
