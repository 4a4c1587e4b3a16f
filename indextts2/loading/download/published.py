"""The released files: which repository holds each, where it belongs, how large it is (docs/spec/files.md)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...config import Config
from ...errors import InputError
from ..generation import KIND_BY_CONTENT
from ..parts import LICENCE_FOLDER, LICENCE_NAMES, OfficialFile, Part, parts_of
from ..releases import OFFICIAL_KIND, RELEASES

CONFIG_PART = "config"
LICENCE_PART = "licence"
CONFIG_FILES = {"2.0": OfficialFile(("config.yaml",), bytes=2_882), "2.5": OfficialFile(("config.yaml",), bytes=2_860)}


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a released checkpoint. What a hub lists itself goes before the size and sum known here."""

    part: str
    repository: str
    path: str  # in the repository
    local: str  # below the model folder
    bytes: int | None = None  # None where not known
    sha256: str = ""  # empty where not known


def _published(kind: str, part: str, file: OfficialFile) -> PublishedFile:
    repository = file.repository or RELEASES[kind]
    return PublishedFile(part, repository, file.path or file.names[0], file.local, file.bytes, file.sha256)


def _files(row: Part) -> tuple[OfficialFile, ...]:
    """All published files of a part; those of a folder are its companions."""
    return row.companions if row.is_folder else (*row.official_files, *row.companions)


def _all_of(kind: str, content: str) -> tuple[PublishedFile, ...]:
    config = replace(Config(), s2m=replace(Config().s2m, content=content))
    files = [_published(kind, row.name, file) for row in parts_of(config) for file in _files(row)]
    return (_published(kind, CONFIG_PART, CONFIG_FILES[kind]), *files)


PUBLISHED = {kind: _all_of(kind, content) for content, kind in KIND_BY_CONTENT.items()}
"""Kind of released checkpoint -> its files."""

DOWNLOADABLE = tuple(dict.fromkeys(file.part for file in PUBLISHED[OFFICIAL_KIND] if file.part != CONFIG_PART))
"""Parts that can be downloaded by themselves; the configuration always comes with them."""


def published_files(parts: Collection[str] = (), kind: str = OFFICIAL_KIND) -> list[PublishedFile]:
    """The files of some parts and the configuration; of all parts when empty. Raises InputError."""
    unknown = [part for part in parts if part not in DOWNLOADABLE]
    if unknown:
        raise InputError(f"There is no part '{unknown[0]}' to download; known are {', '.join(DOWNLOADABLE)}.")
    wanted = {*(parts or DOWNLOADABLE), CONFIG_PART}
    return [file for file in PUBLISHED[kind] if file.part in wanted]


def licence_file(repository: str, path: str) -> PublishedFile | None:
    """A repository's licence text as a file to fetch too, or None for another kind of file."""
    if "/" in path or not path.lower().startswith(LICENCE_NAMES):
        return None
    folder = "" if repository in RELEASES.values() else f"{LICENCE_FOLDER}/{repository.replace('/', '--')}/"
    return PublishedFile(LICENCE_PART, repository, path, folder + path)
