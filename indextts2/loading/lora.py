"""Low-rank adapters in peft's format: which matrices of a model they change, and by what.

A file holds `<module>.lora_A.weight` (rank, in) and `<module>.lora_B.weight` (out, rank); the weight of the module
grows
by scale x B A. Modules that store their matrix as (in, out) get the transpose. Nothing of peft is needed to read them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from ..foreign import CONFIGURATION, ForeignDataError, read_json, shown
from .fingerprint import DIGITS, sha256_of
from .tensors import read_tensors

ADAPTER_FILE = "adapter_model.safetensors"
SETTINGS_FILE = "adapter_config.json"
PREFIXES = ("base_model.model.", "model.", "t2s.")
DOWN, UP = ".lora_A", ".lora_B"
ENDINGS = (".weight", ".default.weight", "")
LISTED = 3  # keys that an error names
LARGEST_ALPHA = 1e6  # usual ones lie between 1 and 256


@dataclass(frozen=True, slots=True)
class LoraPair:
    """Change of one matrix: up (rows, rank) @ down (rank, columns), scale included, in the orientation it is stored
    in.
    """

    key: str
    up: Tensor
    down: Tensor

    def difference(self, strength: float = 1.0) -> Tensor:
        """What the weight grows by, (rows, columns) float32."""
        return strength * (self.up.float() @ self.down.float())


@dataclass(frozen=True, slots=True)
class Lora:
    """All pairs of a file. fingerprint: names its bytes."""

    pairs: tuple[LoraPair, ...]
    name: str
    fingerprint: str


def read_lora(path: str | Path, model: nn.Module) -> Lora:
    """Read a peft folder, or a single file of one, for `model`. Every tensor must fit; nothing is left out silently.

    Raises CheckpointError for a file that is damaged, of another kind, or made for a model of other sizes.
    """
    place = Path(path)
    file = place / ADAPTER_FILE if place.is_dir() else place
    tensors = read_tensors(file)
    settings = _settings(file.parent / SETTINGS_FILE) if file.name == ADAPTER_FILE else {}
    modules = dict(model.named_modules())
    halves: dict[str, dict[str, Tensor]] = {}
    strange = []
    for key, value in tensors.items():
        name, side = _split(key)
        module = modules.get(name)
        if side is None or not isinstance(getattr(module, "weight", None), Tensor) or value.dim() != 2:
            strange.append(key)
        else:
            halves.setdefault(name, {})[side] = value
    strange += [f"{name} (one half only)" for name, sides in halves.items() if len(sides) != 2]
    if strange or not halves:
        shown = ", ".join(strange[:LISTED]) or "no adapter at all"
        raise CheckpointError(
            f"{file} does not fit this model: it holds {shown}. Use a LoRA in peft's format that was trained on the "
            "text-to-semantic model of this kind of checkpoint."
        )
    pairs = tuple(
        _pair(name, modules[name], sides[DOWN], sides[UP], _scale(name, len(sides[DOWN]), settings), file)
        for name, sides in sorted(halves.items())
    )
    return Lora(pairs, place.stem, sha256_of(file)[:DIGITS])


def with_lora_mark(fingerprint: str, lora: Lora, strength: float) -> str:
    """The fingerprint of a model with an adapter: other than the model's own, the same for the same strength."""
    text = f"{fingerprint}/{lora.fingerprint}/{strength:.6f}"
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _split(key: str) -> tuple[str, str | None]:
    """Module name and which half a tensor is; None for what is no half."""
    for prefix in PREFIXES:
        if key.startswith(prefix):
            key = key.removeprefix(prefix)
            break
    for side in (DOWN, UP):
        for ending in ENDINGS:
            if key.endswith(side + ending):
                return key[: -len(side + ending)], side
    return key, None


def _settings(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        settings = read_json(path, CONFIGURATION)
    except ForeignDataError as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(settings, dict):
        raise CheckpointError(f"{path} should hold a JSON object.")
    if settings.get("use_dora"):
        raise CheckpointError(f"{path} is a DoRA, which changes more than low-rank adapters do. Train a plain LoRA.")
    return settings


def _scale(name: str, rank: int, settings: Mapping[str, Any]) -> float:
    """alpha / rank, or alpha / sqrt(rank) where the adapters were trained so; 1 where no settings are beside the
    file.
    """
    alpha = settings.get("lora_alpha")
    patterns = settings.get("alpha_pattern") or {}
    if not isinstance(patterns, dict):
        raise CheckpointError(f"The adapter's alpha_pattern should hold names and numbers, but is {shown(patterns)}.")
    for pattern, own in patterns.items():
        if name == pattern or name.endswith("." + pattern):
            alpha = own
    if alpha is None:
        return 1.0
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not abs(alpha) < LARGEST_ALPHA:
        raise CheckpointError(
            f"The adapter's alpha of '{name}' should be a finite number, but is {shown(alpha)}. Its file is damaged."
        )
    return float(alpha) / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def _pair(name: str, module: nn.Module, down: Tensor, up: Tensor, scale: float, file: Path) -> LoraPair:
    """down: (rank, in); up: (out, rank), as peft stores them."""
    weight = cast(Tensor, module.weight)
    shape = tuple(weight.shape)
    if not weight.is_floating_point():
        raise CheckpointError(
            f"The weights of '{name}' are stored in eight bits, which a LoRA cannot change. Load fp16 weights."
        )
    in_first = not isinstance(module, nn.Linear) and hasattr(module, "in_features")
    wanted = shape[::-1] if in_first else shape
    if (up.shape[0], down.shape[1]) != wanted or up.shape[1] != down.shape[0]:
        raise CheckpointError(
            f"{file}: the adapter of '{name}' has shapes {tuple(up.shape)} and {tuple(down.shape)}, which do not "
            f"make a "
            f"matrix of {wanted}. It was trained on a model of other sizes."
        )
    if not bool(torch.isfinite(up).all() and torch.isfinite(down).all()):
        raise CheckpointError(f"{file}: the adapter of '{name}' contains NaN or infinite numbers.")
    first, second = (down.T, up.T) if in_first else (up, down)
    return LoraPair(f"{name}.weight", (first * scale).contiguous(), second.contiguous())
