"""Names of tensors as trainers leave them: wrappers taken off, low-rank adapters that lie beside their weights merged.

| found | what it is | becomes |
|---|---|---|
| `net.x`, `state.model.x`, anything before the names of a whole model | sections and attributes of a trainer | `x` |
| `module.x`, `_orig_mod.x`, `base_model.model.x` | wrappers of data parallel, torch.compile and peft | `x` |
| `x.base_layer.weight` | the weight below an adapter of peft | `x.weight` |
| `x.lora_A.default.weight`, `x.lora_B...` | the adapter | merged into `x.weight`, when whole |
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import CheckpointError
from .tensors import extras_of

logger = logging.getLogger(__name__)

WRAPPERS = ("module.", "_orig_mod.", "_fsdp_wrapped_module.", "base_model.model.")
BASE_LAYER = ".base_layer."
LORA_HALF = re.compile(r"(?P<name>.+)\.lora_(?P<side>[AB])(?:\.(?!weight$)[^.]+)?(?:\.weight)?")
"""A half of an adapter: the name of its module, and which half it is."""

IN_FIRST = re.compile(r"gpt\.h\.\d+\.(attn|mlp)\.\w+")
"""Modules whose matrix is stored as (in, out), as GPT-2 does."""

SETTINGS = ("spec", "lora_config", "lora", "config", "args", "hyper_parameters")
"""Sections in which a trainer's file may say the scale of its adapters, beside its top level."""


def tidied(tensors: Mapping[str, Tensor], path: Path, anchor: str = "") -> dict[str, Tensor]:
    """The tensors of a file under plain names. anchor: as in `model_names`.

    Raises CheckpointError for two tensors of one name, and for an adapter of which a part is missing.
    """
    plain: dict[str, Tensor] = {}
    names = model_names(tensors, path, anchor)
    for key, value in tensors.items():
        name = names[key]
        if name in plain:
            raise CheckpointError(
                f"{path} holds two tensors that both mean '{name}', one of them '{key}'. Save the model without its "
                "wrappers, or keep one of them."
            )
        plain[name] = value
    halves = {key: match for key in plain if (match := LORA_HALF.fullmatch(key))}
    if not halves:
        return plain
    return _merged(plain, halves, path, extras_of(path))


def model_names(keys: Iterable[str], path: Path, anchor: str = "") -> dict[str, str]:
    """Key of a file -> plain name.

    anchor: a name that every such model has. What stands before it, whatever a trainer called the model, is taken off
    the others too. Of several copies the one with the shortest name counts, and a warning names them.
    """
    names = {key: plain_name(key) for key in keys}
    before = [name.removesuffix(anchor) for name in names.values() if anchor and f".{name}".endswith(f".{anchor}")]
    if not before or "" in before:
        return names
    chosen = min(before, key=len)
    if len(before) > 1:
        logger.warning("%s holds several models: %s. The one of '%s' is used.", path.name, ", ".join(before), chosen)
    return {key: plain_name(name.removeprefix(chosen)) for key, name in names.items()}


def plain_name(key: str) -> str:
    """A name without wrappers."""
    changed = True
    while changed:
        changed = False
        for wrapper in WRAPPERS:
            if key.startswith(wrapper):
                key, changed = key.removeprefix(wrapper), True
    return key.replace("._orig_mod.", ".").replace("._fsdp_wrapped_module.", ".").replace(BASE_LAYER, ".")


def scale_of(extras: Mapping[str, Any], rank: int) -> float | None:
    """alpha / rank as a trainer's file says it; None where it does not."""
    for place in (extras, *(extras.get(name) for name in SETTINGS)):
        values = place if isinstance(place, Mapping) else getattr(place, "__dict__", {})
        alpha = next((values[name] for name in ("lora_alpha", "alpha") if name in values), None)
        if isinstance(alpha, int | float) and not isinstance(alpha, bool):
            return float(alpha) / rank
    return None


def _merged(
    plain: Mapping[str, Tensor], halves: Mapping[str, re.Match[str]], path: Path, extras: Mapping[str, Any]
) -> dict[str, Tensor]:
    pairs: dict[str, dict[str, Tensor]] = {}
    for key, match in halves.items():
        pairs.setdefault(match["name"], {})[match["side"]] = plain[key]
    rest = {key: value for key, value in plain.items() if key not in halves}
    for name, sides in pairs.items():
        weight = rest.get(f"{name}.weight")
        if weight is None or len(sides) != 2:
            lacking = "its weight" if weight is None else "one of its halves"
            raise CheckpointError(
                f"{path} holds a part of a low-rank adapter of '{name}', but {lacking} is missing. Merge the adapter "
                "before saving, or save it whole."
            )
        rest[f"{name}.weight"] = weight + _difference(name, weight, sides["A"], sides["B"], path, extras)
    logger.info("%s: %d low-rank adapters were merged into the weights beside them.", path.name, len(pairs))
    return rest


def _difference(name: str, weight: Tensor, down: Tensor, up: Tensor, path: Path, extras: Mapping[str, Any]) -> Tensor:
    """Sum that an adapter adds to a weight. down: (rank, in), up: (out, rank)."""
    down, up = down.float().flatten(1), up.float().flatten(1)
    scale = scale_of(extras, down.shape[0])
    if scale is None:
        logger.warning("%s does not say the scale of its adapters; 1 is taken.", path.name)
        scale = 1.0
    if up.shape[1] != down.shape[0]:
        raise CheckpointError(f"{path}: the halves of the adapter of '{name}' have different ranks.")
    change = scale * (up @ down)
    change = change.T if IN_FIRST.fullmatch(name) else change
    if change.numel() != weight.numel():
        raise CheckpointError(
            f"{path}: the adapter of '{name}' makes a matrix of {tuple(change.shape)}, but the weight is "
            f"{tuple(weight.shape)}."
        )
    return change.reshape(weight.shape).to(weight.dtype)
