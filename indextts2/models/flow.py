"""Flow estimator: the velocity of a noisy mel, by a DiT with U-Net skips and a WaveNet head.

Source: docs/spec/s2m.md#flow-estimator.

One evaluation needs three things, each computed as rarely as it can be:
`FlowContext` (prompt, style and semantic condition; once per line), `TimeConditions` (everything that depends on the
time alone; once for all steps of a line), and the noisy mel (every step).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import FlowConfig
from .wavenet import WaveNet

ADAPTIVE_NORM_EPSILON = 1e-5
FINAL_NORM_EPSILON = 1e-6
ROTARY_BASE = 10_000.0
TIME_SCALE = 1000.0  # the time in 0..1 is embedded as if it ran in 0..1000
TIME_BASE = 10_000.0
FEED_FORWARD_MULTIPLE = 256  # the inner width of the feed-forward is rounded up to this
QUERIES_AT_ONCE = 2048  # frames whose attention is computed together: longer speech can be cancelled in between


def feed_forward_width(width: int) -> int:
    """Two thirds of four times the width, rounded up: 1536 for 512."""
    wanted = 8 * width // 3
    return math.ceil(wanted / FEED_FORWARD_MULTIPLE) * FEED_FORWARD_MULTIPLE


@dataclass(frozen=True, slots=True)
class TimeConditions:
    """One or several times as the estimator takes them; the first axis is the times, or one per batch row.

    norm_scale, norm_shift: (times, norms, width) of the adaptive norms in order of use, the learned norm weight
    multiplied in; gates: (times, layers * 2 * width, 1) for the WaveNet; final_scale, final_shift: (times, width).
    """

    norm_scale: Tensor
    norm_shift: Tensor
    gates: Tensor
    final_scale: Tensor
    final_shift: Tensor

    def at(self, step: int) -> TimeConditions:
        """The conditions of one time, for all rows of a batch."""
        rows = slice(step, step + 1)
        return TimeConditions(
            self.norm_scale[rows],
            self.norm_shift[rows],
            self.gates[rows],
            self.final_scale[rows],
            self.final_shift[rows],
        )

    def copy(self) -> TimeConditions:
        """The same numbers in memory of its own."""
        return TimeConditions(*(getattr(self, field.name).clone() for field in fields(self)))

    def take(self, other: TimeConditions) -> None:
        """Write the numbers of another one of the same shapes into this one's memory."""
        for field in fields(self):
            getattr(self, field.name).copy_(getattr(other, field.name))


@dataclass(frozen=True, slots=True)
class FlowContext:
    """Inputs that stay the same through all steps of a batch.

    content: (rows, frames, width), the share of prompt, style and semantic condition in the merge layer; key_mask:
    (batch, 1, 1, frames), None where all frames are valid; first: frames before this one are attended to, and left out
    of what follows the last attention; frame_mask: (batch, 1, frames from `first`) and reflection: see WaveNet.
    """

    content: Tensor
    rotary: Tensor
    key_mask: Tensor | None = None
    frame_mask: Tensor | None = None
    reflection: dict[tuple[int, int], Tensor] | None = None
    first: int = 0


class TimeEmbedder(nn.Module):
    """Sinusoidal features of the time, cosine first, through two linears."""

    freqs: Tensor

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        half = features // 2
        exponents = torch.arange(half, dtype=torch.float32) / half
        self.register_buffer("freqs", torch.exp(-math.log(TIME_BASE) * exponents))
        self.mlp = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time: Tensor) -> Tensor:
        """time (batch,) in 0..1 -> (batch, width)."""
        angles = TIME_SCALE * time[:, None] * self.freqs[None, :]
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1))


