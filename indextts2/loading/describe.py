"""Contents of a checkpoint as plain values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, IndexTTS2Error
from ..foreign import ForeignDataError, parse_json
from .checkpoint import Checkpoint, open_checkpoint
from .download.message import download_command
from .download.sums import wrong_sums
from .generation import KIND_BY_CONTENT
from .native import verify_sums
from .opened import NATIVE
from .parts import Part, part_of, tensor_parts
from .shards import is_later_shard
from .stream import HEADER_COUNT_BYTES, TYPE_NAMES
from .tensors import check_numbers, is_safetensors, read_section

PICKLES = (".pth", ".pt", ".bin", ".ckpt")
PRECISION_NAMES = {"F32": "fp32", "F16": "fp16", "BF16": "bf16", "F64": "fp64", "I8": "int8"}


def summary(folder: Path) -> dict[str, Any]:
    """One checkpoint of a list: version, precision, bytes, what is missing, licence; or why it does not open."""
    try:
        whole = describe(open_checkpoint(folder))
    except IndexTTS2Error as error:
        return {"folder": str(folder), "complete": False, "error": str(error)}
    kinds = {part["name"]: part["precision"] for part in whole["parts"]}
    kept = ("version", "layout", "folder", "licence", "bytes", "missing", "missing_files", "complete", "what")
    return {**{key: whole[key] for key in kept}, "precision": kinds.get("t2s"), "error": ""}


def describe(checkpoint: Checkpoint, *, verify: bool = False) -> dict[str, Any]:
    """Parts with their sizes, what is missing, licence and fingerprints. verify: read every byte, name the damaged."""
    return {
        "name": checkpoint.config.name,
        "version": checkpoint.config.version,
        "layout": checkpoint.layout,
        "folder": str(checkpoint.folder),
        "licence": checkpoint.licence,
        "provenance": str(checkpoint.metadata.get("provenance", "")),
        "parts": [_part(part_of(name, checkpoint.config), paths) for name, paths in checkpoint.files.items()],
        "bytes": sum(file.stat().st_size for paths in checkpoint.files.values() for file in _inner(paths)),
        "missing": list(checkpoint.missing),
        "missing_files": {part: list(names) for part, names in checkpoint.missing_files.items()},
        "get": _how_to_get(checkpoint),
        "base": str(checkpoint.base.folder) if checkpoint.base else "",
        "from_base": list(checkpoint.from_base),
        "what": what_it_is(checkpoint),
        "complete": not checkpoint.missing,
        "fingerprint": checkpoint.fingerprint,
        "verified": verify,
        "damaged": _damaged(checkpoint) if verify else [],
    }


def what_it_is(checkpoint: Checkpoint) -> str:
    """One line: which model, how it is laid out, how text is read, and where its parts come from."""
    config = checkpoint.config
    line = f"{config.name} {config.version}, {checkpoint.layout} layout, text '{config.text.kind}'"
    line += f" with {config.t2s.text_tokens} tokens"
    if checkpoint.base is not None:
        own = ", ".join(part for part in checkpoint.files if part not in checkpoint.from_base)
        line += f"; a fine-tune: {own} of its own, {', '.join(checkpoint.from_base)} from {checkpoint.base.folder}"
    return line


def _how_to_get(checkpoint: Checkpoint) -> str:
    """The command that brings what is missing; empty where nothing is, or where no released file would do."""
    if checkpoint.layout == NATIVE or not checkpoint.missing:
        return ""
    kind = KIND_BY_CONTENT[checkpoint.config.s2m.content]
    return download_command(checkpoint.folder, checkpoint.missing, kind)


def _part(row: Part, paths: tuple[Path, ...]) -> dict[str, Any]:
    files = _inner(paths)
    headers = [header for file in files if (header := _entries(row, file))]
    kinds = {PRECISION_NAMES.get(entry["dtype"], entry["dtype"]) for header in headers for entry in header.values()}
    return {
        "name": row.name,
        "files": [str(path) for path in paths],
        "bytes": sum(file.stat().st_size for file in files),
        "parameters": sum(math.prod(entry["shape"]) for header in headers for entry in header.values()) or None,
        "precision": "+".join(sorted(kind for kind in kinds if not kind.startswith("I"))) or None,
    }


def _inner(paths: tuple[Path, ...]) -> list[Path]:
    """All files of a part, those inside folders too."""
    return [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]


def _entries(row: Part, file: Path) -> dict[str, Any]:
    """Tensor -> dtype and shape, without reading the numbers; empty for a file that holds none or cannot be read."""
    if is_safetensors(file):
        return _header(file)
    if file.suffix.lower() not in PICKLES or is_later_shard(file):
        return {}
    try:
        tensors = read_section(file, row.sections)
    except CheckpointError:
        return {}
    return {key: {"dtype": TYPE_NAMES.get(value.dtype, ""), "shape": value.shape} for key, value in tensors.items()}


def _header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file, which tells shapes without reading tensors; empty if it cannot be read."""
    with path.open("rb") as file:
        count = int.from_bytes(file.read(HEADER_COUNT_BYTES), "little")
        if count > path.stat().st_size:
            return {}
        try:
            header = parse_json(file.read(count))
        except ForeignDataError:
            return {}
    return {key: value for key, value in header.items() if key != "__metadata__"} if isinstance(header, dict) else {}


def _damaged(checkpoint: Checkpoint) -> list[str]:
    native = checkpoint.layout == NATIVE
    damaged = verify_sums(checkpoint.folder, checkpoint.metadata) if native else wrong_sums(checkpoint.folder)
    for part in tensor_parts():
        if part in checkpoint.files:
            try:
                check_numbers(checkpoint.read(part), checkpoint.files[part][0])
            except CheckpointError as error:
                damaged.append(f"{part}: {error}")
    return damaged
