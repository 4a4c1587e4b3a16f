"""Conformer and perceiver: semantic features of a reference in, a fixed number of latents out.

Source: docs/spec/t2s.md#conformer.

The published checkpoint keeps the two halves as separate top-level entries, so `TextToSemantic` holds one `Conformer`
and one `Perceiver` per conditioner and joins them with `condition_latents`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import ConditionerConfig
from ..errors import InputError

SUBSAMPLE_KERNEL = 3
SUBSAMPLE_STRIDE = 2
POSITION_BASE = 10_000.0
SMALLEST_NORM = 1e-12  # guards the division of the root-mean-square norm


def subsampled(count: int) -> int:
    """Frames left of `count` after the stride-2 convolution without padding."""
    return (count - 1) // SUBSAMPLE_STRIDE


def sinusoids(count: int, width: int, like: Tensor) -> Tensor:
    """Rows of the usual sine (even columns) and cosine (odd columns) table. -> (count, width), dtype of `like`."""
    position = torch.arange(count, device=like.device, dtype=torch.float32)[:, None]
    frequency = torch.exp(
        torch.arange(0, width, 2, device=like.device, dtype=torch.float32) * (-math.log(POSITION_BASE) / width)
    )
    table = torch.stack([torch.sin(position * frequency), torch.cos(position * frequency)], dim=-1)
    return table.reshape(count, -1).to(like.dtype)


class ConvSubsampling(nn.Module):
    """Halve the frame rate with one 3x3 convolution, then project to the conformer's width.

    Source: docs/spec/t2s.md#subsampling.
    """

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.width = config.width
        self.conv = nn.Sequential(nn.Conv2d(1, config.width, SUBSAMPLE_KERNEL, SUBSAMPLE_STRIDE), nn.ReLU())
        self.out = nn.Sequential(nn.Linear(config.width * subsampled(config.input_dim), config.width))

    def forward(self, features: Tensor) -> Tensor:
        """features: (batch, tokens, input_dim) -> (batch, tokens', width), scaled by sqrt(width)."""
        maps = self.conv(features[:, None])  # (batch, width, tokens', input_dim')
        flat = maps.transpose(1, 2).flatten(2)  # channel-major: index = channel * input_dim' + band
        return self.out(flat) * math.sqrt(self.width)


class AbsoluteKeyAttention(nn.Module):
    """Attention with a term for the absolute position of the key, without a relative shift.

    Source: docs/spec/t2s.md#conformer-block.
    """

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.width // config.heads
        self.linear_q = nn.Linear(config.width, config.width)
        self.linear_k = nn.Linear(config.width, config.width)
        self.linear_v = nn.Linear(config.width, config.width)
        self.linear_out = nn.Linear(config.width, config.width)
        self.linear_pos = nn.Linear(config.width, config.width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.zeros(self.heads, self.head_dim))
        self.pos_bias_v = nn.Parameter(torch.zeros(self.heads, self.head_dim))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, self.head_dim)).transpose(-2, -3)  # (..., heads, tokens, head_dim)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor | None) -> Tensor:
        """x: (batch, tokens, width); positions: (tokens, width); mask: (batch, tokens) or None -> like x."""
        query, key, value = self._split(self.linear_q(x)), self._split(self.linear_k(x)), self._split(self.linear_v(x))
        place = self._split(self.linear_pos(positions))  # (heads, tokens, head_dim), shared by the batch
        content = (query + self.pos_bias_u[:, None]) @ key.transpose(-1, -2)
        position = (query + self.pos_bias_v[:, None]) @ place.transpose(-1, -2)
        scores = (content + position) / math.sqrt(self.head_dim)  # (batch, heads, tokens, tokens)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None], float("-inf"))
        mixed = torch.softmax(scores, dim=-1) @ value
        return self.linear_out(mixed.transpose(1, 2).flatten(2))


class ConvModule(nn.Module):
    """Gated depthwise convolution.

    Differs from the official code: frames outside the mask are zeroed once more after the gate, because the bias of the
    first projection makes them leak into the last valid frames. A padded batch then equals its rows run alone.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise_conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x: (batch, tokens, width); mask: (batch, tokens) or None -> like x."""
        gated = F.glu(self.pointwise_conv1(x.transpose(1, 2)), dim=1)  # (batch, width, tokens)
        if mask is not None:
            gated = gated * mask[:, None]
        mixed = self.depthwise_conv(gated).transpose(1, 2)
        active = F.silu(self.norm(mixed)).transpose(1, 2)
        return self.pointwise_conv2(active).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers around a SiLU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, hidden)
        self.w_2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_2(F.silu(self.w_1(x)))


