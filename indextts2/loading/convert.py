"""Official to native, or one precision to another: only live weights are kept, one tensor in memory at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..contracts import no_progress
from ..errors import CheckpointError
from .checkpoint import Checkpoint, empty_model
from .native import (
    SUFFIX,
    TENSOR_PARTS,
    TEXT_TO_EMOTION_FOLDER,
    About,
    about_of,
    finish_native,
    make_folder,
    write_part,
)
from .official import licence_files
from .quantise import INT8, PEAK, QUANTISED_PARTS, layers_to_quantise
from .stream import Source
from .tensors import check_numbers

LICENCES = "licences"
"""Where a converted checkpoint keeps the licence texts, by the folder they came from."""

CONVERTED = "converted from the released files"


@dataclass(frozen=True, slots=True)
class SizeChange:
    """Bytes of a part's files before and after."""

    part: str
    before: int
    after: int


def convert(
    checkpoint: Checkpoint,
    target: Path,
    *,
    precision: str = "fp32",
    progress: Callable[[int, int], None] = no_progress,
) -> tuple[SizeChange, ...]:
    """Write `checkpoint` as a native one to `target`, a new or empty folder, part by part. Returns the sizes.

    precision: "fp32", "fp16", "bf16", or "int8" for the large linear layers of T2S and the semantic encoder with the
    rest in fp16. The fingerprints are taken over, since the vectors mean the same. Raises CheckpointError for parts
    that are missing, damaged or hold NaN, and for one that is stored in eight bits already.
    """
    if target.is_dir() and any(target.iterdir()):
        raise CheckpointError(f"{target} is not empty. Choose a new folder.")
    checkpoint.require(checkpoint.missing)
    about = _about(checkpoint, precision)
    make_folder(target)
    changes = []
    for done, part in enumerate(TENSOR_PARTS):
        progress(done, len(TENSOR_PARTS))
        _convert_part(checkpoint, part, target, about)
        changes.append(SizeChange(part, _bytes(checkpoint.files[part]), _bytes([target / (part + SUFFIX)])))
    shutil.copyfile(checkpoint.files["tokenizer"][0], target / Path(checkpoint.config.text.tokenizer).name)
    if "text_to_emotion" in checkpoint.files:
        place = checkpoint.files["text_to_emotion"]
        shutil.copytree(place[0], target / TEXT_TO_EMOTION_FOLDER)
        changes.append(SizeChange("text_to_emotion", _bytes(place), _bytes([target / TEXT_TO_EMOTION_FOLDER])))
    for text in licence_files(checkpoint.folder):
        (target / LICENCES / text.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(text, target / LICENCES / text.parent.name / text.name)
    finish_native(target, checkpoint.config, about, declared=checkpoint.fingerprints)
    progress(len(TENSOR_PARTS), len(TENSOR_PARTS))
    return tuple(changes)


def _convert_part(checkpoint: Checkpoint, part: str, target: Path, about: About) -> None:
    sources = checkpoint.sources(part)
    file = checkpoint.files[part][0]
    if any(key.endswith(PEAK) for key in sources):
        raise CheckpointError(f"{file} is stored in eight bits, which lost digits. Convert the original instead.")
    quantise = about.precision == INT8 and part in QUANTISED_PARTS
    layers = layers_to_quantise(empty_model(checkpoint.config, part)) if quantise else {}
    checked: dict[str, Tensor | Source] = {key: partial(_checked, key, make, file) for key, make in sources.items()}
    write_part(target, part, checked, checkpoint.config, about, layers)


def _checked(key: str, make: Source, file: Path) -> Tensor:
    value = make()
    if value.is_floating_point() and value.dtype is torch.float64:
        value = value.float()
    check_numbers({key: value}, file)
    return value


def _bytes(paths: Iterable[Path]) -> int:
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sum(file.stat().st_size for file in files if file.is_file())


def _about(checkpoint: Checkpoint, precision: str) -> About:
    known = about_of(checkpoint.metadata)
    return About(checkpoint.licence, known.provenance or CONVERTED, precision, known.extra)
