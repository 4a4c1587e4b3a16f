"""BigVGAN v2 generator: log-mel to waveform (docs/spec/s2m.md#vocoder).

Weight norm is folded into plain convolutions; the anti-aliased activation is computed phase by phase
(docs/spec/s2m.md#activation-by-phases), which never stores the doubled signal interleaved. Attribute names are the
published checkpoint's.

Dimensions: batch, bands, frames, channels, samples (of whatever clock a stage runs at).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import VocoderConfig
from .fewer_products import WideConv

EDGE_KERNEL = 7  # first and last convolution
FILTER_TAPS = 12  # anti-aliasing low-pass, docs/spec/s2m.md#anti-aliased-activation
FILTER_CUTOFF = 0.25
FILTER_HALF_WIDTH = 0.3
PHASE_REACH = 3  # samples that half of the taps look to either side
SNAKE_EPSILON = 1e-9
CACHED_NUMBERS = 1 << 17  # of a signal; with its temporary copies they fit the cache of one processor core
INITIAL_DEVIATION = 0.01  # of convolution weights before training, as BigVGAN and HiFi-GAN


def kaiser_low_pass(taps: int, cutoff: float, half_width: float) -> Tensor:
    """Kaiser-windowed sinc of sum one; the window's shape follows Kaiser's formula for 50 dB and more. (taps,)"""
    attenuation = 2.285 * (taps // 2 - 1) * math.pi * 4 * half_width + 7.95
    window = torch.kaiser_window(taps, periodic=False, beta=0.1102 * (attenuation - 8.7))
    time = torch.arange(taps) - (taps - 1) / 2
    response = 2 * cutoff * window * torch.sinc(2 * cutoff * time)
    return response / response.sum()


def filter_channels(signal: Tensor, taps: Tensor) -> Tensor:
    """Correlate every channel with the same few taps, without padding.

    signal: (batch, channels, samples); taps: (n,)  ->  (batch, channels, samples - n + 1)

    A compiler fuses the sum of shifted copies with its neighbours; without one a depthwise convolution is faster.
    """
    if torch.compiler.is_compiling():
        width = signal.shape[-1] - taps.shape[0] + 1
        return sum(
            (signal[..., k : k + width] * taps[k] for k in range(1, taps.shape[0])), signal[..., :width] * taps[0]
        )
    channels = signal.shape[1]
    return F.conv1d(signal, taps.expand(channels, 1, -1), groups=channels)


def filter_into(target: Tensor, signal: Tensor, taps: Tensor, *, add: bool = False) -> None:
    """`filter_channels` into memory that is there, as a sum of shifted copies. target: (batch, channels, samples)"""
    for k, tap in enumerate(taps.tolist()):
        shifted = signal[..., k : k + target.shape[-1]]
        if k or add:
            target.add_(shifted, alpha=tap)
        else:
            torch.mul(shifted, tap, out=target)


class LowPass(nn.Module):
    """Holds the anti-aliasing filter under the checkpoint's name."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", kaiser_low_pass(FILTER_TAPS, FILTER_CUTOFF, FILTER_HALF_WIDTH).view(1, 1, -1))
        self.filter: Tensor

    def phases(self) -> tuple[Tensor, Tensor]:
        """Taps of even and of odd index, (6,) each."""
        taps = self.filter.flatten()
        return taps[0::2], taps[1::2]


