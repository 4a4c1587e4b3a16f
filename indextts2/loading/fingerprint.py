"""Names for checkpoints and their parts: short, the same after a copy, others for other weights or another config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Config
from ..foreign import ForeignDataError, safe_relative_path
from .parts import GROUPS, parts_of

DIGITS = 16  # hexadecimal; enough that two checkpoints never share one by chance
SAMPLES = 16  # places of a file that are read; weights of another training differ everywhere
SAMPLE_BYTES = 16_384
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """One per loadable group; empty where a checkpoint neither has the group nor names the one it was trained with."""

    encoder: str = ""
    t2s: str = ""
    s2m: str = ""
    vocoder: str = ""


def fingerprints(
    config: Config, files: Mapping[str, tuple[Path, ...]], declared: Mapping[str, Any] | None = None
) -> Fingerprints:
    """Those a checkpoint declares, and for the others the ones of its files."""
    found: dict[str, str] = {}
    for group in GROUPS:
        rows = [row for row in parts_of(config) if row.group == group]
        stated = (declared or {}).get(group)
        if isinstance(stated, str) and stated:
            found[group] = stated
        elif any(row.name in files for row in rows):
            paths = [path for row in rows for path in files.get(row.name, ())]
            found[group] = fingerprint_of(config, {name for row in rows for name in row.config_sections}, paths)
    return Fingerprints(**found)


def fingerprint_of(config: Config, sections: Iterable[str], paths: Iterable[Path]) -> str:
    """Hash of what the sections say differently from the released model, and of samples of each file's bytes."""
    digest = hashlib.sha256()
    released = Config()
    differing = {
        path: value
        for section in sections
        for path, value in _leaves(getattr(config, section), section).items()
        if _leaves(getattr(released, section), section).get(path) != value
    }
    digest.update(json.dumps(differing, sort_keys=True).encode())
    for path in paths:
        digest.update(_sampled(path))
    return digest.hexdigest()[:DIGITS]


def _leaves(section: object, prefix: str) -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for entry in dataclasses.fields(section):  # type: ignore[arg-type]
        value = getattr(section, entry.name)
        path = f"{prefix}.{entry.name}"
        leaves.update(_leaves(value, path) if dataclasses.is_dataclass(value) else {path: value})
    return leaves


def _sampled(path: Path) -> bytes:
    count = path.stat().st_size
    digest = hashlib.sha256(str(count).encode())
    with path.open("rb") as file:
        for index in range(SAMPLES):
            file.seek(max(count - SAMPLE_BYTES, 0) * index // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.digest()


def sha256_of(path: Path) -> str:
    """The full sum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def changed_files(folder: Path, sums: Mapping[str, str]) -> list[str]:
    """Names of a list of sums whose file differs or is gone. One that leads out of the folder counts as gone."""
    return [name for name, wanted in sums.items() if not _has_sum(folder, name, wanted)]


def _has_sum(folder: Path, name: str, wanted: str) -> bool:
    try:
        path = folder / safe_relative_path(name)
    except ForeignDataError:
        return False
    return os.path.isfile(path) and sha256_of(path) == wanted
