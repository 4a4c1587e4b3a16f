"""The vocoder's activation with a backward pass of its own, for training on processors.

A compiler turns the forward pass into few loops, but the gradient it derives pads and adds every shifted copy of the
signal by itself, which takes most of a training step. Written out, the gradient is again two filters around a
pointwise function, as fast as the forward pass.

Dimensions: batch, channels, samples (N).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.vocoder import PHASE_REACH, AntiAliasedActivation, filter_channels, snake

TAPS = 2 * PHASE_REACH  # of one phase of the low-pass filter
BEFORE_FIRST, BEFORE_SECOND = 2, 3  # copies of the border that the second filter sees before each phase
FULL = TAPS - 1  # zeros on either side that turn a filter into its transpose


def fuse(activation: AntiAliasedActivation) -> None:
    """Let this activation run compiled, forward and backward; what it computes and its weights stay the same."""
    activation.forward = partial(fused, activation)  # type: ignore[method-assign]


def fused(activation: AntiAliasedActivation, signal: Tensor) -> Tensor:
    """(batch, channels, samples) -> the same, as `AntiAliasedActivation.forward`"""
    if not torch.is_grad_enabled():  # lengths change there, and each would be compiled anew
        return AntiAliasedActivation.forward(activation, signal)
    up_even, up_odd = activation.upsample.phases()
    down_even, down_odd = activation.downsample.lowpass.phases()
    up = torch.stack([2 * up_odd.flip(0), 2 * up_even.flip(0)])
    output: Tensor = _Fused.apply(signal, *activation.act.scales(), up, torch.stack([down_odd, down_even]))
    return output


class _Fused(torch.autograd.Function):
    """up, down: (2, taps), the filters of the even places and of the odd ones."""

    @staticmethod
    def forward(ctx: Any, signal: Tensor, inner: Tensor, outer: Tensor, up: Tensor, down: Tensor) -> Tensor:
        padded = F.pad(signal, (PHASE_REACH, PHASE_REACH), mode="replicate")
        ctx.save_for_backward(padded, inner, outer, up, down)
        first, second = _phases(padded, inner, outer, up)
        return _lowered(*_bordered(first, second), down)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        padded, inner, outer, up, down = ctx.saved_tensors
        first, second = _spread(F.pad(gradients[0], (FULL, FULL)), down)
        width = gradients[0].shape[-1]
        first, second = _unbordered(first, second, width)
        first, second, *scales = _through_snake(padded, first, second, inner, outer, up)
        whole = _gathered(F.pad(first, (FULL, FULL + 1)), F.pad(second, (FULL + 1, FULL)), up)
        signal = whole[..., PHASE_REACH:-PHASE_REACH]
        signal[..., 0] += whole[..., :PHASE_REACH].sum(dim=-1)
        signal[..., -1] += whole[..., -PHASE_REACH:].sum(dim=-1)
        by_inner, by_outer = (scale.sum(dim=0).unsqueeze(-1) for scale in scales)
        return signal, by_inner, by_outer, None, None


def _bordered(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The doubled signal's border repeats its first sample (an even place) and its last (an odd one). N -> N + 5"""
    left, right = first[..., :1], second[..., -1:]
    return torch.cat([left, left, first, right, right, right], dim=-1), torch.cat(
        [left, left, left, second, right, right], dim=-1
    )


def _unbordered(first: Tensor, second: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """The gradient of `_bordered`. N + 5 -> N"""
    left = first[..., :BEFORE_FIRST].sum(dim=-1) + second[..., :BEFORE_SECOND].sum(dim=-1)
    right = first[..., BEFORE_FIRST + width :].sum(dim=-1) + second[..., BEFORE_SECOND + width :].sum(dim=-1)
    first, second = first[..., BEFORE_FIRST:][..., :width], second[..., BEFORE_SECOND:][..., :width]
    first[..., 0] += left
    second[..., -1] += right
    return first, second


@torch.compile(dynamic=False)
def _phases(padded: Tensor, inner: Tensor, outer: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    first = snake(filter_channels(padded[..., :-1], up[0]), inner, outer)
    return first, snake(filter_channels(padded[..., 1:], up[1]), inner, outer)


@torch.compile(dynamic=False)
def _lowered(first: Tensor, second: Tensor, down: Tensor) -> Tensor:
    return filter_channels(first, down[0]) + filter_channels(second, down[1])


@torch.compile(dynamic=False)
def _spread(gradient: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of `_lowered`, of a gradient with zeros on either side. N + 10 -> N + 5"""
    return filter_channels(gradient, down[0].flip(0)), filter_channels(gradient, down[1].flip(0))


@torch.compile(dynamic=False)
def _through_snake(
    padded: Tensor, first: Tensor, second: Tensor, inner: Tensor, outer: Tensor, up: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of both phases before the snake, and of its two scales: (batch, channels) each."""
    gradients, by_inner, by_outer = [], [], []
    for phase, gradient in enumerate((first, second)):
        signal = filter_channels(padded[..., phase : padded.shape[-1] - 1 + phase], up[phase])
        sine, cosine = torch.sin(signal * inner), torch.cos(signal * inner)
        slope = 2.0 * sine * cosine * outer
        gradients.append(gradient * (1.0 + slope * inner))
        by_inner.append((gradient * slope * signal).sum(dim=-1))
        by_outer.append((gradient * sine * sine).sum(dim=-1))
    return gradients[0], gradients[1], by_inner[0] + by_inner[1], by_outer[0] + by_outer[1]


@torch.compile(dynamic=False)
def _gathered(first: Tensor, second: Tensor, up: Tensor) -> Tensor:
    """The gradient of the first filters, of gradients with zeros on either side. -> N + 6"""
    return filter_channels(first, up[0].flip(0)) + filter_channels(second, up[1].flip(0))
