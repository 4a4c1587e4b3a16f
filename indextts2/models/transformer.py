"""The GPT-2 trunk of T2S: pre-norm blocks without a position table of their own (docs/spec/t2s.md#trunk).

Positions come with the embeddings, so the rows of one sequence may lie anywhere in the key/value cache: a boolean
attention mask alone says which rows a query attends to. Left padding, beams, takes and phases of emotion are all such
masks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEED_FORWARD_RATIO = 4
INITIAL_STD = 0.02  # GPT-2
FEW_ROWS = 3  # the beams of one line; measured in docs/performance.md


class StepLinear(nn.Linear):
    """A linear layer for the few rows of a decode step, with GPT-2's initial weights. weight: (out, in).

    A processor spends a step on reading the matrix. Up to FEW_ROWS rows `F.linear` reads it fastest, above that the
    product with the matrix on the left does.
    """

    def reset_parameters(self) -> None:
        """Draw the weights in the order of the published layout, (in, out), as training always has."""
        drawn = torch.empty(self.in_features, self.out_features, device=self.weight.device, dtype=self.weight.dtype)
        nn.init.normal_(drawn, std=INITIAL_STD)
        with torch.no_grad():
            self.weight.copy_(drawn.T)
            if self.bias is not None:
                self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)"""
        flat = x.reshape(-1, self.in_features)
        if flat.shape[0] <= FEW_ROWS or x.device.type != "cpu" or self.bias is None:
            return F.linear(x, self.weight, self.bias)
        product = torch.addmm(self.bias.unsqueeze(1), self.weight, flat.T)  # (out, rows)
        return product.T.view(*x.shape[:-1], self.out_features)


MATRIX = re.compile(r"(?:gpt\.)?h\.\d+\.(?:attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight")
FUSED_MATRIX = re.compile(r"(?:gpt\.)?h\.\d+\.attn\.c_attn\.weight")


def published_matrices(shapes: Mapping[str, Sequence[int]]) -> set[str]:
    """Names of the trunk's matrices in a file whose layout is the published one, (in, out); none where it is ours.

    shapes: of the file's tensors. Only the fused projection of queries, keys and values tells the layouts apart: in the
    published one it is three times as wide as high.
    """
    fused = [shape for key, shape in shapes.items() if FUSED_MATRIX.fullmatch(key)]
    if not any(len(shape) == 2 and shape[1] == 3 * shape[0] for shape in fused):
        return set()
    return {key for key, shape in shapes.items() if MATRIX.fullmatch(key) and len(shape) == 2}


