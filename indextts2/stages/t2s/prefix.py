"""What stands before the first semantic token, and who sees whom in it.

Source: docs/spec/t2s.md#prefix, docs/spec/control.md#visibility.

A prefix is a list of rows with a visibility matrix. A constant emotion is one phase. With several phases, layout "a"
puts one conditioning block per phase before a shared text, and layout "b" one complete prefix per phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError
from ...models.t2s import TextToSemantic
from ...models.transformer import Memory, RowPool

LAYOUTS = ("a", "b")


@dataclass(frozen=True, slots=True)
class Phase:
    """An emotion from one text piece on. vector: (1, dim)."""

    first_piece: int
    vector: Tensor


@dataclass(frozen=True, slots=True)
class Prefix:
    """The rows before the first token of a batch of segments, padded on the left.

    embeddings: (batch, rows, dim), the start token last; visible: (batch, rows, rows) bool; phase_columns: (batch,
    phases, rows) bool, what tokens of a phase see; state_row: (batch,) the row that predicts the first token;
    text_columns: (batch, phases or 1, entries) int64, the rows of [start text, pieces...] and text_mask: (batch,
    entries); phase_ends: (batch, phases) the entry of the last piece of each phase; phase_counts: (batch,).
    """

    embeddings: Tensor
    visible: Tensor
    phase_columns: Tensor
    state_row: Tensor
    text_columns: Tensor
    text_mask: Tensor
    phase_ends: Tensor
    phase_counts: Tensor

    @property
    def rows(self) -> int:
        return self.embeddings.shape[1]


@dataclass(frozen=True, slots=True)
class Prefilled:
    """A prefix whose keys and values are in a pool. state: (batch, dim), the hidden state that predicts token 0."""

    prefix: Prefix
    pool: RowPool
    state: Tensor


def build_prefix(
    model: TextToSemantic,
    condition: Tensor,
    phases: Sequence[Phase],
    slots: Tensor,
    ids: Sequence[int],
    *,
    language: int | None = None,
    layout: str = "a",
) -> Prefix:
    """The prefix of one segment.

    condition: (1, latents, dim); phases: at least one, the first from piece 0; slots: (1, 2, dim); ids: text ids
    without start and stop; language: row of the language table, None where the model has none.
    """
    if layout not in LAYOUTS:
        raise InputError(f"The layout of an emotion schedule is {' or '.join(LAYOUTS)}, but '{layout}' was given.")
    device, config = condition.device, model.config
    text_ids = torch.tensor([ids], dtype=torch.int64, device=device).reshape(1, -1)
    framed = model.framed_text(text_ids, torch.tensor([len(ids)], device=device))
    text = model.text_rows(framed, None if language is None else torch.tensor([language], device=device))[0]
    start = model.semantic_rows(torch.tensor([[config.start_semantic]], device=device))[0]
    blocks = [torch.cat([condition + phase.vector[:, None], slots], dim=1)[0] for phase in phases]
    rows, owner, kind, piece = _rows_of(blocks, text, start, layout)
    visible = _visibility(owner, kind, piece, [phase.first_piece for phase in phases], layout)
    index = torch.arange(len(owner))
    columns = [((owner == phase) | (owner < 0)) for phase in range(len(phases))]
    texts = [
        index[(kind == 1) & ((owner == phase) | (owner < 0))] for phase in range(len(phases) if layout == "b" else 1)
    ]
    ends = [phase.first_piece for phase in phases[1:]] + [len(ids)]
    return Prefix(
        embeddings=rows[None],
        visible=visible.to(device)[None],
        phase_columns=torch.stack(columns).to(device)[None],
        state_row=index[(kind == 2) & (owner <= 0)][-1:].to(device),
        text_columns=torch.stack([t[:-1] for t in texts]).to(device)[None],  # the stop is not aligned to
        text_mask=torch.ones(1, len(ids) + 1, dtype=torch.bool, device=device),
        phase_ends=torch.tensor([ends], device=device),  # entry of piece j is j + 1, so the last piece's is `end`
        phase_counts=torch.tensor([len(phases)], device=device),
    )


def _rows_of(blocks: list[Tensor], text: Tensor, start: Tensor, layout: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rows in order, with what each is.

    -> embeddings (rows, dim); owner: phase, -1 for all; kind: 0 block, 1 text, 2 start; piece: text entry, else -1.
    """
    parts: list[tuple[Tensor, int, int]] = []
    for phase, block in enumerate(blocks):
        parts.append((block, phase, 0))
        if layout == "b":
            parts += [(text, phase, 1), (start, phase, 2)]
    if layout == "a":
        parts += [(text, -1, 1), (start, -1, 2)]
    owner = torch.cat([torch.full((rows.shape[0],), phase) for rows, phase, _ in parts])
    kind = torch.cat([torch.full((rows.shape[0],), what) for rows, _, what in parts])
    piece = torch.cat(
        [torch.arange(rows.shape[0]) if what == 1 else torch.full((rows.shape[0],), -1) for rows, _, what in parts]
    )
    return torch.cat([rows for rows, _, _ in parts]), owner, kind, piece


