"""Low-rank adapters: which tensors of a model they change, and by what. Nothing of peft is needed to read them.

| form | tensors |
|---|---|
| peft, `.safetensors` or `.bin` | `<module>.lora_A.weight` (rank, in), `<module>.lora_B.weight` (out, rank) |
| the same, embeddings | `<module>.lora_embedding_A` (rank, rows), `<module>.lora_embedding_B` (dim, rank) |
| the same, `modules_to_save` | `<module>.weight` whole, in place of the model's own |
| `{"trainable", "spec"}` of 2.5 trainers | `<module>.lora_A` (in, rank), `<module>.lora_B` (rank, out), whole tensors |

Convolutions of width one have a third dimension. The weight grows by scale x B A.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from ..foreign import CONFIGURATION, ForeignDataError, read_json, shown
from ..models.transformer import MATRIX
from .fingerprint import DIGITS, sha256_of
from .tensors import read_tensors

if TYPE_CHECKING:
    from ..stages.handles import T2SModels

ADAPTER_FILES = ("adapter_model.safetensors", "adapter_model.bin")
SETTINGS_FILE = "adapter_config.json"
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
TRAINABLE, SPEC = "trainable", "spec"
CONDITION_MODULES = ("conditioning", "emo", "perceiver", "spk_emb")
"""Beginnings of the names of modules that make speaker and emotion."""

PREFIXES = ("base_model.model.", "_orig_mod.", "module.", "model.", "t2s.")
SAVED = ".modules_to_save.default."
_SIDE_OF_LORA = re.compile(r"(?P<name>.+?)\.lora_(?P<kind>embedding_)?(?P<side>[AB])(?:\.default)?(?:\.weight)?")
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
        """Sum that is added to the weight: (rows, columns) float32."""
        return strength * (self.up.float() @ self.down.float())


@dataclass(frozen=True, slots=True)
class Lora:
    """All pairs of a file. fingerprint: names its bytes."""

    pairs: tuple[LoraPair, ...]
    name: str
    fingerprint: str


def lora_fingerprint(path: str | Path) -> str:
    """Names the bytes of a LoRA."""
    return sha256_of(adapter_file(Path(path)))[:DIGITS]


def read_lora(path: str | Path, model: nn.Module) -> Lora:
    """Read a peft folder, or a single file, for `model`. Every tensor must fit; nothing is left out silently.

    Raises CheckpointError for a file that is damaged, of another kind, or made for a model of other sizes.
    """
    place = Path(path)
    file = adapter_file(place)
    tree = read_tensors(file)
    in_first_halves = isinstance(tree.get(TRAINABLE), Mapping)  # (in, rank) and (rank, out) instead of peft's order
    tensors = _flat(tree[TRAINABLE] if in_first_halves else tree)
    settings = _spec(tree) if in_first_halves else _settings(file.parent / SETTINGS_FILE, file)
    modules, weights = dict(model.named_modules()), model.state_dict()
    halves: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    strange = []
    for key, value in tensors.items():
        name = _plain(key)
        match = _SIDE_OF_LORA.fullmatch(name)
        if match and isinstance(getattr(modules.get(match["name"]), "weight", None), Tensor) and value.dim() in (2, 3):
            side, half = _half(value, match, in_first_halves)
            halves.setdefault(match["name"], {})[side] = half
        elif not match and name in weights and weights[name].shape == value.shape:
            whole[name] = value.T if MATRIX.fullmatch(name) else value  # trainers save the published layout, (in, out)
        else:
            strange.append(key)
    strange += [f"{name} (one half only)" for name, sides in halves.items() if len(sides) != 2]
    if strange or not (halves or whole):
        shown = ", ".join(strange[:LISTED]) or "no adapter at all"
        raise CheckpointError(
            f"{file} does not fit this model: it holds {shown}. Use a LoRA in peft's format that was trained on the "
            "text-to-semantic model of this kind of checkpoint."
        )
    pairs = [
        _pair(name, modules[name], sides["A"], sides["B"], _scale(name, len(sides["A"]), settings), file)
        for name, sides in sorted(halves.items())
    ]
    pairs += [_replacement(name, value, weights[name], file) for name, value in sorted(whole.items())]
    return Lora(tuple(pairs), place.stem, lora_fingerprint(file))


def adapter_file(place: Path) -> Path:
    """The file of a peft folder, or the file given."""
    if not os.path.isdir(place):
        return place
    return next((place / name for name in ADAPTER_FILES if os.path.isfile(place / name)), place / ADAPTER_FILES[0])


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Tensor]:
    """Tensors of nested dictionaries by dotted names; other values are left out."""
    found: dict[str, Tensor] = {}
    for key, value in tree.items():
        if isinstance(value, Tensor):
            found[f"{prefix}{key}"] = value
        elif isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
    return found


def _plain(key: str) -> str:
    """A name without the wrappers of trainers."""
    for prefix in PREFIXES:
        key = key.removeprefix(prefix)
    return key.replace(SAVED, ".").replace(".base_layer.", ".")


def _half(value: Tensor, match: re.Match[str], in_first: bool) -> tuple[str, Tensor]:
    """A half and its side in the order of `_pair`: A is (rank, in), B (out, rank).

    Of an embedding, whose matrix is (rows, dim), peft stores A (rank, rows) and B (dim, rank): turned they change
    sides.
    """
    flat = value.flatten(1)
    if match["kind"]:
        return ("B" if match["side"] == "A" else "A"), flat.T
    return match["side"], flat.T if in_first else flat


def _replacement(key: str, value: Tensor, weight: Tensor, file: Path) -> LoraPair:
    """A whole tensor in place of the model's own, as what that grows by: (rows, columns) times the unit matrix."""
    if not weight.is_floating_point():
        raise CheckpointError(f"{file}: '{key}' is stored in eight bits here, which a LoRA cannot change. Load fp16.")
    if not bool(torch.isfinite(value).all()):
        raise CheckpointError(f"{file}: '{key}' contains NaN or infinite numbers.")
    change = value.float() - weight.detach().to("cpu", torch.float32)
    rows = change.reshape(change.shape[0], -1) if change.dim() > 0 else change.reshape(1, 1)
    return LoraPair(key, rows.contiguous(), torch.eye(rows.shape[1]))


