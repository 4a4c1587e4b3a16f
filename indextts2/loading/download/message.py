"""Messages about missing official files: the exact command that brings them, and where to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..releases import OFFICIAL_KIND
from .published import DOWNLOADABLE

PACK = Path(__file__).resolve().parents[3]
"""The folder that the command is run in."""


def download_command(folder: Path | str, parts: Iterable[str] = (), kind: str = OFFICIAL_KIND) -> str:
    """The exact command that brings missing parts of a released checkpoint to a folder."""
    change = "cd /d" if os.name == "nt" else "cd"
    chosen = [part for part in parts if part in DOWNLOADABLE]
    words = [f'{change} "{PACK}" && "{sys.executable}" -m indextts2 download official --to "{folder}"']
    words += [f"--kind {kind}"] if kind != OFFICIAL_KIND else []
    return " ".join([*words, "--parts", *chosen] if chosen else words)


def missing_files_message(
    folder: Path | str,
    parts: Iterable[str] = (),
    *,
    kind: str = OFFICIAL_KIND,
    files: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Message for a user whose checkpoint lacks parts: which, by which files, and the command that brings them.

    files: part -> its files below the folder, where known.
    """
    lacking = list(parts)
    what = f"lacks {', '.join(with_files(lacking, files or {}))}" if lacking else "is not there yet"
    return (
        f"The checkpoint {folder} {what}. Nothing is downloaded by itself; to get the official files, "
        f"run this in a terminal: {download_command(folder, lacking, kind)}"
    )


def with_files(parts: Iterable[str], files: Mapping[str, Sequence[str]]) -> list[str]:
    """Each part with its files in brackets: "t2s (gpt.pth)"."""
    return [f"{part} ({', '.join(files[part])})" if files.get(part) else part for part in parts]
