"""SHA256SUMS beside downloaded files: one line per file, as `sha256sum --check` reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...atomic import write_text
from ...errors import CheckpointError
from ..fingerprint import changed_files

SUMS_NAME = "SHA256SUMS"
LONGEST_LIST = 16 << 20  # bytes
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_sums(folder: Path) -> dict[str, str]:
    """Name below the folder -> sum; empty without the file. Lines that are none are left out."""
    path = folder / SUMS_NAME
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        lines = file.read(LONGEST_LIST).decode("utf-8", "replace").splitlines()
    return {found[2]: found[1] for line in lines if (found := LINE.fullmatch(line))}


def write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Replace the file in one step."""
    text = "".join(f"{mark}  {name}\n" for name, mark in sorted(sums.items()))
    write_text(folder / SUMS_NAME, text, CheckpointError)


def wrong_sums(folder: Path, names: Iterable[str] = ()) -> list[str]:
    """Files of the list, or those of `names` alone, whose content differs or that are gone."""
    only = set(names)
    return changed_files(folder, {name: mark for name, mark in read_sums(folder).items() if not only or name in only})