class ConformerBlock(nn.Module):
    """Pre-norm attention, convolution and feed-forward, then a final norm. No macaron half steps."""

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.self_attn = AbsoluteKeyAttention(config)
        self.feed_forward = FeedForward(config.width, config.feed_forward)
        self.conv_module = ConvModule(config.width, config.kernel)
        self.norm_ff = nn.LayerNorm(config.width)
        self.norm_mha = nn.LayerNorm(config.width)
        self.norm_conv = nn.LayerNorm(config.width)
        self.norm_final = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.norm_mha(x), positions, mask)
        x = x + self.conv_module(self.norm_conv(x), mask)
        x = x + self.feed_forward(self.norm_ff(x))
        return self.norm_final(x)


class Conformer(nn.Module):
    """Semantic features to contextual frames at half the rate."""

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = ConvSubsampling(config)
        self.encoders = nn.ModuleList(ConformerBlock(config) for _ in range(config.blocks))
        self.after_norm = nn.LayerNorm(config.width)

    def forward(self, features: Tensor, feature_mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """features: (batch, tokens, input_dim) -> frames (batch, tokens', width) and their mask (batch, tokens').

        Raises InputError when the reference is too short or longer than the position table of the checkpoint.
        """
        if features.shape[1] < SUBSAMPLE_KERNEL or subsampled(features.shape[1]) > self.config.positions:
            longest = (self.config.positions + 1) * SUBSAMPLE_STRIDE
            raise InputError(
                f"A reference needs {SUBSAMPLE_KERNEL} to {longest} feature frames, but has {features.shape[1]}. "
                "Use a longer or shorter clip."
            )
        x = self.embed(features)
        mask = None if feature_mask is None else feature_mask[:, SUBSAMPLE_STRIDE::SUBSAMPLE_STRIDE]
        positions = sinusoids(x.shape[1], self.config.width, x)
        for block in self.encoders:
            x = block(x, positions, mask)
        return self.after_norm(x), mask


class RMSNorm(nn.Module):
    """gamma * sqrt(width) * x / ||x||."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=-1, eps=SMALLEST_NORM) * math.sqrt(x.shape[-1]) * self.gamma


class LatentAttention(nn.Module):
    """Latents attend to themselves and to the context, in that order."""

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.perceiver_head_dim
        inner = self.heads * self.head_dim
        self.to_q = nn.Linear(config.latent_dim, inner, bias=False)
        self.to_kv = nn.Linear(config.latent_dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, config.latent_dim, bias=False)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)

    def forward(self, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """latents: (batch, latents, dim); context: (batch, tokens, dim); mask: (batch, tokens) -> like latents."""
        key, value = self.to_kv(torch.cat([latents, context], dim=1)).chunk(2, dim=-1)
        attn_mask = None
        if mask is not None:
            attn_mask = F.pad(mask, (latents.shape[1], 0), value=True)[:, None, None]
        mixed = F.scaled_dot_product_attention(
            self._split(self.to_q(latents)), self._split(key), self._split(value), attn_mask=attn_mask
        )
        return self.to_out(mixed.transpose(1, 2).flatten(2))


class GEGLU(nn.Module):
    """First half times the exact gelu of the second half."""

    def forward(self, x: Tensor) -> Tensor:
        value, gate = x.chunk(2, dim=-1)
        return value * F.gelu(gate)


class PerceiverLayer(nn.ModuleList):
    """Attention and a gated feed-forward, each added to the latents; nothing is normalised in between."""

    def __init__(self, config: ConditionerConfig) -> None:
        width, hidden = config.latent_dim, int(config.latent_dim * config.perceiver_mult * 2 / 3)
        feed_forward = nn.Sequential(nn.Linear(width, 2 * hidden), GEGLU(), nn.Linear(hidden, width))
        super().__init__([LatentAttention(config), feed_forward])

    def forward(self, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        attention, feed_forward = self
        latents = latents + attention(latents, context, mask)
        return latents + feed_forward(latents)


class Perceiver(nn.Module):
    """A fixed number of learned latents read a context of any length (docs/spec/t2s.md#perceiver)."""

    def __init__(self, config: ConditionerConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.zeros(config.latents, config.latent_dim))
        self.proj_context = nn.Linear(config.width, config.latent_dim)
        self.layers = nn.ModuleList(PerceiverLayer(config) for _ in range(config.perceiver_depth))
        self.norm = RMSNorm(config.latent_dim)

    def forward(self, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """frames: (batch, tokens, width); mask: (batch, tokens) or None -> (batch, latents, latent_dim)."""
        context = self.proj_context(frames)
        latents = self.latents.expand(frames.shape[0], -1, -1)
        for layer in self.layers:
            latents = layer(latents, context, mask)
        return self.norm(latents)


def condition_latents(
    conformer: Conformer, perceiver: Perceiver, features: Tensor, feature_mask: Tensor | None = None
) -> Tensor:
    """features: (batch, tokens, input_dim); feature_mask: (batch, tokens) or None -> (batch, latents, latent_dim)."""
    frames, mask = conformer(features, feature_mask)
    return perceiver(frames, mask)