def _spec(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings that a trainer keeps beside its tensors."""
    spec = tree.get(SPEC)
    values = dict(spec) if isinstance(spec, Mapping) else dict(getattr(spec, "__dict__", {}))
    return {"lora_alpha": values.get("alpha"), **values}


def with_lora_mark(fingerprint: str, lora: Lora, strength: float) -> str:
    """The fingerprint of a model with an adapter: other than the model's own, the same for the same strength."""
    text = f"{fingerprint}/{lora.fingerprint}/{strength:.6f}"
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def marked(t2s: T2SModels, lora: Lora, strength: float) -> T2SModels:
    """The models under the fingerprint that they have with an adapter.

    It changes only where modules change that make speakers and emotions.
    """
    if not any(pair.key.startswith(CONDITION_MODULES) for pair in lora.pairs):
        return t2s
    return replace(t2s, fingerprint=with_lora_mark(t2s.fingerprint, lora, strength))


@torch.no_grad()
def merged(t2s: T2SModels, lora: Lora, strength: float) -> T2SModels:
    """The models with an adapter in their weights, which are replaced one by one; for programs that keep one model."""
    weights = {**dict(t2s.model.named_parameters()), **dict(t2s.model.named_buffers())}
    for pair in lora.pairs:
        weight = weights[pair.key]
        change = pair.difference(strength).reshape(weight.shape)
        weight.data = (weight.to("cpu", torch.float32) + change).to(weight.device, weight.dtype)
    return marked(t2s, lora, strength)


def _settings(path: Path, file: Path) -> Mapping[str, Any]:
    if file.name not in ADAPTER_FILES or not os.path.isfile(path):
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
    shape = tuple(weight.flatten(1).shape)  # a convolution of width one is a matrix
    if not weight.is_floating_point():
        raise CheckpointError(
            f"The weights of '{name}' are stored in eight bits, which a LoRA cannot change. Load fp16 weights."
        )
    if (up.shape[0], down.shape[1]) != shape or up.shape[1] != down.shape[0]:
        raise CheckpointError(
            f"{file}: the adapter of '{name}' has shapes {tuple(up.shape)} and {tuple(down.shape)}, which do not "
            f"make a matrix of {shape}. It was trained on a model of other sizes."
        )
    if not bool(torch.isfinite(up).all() and torch.isfinite(down).all()):
        raise CheckpointError(f"{file}: the adapter of '{name}' contains NaN or infinite numbers.")
    return LoraPair(f"{name}.weight", (up * scale).contiguous(), down.contiguous())