def _visibility(owner: Tensor, kind: Tensor, piece: Tensor, first_pieces: list[int], layout: str) -> Tensor:
    """Who sees whom among the prefix rows (table of docs/spec/control.md#visibility). -> (rows, rows) bool."""
    order = torch.arange(len(owner))
    causal = order[None, :] <= order[:, None]
    if layout == "b":
        return causal & (owner[:, None] == owner[None, :])
    last_piece = int(piece.max())  # the stop's entry
    starts = torch.tensor(first_pieces)
    speaks = (piece[:, None] - 1 >= starts).sum(1) - 1  # phase of a text piece; -1 for the start text and other rows
    edge = (piece <= 0) | (piece == last_piece)
    phase = torch.where(owner >= 0, owner, torch.where(edge, 0, speaks))
    own_block = (kind[None, :] == 0) & (owner[None, :] == phase[:, None])
    return causal & (own_block | ((kind[:, None] > 0) & (kind[None, :] > 0)))


def merge_prefixes(prefixes: Sequence[Prefix]) -> Prefix:
    """One batch of several segments. Rows are padded on the left, phases and text entries on the right."""
    rows = max(one.rows for one in prefixes)
    phases = max(one.phase_columns.shape[1] for one in prefixes)
    text_sets = max(one.text_columns.shape[1] for one in prefixes)
    entries = max(one.text_mask.shape[1] for one in prefixes)
    padded = [_padded(one, rows, phases, text_sets, entries) for one in prefixes]
    names = Prefix.__dataclass_fields__
    return Prefix(**{name: torch.cat([getattr(one, name) for one in padded]) for name in names})


def _padded(one: Prefix, rows: int, phases: int, text_sets: int, entries: int) -> Prefix:
    left = rows - one.rows
    more_phases = phases - one.phase_columns.shape[1]
    more_sets, more_text = text_sets - one.text_columns.shape[1], entries - one.text_mask.shape[1]
    visible = F.pad(one.visible, (left, 0, left, 0))
    visible[:, :left, :left] |= torch.eye(left, dtype=torch.bool, device=visible.device)  # a row must see something
    last = one.text_columns[:, -1:].expand(-1, more_sets, -1)
    return Prefix(
        embeddings=F.pad(one.embeddings, (0, 0, left, 0)),
        visible=visible,
        phase_columns=F.pad(
            torch.cat([one.phase_columns, one.phase_columns[:, -1:].expand(-1, more_phases, -1)], dim=1), (left, 0)
        ),
        state_row=one.state_row + left,
        text_columns=F.pad(torch.cat([one.text_columns, last], dim=1) + left, (0, more_text)),
        text_mask=F.pad(one.text_mask, (0, more_text)),
        phase_ends=torch.cat([one.phase_ends, one.phase_ends[:, -1:].expand(-1, more_phases)], dim=1),
        phase_counts=one.phase_counts,
    )


def prefill(model: TextToSemantic, prefix: Prefix) -> Prefilled:
    """Run the prefix once; every take and the second pass go on from here."""
    batch, rows = prefix.embeddings.shape[:2]
    pool = model.new_pool(batch, rows)
    memory = Memory(pool, torch.arange(rows, device=prefix.embeddings.device), rows)
    hidden = model.states(prefix.embeddings, visible=prefix.visible, memory=memory).hidden
    return Prefilled(prefix, pool, hidden[torch.arange(batch, device=hidden.device), prefix.state_row])
