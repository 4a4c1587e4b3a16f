"""The rows before the first semantic token, and the attention mask among them.

Source: docs/spec/t2s.md#prefix, docs/spec/control.md#visibility.

A constant emotion is one phase: one conditioning block, then the text and the start token. An emotion schedule puts one
block per phase before the same text; every text row attends to the block of the phase that speaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.t2s import TextToSemantic
from ...models.transformer import CacheView, KVCache


@dataclass(frozen=True, slots=True)
class Phase:
    """An emotion from one text piece on."""

    first_piece: int
    vector: Tensor  # (1, dim)


@dataclass(frozen=True, slots=True)
class Prefix:
    """The rows before the first token of a batch of segments, padded on the left.

    A text entry is the start of the text (entry 0) or a text piece (entry j is piece j - 1).
    """

    embeddings: Tensor  # (batch, rows, dim), the start token last
    attn_mask: Tensor  # (batch, rows, rows) bool
    phase_columns: Tensor  # (batch, phases, rows) bool, the rows that tokens of a phase attend to
    text_columns: Tensor  # (batch, entries) int64, the row of each text entry
    text_mask: Tensor  # (batch, entries) bool
    phase_ends: Tensor  # (batch, phases) int64, entry of the last piece of each phase
    phase_counts: Tensor  # (batch,) int64

    @property
    def rows(self) -> int:
        return self.embeddings.shape[1]


@dataclass(frozen=True, slots=True)
class Prefilled:
    """A prefix whose keys and values are cached."""

    prefix: Prefix
    cache: KVCache
    state: Tensor  # (batch, dim), the hidden state that predicts the first token


def build_prefix(
    model: TextToSemantic,
    condition: Tensor,
    phases: Sequence[Phase],
    slots: Tensor,
    ids: Sequence[int],
    *,
    language: int | None = None,
) -> Prefix:
    """The prefix of one segment.

    condition: (1, latents, dim); phases: at least one, the first from piece 0; slots: (1, 2, dim); ids: text ids
    without start and stop; language: row of the language table, None where the model has none.
    """
    device, config = condition.device, model.config
    text_ids = torch.tensor([ids], dtype=torch.int64, device=device).reshape(1, -1)
    framed = model.framed_text(text_ids, torch.tensor([len(ids)], device=device))
    text = model.embed_text(framed, None if language is None else torch.tensor([language], device=device))[0]
    start = model.embed_semantic(torch.tensor([[config.start_semantic]], device=device))[0]
    blocks = [torch.cat([condition + phase.vector[:, None], slots], dim=1)[0] for phase in phases]
    block = _block_of_rows(len(phases), blocks[0].shape[0], text.shape[0] + start.shape[0])
    first_text = len(phases) * blocks[0].shape[0]
    ends = [phase.first_piece for phase in phases[1:]] + [len(ids)]
    return Prefix(
        embeddings=torch.cat([*blocks, text, start])[None],
        attn_mask=_attention_mask(block, [phase.first_piece for phase in phases], len(ids)).to(device)[None],
        phase_columns=((block == torch.arange(len(phases))[:, None]) | (block < 0)).to(device)[None],
        text_columns=first_text + torch.arange(len(ids) + 1, device=device)[None],  # the stop is not aligned to
        text_mask=torch.ones(1, len(ids) + 1, dtype=torch.bool, device=device),
        phase_ends=torch.tensor([ends], device=device),  # entry of piece j is j + 1, so the last piece's is `end`
        phase_counts=torch.tensor([len(phases)], device=device),
    )


def _block_of_rows(phases: int, block_rows: int, shared_rows: int) -> Tensor:
    """The phase whose block a row belongs to, -1 for the rows of text and start token. -> (rows,) int64"""
    return torch.cat([torch.arange(phases).repeat_interleave(block_rows), torch.full((shared_rows,), -1)])


def _attention_mask(block: Tensor, first_pieces: list[int], pieces: int) -> Tensor:
    """Attention mask of the prefix rows (table of docs/spec/control.md#visibility).

    block: (rows,), see `_block_of_rows`; first_pieces: of each phase; pieces: of the text. -> (rows, rows) bool
    """
    spoken = torch.arange(pieces)[:, None] >= torch.tensor(first_pieces)
    attends_to = block.clone()  # the one block a row attends to
    attends_to[block < 0] = F.pad(spoken.sum(1) - 1, (1, 2))  # start, stop and start token: the first phase
    row = torch.arange(len(block))
    own_block = block[None, :] == attends_to[:, None]
    both_text = (block[None, :] < 0) & (block[:, None] < 0)
    return (row[None, :] <= row[:, None]) & (own_block | both_text)


def merge_prefixes(prefixes: Sequence[Prefix]) -> Prefix:
    """One batch of several segments. Rows are padded on the left, phases and text entries on the right."""
    rows = max(one.rows for one in prefixes)
    phases = max(one.phase_columns.shape[1] for one in prefixes)
    entries = max(one.text_mask.shape[1] for one in prefixes)
    padded = [_padded(one, rows, phases, entries) for one in prefixes]
    names = Prefix.__dataclass_fields__
    return Prefix(**{name: torch.cat([getattr(one, name) for one in padded]) for name in names})


def _padded(one: Prefix, rows: int, phases: int, entries: int) -> Prefix:
    left = rows - one.rows
    more_phases, more_text = phases - one.phase_columns.shape[1], entries - one.text_mask.shape[1]
    attn_mask = F.pad(one.attn_mask, (left, 0, left, 0))
    attn_mask[:, :left, :left] |= torch.eye(left, dtype=torch.bool, device=attn_mask.device)  # no row without any key
    columns = torch.cat([one.phase_columns, one.phase_columns[:, -1:].expand(-1, more_phases, -1)], dim=1)
    return Prefix(
        embeddings=F.pad(one.embeddings, (0, 0, left, 0)),
        attn_mask=attn_mask,
        phase_columns=F.pad(columns, (left, 0)),
        text_columns=F.pad(one.text_columns + left, (0, more_text)),
        text_mask=F.pad(one.text_mask, (0, more_text)),
        phase_ends=torch.cat([one.phase_ends, one.phase_ends[:, -1:].expand(-1, more_phases)], dim=1),
        phase_counts=one.phase_counts,
    )


def prefill(model: TextToSemantic, prefix: Prefix) -> Prefilled:
    """Run the prefix once; every take and the second pass resume from here."""
    batch, rows = prefix.embeddings.shape[:2]
    cache = model.new_cache(batch, rows)
    view = CacheView(cache, torch.arange(rows, device=prefix.embeddings.device), rows)
    hidden = model.states(prefix.embeddings, attn_mask=prefix.attn_mask, view=view).hidden
    return Prefilled(prefix, cache, hidden[:, -1])