class NormWeight(nn.Module):
    """Holds the learned weight of an RMS norm under its published key."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class AdaptiveNorm(nn.Module):
    """RMS norm whose scale and shift come from the time; the scale has no "1 +" and no activation precedes it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project_layer = nn.Linear(width, 2 * width)
        self.norm = NormWeight(width)
        with torch.no_grad():  # begin as a plain norm
            self.project_layer.bias[:width] += 1.0

    def condition(self, time_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """(times, width) -> scale and shift, each (times, width)."""
        scale, shift = self.project_layer(time_embedding).chunk(2, dim=-1)
        return scale * self.norm.weight, shift


def adaptive_norm(hidden: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """hidden (batch, frames, width), scale and shift (batch or 1, width)."""
    normalised = F.rms_norm(hidden, hidden.shape[-1:], eps=ADAPTIVE_NORM_EPSILON)
    return torch.addcmul(shift[:, None], normalised, scale[:, None])


def rotary_table(frame_count: int, head_dim: int, device: torch.device) -> Tensor:
    """Cosine and sine of each position and pair: (2, frames, 1, head_dim / 2)."""
    pairs = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
    positions = torch.arange(frame_count, dtype=torch.float32, device=device)
    angles = torch.outer(positions, ROTARY_BASE**-pairs)
    return torch.stack([angles.cos(), angles.sin()])[:, :, None, :]


def rotate(hidden: Tensor, rotary: Tensor) -> Tensor:
    """Turn adjacent pairs of the last axis by their position's angle. hidden (batch, frames, heads, head_dim).

    The turned pairs come out as two halves instead of interleaved. Queries and keys share that order, so their dot
    products are unchanged.
    """
    even, odd = hidden[..., 0::2], hidden[..., 1::2]
    cosine, sine = rotary[0], rotary[1]
    turned = torch.cat([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1)
    return turned.to(hidden.dtype)  # the angles stay in float32


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of (batch, heads, queries, head_dim) over (batch, heads, keys, head_dim); mask broadcasts to its shape.

    Where gradients are wanted on a processor, by plain products: with its backward pass the fused kernel takes twice to
    thrice as long.
    """
    if query.device.type != "cpu" or not query.requires_grad or mask is not None:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    return scores.softmax(dim=-1) @ value


class Attention(nn.Module):
    """Bidirectional attention with rotary positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.wqkv = nn.Linear(width, 3 * width, bias=False)
        self.wo = nn.Linear(width, width, bias=False)

    def forward(self, hidden: Tensor, rotary: Tensor, key_mask: Tensor | None = None, first: int = 0) -> Tensor:
        """hidden (batch, frames, width) -> the frames from `first` on, as many wide.

        key_mask broadcasts to (batch, heads, frames, frames).
        """
        query, key, value = self.wqkv(hidden).unflatten(-1, (3, self.heads, -1)).unbind(2)
        query, key = rotate(query[:, first:], rotary[:, first:]), rotate(key, rotary)
        key, value = key.transpose(1, 2), value.transpose(1, 2)  # (batch, heads, frames, head_dim) each
        parts = [
            self.wo(attend(part, key, value, key_mask).transpose(1, 2).flatten(2))
            for part in query.transpose(1, 2).split(QUERIES_AT_ONCE, dim=2)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class FeedForward(nn.Module):
    """Gated feed-forward, SwiGLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = feed_forward_width(width)
        self.w1 = nn.Linear(width, inner, bias=False)
        self.w2 = nn.Linear(inner, width, bias=False)
        self.w3 = nn.Linear(width, inner, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(hidden)) * self.w3(hidden))


class Block(nn.Module):
    """One transformer layer; in the second half it first takes up the output of its mirror layer."""

    def __init__(self, config: FlowConfig, *, takes_skip: bool) -> None:
        super().__init__()
        self.attention = Attention(config.width, config.heads)
        self.feed_forward = FeedForward(config.width)
        self.ffn_norm = AdaptiveNorm(config.width)
        self.attention_norm = AdaptiveNorm(config.width)
        if takes_skip:
            self.skip_in_linear = nn.Linear(2 * config.width, config.width)

    def forward(
        self,
        hidden: Tensor,
        scales: Tensor,
        shifts: Tensor,
        context: FlowContext,
        skip: Tensor | None = None,
        first: int = 0,
    ) -> Tensor:
        """hidden (batch, frames, width), scales and shifts (batch or 1, 2, width) -> its frames from `first` on."""
        if skip is not None:
            hidden = self.skip_in_linear(torch.cat([hidden, skip], dim=-1))
        normed = adaptive_norm(hidden, scales[:, 0], shifts[:, 0])
        hidden = hidden[:, first:] + self.attention(normed, context.rotary, context.key_mask, first)
        normed = adaptive_norm(hidden, scales[:, 1], shifts[:, 1])
        return hidden + self.feed_forward(normed)


class Transformer(nn.Module):
    """Blocks with U-Net skips: the first half of the layers is remembered, the second half takes it up, last first."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.middle = config.depth // 2  # this layer neither gives nor takes
        self.layers = nn.ModuleList(Block(config, takes_skip=layer > self.middle) for layer in range(config.depth))
        self.norm = AdaptiveNorm(config.width)

    def condition(self, time_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """(times, width) -> scales and shifts of all norms in order of use, each (times, norms, width)."""
        blocks = cast(Iterable[Block], self.layers)
        norms = [norm for block in blocks for norm in (block.attention_norm, block.ffn_norm)] + [self.norm]
        pairs = [norm.condition(time_embedding) for norm in norms]
        return torch.stack([scale for scale, _ in pairs], 1), torch.stack([shift for _, shift in pairs], 1)

    def forward(self, hidden: Tensor, scales: Tensor, shifts: Tensor, context: FlowContext) -> Tensor:
        """hidden (batch, frames, width) -> its frames from `context.first` on. scales and shifts as of `condition`."""
        remembered: list[Tensor] = []
        last = len(self.layers) - 1
        for index, block in enumerate(self.layers):
            skip = remembered.pop() if index > self.middle else None
            own = slice(2 * index, 2 * index + 2)
            first = context.first if index == last else 0
            hidden = block(hidden, scales[:, own], shifts[:, own], context, skip, first)
            if index < self.middle:
                remembered.append(hidden)
        return adaptive_norm(hidden, scales[:, -1], shifts[:, -1])


class FinalLayer(nn.Module):
    """Layer norm modulated by the time ("1 +" on the scale here), then a linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def condition(self, time_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """(times, width) -> scale with its "1 +", and shift."""
        shift, scale = self.adaLN_modulation(time_embedding).chunk(2, dim=-1)
        return 1.0 + scale, shift

    def forward(self, hidden: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        normalised = F.layer_norm(hidden, hidden.shape[-1:], eps=FINAL_NORM_EPSILON)
        return self.linear(torch.addcmul(shift[:, None], normalised, scale[:, None]))


class FlowEstimator(nn.Module):
    """Velocity of the flow from noise to mel."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        width, bands = config.width, config.bands
        self.bands, self.head_dim = bands, width // config.heads
        self.transformer = Transformer(config)
        self.t_embedder = TimeEmbedder(config.time_dim, width)
        self.t_embedder2 = TimeEmbedder(config.time_dim, config.wavenet.width)
        self.cond_projection = nn.Linear(config.content_dim, width)
        self.cond_x_merge_linear = nn.Linear(2 * bands + width + config.style_dim, width)
        self.skip_linear = nn.Linear(width + bands, width)
        self.conv1 = nn.Linear(width, config.wavenet.width)
        self.wavenet = WaveNet(config.wavenet)
        self.res_projection = nn.Linear(width, config.wavenet.width)
        self.final_layer = FinalLayer(config.wavenet.width)
        self.conv2 = nn.Conv1d(config.wavenet.width, bands, 1)

    def time_conditions(self, time: Tensor) -> TimeConditions:
        """time (times,) in 0..1. For a sampler: all its steps at once; for training: one time per row."""
        embedding = self.t_embedder(time)
        norm_scale, norm_shift = self.transformer.condition(embedding)
        final_scale, final_shift = self.final_layer.condition(embedding)
        gates = self.wavenet.condition(self.t_embedder2(time))
        return TimeConditions(norm_scale, norm_shift, gates, final_scale, final_shift)

    def content(self, prompt_mel: Tensor, style: Tensor, condition: Tensor) -> Tensor:
        """Share of the constant inputs in the merge layer: (batch, frames, width).

        prompt_mel (batch, bands, frames), zero after the prompt; style (batch, style_dim); condition
        (batch, frames, content_dim), the length regulator's output.
        """
        bands, width = self.bands, self.cond_projection.out_features
        weight = self.cond_x_merge_linear.weight
        merged = F.linear(prompt_mel.transpose(1, 2), weight[:, bands : 2 * bands], self.cond_x_merge_linear.bias)
        merged = merged + F.linear(self.cond_projection(condition), weight[:, 2 * bands : 2 * bands + width])
        return merged + F.linear(style, weight[:, 2 * bands + width :])[:, None]

    def null_content(self) -> Tensor:
        """`content` without any condition, (1, 1, width). Only the biases stay (docs/spec/s2m.md#guidance)."""
        bands, width = self.bands, self.cond_projection.out_features
        weight = self.cond_x_merge_linear.weight[:, 2 * bands : 2 * bands + width]
        return (F.linear(self.cond_projection.bias, weight) + self.cond_x_merge_linear.bias)[None, None]

    def context(
        self, content: Tensor, lengths: Tensor | None = None, *, rowwise: bool = True, prompt_frames: int = 0
    ) -> FlowContext:
        """Prepare the masks for a batch. lengths (batch,), None when every row fills all frames.

        With rowwise every row comes out as if it were alone. Without, the WaveNet pads at the end of the batch as the
        official code does, and padding leaks into shorter rows. The velocity of `prompt_frames` is not asked for: the
        head computes as many of them as it hears from the first frame after them, which changes nothing for the others.
        """
        frame_count = content.shape[1]
        rotary = rotary_table(frame_count, self.head_dim, content.device)
        first = max(0, prompt_frames - self.wavenet.reach)
        if lengths is None:
            return FlowContext(content, rotary, first=first)
        lengths = lengths.to(content.device)
        mask = torch.arange(frame_count, device=content.device) < lengths[:, None]
        reflection = self.wavenet.reflection(lengths - first, frame_count - first) if rowwise else None
        frame_mask = mask[:, None, first:].to(content.dtype)
        return FlowContext(content, rotary, mask[:, None, None], frame_mask, reflection, first)

    def forward(self, noisy: Tensor, times: TimeConditions, context: FlowContext) -> Tensor:
        """noisy (batch, bands, frames) -> velocity, the same shape, zero before `context.first`.

        That of frames beyond a row's length, and of the prompt where its velocity is not asked for, means nothing.
        """
        noisy_frames = noisy.transpose(1, 2)
        hidden = F.linear(noisy_frames, self.cond_x_merge_linear.weight[:, : self.bands]) + context.content
        hidden = self.transformer(hidden, times.norm_scale, times.norm_shift, context)
        hidden = self.skip_linear(torch.cat([hidden, noisy_frames[:, context.first :]], dim=-1))
        head = self.wavenet(self.conv1(hidden).transpose(1, 2), times.gates, context.frame_mask, context.reflection)
        merged = head.transpose(1, 2) + self.res_projection(hidden)
        final = self.final_layer(merged, times.final_scale, times.final_shift)
        return F.pad(self.conv2(final.transpose(1, 2)), (context.first, 0))
