"""Recipes: YAML files read into frozen dataclasses. An unknown key is an error, so a misspelt one cannot be ignored."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ...errors import ConfigError
from ...foreign import ForeignDataError, read_yaml, shown

Recipe = TypeVar("Recipe")

RENAMED = {"hear_once": "cache_emotion_vectors"}
"""Settings that had another name -> their name now, for the message that says so."""


def load_recipe(path: Path, kind: type[Recipe]) -> Recipe:
    """Read a YAML file into the dataclass `kind`. Raises ConfigError naming the file and the key."""
    try:
        mapping = read_yaml(path) or {}
    except ForeignDataError as error:
        raise ConfigError(f"The recipe {path} cannot be read: {error}.") from error
    return from_mapping(kind, mapping, where=str(path))


def from_mapping(kind: type[Recipe], mapping: Any, *, where: str) -> Recipe:
    """Fill the dataclass `kind`; lists become tuples, mappings become nested dataclasses."""
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{where}: a mapping of settings is expected, but {type(mapping).__name__} was found.")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(map(str, mapping)) - set(hints))
    if unknown:
        renamed = "".join(f" '{key}' is called '{RENAMED[key]}' now." for key in unknown if key in RENAMED)
        known = ", ".join(sorted(hints))
        raise ConfigError(f"{where}: unknown setting {', '.join(unknown)[:200]}; known are {known}.{renamed}")
    values = {key: _convert(hints[key], value, where=f"{where}: {key}") for key, value in mapping.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error


def to_mapping(recipe: Any) -> Any:
    """The inverse of from_mapping: plain dictionaries, lists and numbers."""
    if dataclasses.is_dataclass(recipe) and not isinstance(recipe, type):
        return {field.name: to_mapping(getattr(recipe, field.name)) for field in dataclasses.fields(recipe)}
    if isinstance(recipe, tuple | list):
        return [to_mapping(item) for item in recipe]
    if isinstance(recipe, Mapping):
        return {key: to_mapping(item) for key, item in recipe.items()}
    return str(recipe) if isinstance(recipe, Path) else recipe


def _convert(hint: Any, value: Any, *, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _convert(next(kind for kind in arguments if kind is not type(None)), value, where=where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_mapping(hint, value, where=where)
    if origin is tuple:
        return _convert_tuple(arguments, value, where=where)
    if hint is float and isinstance(value, int | str) and not isinstance(value, bool):
        return _number(value, where=where)  # YAML reads 2e-3 as text
    if isinstance(hint, type) and not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: {hint.__name__} is expected, but {shown(value)} was found.")
    return value


def _convert_tuple(arguments: tuple[Any, ...], value: Any, *, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a list is expected, but {shown(value)} was found.")
    repeated = len(arguments) == 2 and arguments[1] is Ellipsis
    kinds = [arguments[0]] * len(value) if repeated else list(arguments)
    if len(kinds) != len(value):
        raise ConfigError(f"{where}: a list of {len(kinds)} is expected, but {len(value)} values were found.")
    return tuple(_convert(kind, item, where=where) for kind, item in zip(kinds, value, strict=True))


def _number(value: int | str, *, where: str) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"{where}: a number is expected, but {shown(value)} was found.") from error
