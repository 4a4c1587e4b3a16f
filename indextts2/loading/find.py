"""Places of checkpoints: the mini inside the package, folders of models, caches."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError
from .config_file import CONFIG_NAME
from .download.message import missing_files_message
from .official import cached_snapshot
from .releases import OFFICIAL_NAMES, RELEASES

MINI = "mini"
"""The name that always means the checkpoint inside the package."""

REFERENCES = "references"
CACHE_PREFIX = "models--"


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that looks like a checkpoint, and the name to show for it."""

    name: str
    folder: Path


def mini_folder() -> Path:
    """The checkpoint inside the package."""
    return Path(__file__).resolve().parent.parent / MINI


def built_in_references() -> dict[str, Path]:
    """Name -> recording of the reference voices that ship with the mini."""
    return {path.stem: path for path in sorted((mini_folder() / REFERENCES).glob("*.wav"))}


def machine_caches() -> list[Path]:
    """The Hugging Face cache of this machine, if there is one."""
    home = os.environ.get("HF_HOME") or str(Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    return [cache] if cache.is_dir() else []


def model_scope_folders() -> list[Path]:
    """Existing folders in which ModelScope's own tool puts the released models, in its newer and older layout."""
    cache = Path(os.environ.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope" / "hub")
    places = [place / repository for repository in RELEASES.values() for place in (cache / "models", cache)]
    return [place for place in places if place.is_dir()]


def find_checkpoints(roots: Iterable[Path], caches: Iterable[Path] = ()) -> list[Found]:
    """Checkpoints in `roots` (themselves, or one folder below), in caches, and the mini. Names are unique."""
    folders: dict[Path, str] = {}
    if (mini_folder() / CONFIG_NAME).is_file():
        folders[mini_folder()] = MINI
    for root in [*roots, *model_scope_folders()]:
        for folder in [root, *_children(root)]:
            if os.path.isfile(folder / CONFIG_NAME):
                folders.setdefault(folder.resolve(), folder.name)
    for cache in caches:
        for name, kind in OFFICIAL_NAMES.items():
            snapshot = cached_snapshot(cache, RELEASES[kind])
            if snapshot is not None and (snapshot / CONFIG_NAME).is_file():
                folders.setdefault(snapshot.resolve(), f"{name} (cache)")
    names: dict[str, Path] = {}
    for folder, name in folders.items():
        unique = name if name not in names else f"{name} ({folder.parent.name})"
        while unique in names:
            unique += "'"
        names[unique] = folder
    return [Found(name, folder) for name, folder in names.items()]


def _children(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if os.path.isdir(root) else []


def checkpoint_folder(name: str | Path, roots: Iterable[Path] = ()) -> Path:
    """The folder of a checkpoint given by "mini", by path, or by name below `roots`. Raises CheckpointError, which for
    the released checkpoint says how to get it.
    """
    roots = list(roots)
    if str(name) == MINI:
        return mini_folder()
    given = Path(os.path.expanduser(name))  # which leaves "~nobody" as it is, where Path raises
    if os.path.isdir(given):
        if os.path.isfile(given / CONFIG_NAME) or not given.name.startswith(CACHE_PREFIX):
            return given
        snapshot = cached_snapshot(given.parent, given.name.removeprefix(CACHE_PREFIX).replace("--", "/"))
        return snapshot or given
    known = find_checkpoints(roots, machine_caches())
    for found in known:
        if found.name == str(name):
            return found.folder
    if given.name in OFFICIAL_NAMES:
        place = given if given.parent != Path() or not roots else roots[0] / given
        raise CheckpointError(missing_files_message(place.absolute(), kind=OFFICIAL_NAMES[given.name]))
    raise CheckpointError(
        f"There is no checkpoint '{name}'. Give the folder of one, or one of: "
        + (", ".join(found.name for found in known) or "none was found")
        + "."
    )
