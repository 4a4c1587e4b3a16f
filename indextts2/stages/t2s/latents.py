"""The second pass: states of the finished tokens as semantic-to-mel reads them.

Source: docs/spec/t2s.md#latents, docs/spec/control.md#latents-of-phases.

The keys and values of the prefix are kept from decoding; the tokens run as one causal chunk in the rows they had in
training. Hidden states of decoding are never reused: the released weights decode one row further.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ...models.t2s import TextToSemantic
from ...models.transformer import CacheView
from .decode import Take
from .prefix import Prefilled

TRAINING_ROW_OFFSET = 1  # token k sits at row k + 1; row 0 is the start token's


@torch.no_grad()
def latents(model: TextToSemantic, prefilled: Prefilled, segments: Sequence[int], takes: Sequence[Take]) -> Tensor:
    """Latents of finished takes, one row per take, padded with zeros on the right.

    segments: prefix row of each take. -> (batch, longest, dim)
    """
    device, dim = prefilled.state.device, prefilled.state.shape[-1]
    items = torch.tensor(list(segments), device=device)
    lengths = torch.tensor([len(take.tokens) for take in takes], device=device)
    longest = int(lengths.max())
    if longest == 0:
        return prefilled.state.new_zeros(len(takes), 0, dim)
    latent = prefilled.state[items][:, None]
    if longest > 1:
        chunk = pad_sequence([take.tokens for take in takes], batch_first=True)[:, :-1].to(device)
        phases = pad_sequence([take.phases for take in takes], batch_first=True)[:, :-1].to(device)
        rows, length = prefilled.prefix.rows, prefilled.prefix.rows + longest - 1
        view = CacheView(prefilled.cache.slice(items, rows, length), torch.arange(rows, length, device=device), length)
        embeddings = model.embed_semantic(chunk, TRAINING_ROW_OFFSET)
        mask = _chunk_mask(prefilled.prefix.phase_columns[items], phases)
        latent = torch.cat([latent, model.states(embeddings, attn_mask=mask, view=view).hidden], dim=1)
    valid = torch.arange(longest, device=device) < lengths[:, None]
    return latent * valid[..., None]


def _chunk_mask(columns: Tensor, phases: Tensor) -> Tensor:
    """The rows that each token attended to while it was decoded.

    columns: (batch, phases, prefix rows); phases: (batch, tokens) -> (batch, tokens, prefix rows + tokens) bool
    """
    count = phases.shape[1]
    prefix = columns.gather(1, phases[..., None].expand(-1, -1, columns.shape[-1]))
    earlier = torch.ones(count, count, dtype=torch.bool, device=phases.device).tril()
    return torch.cat([prefix, earlier.expand(phases.shape[0], -1, -1)], dim=2)
