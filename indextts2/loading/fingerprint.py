"""Names for checkpoints and their parts: short, the same after a copy, others for other weights or another config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Config
from .renames import ENCODER_PARTS, S2M_PARTS, T2S_PARTS, VOCODER_PARTS

DIGITS = 16  # hexadecimal; enough that two checkpoints never share one by chance
SAMPLES = 16  # places of a file that are read; weights of another training differ everywhere
SAMPLE_BYTES = 16_384
CHUNK = 1 << 20

GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "encoder": (ENCODER_PARTS, ("mel", "semantic_encoder", "codec", "style_encoder")),
    "t2s": (T2S_PARTS, ("t2s", "text", "emotion_bank")),
    "s2m": (S2M_PARTS[:1], ("mel", "s2m")),
    "vocoder": (VOCODER_PARTS, ("mel", "vocoder")),
}
"""What each fingerprint covers: parts, and sections of the configuration."""


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
    for group, (parts, sections) in GROUPS.items():
        stated = (declared or {}).get(group)
        if isinstance(stated, str) and stated:
            found[group] = stated
        elif any(part in files for part in parts):
            paths = [path for part in parts for path in files.get(part, ())]
            found[group] = fingerprint_of(config, sections, paths)
    return Fingerprints(**found)


def group_of(part: str) -> str:
    """The fingerprint that covers a part."""
    return next(group for group, (parts, _) in GROUPS.items() if part in parts)


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
