"""The official layout: where each part lies and how it is nested (docs/spec/files.md).

The four auxiliary models lie in `hf_cache/` below the model folder, beside it, or in folders of the Hugging Face cache
form (`models--owner--name/snapshots/<revision>/`), there or in the machine's own cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..config import Config
from ..foreign import ForeignDataError, Limits, read_foreign_text, safe_relative_path
from .foreign_keys import tidied
from .parts import AUXILIARY_FOLDER, LICENCE_FOLDER, LICENCE_NAMES, OfficialFile, Part, part_of, parts_of
from .renames import live_sources
from .shards import shards_of
from .stream import Source
from .tensors import read_section

REVISION = Limits(size=256)
"""Bounds of the file of a cache that names its current revision."""


def official_files(
    folder: Path, config: Config, file_names: Mapping[str, str], caches: Iterable[Path] = ()
) -> dict[str, tuple[Path, ...]]:
    """Part -> its files, for the parts that are there."""
    roots = (folder / AUXILIARY_FOLDER, folder, folder.parent / AUXILIARY_FOLDER, folder.parent, *caches)
    found: dict[str, tuple[Path, ...]] = {}
    for row in parts_of(config):
        own = [_own_names(row, file, config, file_names) for file in row.official_files]
        paths = [
            _auxiliary(file, roots) if file.repository else _present(row, folder, names) or row.find(folder)
            for file, names in zip(row.official_files, own, strict=True)
        ]
        if all(paths):
            found[row.name] = tuple(shard for path in paths if path for shard in shards_of(path))
    return found


def wanted_files(part: str, config: Config, file_names: Mapping[str, str]) -> tuple[str, ...]:
    """Names of a part's files below the model folder, as this loader looks for them first."""
    row = part_of(part, config)
    return tuple(
        file.local if file.repository else _own_names(row, file, config, file_names)[0] for file in row.official_files
    )


def _own_names(row: Part, file: OfficialFile, config: Config, file_names: Mapping[str, str]) -> tuple[str, ...]:
    """A file as the configuration names it, then as it is usually called: some carry names of another machine."""
    if row.named_by is not None:
        return (row.native_file(config),)
    return (file_names.get(file.config_key, file.names[0]), *file.names)


def _present(row: Part, folder: Path, names: Iterable[str]) -> Path | None:
    return next((folder / name for name in names if row.is_at(folder / name)), None)


def _auxiliary(file: OfficialFile, roots: Iterable[Path]) -> Path | None:
    for root in roots:
        for name in file.names:
            if (root / name).is_file():
                return root / name
        snapshot = cached_snapshot(root, file.repository)
        if snapshot is not None and (snapshot / (file.path or file.names[0])).is_file():
            return snapshot / (file.path or file.names[0])
    return None


def cached_snapshot(cache: Path, repository: str) -> Path | None:
    """The folder of a repository's current revision in a Hugging Face cache, or None."""
    base = cache / ("models--" + repository.replace("/", "--"))
    snapshots = base / "snapshots"
    if not snapshots.is_dir():
        return None
    reference = base / "refs" / "main"
    if reference.is_file():
        with suppress(ForeignDataError):  # a name that leads elsewhere, or none at all
            named = snapshots / safe_relative_path(read_foreign_text(reference, REVISION).strip())
            if named.is_dir():
                return named
    revisions = sorted((path for path in snapshots.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    return revisions[-1] if revisions else None


def official_sources(part: str, files: tuple[Path, ...], config: Config) -> dict[str, Source]:
    """A part's live tensors under the names of the native layout, each to be made when it is needed.

    What is memory mapped stays on the disk until then. Raises CheckpointError.
    """
    row = part_of(part, config)
    if row.read_official is not None:
        small = row.read_official(files)
        return {key: partial(small.__getitem__, key) for key in small}
    return live_sources(part, tidied(read_section(files[0], row.sections), files[0], row.anchor), config)


def licence_files(folder: Path) -> list[Path]:
    """Licence texts that came with the files: of the model itself, then of the auxiliary models."""
    own = [path for path in sorted(folder.glob("*")) if path.is_file() and path.name.lower().startswith(LICENCE_NAMES)]
    return own + sorted(path for path in (folder / LICENCE_FOLDER).rglob("*") if path.is_file())
