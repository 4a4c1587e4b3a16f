"""SHA256SUMS beside downloaded files: one line per file, as `sha256sum --check` reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...atomic import write_text
from ...errors import CheckpointError
from ..fingerprint import sha256_of

SUMS_NAME = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_sums(folder: Path) -> dict[str, str]:
    """Name below the folder -> sum; empty without the file. Lines that are none are left out."""
    path = folder / SUMS_NAME
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {found[2]: found[1] for line in lines if (found := LINE.fullmatch(line))}


def write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Replace the file in one step."""
    text = "".join(f"{mark}  {name}\n" for name, mark in sorted(sums.items()))
    write_text(folder / SUMS_NAME, text, CheckpointError)


def wrong_sums(folder: Path, names: Iterable[str] = ()) -> list[str]:
    """Files of the list, or those of `names` alone, whose content differs or that are gone."""
    sums, only = read_sums(folder), set(names)
    return [
        name
        for name, mark in sums.items()
        if (not only or name in only) and not ((folder / name).is_file() and sha256_of(folder / name) == mark)
    ]
