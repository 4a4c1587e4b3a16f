"""The native layout: config.yaml, one safetensors file per model, tokenizer, emotion bank, statistics.

config.yaml has a section `checkpoint` with the format, the precision, licence and provenance, the sums of all files and
the fingerprints of the parts. Writing replaces files one by one and config.yaml last, so that a broken write is seen.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic import copy_file, make_folder
from ..config import Config
from ..errors import CheckpointError, ConfigError
from .config_file import CONFIG_NAME, write_config
from .fingerprint import Fingerprints, changed_files, fingerprints, sha256_of
from .parts import FP32, INT8, SUFFIX, part_of, parts_of, tensor_parts
from .quantise import ABSMAX, encoded
from .stream import Source, write_stream
from .tensors import is_finite, read_section

FORMAT = "native"
FORMAT_VERSION = 1
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
STORED_PRECISIONS = {**PRECISIONS, INT8: torch.float16}  # int8: large linear layers so, the rest in half precision
KEPT_NAMES = (
    "running_mean",
    "running_var",
    "freqs",
    "filter",
    ABSMAX,
)  # statistics and tables, too coarse in half precision


@dataclass(frozen=True, slots=True)
class About:
    """Description that a native checkpoint carries."""

    licence: str = "unknown"
    provenance: str = ""  # how it was made, in words
    precision: str = "fp32"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.precision not in STORED_PRECISIONS:
            raise ConfigError(f"A precision is one of {', '.join(STORED_PRECISIONS)}, but got '{self.precision}'.")


def is_native(metadata: Mapping[str, Any]) -> bool:
    """Whether the `checkpoint` section of a config.yaml says so. Raises ConfigError for a newer format."""
    if metadata.get("format") != FORMAT:
        return False
    version = metadata.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise ConfigError(f"The checkpoint has format version {version}; this program reads {FORMAT_VERSION}.")
    return True


def native_files(folder: Path, config: Config) -> dict[str, tuple[Path, ...]]:
    """Part -> its file, for the parts that are there."""
    places = {row: folder / row.native_file(config) for row in parts_of(config)}
    return {row.name: (path,) for row, path in places.items() if row.is_at(path)}


def read_native(part: str, files: tuple[Path, ...]) -> dict[str, Tensor]:
    """A part's tensors."""
    return read_section(files[0])


def write_native(
    folder: Path,
    config: Config,
    parts: Mapping[str, Mapping[str, Tensor]],
    about: About,
    *,
    tokenizer: Path | None = None,
    declared: Fingerprints | None = None,
) -> None:
    """Write a checkpoint, or replace some parts of one: parts of an existing folder that are not given stay.

    parts: name of the part -> its live tensors. declared: fingerprints taken over from a checkpoint whose vectors these
    weights share, as after a conversion; empty ones are computed.
    """
    unknown = sorted(set(parts) - set(tensor_parts()))
    if unknown:
        raise ConfigError(f"A checkpoint has no part {', '.join(unknown)}; known are {', '.join(tensor_parts())}.")
    make_folder(folder, CheckpointError)
    for part, tensors in parts.items():
        write_part(folder, part, tensors, config, about)
    if tokenizer is not None:
        copy_file(tokenizer, folder / Path(config.text.tokenizer).name, CheckpointError)
    finish_native(folder, config, about, declared=declared)


def finish_native(folder: Path, config: Config, about: About, *, declared: Fingerprints | None = None) -> None:
    """Write config.yaml for the files that lie in the folder, with their sums and fingerprints."""
    files = native_files(folder, config)
    wanted = {group: mark for group in Fingerprints.__slots__ if (mark := getattr(declared, group, ""))}
    marks = fingerprints(config, files, wanted)
    metadata: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "licence": about.licence,
        "provenance": about.provenance,
        "precision": about.precision,
        **about.extra,
        "fingerprints": {group: getattr(marks, group) for group in Fingerprints.__slots__},
        "sha256": {path.relative_to(folder).as_posix(): sha256_of(path) for path in _all_files(files)},
    }
    write_config(folder / CONFIG_NAME, config, metadata)


def about_of(metadata: Mapping[str, Any]) -> About:
    """The description a config.yaml carries, for a checkpoint made from it."""
    own = ("format", "format_version", "licence", "provenance", "precision", "fingerprints", "sha256")
    return About(
        licence=str(metadata.get("licence", "unknown")),
        provenance=str(metadata.get("provenance", "")),
        precision=str(metadata.get("precision", "fp32")),
        extra={key: value for key, value in metadata.items() if key not in own},
    )


def verify_sums(folder: Path, metadata: Mapping[str, Any]) -> list[str]:
    """Files whose sum differs from the list in config.yaml, or that are gone."""
    return changed_files(folder, metadata.get("sha256", {}))


def write_part(
    folder: Path,
    part: str,
    tensors: Mapping[str, Tensor | Source],
    config: Config,
    about: About,
    int8_layers: Collection[str] = (),
) -> None:
    """Write one part's file, one tensor in memory at a time; `finish_native` must follow.

    tensors: by name, or what makes them. int8_layers: linear layers to store in eight bits (`quantise`).
    """
    dtype = torch.float32 if part_of(part, config).min_precision == FP32 else STORED_PRECISIONS[about.precision]
    metadata = {
        "format": "pt",
        "part": part,
        "checkpoint": config.name,
        "version": config.version,
        "licence": about.licence,
        "provenance": about.provenance,
        "extra": json.dumps(dict(about.extra), sort_keys=True, default=str),
    }
    sources = {key: partial(_encoded, key, tensors[key], dtype, int8_layers) for key in sorted(tensors)}
    write_stream(folder / (part + SUFFIX), sources, metadata)


def _encoded(key: str, value: Tensor | Source, dtype: torch.dtype, int8_layers: Collection[str]) -> dict[str, Tensor]:
    """Entries of a file for a tensor of a part."""
    whole = value if isinstance(value, Tensor) else value()
    return {name: _stored(name, tensor, dtype) for name, tensor in encoded(key, whole, int8_layers).items()}


def _stored(key: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    value = value.detach().cpu()
    if not value.is_floating_point() or key.endswith(KEPT_NAMES):
        return value
    lowered = value.to(dtype)
    # Out of the range of half precision a number stays what it is.
    return lowered if is_finite(lowered) else value.float()


def _all_files(files: Mapping[str, tuple[Path, ...]]) -> list[Path]:
    paths = [path for group in files.values() for path in group]
    return sorted(
        inner for path in paths for inner in (path.rglob("*") if path.is_dir() else [path]) if inner.is_file()
    )
