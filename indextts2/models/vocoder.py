"""BigVGAN v2 generator: log-mel to waveform (docs/spec/s2m.md#vocoder).

Weight norm is folded into plain convolutions; the anti-aliased activation is computed phase by phase
(docs/spec/s2m.md#activation-by-phases), which never stores the doubled signal interleaved, or on a processor block by
block. Attribute names are the published checkpoint's.

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
BORDER = 5  # samples to either side that both filters look at together; as many of the doubled signal that one does
BLOCK = 32  # samples that one row of a matrix product makes: more waste products on zeros, fewer on borders
CACHED_NUMBERS = 1 << 16  # of a signal; with its temporary copies they fit the cache of one processor core
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


def block_matrix(taps: Tensor, index: Tensor) -> Tensor:
    """A matrix of taps by their index, zero where there is no such tap."""
    count = taps.shape[0]
    return F.pad(taps, (0, 1))[index.where((index >= 0) & (index < count), count)]


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
        """The same by a product with a small matrix before the snake and one after it, a few rows at a time.

        Every block of samples is computed with the samples around it that it hears, so that all passes stay in the
        cache of a processor core.
        """
        batch, _, samples = signal.shape
        rows = signal.reshape(-1, samples)
        scales = [scale.repeat(batch, 1).unsqueeze(-1) for scale in self.act.scales()]
        matrices = self._block_matrices()
        result = torch.empty_like(rows)
        at_once = max(1, CACHED_NUMBERS // samples)
        for part, inner, outer, target in zip(*(x.split(at_once) for x in (rows, *scales, result)), strict=True):
            _activate_into(target, part, inner, outer, matrices)
        return result.view_as(signal)

    def _block_matrices(self) -> tuple[Tensor, Tensor]:
        """Of the two filters for a block: (BLOCK + 2 * BORDER, 2 * (BLOCK + BORDER)) and (the latter, BLOCK)."""
        up, down = self.upsample.filter.flatten(), self.downsample.lowpass.filter.flatten()
        places, doubled = torch.arange(BLOCK + 2 * BORDER), torch.arange(2 * (BLOCK + BORDER))
        double = block_matrix(2 * up, doubled - 2 * places[:, None] + 2 * BORDER)
        return double, block_matrix(down, doubled[:, None] - 2 * places[:BLOCK])


def _activate_into(target: Tensor, rows: Tensor, inner: Tensor, outer: Tensor, matrices: tuple[Tensor, Tensor]) -> None:
    """target, rows: (rows, samples); inner, outer: (rows, 1, 1); matrices: of the filters, before and after"""
    count, samples = rows.shape
    blocks = -(-samples // BLOCK)
    double, halve = matrices
    padded = rows.new_empty(count, blocks * BLOCK + 2 * BORDER)
    padded[:, BORDER : BORDER + samples] = rows
    padded[:, :BORDER], padded[:, BORDER + samples :] = rows[:, :1], rows[:, -1:]
    windows = padded.unfold(-1, BLOCK + 2 * BORDER, BLOCK)  # (rows, blocks, samples)
    at_once = max(1, CACHED_NUMBERS // (BLOCK * count))
    for first in range(0, blocks, at_once):
        own = windows[:, first : first + at_once]
        doubled = (own.flatten(0, 1) @ double).view(*own.shape[:2], -1)
        doubled.addcmul_((doubled * inner).sin_().square_(), outer)
        _replicate_border(doubled, first, samples)
        found = (doubled.flatten(0, 1) @ halve).view(count, -1)
        place = target[:, first * BLOCK : first * BLOCK + found.shape[1]]
        place.copy_(found[:, : place.shape[1]])


def _replicate_border(doubled: Tensor, first: int, samples: int) -> None:
    """What lies outside the doubled signal becomes its first or last sample. doubled: (rows, blocks, samples of each)

    first: number of the first block; samples: of the signal before it was doubled.
    """
    if first == 0:
        doubled[:, 0, :BORDER] = doubled[:, 0, BORDER : BORDER + 1]
    blocks, width = doubled.shape[1:]
    for block in range(max(0, blocks - 2), blocks):
        last = 2 * samples - 1 - (2 * BLOCK * (first + block) - BORDER)
        if last < width - 1:
            doubled[:, block, last + 1 :] = doubled[:, block, last : last + 1]


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
