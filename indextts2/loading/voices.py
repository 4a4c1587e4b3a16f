"""The voice library: built-in voices, recordings of folders of voices, and saved speakers, each by a name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from ..foreign import shown
from .find import built_in_references
from .host_folders import host_root

VOICES_VARIABLE = "INDEXTTS2_VOICES"
"""Environment variable with folders of recordings and saved speakers, for the command line."""

VOICES = "voices"
"""Folder of recordings below the host's input folder."""

RECORDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3")
SAVED = ".safetensors"
MOST_FILES = 2_000  # of a folder that are looked at


def recordings_in(folder: Path) -> list[Path]:
    """Recordings of a folder and of the folders in it, sorted; hidden ones are left out."""
    return [path for path in _files_in(folder) if path.suffix.lower() in RECORDINGS]


def voice_folders() -> list[Path]:
    """Folders of voices of the command line: those of VOICES_VARIABLE, then those of the ComfyUI around the pack."""
    named = [Path(place) for place in os.environ.get(VOICES_VARIABLE, "").split(os.pathsep) if place]
    root = host_root()
    return named if root is None else [*named, root / "input" / VOICES, root / "output" / "indextts2"]


def voice_library(folders: Iterable[Path] | None = None) -> dict[str, Path]:
    """Name -> recording or saved speaker. A file is named by its path below its folder; a built-in voice goes first.

    folders: None for `voice_folders`.
    """
    found = dict(built_in_references())
    for folder in voice_folders() if folders is None else folders:
        for path in _files_in(folder):
            if path.suffix.lower() in (*RECORDINGS, SAVED):
                found.setdefault(path.relative_to(folder).as_posix(), path)
    return found


def voice_named(name: str, library: dict[str, Path]) -> Path:
    """The voice of a name, whose suffix may be left out. Raises InputError with the names there are."""
    if name in library:
        return library[name]
    close = [path for known, path in library.items() if known.rpartition(".")[0] == name]
    if len(close) == 1:
        return close[0]
    known = ", ".join(library) or "none is installed"
    wrong = f"There is no speaker {shown(name)}" if not close else f"Several speakers are called {shown(name)}"
    raise InputError(
        f"{wrong}; there are: {known}. Put recordings into a folder that {VOICES_VARIABLE} names, or give one by its "
        "path."
    )


def _files_in(folder: Path) -> list[Path]:
    try:
        paths = [path for path in sorted(folder.rglob("*"))[:MOST_FILES] if path.is_file()]
    except OSError:  # a folder that cannot be read holds no voice
        return []
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
