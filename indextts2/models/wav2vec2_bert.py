"""The layers of Wav2Vec2-BERT: a Conformer with relative positions and causal convolutions (docs/spec, s2m 1.3).

Attribute names are the published checkpoint's, and so are the sizes. Papers: Conformer (arXiv:2005.08100), relative
positions as keys (arXiv:1803.02155); the equality with transformers is a test.

Dimensions: batch, tokens, dim, heads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import SemanticEncoderConfig

INITIAL_STD = 0.02  # of linear layers and tables before training
HALF_STEP = 0.5  # each of the two feed-forward layers adds half of its output (Conformer, equation 1)


class FeatureProjection(nn.Module):
    """Stacked filterbank frames to the width of the encoder: layer norm, then a linear layer."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(config.input_dim)
        self.projection = nn.Linear(config.input_dim, config.dim)
        self.dropout = nn.Dropout(0.0)

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, tokens, input_dim) -> (batch, tokens, dim)"""
        return self.dropout(self.projection(self.layer_norm(frames)))


class FeedForward(nn.Module):
    """Two linear layers around a swish."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(config.dim, config.feed_forward)
        self.intermediate_dropout = nn.Dropout(0.0)
        self.output_dense = nn.Linear(config.feed_forward, config.dim)
        self.output_dropout = nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, dim) -> the same"""
        hidden = self.intermediate_dropout(F.silu(self.intermediate_dense(x)))
        return self.output_dropout(self.output_dense(hidden))


class RelativeAttention(nn.Module):
    """Self-attention whose scores add the product of the query with an embedding of its distance to the key."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.dim // config.heads
        self.left, self.right = config.left_positions, config.right_positions
        self.linear_q = nn.Linear(config.dim, config.dim)
        self.linear_k = nn.Linear(config.dim, config.dim)
        self.linear_v = nn.Linear(config.dim, config.dim)
        self.linear_out = nn.Linear(config.dim, config.dim)
        self.dropout = nn.Dropout(0.0)
        self.distance_embedding = nn.Embedding(self.left + self.right + 1, self.head_dim)

    def forward(self, x: Tensor, distances: Tensor, attn_mask: Tensor | None) -> Tensor:
        """x: (batch, tokens, dim); distances: (tokens, tokens) rows of the table; attn_mask: added to the scores."""
        query, key, value = (
            linear(x).unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)  # (batch, heads, tokens, head_dim)
            for linear in (self.linear_q, self.linear_k, self.linear_v)
        )
        scale = self.head_dim**-0.5
        embedded = self.distance_embedding(distances).to(query.dtype)  # (tokens, tokens, head_dim)
        scores = torch.matmul(query, key.transpose(2, 3)) * scale
        scores = scores + torch.einsum("bhld,lrd->bhlr", query, embedded) * scale
        if attn_mask is not None:
            scores = scores + attn_mask
        mixed = torch.matmul(self.dropout(scores.softmax(dim=-1)), value)
        return self.linear_out(mixed.transpose(1, 2).flatten(2))


class ConvolutionModule(nn.Module):
    """Gated pointwise, causal depthwise and pointwise convolution."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        dim = config.dim
        self.reach = config.conv_kernel - 1
        self.layer_norm = nn.LayerNorm(dim)
        self.pointwise_conv1 = nn.Conv1d(dim, 2 * dim, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(dim, dim, config.conv_kernel, groups=dim, bias=False)
        self.depthwise_layer_norm = nn.LayerNorm(dim)
        self.pointwise_conv2 = nn.Conv1d(dim, dim, 1, bias=False)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x: (batch, tokens, dim) -> the same; masked tokens (batch, tokens) count as zeros."""
        x = self.layer_norm(x)
        if mask is not None:
            x = x.masked_fill(~mask.unsqueeze(-1), 0.0)
        hidden = F.glu(self.pointwise_conv1(x.transpose(1, 2)), dim=1)  # (batch, dim, tokens)
        hidden = self.depthwise_conv(F.pad(hidden, (self.reach, 0)))
        hidden = self.depthwise_layer_norm(hidden.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.pointwise_conv2(F.silu(hidden))).transpose(1, 2)


class ConformerLayer(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward, each on the residual stream, and a norm."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        self.ffn1_layer_norm = nn.LayerNorm(config.dim)
        self.ffn1 = FeedForward(config)
        self.self_attn_layer_norm = nn.LayerNorm(config.dim)
        self.self_attn_dropout = nn.Dropout(0.0)
        self.self_attn = RelativeAttention(config)
        self.conv_module = ConvolutionModule(config)
        self.ffn2_layer_norm = nn.LayerNorm(config.dim)
        self.ffn2 = FeedForward(config)
        self.final_layer_norm = nn.LayerNorm(config.dim)

    def forward(self, x: Tensor, distances: Tensor, mask: Tensor | None, attn_mask: Tensor | None) -> Tensor:
        """(batch, tokens, dim) -> the same"""
        x = self.ffn1(self.ffn1_layer_norm(x)) * HALF_STEP + x
        attended = self.self_attn(self.self_attn_layer_norm(x), distances, attn_mask)
        x = self.self_attn_dropout(attended) + x
        x = x + self.conv_module(x, mask)
        x = self.ffn2(self.ffn2_layer_norm(x)) * HALF_STEP + x
        return self.final_layer_norm(x)


class ConformerEncoder(nn.Module):
    """All layers up to the tapped one."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        self.left, self.right = config.left_positions, config.right_positions
        self.dropout = nn.Dropout(0.0)
        self.layers = nn.ModuleList(ConformerLayer(config) for _ in range(config.layers))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x: (batch, tokens, dim), mask: (batch, tokens) bool, True where valid -> (batch, tokens, dim)"""
        attn_mask = None
        if mask is not None:
            x = x.masked_fill(~mask.unsqueeze(-1), 0.0)
            attn_mask = x.new_zeros(mask.shape).masked_fill(~mask, torch.finfo(x.dtype).min)[:, None, None]
        x = self.dropout(x)
        distances = self._distances(x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, distances, mask, attn_mask)
        return x

    def _distances(self, tokens: int, device: torch.device) -> Tensor:
        """Row of the table for each query and key: key minus query, clamped. (tokens, tokens)"""
        position = torch.arange(tokens, device=device)
        return (position - position[:, None]).clamp(-self.left, self.right) + self.left


@torch.no_grad()
def initialise(module: nn.Module) -> None:
    """Draw the weights of one layer before training, as the published model's did; for `nn.Module.apply`."""
    if isinstance(module, nn.Conv1d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=INITIAL_STD)
    elif isinstance(module, FeedForward | RelativeAttention):
        for linear in module.children():
            if isinstance(linear, nn.Linear):
                nn.init.normal_(linear.weight, std=INITIAL_STD)
                nn.init.zeros_(linear.bias)
