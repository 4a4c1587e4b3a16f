"""Lines of JSON objects that training reads: manifests, indices and lists, each fault with its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import TrainingError
from ...foreign import MEBIBYTE, ForeignDataError, Limits, read_json, read_json_lines, shown

LIMITS = Limits(size=1_024 * MEBIBYTE)
"""Bounds of a manifest, of which each line may be as large as any JSON text."""


def read_objects(path: Path, what: str, *, complete: bool = False) -> Iterator[dict[str, Any]]:
    """The objects of a file with one a line. complete: a last line without an end is still being written; it is left.

    what: the file in the words of a message, such as "The corpus manifest". Raises TrainingError naming file and line.
    """
    try:
        for number, value in read_json_lines(path, LIMITS, complete=complete):
            if not isinstance(value, dict):
                raise TrainingError(f"{what} {path}, line {number}: a JSON object is expected, but got {shown(value)}.")
            yield value
    except ForeignDataError as error:
        raise TrainingError(f"{what} {path} cannot be read: {error}.") from error


def read_object(path: Path, what: str) -> dict[str, Any]:
    """The object of a JSON file. Raises TrainingError naming it."""
    try:
        value = read_json(path)
    except ForeignDataError as error:
        raise TrainingError(f"{what} {path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise TrainingError(f"{what} {path} should hold a JSON object, but got {shown(value)}.")
    return value


def fields_of(line: dict[str, Any], where: str, **kinds: type) -> list[Any]:
    """Values of a line that are of these kinds. Raises TrainingError naming the field."""
    for name, kind in kinds.items():
        if not isinstance(line.get(name), kind):
            raise TrainingError(f"{where}: '{name}' should be {kind.__name__}, but got {shown(line.get(name))}.")
    return [line[name] for name in kinds]
