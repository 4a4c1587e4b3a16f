"""Official to native, or one precision to another: only live weights are kept, one tensor in memory at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..atomic import copy_file, copy_tree, make_folder
from ..contracts import no_progress
from ..errors import CheckpointError
from .checkpoint import Checkpoint, empty_model
from .native import (
    About,
    about_of,
    finish_native,
    write_part,
)
from .official import licence_files
from .pace import PACE_NAME
from .parts import INT8, Part, parts_of
from .quantise import ABSMAX, layers_to_quantise
from .stream import Source
from .tensors import check_numbers

LICENCES = "licences"
"""Folder of a converted checkpoint for the licence texts, by the folder they were in."""

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
    make_folder(target, CheckpointError)
    try:
        return _converted(checkpoint, target, _about(checkpoint, precision), progress)
    except BaseException:  # a cancelled or failed conversion leaves the folder as empty as it was
        for path in target.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _converted(
    checkpoint: Checkpoint, target: Path, about: About, progress: Callable[[int, int], None]
) -> tuple[SizeChange, ...]:
    changes = []
    parts = [row for row in parts_of(checkpoint.config) if row.name in checkpoint.files]
    for done, row in enumerate(parts):
        progress(done, len(parts))
        own, new = checkpoint.files[row.name], target / row.native_file(checkpoint.config)
        if row.named_by is not None:  # taken as it is, so there is no change to tell
            copy_file(own[0], new, CheckpointError)
            continue
        if row.is_folder:
            copy_tree(own[0], new, CheckpointError)
        else:
            _convert_part(checkpoint, row, target, about)
        changes.append(SizeChange(row.name, _bytes(own), _bytes([new])))
    if (checkpoint.folder / PACE_NAME).is_file():
        copy_file(checkpoint.folder / PACE_NAME, target / PACE_NAME, CheckpointError)
    for text in licence_files(checkpoint.folder):
        make_folder(target / LICENCES / text.parent.name, CheckpointError)
        copy_file(text, target / LICENCES / text.parent.name / text.name, CheckpointError)
    finish_native(target, checkpoint.config, about, declared=checkpoint.fingerprints)
    progress(len(parts), len(parts))
    return tuple(changes)


def _convert_part(checkpoint: Checkpoint, row: Part, target: Path, about: About) -> None:
    sources = checkpoint.sources(row.name)
    file = checkpoint.files[row.name][0]
    if any(key.endswith(ABSMAX) for key in sources):
        raise CheckpointError(f"{file} is stored in eight bits, which lost digits. Convert the original instead.")
    quantise = about.precision == row.min_precision == INT8
    layers: Collection[str] = layers_to_quantise(empty_model(checkpoint.config, row.name)) if quantise else ()
    checked: dict[str, Tensor | Source] = {key: partial(_checked, key, make, file) for key, make in sources.items()}
    write_part(target, row.name, checked, checkpoint.config, about, layers)


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
