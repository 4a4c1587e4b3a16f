"""The GPT-2 trunk of T2S: pre-norm blocks without a position table of their own (docs/spec/t2s.md#trunk).

Positions come with the embeddings, so rows of one sequence may lie anywhere in the key/value pool; who sees whom is
decided by a boolean mask alone. Left padding, beams, takes and phases of emotion are all such masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEED_FORWARD_RATIO = 4
INITIAL_STD = 0.02  # GPT-2


class InOutLinear(nn.Module):
    """A linear layer whose matrix is stored (in, out), as the published trunk has it: y = x @ weight + bias."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.normal_(self.weight, std=INITIAL_STD)

    def forward(self, x: Tensor) -> Tensor:
        flat = torch.addmm(self.bias, x.reshape(-1, self.in_features), self.weight)
        return flat.view(*x.shape[:-1], self.out_features)


class RowPool:
    """Keys and values of every layer, with room for `capacity` rows per item.

    keys, values: (layers, batch, heads, capacity, head_dim). Rows are written once and never moved.
    """

    def __init__(self, layers: int, batch: int, heads: int, head_dim: int, *, capacity: int, like: Tensor) -> None:
        shape = (layers, batch, heads, capacity, head_dim)
        self.keys = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.values = torch.zeros_like(self.keys)

    @property
    def capacity(self) -> int:
        return self.keys.shape[3]

    def grow(self, capacity: int) -> None:
        """Make room for more rows; what is stored stays where it is."""
        extra = capacity - self.capacity
        if extra > 0:
            self.keys = F.pad(self.keys, (0, 0, 0, extra))
            self.values = F.pad(self.values, (0, 0, 0, extra))

    def cropped(self, items: Tensor, rows: int, capacity: int) -> RowPool:
        """A new pool with the first `rows` rows of some items. items: (n,) int64."""
        other = RowPool.__new__(RowPool)
        extra = (0, 0, 0, capacity - rows)
        other.keys = F.pad(self.keys[:, items, :, :rows], extra)
        other.values = F.pad(self.values[:, items, :, :rows], extra)
        return other

    def write(self, layer: int, rows: Tensor, keys: Tensor, values: Tensor) -> None:
        """rows: (queries,) int64; keys, values: (batch, heads, queries, head_dim)."""
        self.keys[layer].index_copy_(2, rows, keys)
        self.values[layer].index_copy_(2, rows, values)

    def read(self, layer: int, extent: int) -> tuple[Tensor, Tensor]:
        """The first `extent` rows: two of (batch, heads, extent, head_dim)."""
        return self.keys[layer, :, :, :extent], self.values[layer, :, :, :extent]


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the rows of one forward call go in a pool, and how many rows of it are looked at."""

    pool: RowPool
    rows: Tensor  # (queries,) int64
    extent: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Attention to report beside the fused kernel: rows `first_query`.. of some heads, over some keys only.

    heads: (layer, head) pairs. keys: slice of the keys looked at. key_mask: (batch, keys) or None. The reported rows
    are renormalised over these keys.
    """

    heads: tuple[tuple[int, int], ...]
    first_query: int
    keys: slice | Tensor
    key_mask: Tensor | None = None

    def in_layer(self, layer: int) -> list[int]:
        return [head for at, head in self.heads if at == layer]


class TrunkOutput(NamedTuple):
    """hidden: (batch, queries, dim). watched: (batch, heads, queries, keys) in the order of layers, or None."""

    hidden: Tensor
    watched: Tensor | None


class Attention(nn.Module):
    """Multi-head attention with one fused projection."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.c_attn = InOutLinear(dim, 3 * dim)
        self.c_proj = InOutLinear(dim, dim)

    def forward(
        self, x: Tensor, visible: Tensor | None, memory: Memory | None, watch: Watch | None, layer: int
    ) -> tuple[Tensor, Tensor | None]:
        """visible: (batch, queries, keys) or None for plain causal order -> like x, and the watched rows if any."""
        split = self.c_attn(x).unflatten(-1, (3, self.heads, self.head_dim))
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (batch, heads, queries, head_dim) each
        if memory is not None:
            memory.pool.write(layer, memory.rows, key, value)
            key, value = memory.pool.read(layer, memory.extent)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if visible is None else visible[:, None],
            is_causal=visible is None,
        )
        watched = None if watch is None else self._watched(query, key, watch, layer)
        return self.c_proj(mixed.transpose(1, 2).flatten(2)), watched

    def _watched(self, query: Tensor, key: Tensor, watch: Watch, layer: int) -> Tensor | None:
        heads = watch.in_layer(layer)
        if not heads:
            return None
        rows = query[:, heads, watch.first_query :]
        if isinstance(watch.keys, slice):
            columns = key[:, heads, watch.keys]
        else:  # (batch, keys): each item has its text elsewhere
            index = watch.keys[:, None, :, None].expand(-1, len(heads), -1, self.head_dim)
            columns = key[:, heads].gather(2, index)
        scores = (rows @ columns.transpose(-1, -2)).float() * self.head_dim**-0.5
        if watch.key_mask is not None:
            scores = scores.masked_fill(~watch.key_mask[:, None, None], float("-inf"))
        return torch.softmax(scores, dim=-1)


class FeedForward(nn.Module):
    """Two linear layers around the tanh form of gelu."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.c_fc = InOutLinear(dim, FEED_FORWARD_RATIO * dim)
        self.c_proj = InOutLinear(FEED_FORWARD_RATIO * dim, dim)

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
        self, x: Tensor, visible: Tensor | None, memory: Memory | None, watch: Watch | None, layer: int
    ) -> tuple[Tensor, Tensor | None]:
        mixed, watched = self.attn(self.ln_1(x), visible, memory, watch, layer)
        x = x + self.dropout(mixed)
        return x + self.dropout(self.mlp(self.ln_2(x))), watched


class Trunk(nn.Module):
    """All blocks and the norm after them."""

    def __init__(self, layers: int, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.h = nn.ModuleList(Block(dim, heads, dropout) for _ in range(layers))
        self.ln_f = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def new_pool(self, batch: int, capacity: int) -> RowPool:
        """An empty pool in this trunk's precision and on its device."""
        return RowPool(len(self.h), batch, self.heads, self.head_dim, capacity=capacity, like=self.ln_f.weight)

    def forward(
        self,
        x: Tensor,
        *,
        visible: Tensor | None = None,
        memory: Memory | None = None,
        watch: Watch | None = None,
    ) -> TrunkOutput:
        """x: (batch, queries, dim) embeddings.

        visible: (batch, queries, keys) bool, True where the query may look; None means causal order over x itself and
        allows the fastest kernel. memory: None runs without a cache; otherwise keys and values are written to the pool
        in place (inference only) and keys are the first `memory.extent` rows of it.
        """
        x = self.dropout(x)
        seen: list[Tensor] = []
        for layer, block in enumerate(self.h):
            x, watched = block(x, visible, memory, watch, layer)
            if watched is not None:
                seen.append(watched)
        return TrunkOutput(self.ln_f(x), torch.cat(seen, dim=1) if seen else None)
