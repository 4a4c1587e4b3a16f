"""The second pass: states of the finished tokens as semantic-to-mel reads them.

Source: docs/spec/t2s.md#latents, docs/spec/control.md#latents-of-phases.

The keys and values of the prefix are kept from decoding; the tokens run as one causal chunk in the rows they had in
training. Hidden states seen while decoding are never reused: the released weights decode one row further.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.t2s import TextToSemantic
from ...models.transformer import Memory, Watch
from .prefix import Prefilled

TRAINING_ROW_OFFSET = 1  # token k sits at row k + 1; row 0 is the start token's


@torch.no_grad()
def latents(
    model: TextToSemantic,
    prefilled: Prefilled,
    segments: Sequence[int],
    tokens: Sequence[Tensor],
    phases: Sequence[Tensor] | None = None,
    *,
    forget: int | None = None,
    heads: tuple[tuple[int, int], ...] = (),
) -> tuple[Tensor, Tensor | None]:
    """Latents of finished takes, one row per take, padded with zeros on the right.

    segments: prefix row of each take; tokens, phases: (tokens,) each. -> latent (batch, longest, dim) and, where heads
    are asked for, their attention of every token but the last over the text entries (batch, heads, longest - 1, sets *
    entries).
    """
    device, dim = prefilled.state.device, prefilled.state.shape[-1]
    items = torch.tensor(list(segments), device=device)
    lengths = torch.tensor([len(one) for one in tokens], device=device)
    longest, batch = int(lengths.max()) if len(tokens) else 0, len(tokens)
    if longest == 0:
        return torch.zeros(batch, 0, dim, dtype=prefilled.state.dtype, device=device), None
    first = prefilled.state[items][:, None]
    watched = None
    if longest > 1:
        chunk = torch.stack([F.pad(one.to(device), (0, longest - len(one)))[:-1] for one in tokens])
        phase = torch.zeros_like(chunk)
        if phases is not None:
            phase = torch.stack([F.pad(one.to(device), (0, longest - len(one)))[:-1] for one in phases])
        rows = prefilled.prefix.rows
        extent = rows + longest - 1
        output = model.states(
            model.semantic_rows(chunk, TRAINING_ROW_OFFSET),
            visible=_chunk_visibility(prefilled.prefix.phase_columns[items], phase, forget),
            memory=Memory(
                prefilled.pool.cropped(items, rows, extent), torch.arange(rows, extent, device=device), extent
            ),
            watch=Watch(heads, 0, prefilled.prefix.text_columns[items].flatten(1)) if heads else None,
        )
        first, watched = torch.cat([first, output.hidden], dim=1), output.watched
    valid = torch.arange(longest, device=device) < lengths[:, None]
    return first * valid[..., None], watched


def _chunk_visibility(columns: Tensor, phase: Tensor, forget: int | None) -> Tensor:
    """What each token saw while it was decoded.

    columns: (batch, phases, prefix rows); phase: (batch, tokens) -> (batch, tokens, prefix rows + tokens).
    """
    count = phase.shape[1]
    prefix = columns.gather(1, phase[..., None].expand(-1, -1, columns.shape[-1]))
    index = torch.arange(count, device=phase.device)
    earlier = (index[None, :] <= index[:, None]).expand(phase.shape[0], -1, -1)
    if forget is not None:
        begun = (phase[:, None, :] < phase[:, :, None]).sum(-1)  # phases never go back, so this is where one began
        kept = (index >= begun[..., None] - forget) | (phase == 0)[..., None]
        earlier = earlier & kept
    return torch.cat([prefix, earlier], dim=2)
