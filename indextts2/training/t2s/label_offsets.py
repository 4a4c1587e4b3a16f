"""Offsets that an emotion bank adds to the mean of its recordings: one learned offset per prosody style.

Differs from the paper, whose vectors come from recordings alone. The emotion branch of a small model hears pitch and
pace but little else, so the means of its vectors lie nearly on a line; the offsets are apart from the start, and T2S
learns with them what each style is like. Neutral speech has none: it is where every row is measured from.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ...loading.config_file import CONFIG_NAME
from ..corpus.styles import NEUTRAL
from ..loop.state import load_state, trained_weights

logger = logging.getLogger(__name__)

OFFSETS = "label_offsets"


class LabelOffsets(nn.Module):
    """One vector per label but neutral. rows: (dim,) by label; labels: all of them, as a batch counts them."""

    def __init__(self, rows: Mapping[str, Tensor], labels: Sequence[str]) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.rows = nn.ParameterDict({label: nn.Parameter(row) for label, row in rows.items()})

    def forward(self, labels: Tensor) -> Tensor:
        """labels: (batch,) index into `labels`  ->  (batch, dim), zeros for neutral"""
        some = next(iter(self.rows.values()))
        table = torch.stack(
            [self.rows[label] if label in self.rows else torch.zeros_like(some) for label in self.labels]
        )
        return table[labels]


def fresh_offsets(dim: int, labels: Sequence[str], size: float, generator: torch.Generator) -> LabelOffsets:
    """Offsets before training: at right angles to each other, `size` long."""
    spoken = [label for label in labels if label != NEUTRAL]
    directions = torch.empty(len(spoken), dim)
    nn.init.orthogonal_(directions, generator=generator)
    return LabelOffsets(dict(zip(spoken, size * directions, strict=True)), labels)


def trained_offsets(run: Path, labels: Sequence[str]) -> LabelOffsets | None:
    """The offsets of a T2S run, None where it has none. labels: in the order that a batch counts them."""
    if (run / CONFIG_NAME).is_file():
        logger.warning(
            "%s is a checkpoint, which keeps no offsets per label. If its T2S has learned with them, name its run.", run
        )
        return None
    state = load_state(run)
    if state is None or OFFSETS not in state["models"]:
        return None
    weights = trained_weights(state, OFFSETS)
    rows = {name.removeprefix("rows."): row for name, row in weights.items()}
    offsets = LabelOffsets(rows, labels)
    return offsets.eval()
