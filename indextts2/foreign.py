"""Foreign data: YAML, JSON and text files of unknown origin, read within bounds before anything is built of them.

Every reader of the library goes through here, so that a file that lies around cannot take all memory, hang, or end in a
traceback. What is checked is the same everywhere: size, encoding, depth, number of values, finite numbers, no key given
twice. Each fault is a `ForeignDataError`, whose message fits behind "FILE cannot be read: ".
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .errors import IndexTTS2Error

Made = TypeVar("Made")
MEBIBYTE = 1 << 20


class ForeignDataError(IndexTTS2Error, ValueError):
    """Data of unknown origin is not what it should be. line and column count from 1; 0 where the fault has no place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{message} (line {line}, column {column})" if line else message)
        self.reason, self.line, self.column = message, line, column


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is read; the defaults are far above anything the project writes."""

    size: int = 64 * MEBIBYTE  # bytes or characters
    depth: int = 64  # nested lists and mappings
    values: int = 1_000_000  # keys, items and plain values together
    digits: int = 64  # characters of one number
    repeats: bool = False  # whether the last of several equal keys of JSON counts, as in json itself


DEFAULT = Limits()
CONFIGURATION = Limits(size=MEBIBYTE, values=20_000)
"""Bounds of files that are written by hand: configurations, casts, recipes."""


def read_foreign_text(path: Path, limits: Limits = DEFAULT, *, encoding: str = "utf-8-sig") -> str:
    """Text of a file. Raises ForeignDataError for one that is too large, unreadable, or not in `encoding`."""
    try:
        with path.open("rb") as file:
            data = file.read(limits.size + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the path
        raise ForeignDataError(getattr(error, "strerror", None) or str(error)) from error
    if len(data) > limits.size:
        raise ForeignDataError(f"it is larger than {_size(limits.size)}")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ForeignDataError(f"it is not text in {encoding.removesuffix('-sig').upper()}") from error


def parse_json(text: str | bytes, limits: Limits = DEFAULT) -> Any:
    """The value of a JSON text. Raises ForeignDataError."""
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise ForeignDataError("it is not text in UTF-8") from error
    _check_json_bounds(text, limits)
    try:
        return json.loads(
            text,
            parse_constant=_no_constant,
            parse_int=lambda digits: int(_short(digits, limits)),
            parse_float=lambda digits: _finite(_short(digits, limits)),
            object_pairs_hook=None if limits.repeats else _without_repeats,
        )
    except json.JSONDecodeError as error:
        raise ForeignDataError(f"it is not JSON: {error.msg}", error.lineno, error.colno) from error


def parse_yaml(text: str, limits: Limits = CONFIGURATION) -> Any:
    """The value of a YAML text: mappings, lists, words, finite numbers, true, false and nothing else.

    Dates stay words. An alias counts as all the values it stands for. Tags of other types, merge keys, keys that are no
    plain values and keys given twice are refused. Raises ForeignDataError.
    """
    import yaml

    if len(text) > limits.size:
        raise ForeignDataError(f"it is longer than {_size(limits.size)}")
    try:
        loader = _yaml_loader()(text)
        loader.limits = limits
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ForeignDataError(f"it is not YAML: {error.problem or 'it ends too soon'}", *place) from error
    except yaml.YAMLError as error:
        raise ForeignDataError(f"it is not YAML: {' '.join(str(error).split())[:200]}") from error


def read_json(path: Path, limits: Limits = DEFAULT) -> Any:
    """The value of a JSON file. Raises ForeignDataError."""
    return parse_json(read_foreign_text(path, limits), limits)


def read_yaml(path: Path, limits: Limits = CONFIGURATION) -> Any:
    """The value of a YAML file. Raises ForeignDataError."""
    return parse_yaml(read_foreign_text(path, limits), limits)


def read_json_lines(path: Path, limits: Limits = DEFAULT, *, complete: bool = False) -> Iterator[tuple[int, Any]]:
    """(number, value) of a file with one JSON text per line, counted from 1; empty lines are skipped.

    complete: what stands behind the last line end is left out. Raises ForeignDataError.
    """
    lines = read_foreign_text(path, limits).split("\n")
    for number, line in enumerate(lines[:-1] if complete else lines, start=1):
        if line.strip():
            try:
                yield number, parse_json(line, limits)
            except ForeignDataError as error:
                raise ForeignDataError(error.reason, number, max(1, error.column)) from error


def shown(value: Any, most: int = 80) -> str:
    """A value in an error message: its representation, cut, without building a long one."""
    if isinstance(value, str):
        return repr(value if len(value) <= most else value[:most] + "...")
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * most:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, dict | list | tuple | set | frozenset):
        return f"a {type(value).__name__} of {len(value)}"
    written = repr(value)
    return written if len(written) <= most else written[:most] + "..."


def record(kind: type[Made], values: Any) -> Made:
    """A dataclass of the fields that a file holds. Raises ForeignDataError with the names of unknown or missing ones.

    What the values are is not looked at; `checks.check_fields` does that.
    """
    if not isinstance(values, Mapping):
        raise ForeignDataError(f"a {kind.__name__} is a mapping of fields, but got {shown(values)}")
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # a dataclass of the caller's
    needed = (name for name, field in known.items() if field.default is field.default_factory is dataclasses.MISSING)
    for words, names in (("unknown", set(values) - set(known)), ("no", set(needed) - set(values))):
        if names:
            raise ForeignDataError(f"a {kind.__name__} has {words} field {shown(min(names, key=str))}")
    return kind(**values)


# ---- names ----------------------------------------------------------------------------------------------------------

_RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"
}
_FORBIDDEN = set('<>:"\\|?*')
LONGEST_NAME = 255  # bytes of one part, on every usual file system
LONGEST_PATH = 1_024


def safe_relative_path(name: str) -> str:
    """A relative path of foreign origin, such as a name in a server's listing, if it stays below its folder.

    It is the same path on every system: parts divided by "/", none of which leads up, names a device or a drive of
    Windows, or holds a character that any usual file system refuses. Raises ForeignDataError for every other name.
    """
    for part in name.split("/"):
        if part in ("", ".", "..") or part[-1] in ". " or part[0] == "~":
            reason = "leads elsewhere"
        elif part.partition(".")[0].rstrip().lower() in _RESERVED:
            reason = "names a device of Windows"
        elif any(sign in _FORBIDDEN or not sign.isprintable() for sign in part):  # surrogates are not printable
            reason = "holds characters that no file name has"
        elif len(part.encode()) > LONGEST_NAME or len(name.encode("utf-8", "replace")) > LONGEST_PATH:
            reason = "is too long"
        else:
            continue
        raise ForeignDataError(f"the name {shown(name)} {reason}")
    return name


# ---- JSON -----------------------------------------------------------------------------------------------------------

_JSON_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]|,', re.DOTALL)


def _check_json_bounds(text: str, limits: Limits) -> None:
    """Count depth and values without building anything; json itself recurses into every bracket."""
    if len(text) > limits.size:
        raise ForeignDataError(f"it is longer than {_size(limits.size)}")
    depth = values = 0
    for match in _JSON_TOKENS.finditer(text):
        sign = match.group()[0]
        if sign in "[{":
            depth += 1
            values += 1
            if depth > limits.depth:
                raise ForeignDataError(f"it nests deeper than {limits.depth} levels")
        elif sign in "]}":
            depth -= 1
        elif sign == ",":
            values += 1
        if values > limits.values:
            raise ForeignDataError(f"it holds more than {limits.values:,} values")


def _no_constant(name: str) -> float:
    raise ForeignDataError(f"it holds {name}, but numbers should be finite")


def _short(digits: str, limits: Limits) -> str:
    if len(digits) > limits.digits:
        raise ForeignDataError(f"it holds a number of {len(digits)} characters")
    return digits


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ForeignDataError(f"it holds {digits}, but numbers should be finite")
    return number


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ForeignDataError(f"the key {shown(twice)} is given twice")
    return found


# ---- YAML -----------------------------------------------------------------------------------------------------------

_PLAIN_TAGS = ("null", "bool", "int", "float", "str", "seq", "map")


def _yaml_loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """SafeLoader within bounds; its composer recurses, so depth is counted before it does."""

        limits = CONFIGURATION
        depth = deepest = values = 0

        def __init__(self, stream: str) -> None:
            super().__init__(stream)
            self.extents: dict[int, tuple[int, int]] = {}  # of finished nodes: values in them, levels below them

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.AliasEvent) and event.anchor in self.anchors:
                if id(self.anchors[event.anchor]) not in self.extents:
                    raise ForeignDataError("an alias stands inside the value it names", *place)
                values, levels = self.extents[id(self.anchors[event.anchor])]
            else:
                values, levels = 1, 0
            before, outer = self.values, self.depth
            self.values, self.depth = before + values, outer + 1
            self.deepest = max(self.deepest, self.depth + levels)
            if self.deepest > self.limits.depth:
                raise ForeignDataError(f"it nests deeper than {self.limits.depth} levels", *place)
            if self.values > self.limits.values:
                raise ForeignDataError(f"it holds more than {self.limits.values:,} values", *place)
            reached, self.deepest = self.deepest, self.depth + levels
            node = super().compose_node(parent, index)
            self.extents[id(node)] = (self.values - before, self.deepest - self.depth)
            self.deepest, self.depth = max(reached, self.deepest), outer
            return node

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            place = (node.start_mark.line + 1, node.start_mark.column + 1)
            kind = node.tag.rpartition(":")[2]
            if kind not in _PLAIN_TAGS or not node.tag.startswith("tag:yaml.org,2002:"):
                raise ForeignDataError(f"the tag {shown(node.tag)} is not supported; write a plain value", *place)
            if kind in ("int", "float") and len(str(node.value)) > self.limits.digits:
                raise ForeignDataError(f"it holds a number of {len(node.value)} characters", *place)
            try:
                value = super().construct_object(node, deep=True)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                if isinstance(error, ForeignDataError):
                    raise
                raise ForeignDataError(f"{shown(node.value)} is no {kind}", *place) from error
            if isinstance(value, float) and not math.isfinite(value):
                raise ForeignDataError(f"it holds {value}, but numbers should be finite", *place)
            return value

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise ForeignDataError("a mapping is expected", node.start_mark.line + 1, node.start_mark.column + 1)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            key = loader.construct_object(key_node)
            if key == "<<":
                raise ForeignDataError("merge keys are not supported; write the values out", *place)
            if isinstance(key, list | dict):
                raise ForeignDataError("a key should be a word or a number", *place)
            if key in found:
                raise ForeignDataError(f"the key {shown(key)} is given twice", *place)
            found[key] = loader.construct_object(value_node)
        return found

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag.rpartition(":")[2] in _PLAIN_TAGS]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _size(count: int) -> str:
    return f"{count // MEBIBYTE} MiB" if count >= MEBIBYTE else f"{count} bytes"