class Downsample(nn.Module):
    """Holds the filter one level deeper, as the checkpoint does."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = LowPass()


class Snake(nn.Module):
    """x + sin^2(alpha x) / beta, with one alpha and beta per channel (SnakeBeta of BigVGAN)."""

    def __init__(self, channels: int, *, logscale: bool) -> None:
        super().__init__()
        initial = torch.zeros(channels) if logscale else torch.ones(channels)
        self.logscale = logscale
        self.alpha = nn.Parameter(initial.clone())
        self.beta = nn.Parameter(initial.clone())

    def scales(self) -> tuple[Tensor, Tensor]:
        """Factor inside the sine and factor on its square, (channels, 1) each."""
        alpha = self.alpha.exp() if self.logscale else self.alpha
        beta = self.beta.exp() if self.logscale else self.beta
        return alpha.unsqueeze(-1), (1.0 / (beta + SNAKE_EPSILON)).unsqueeze(-1)


def snake(signal: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """(batch, channels, samples) -> the same"""
    return signal + torch.sin(signal * inner).square() * outer


class AntiAliasedActivation(nn.Module):
    """Snake at twice the sample rate, between two low-pass filters.

    The doubled signal exists only as its two phases: one of the samples at even, one of those at odd places.
    """

    def __init__(self, channels: int, *, logscale: bool) -> None:
        super().__init__()
        self.act = Snake(channels, logscale=logscale)
        self.upsample = LowPass()
        self.downsample = Downsample()

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, samples) -> the same"""
        if signal.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return self._in_blocks(signal)
        inner, outer = self.act.scales()
        up_even, up_odd = self.upsample.phases()
        down_even, down_odd = self.downsample.lowpass.phases()

        padded = F.pad(signal, (PHASE_REACH, PHASE_REACH), mode="replicate")
        first = snake(filter_channels(padded[..., :-1], 2 * up_odd.flip(0)), inner, outer)  # even places
        second = snake(filter_channels(padded[..., 1:], 2 * up_even.flip(0)), inner, outer)  # odd places

        # Replicating the doubled signal's border repeats its first sample (an even place) and its last (an odd one).
        left, right = first[..., :1], second[..., -1:]
        first = torch.cat([left, left, first, right, right, right], dim=-1)
        second = torch.cat([left, left, left, second, right, right], dim=-1)
        return filter_channels(first, down_odd) + filter_channels(second, down_even)

    def _in_blocks(self, signal: Tensor) -> Tensor:
        """The same, a few channels at a time, so that all passes but the first and last stay in a processor's cache."""
        inner, outer = self.act.scales()
        channels = max(1, CACHED_NUMBERS // (signal.shape[0] * signal.shape[2]))
        result = torch.empty_like(signal)
        blocks = (part.split(channels, dim=-2) for part in (signal, inner, outer, result))
        for part, own_inner, own_outer, target in zip(*blocks, strict=True):
            self._activate_into(target, part, own_inner, own_outer)
        return result

    def _activate_into(self, target: Tensor, signal: Tensor, inner: Tensor, outer: Tensor) -> None:
        samples = signal.shape[-1]
        up_even, up_odd = self.upsample.phases()
        down_even, down_odd = self.downsample.lowpass.phases()
        padded = F.pad(signal, (PHASE_REACH, PHASE_REACH), mode="replicate")
        first = signal.new_empty(*signal.shape[:-1], samples + 2 * PHASE_REACH - 1)
        second = torch.empty_like(first)
        even, odd = first[..., 2 : 2 + samples], second[..., 3 : 3 + samples]
        filter_into(even, padded, 2 * up_odd.flip(0))
        filter_into(odd, padded[..., 1:], 2 * up_even.flip(0))
        for phase in (even, odd):
            phase.addcmul_((phase * inner).sin_().square_(), outer)
        first[..., :2], second[..., :3] = even[..., :1], even[..., :1]
        first[..., 2 + samples :], second[..., 3 + samples :] = odd[..., -1:], odd[..., -1:]
        filter_into(target, first, down_odd)
        filter_into(target, second, down_even, add=True)


class ResidualBlock(nn.Module):
    """Three dilated residual steps of one kernel width."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], *, logscale: bool) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(WideConv(channels, kernel, dilation=dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(WideConv(channels, kernel) for _ in dilations)
        self.activations = nn.ModuleList(
            AntiAliasedActivation(channels, logscale=logscale) for _ in range(2 * len(dilations))
        )

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, samples) -> the same"""
        for step, (dilated, plain) in enumerate(zip(self.convs1, self.convs2, strict=True)):
            hidden = dilated(self.activations[2 * step](signal))
            signal = signal + plain(self.activations[2 * step + 1](hidden))
        return signal


class Vocoder(nn.Module):
    """The generator. Every frame becomes `hop` samples, the product of the upsampling rates."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.hop = math.prod(config.upsample_rates)
        widths = [config.initial_channels >> stage for stage in range(len(config.upsample_rates) + 1)]
        self.conv_pre = nn.Conv1d(config.bands, widths[0], EDGE_KERNEL, padding=EDGE_KERNEL // 2)
        self.ups = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose1d(wide, narrow, kernel, rate, padding=(kernel - rate) // 2))
            for wide, narrow, kernel, rate in zip(
                widths[:-1], widths[1:], config.upsample_kernels, config.upsample_rates, strict=True
            )
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations, logscale=config.snake_logscale)
            for width in widths[1:]
            for kernel, dilations in zip(config.residual_kernels, config.residual_dilations, strict=True)
        )
        self.activation_post = AntiAliasedActivation(widths[-1], logscale=config.snake_logscale)
        self.conv_post = nn.Conv1d(widths[-1], 1, EDGE_KERNEL, padding=EDGE_KERNEL // 2, bias=config.bias_at_end)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the convolution weights for training from scratch."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                module.weight.normal_(0.0, INITIAL_DEVIATION, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()

    def forward(self, mel: Tensor) -> Tensor:
        """mel: (batch, bands, frames)  ->  (batch, 1, frames * hop) in [-1, 1]"""
        signal = self.conv_pre(mel)
        kernels = len(self.config.residual_kernels)
        for stage, upsample in enumerate(self.ups):
            signal = upsample(signal)
            blocks = self.resblocks[stage * kernels : (stage + 1) * kernels]
            signal = torch.stack([block(signal) for block in blocks]).mean(0) if kernels > 1 else blocks[0](signal)
        signal = self.conv_post(self.activation_post(signal))
        return torch.tanh(signal) if self.config.tanh_at_end else signal.clamp(-1.0, 1.0)

    def context_frames(self) -> int:
        """Frames to either side that can influence a frame's samples: the receptive field, rounded up."""
        config = self.config
        reach = EDGE_KERNEL // 2 + 2 * PHASE_REACH  # of the last layers, in samples
        steps = list(zip(config.residual_kernels, config.residual_dilations, strict=True))
        for rate, kernel in zip(reversed(config.upsample_rates), reversed(config.upsample_kernels), strict=True):
            reach += max(
                sum((width // 2) * (dilation + 1) + 4 * PHASE_REACH for dilation in dilations)
                for width, dilations in steps
            )
            reach = math.ceil((reach + kernel) / rate)
        return reach + EDGE_KERNEL // 2
