"""Weight norm stored in a checkpoint becomes a plain weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from ..errors import CheckpointError

MAGNITUDE = ".weight_g"
DIRECTION = ".weight_v"


def folding(state_dict: Mapping[str, Tensor]) -> dict[str, Callable[[], Tensor]]:
    """Makers of the weights: `x.weight` for each pair `x.weight_g`, `x.weight_v`, in its place, and all other entries.

    The norm runs over all axes but the first (docs/spec/files.md#weight-norm). Raises CheckpointError for half a pair.
    """
    folded: dict[str, Callable[[], Tensor]] = {}
    for key, value in state_dict.items():
        if key.endswith(MAGNITUDE):
            stem = key.removesuffix(MAGNITUDE)
            folded[stem + ".weight"] = partial(_fold, value, _partner(state_dict, stem + DIRECTION, key))
        elif key.endswith(DIRECTION):
            _partner(state_dict, key.removesuffix(DIRECTION) + MAGNITUDE, key)
        else:
            folded[key] = partial(_same, value)
    return folded


def _same(value: Tensor) -> Tensor:
    return value


def _partner(state_dict: Mapping[str, Tensor], wanted: str, present: str) -> Tensor:
    if wanted not in state_dict:
        raise CheckpointError(
            f"The checkpoint has {present} but lacks {wanted}; weight norm needs both. Download the file again."
        )
    return state_dict[wanted]


def _fold(magnitude: Tensor, direction: Tensor) -> Tensor:
    """magnitude: (n, 1, ...); direction: (n, ...)  ->  (n, ...)"""
    axes = tuple(range(1, direction.dim()))
    return magnitude * direction / direction.norm(dim=axes, keepdim=True)
