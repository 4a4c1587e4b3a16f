"""An opened checkpoint: a folder with a readable configuration, its files by part, and their tensors when asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from ..config import Config
from ..errors import CheckpointError
from .download.message import missing_files_message, with_files
from .fingerprint import Fingerprints
from .generation import KIND_BY_CONTENT
from .native import read_native
from .official import official_sources, wanted_files
from .parts import checkpoint_parts, part_of
from .stream import Source, out_first_sources
from .tensors import OTHER_SUFFIXES, refuse_other_formats

OFFICIAL, NATIVE = "official", "native"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with a readable configuration; its weights are not read yet. files: part -> where it lies."""

    config: Config
    folder: Path
    layout: str
    files: Mapping[str, tuple[Path, ...]]
    fingerprints: Fingerprints
    licence: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    file_names: Mapping[str, str] = field(default_factory=dict)  # key of config.yaml -> name of a weight file
    base: Checkpoint | None = None  # where the parts of `from_base` lie, if any
    from_base: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """One name for the whole: the parts' names in a row."""
        marks = (getattr(self.fingerprints, group) for group in Fingerprints.__slots__)
        return "-".join(mark for mark in marks if mark)

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts of a complete checkpoint that are not there."""
        return tuple(part for part in checkpoint_parts() if part not in self.files)

    @property
    def missing_files(self) -> dict[str, tuple[str, ...]]:
        """The same by the files that are looked for, below the folder."""
        return {part: self._wanted(part) for part in self.missing}

    def _wanted(self, part: str) -> tuple[str, ...]:
        if self.layout == OFFICIAL:
            names = wanted_files(part, self.config, self.file_names)
            return tuple(name for name in names if not os.path.exists(self.folder / name)) or names
        return (part_of(part, self.config).native_file(self.config),)

    def require(self, parts: Iterable[str]) -> None:
        """Raises CheckpointError naming the parts of `parts` that are missing."""
        absent = [part for part in parts if part not in self.files]
        if "t2s" in absent:
            for path in sorted(self.folder.glob("*")):
                if path.suffix in OTHER_SUFFIXES:
                    refuse_other_formats(path)
        if absent and self.layout == OFFICIAL:
            kind = KIND_BY_CONTENT[self.config.s2m.content]
            raise CheckpointError(missing_files_message(self.folder, absent, kind=kind, files=self.missing_files))
        if absent:
            raise CheckpointError(
                f"The checkpoint {self.folder} lacks {', '.join(with_files(absent, self.missing_files))}. "
                "Add the missing files, or take these models from another checkpoint."
            )

    def read(self, part: str) -> dict[str, Tensor]:
        """A part's live tensors under our names."""
        return {key: make() for key, make in self.sources(part).items()}

    def sources(self, part: str) -> dict[str, Source]:
        """The same, each tensor to be made when it is needed: no more than one of them has to be in memory."""
        self.require([part])
        if self.base is not None and part in self.from_base:
            return self.base.sources(part)
        try:
            if self.layout == NATIVE:
                tensors = read_native(part, self.files[part])
                return out_first_sources({key: partial(tensors.__getitem__, key) for key in tensors})
            return official_sources(part, self.files[part], self.config)
        except OSError as error:
            raise CheckpointError(f"The {part} of {self.folder} cannot be read: {error}.") from error