def out_first(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights with the trunk's matrices as (out, in), whichever of the two layouts they come in."""
    turned = published_matrices({key: value.shape for key, value in tensors.items()})
    return {key: value.T.contiguous() if key in turned else value for key, value in tensors.items()}


@dataclass(slots=True)
class KVCache:
    """Keys and values of every layer, with room for `max_rows` rows per item. Rows are written once and never moved."""

    keys: Tensor  # (layers, batch, heads, max_rows, head_dim)
    values: Tensor  # like keys

    @property
    def max_rows(self) -> int:
        return self.keys.shape[3]

    def resize(self, max_rows: int) -> None:
        """Make room for more rows in new memory; what is stored keeps its rows."""
        extra = max_rows - self.max_rows
        if extra > 0:
            self.keys = F.pad(self.keys, (0, 0, 0, extra))
            self.values = F.pad(self.values, (0, 0, 0, extra))

    def slice(self, items: Tensor, rows: int, max_rows: int) -> KVCache:
        """A new cache with the first `rows` rows of some items. items: (n,) int64."""
        extra = (0, 0, 0, max_rows - rows)
        return KVCache(F.pad(self.keys[:, items, :, :rows], extra), F.pad(self.values[:, items, :, :rows], extra))

    def write(self, layer: int, rows: Tensor, keys: Tensor, values: Tensor) -> None:
        """rows: (queries,) int64; keys, values: (batch, heads, queries, head_dim)."""
        self.keys[layer].index_copy_(2, rows, keys)
        self.values[layer].index_copy_(2, rows, values)

    def read(self, layer: int, length: int) -> tuple[Tensor, Tensor]:
        """The first `length` rows: two of (batch, heads, length, head_dim)."""
        return self.keys[layer, :, :, :length], self.values[layer, :, :, :length]


@dataclass(frozen=True, slots=True)
class CacheView:
    """The part of a cache that one forward call writes and reads."""

    cache: KVCache
    rows: Tensor  # (queries,) int64, where the keys and values of the call go
    length: int  # rows that attention reads, from the first on


@dataclass(frozen=True, slots=True)
class AttentionProbe:
    """Attention weights to report beside the fused kernel: those of some heads, over some keys only."""

    heads: tuple[tuple[int, int], ...]  # (layer, head) pairs
    first_query: int  # queries before this one are left out
    keys: slice | Tensor  # the keys; (batch, keys) int64 where every item has its own
    key_mask: Tensor | None = None  # (batch, keys) bool, None for all

    def in_layer(self, layer: int) -> list[int]:
        """The heads of one layer."""
        return [head for owner, head in self.heads if owner == layer]


class TrunkOutput(NamedTuple):
    """Hidden states, and the attention weights of the heads that were asked for."""

    hidden: Tensor  # (batch, queries, dim)
    attention_weights: Tensor | None  # (batch, heads, queries, keys) by layer; each row sums to one over its keys


class Attention(nn.Module):
    """Multi-head attention with one fused projection."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.c_attn = StepLinear(dim, 3 * dim)
        self.c_proj = StepLinear(dim, dim)

    def forward(
        self, x: Tensor, attn_mask: Tensor | None, view: CacheView | None, probe: AttentionProbe | None, layer: int
    ) -> tuple[Tensor, Tensor | None]:
        """attn_mask: (batch, queries, keys) or None for causal order -> like x, and the probed weights if any."""
        split = self.c_attn(x).unflatten(-1, (3, self.heads, self.head_dim))
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (batch, heads, queries, head_dim) each
        if view is not None:
            view.cache.write(layer, view.rows, key, value)
            key, value = view.cache.read(layer, view.length)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if attn_mask is None else attn_mask[:, None],
            is_causal=attn_mask is None,
        )
        weights = None if probe is None else self._probed(query, key, probe, layer)
        return self.c_proj(mixed.transpose(1, 2).flatten(2)), weights

    def _probed(self, query: Tensor, key: Tensor, probe: AttentionProbe, layer: int) -> Tensor | None:
        heads = probe.in_layer(layer)
        if not heads:
            return None
        rows, columns = self._heads_of(query, heads)[:, :, probe.first_query :], self._heads_of(key, heads)
        if isinstance(probe.keys, slice):
            columns = columns[:, :, probe.keys]
        else:
            index = probe.keys[:, None, :, None].expand(-1, len(heads), -1, self.head_dim)
            columns = columns.gather(2, index)
        scores = (rows @ columns.transpose(-1, -2)).float() * self.head_dim**-0.5
        if probe.key_mask is not None:
            scores = scores.masked_fill(~probe.key_mask[:, None, None], float("-inf"))
        return torch.softmax(scores, dim=-1)

    def _heads_of(self, rows: Tensor, heads: list[int]) -> Tensor:
        """Some heads, picked by numbers known to the host: an index tensor would have to be copied to the device."""
        return rows if heads == list(range(self.heads)) else torch.stack([rows[:, head] for head in heads], dim=1)


class FeedForward(nn.Module):
    """Two linear layers around the tanh form of gelu."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.c_fc = StepLinear(dim, FEED_FORWARD_RATIO * dim)
        self.c_proj = StepLinear(FEED_FORWARD_RATIO * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x)). Dropout on the sums only: attention stays fused."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.ln_2 = nn.LayerNorm(dim)
        self.mlp = FeedForward(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, attn_mask: Tensor | None, view: CacheView | None, probe: AttentionProbe | None, layer: int
    ) -> tuple[Tensor, Tensor | None]:
        mixed, weights = self.attn(self.ln_1(x), attn_mask, view, probe, layer)
        x = x + self.dropout(mixed)
        return x + self.dropout(self.mlp(self.ln_2(x))), weights


class Trunk(nn.Module):
    """All blocks and the norm after them."""

    def __init__(self, layers: int, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.h = nn.ModuleList(Block(dim, heads, dropout) for _ in range(layers))
        self.ln_f = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.register_load_state_dict_pre_hook(_turn_published_matrices)

    def new_cache(self, batch: int, max_rows: int) -> KVCache:
        """An empty cache in this trunk's precision and on its device."""
        keys = self.ln_f.weight.new_zeros(len(self.h), batch, self.heads, max_rows, self.head_dim)
        return KVCache(keys, torch.zeros_like(keys))

    def forward(
        self,
        x: Tensor,
        *,
        attn_mask: Tensor | None = None,
        view: CacheView | None = None,
        probe: AttentionProbe | None = None,
    ) -> TrunkOutput:
        """x: (batch, queries, dim) embeddings.

        attn_mask: (batch, queries, keys) bool, True where the query attends to the key; None means causal order over x
        itself and allows the fastest kernel. view: None runs without a cache; otherwise keys and values are written to
        the cache in place (inference only), and the keys are its first `view.length` rows.
        """
        x = self.dropout(x)
        probed: list[Tensor] = []
        for layer, block in enumerate(self.h):
            x, weights = block(x, attn_mask, view, probe, layer)
            if weights is not None:
                probed.append(weights)
        return TrunkOutput(self.ln_f(x), torch.cat(probed, dim=1) if probed else None)


def _turn_published_matrices(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before weights are loaded; the hook changes the dictionary it gets, a copy of the caller's."""
    state.update(out_first({key: value for key, value in state.items() if key.startswith(prefix)}))
