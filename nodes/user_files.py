"""Files of the user: saved values and scripts, below the host's input and output folders and nowhere else.

Names carry the folder the host's way: "indextts2/anna_00001_.safetensors [output]". Of contents, only
the kind that a file says it has is read here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..indextts2.errors import InputError
from ..indextts2.foreign import ForeignDataError, safe_relative_path, shown
from ..indextts2.loading.learned_speaker import SUFFIXES, learned_condition
from ..indextts2.values.files import SUFFIX, DamagedFile, file_info
from .host import folders

LEARNED_KIND = "speaker"
"""The kind of which files of trainers can be loaded too: a learned condition in one tensor."""

SUBFOLDER = "indextts2"
"""Folder of saved values below input and output; a name to save under may choose another place below output."""

DEEPEST = 2  # folders below the input folder that are searched for scripts
MOST_ENTRIES = 50_000  # files and folders that such a search looks at


def saved_files(kind: str, *, learned: bool = True) -> list[str]:
    """Names of all files of a kind, the newest first; behind them damaged ones, which say why when they are chosen.

    learned: whether files of trainers that can be loaded as this kind are among them.
    """
    found: list[tuple[bool, float, str]] = []
    for label, root in folders.user_folders().items():
        for path in (path for path in (root / SUBFOLDER).rglob("*") if path.suffix in SUFFIXES):
            whole = _holds(path, kind, learned) if is_inside(path, root) else None
            if whole is not None:
                found.append((whole, _changed_at(path), f"{path.relative_to(root).as_posix()} [{label}]"))
    return [name for _, _, name in sorted(found, reverse=True)]


def _holds(path: Path, kind: str, learned: bool) -> bool | None:
    """Whether a file is whole, where it is of the kind or too damaged to tell; None for every other file."""
    try:
        if path.suffix == SUFFIX:
            return True if file_info(path).kind == kind else None
    except DamagedFile:
        return False
    except InputError:  # not saved by this pack
        pass
    return True if learned and kind == LEARNED_KIND and learned_condition(path) is not None else None


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # removed since it was listed
        return 0.0


def saved_file(name: str) -> Path:
    """The file of a name. Raises InputError for one outside the two folders, of another type, or that is not there."""
    plain, _, label = name.rpartition(" [")
    root = folders.user_folders().get(label.removesuffix("]"))
    if root is None or not plain:
        raise InputError(f"{shown(name)} names no file of the input or output folder. Choose one from the list.")
    path = root / plain
    if not is_inside(path, root) or path.suffix not in SUFFIXES:
        raise InputError(f"{shown(name)} lies outside the host's input and output folders, or is no {SUFFIX} file.")
    if not os.path.isfile(path):  # which, unlike Path, takes names of any length
        raise InputError(f"There is no file {shown(name)}. Refresh the list (key R) and choose another one.")
    return path


def new_file(prefix: str, suffix: str = SUFFIX) -> tuple[Path, str]:
    """An unused place below the output folder, numbered the host's way, and the name it will have in lists.

    Raises InputError for a prefix that leads out of the output folder.
    """
    root = folders.user_folders()["output"]
    wanted = Path(prefix.strip().replace("\\", "/"))
    try:
        safe_relative_path(f"{wanted.as_posix()}_00000_{suffix}")
        if not wanted.name or not is_inside(root / wanted, root):
            raise ForeignDataError("it leads elsewhere")
        folder, name, counter = folders.numbered_place(wanted.as_posix())
    except (ForeignDataError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{shown(prefix)} is no name below the output folder ({reason}). Use one such as {SUBFOLDER}/anna."
        ) from error
    path = folder / f"{name}_{counter:05}_{suffix}"
    return path, f"{path.relative_to(root).as_posix()} [output]"


def file_state(name: str) -> str:
    """Changes when the file does; the host reruns its loader then. Empty for a file that is not there."""
    try:
        found = os.stat(saved_file(name))
    except (InputError, OSError):
        return ""
    return f"{found.st_size},{found.st_mtime_ns}"


def script_files() -> list[str]:
    """Names of the script files below the input folder."""
    from ..indextts2.script.kinds import SUFFIXES

    root = folders.user_folders()["input"]
    found = (path for path in _files_near(root) if path.suffix.lower().lstrip(".") in SUFFIXES)
    return sorted(path.relative_to(root).as_posix() for path in found if is_inside(path, root))


def _files_near(root: Path) -> Iterator[Path]:
    """Visible files of a folder, then of the folders in it, and so on, until DEEPEST or MOST_ENTRIES is reached.

    The host asks for lists whenever a page opens, and its input folder may hold any number of pictures.
    """
    waiting, looked_at = [root], 0
    for _ in range(DEEPEST + 1):
        folders, waiting = waiting, []
        for folder in folders:
            for entry in _entries(folder):
                looked_at += 1
                if looked_at > MOST_ENTRIES:
                    return
                if entry.is_dir():
                    waiting.append(Path(entry.path))
                elif entry.is_file():
                    yield Path(entry.path)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Entries of a folder without hidden names; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError:
        return


def script_file(name: str) -> Path:
    """The script file of a name. Raises InputError for one outside the input folder, or that is not there."""
    root = folders.user_folders()["input"]
    path = root / name
    if not name or not is_inside(path, root) or not os.path.isfile(path):
        raise InputError(f"There is no script file {shown(name)} in the input folder. Put one there and press key R.")
    return path


def script_state(name: str | None) -> str:
    """Changes when the file does; empty for a file that is not there, or a linked name that is not known yet."""
    try:
        found = os.stat(script_file(name or ""))
    except (InputError, OSError):
        return ""
    return f"{found.st_size},{found.st_mtime_ns}"


def is_inside(path: Path, root: Path) -> bool:
    """Whether a path leads below a folder; not when it cannot be followed: a NUL in it, or links in a circle."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
