"""What a user reads when official files are missing: the exact command that brings them, and where to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from .published import PARTS


def download_command(folder: Path | str, parts: Iterable[str] = ()) -> str:
    """The exact command that brings missing parts of the released checkpoint to a folder."""
    pack = Path(__file__).resolve().parent.parent.parent
    change = "cd /d" if os.name == "nt" else "cd"
    chosen = [part for part in parts if part in PARTS]
    words = [f'{change} "{pack}" && "{sys.executable}" -m indextts2 download official --to "{folder}"']
    return " ".join([*words, "--parts", *chosen] if chosen else words)


def missing_files_message(folder: Path | str, parts: Iterable[str] = ()) -> str:
    """What to tell a user whose checkpoint lacks files: which, where they belong, and the command."""
    lacking = list(parts)
    what = f"lacks {', '.join(lacking)}" if lacking else "is not there yet"
    return (
        f"The checkpoint {folder} {what}. Nothing is downloaded by itself; to get the official files, "
        f"run this in a terminal: {download_command(folder, lacking)}"
    )
