"""Word vectors from a dictionary's definitions: pieces that occur in the same definitions get similar vectors.

A model trained on a few thousand lines sees few words. Started from these vectors, it treats a word it never saw like
its relatives that it did see. Method: positive pointwise mutual information of pieces within a definition, reduced by a
singular value decomposition (latent semantic analysis).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

CONTEXT_POWER = 0.75  # raises the share of rare contexts, the usual smoothing of such counts
SPARE_DIMENSIONS = 16  # extra ones that make the randomised decomposition accurate
POWER_ROUNDS = 3
LONGEST = 64  # pieces of one definition
CHUNK = 2000  # definitions counted at once


def gloss_vectors(tokenizer: Any, texts: Sequence[str], dim: int, *, seed: int = 0) -> Tensor:
    """(pieces, dim) float32, rows of unit length; pieces that occur in no text get zeros."""
    size = len(tokenizer)
    counts = _together(_ids(tokenizer, texts), size)
    total = counts.sum()
    rows = counts.sum(dim=1)
    contexts = rows**CONTEXT_POWER
    expected = rows.unsqueeze(1) * (contexts / contexts.sum()).unsqueeze(0)
    information = (counts / expected.clamp_min(total * 1e-12)).clamp_min(1.0).log()  # below chance counts as chance
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # the decomposition draws its start from the global generator
        left, scale, _ = torch.svd_lowrank(information, q=min(dim + SPARE_DIMENSIONS, size), niter=POWER_ROUNDS)
    vectors = left[:, :dim] * scale[:dim].sqrt()
    return torch.nn.functional.normalize(vectors, dim=-1) * (rows > 0).unsqueeze(1)


def _ids(tokenizer: Any, texts: Sequence[str]) -> Iterable[list[int]]:
    for begin in range(0, len(texts), CHUNK):
        encoded = tokenizer(list(texts[begin : begin + CHUNK]), add_special_tokens=False)["input_ids"]
        yield from (sorted(set(ids[:LONGEST])) for ids in encoded)


def _together(lists: Iterable[list[int]], size: int) -> Tensor:
    """Count of texts that hold both pieces, (size, size)."""
    counts = torch.zeros(size * size)
    waiting: list[Tensor] = []

    def add() -> None:
        places = torch.cat(waiting)
        counts.index_add_(0, places, torch.ones(len(places)))
        waiting.clear()

    for ids in lists:
        if not ids:
            continue
        row = torch.tensor(ids)
        waiting.append((row.unsqueeze(1) * size + row.unsqueeze(0)).flatten())
        if len(waiting) == CHUNK:
            add()
    if waiting:
        add()
    return counts.view(size, size)
