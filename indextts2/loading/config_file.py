"""config.yaml to `Config` and back: the official schema, extended for what the official code hard-wires."""

from __future__ import annotations

import dataclasses
import difflib
import logging
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from ..atomic import write_text
from ..config import Config
from ..errors import CheckpointError, ConfigError
from ..foreign import ForeignDataError, parse_yaml, shown
from .config_check import check_config
from .config_schema import (
    BASE,
    EXTENSIONS,
    FIELDS,
    FILE_NAMES,
    FIXED,
    KNOWN,
    METADATA,
    OPTIONAL_FIELDS,
    SAMPLING_RATIOS,
    WRITTEN_WHERE_OTHER,
)
from .generation import V20, Generation, generation_of, t2s_by_content, values_of

logger = logging.getLogger(__name__)

CONFIG_NAME = "config.yaml"
LISTED = 5  # folders that an error names
LARGEST_FILE = 1 << 20  # bytes; the released file has 3 kB, a native one with its sums 6 kB


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """Contents of a config.yaml: the model, the names of its weight files, and how the checkpoint was made."""

    config: Config
    file_names: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""  # folder or name of the checkpoint that has what this one lacks
    keys: frozenset[str] = frozenset()  # what the file says


def read_config(path: Path) -> ConfigFile:
    """Read a config.yaml of either layout. Raises ConfigError naming the key, CheckpointError without a file."""
    if not os.path.isfile(path):
        raise CheckpointError(f"There is no {path.name} in {path.parent}. {_instead_of(path)}")
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigError(f"{path} has {path.stat().st_size} bytes, far more than a configuration. Get it again.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8. Get it again.") from error
    try:
        return parse_config(text, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _instead_of(path: Path) -> str:
    """What to do without a config.yaml, by what lies in the folder."""
    folder = path.parent
    other = next((name for name in ("config.yml", "Config.yaml", "config.yaml.txt") if (folder / name).is_file()), None)
    if other:
        return f"Rename {other} to {path.name}."
    inside = [place.parent.name for place in sorted(folder.glob(f"*/{path.name}"))]
    if inside:
        return f"Choose a folder inside it that has one: {', '.join(inside[:LISTED])}."
    weights = t2s_by_content(folder)
    if weights is not None:
        return (
            f"It holds text-to-semantic weights ({weights.name}): put the {path.name} and the tokenizer that they were "
            "trained with beside them."
        )
    return "Choose the folder of a checkpoint."


def parse_config(text: str, folder: Path | None = None) -> ConfigFile:
    """The same for the text of a file. folder: where the weights lie that tell the generation of an official file."""
    tree = _load_yaml(text)
    metadata = tree.pop(METADATA, {})
    if not isinstance(metadata, dict):
        raise ConfigError(f"The section '{METADATA}' should hold keys and values.")
    leaves = _flatten(tree)
    file_names = {key: PurePosixPath(str(leaves[key]).replace("\\", "/")).name for key in FILE_NAMES & set(leaves)}
    generation = V20
    defaults: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    if folder is not None and not metadata:
        generation = generation_of(folder, file_names.get("gpt_checkpoint", "gpt.pth"), leaves)
        defaults, fixed = values_of(generation, folder, leaves)
    leaves = {key: value for key, value in leaves.items() if not generation.ignores(key)}
    leaves = _known(leaves, lenient=generation.lenient)
    _refuse_other_models(leaves)
    values = {**defaults, **_field_values(leaves, generation), **fixed}
    config = _build(Config, values, "")
    check_config(config)
    return ConfigFile(config, file_names, metadata, str(leaves.get(BASE) or ""), frozenset(leaves))


def write_config(path: Path, config: Config, metadata: Mapping[str, Any]) -> None:
    """Write a native config.yaml. Raises ConfigError for a configuration the schema cannot express."""
    write_text(path, dump_config(config, metadata), CheckpointError)


def dump_config(config: Config, metadata: Mapping[str, Any]) -> str:
    """A native config.yaml as text; `parse_config` of it gives the same Config."""
    import yaml

    check_config(config)
    tree: dict[str, Any] = {}
    released = Config()
    for key, targets in {**FIELDS, **EXTENSIONS}.items():
        found = [_get(config, target) for target in targets]
        if any(value != found[0] for value in found):
            pairs = ", ".join(f"{name} = {value}" for name, value in zip(targets, found, strict=True))
            raise ConfigError(f"{pairs} should be equal: they are one number, '{key}', in config.yaml.")
        if key not in WRITTEN_WHERE_OTHER or found[0] != _get(released, targets[0]):
            _set(tree, key, _plain(found[0]))
    _set(tree, SAMPLING_RATIOS, [1] * config.s2m.regulator.layers)
    tree[METADATA] = dict(metadata)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=120)


def _load_yaml(text: str) -> dict[str, Any]:
    try:
        tree = parse_yaml(text)
    except ForeignDataError as error:
        raise ConfigError(f"This is not a configuration: {error}.") from error
    if not isinstance(tree, dict):
        raise ConfigError("A configuration should hold keys and values.")
    return tree


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if not isinstance(key, str):
            raise ConfigError(f"Keys should be words, but got {shown(key)}.")
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            leaves.update(_flatten(value, path + "."))
        else:
            leaves[path] = value
    return leaves


def _known(leaves: Mapping[str, Any], *, lenient: bool) -> dict[str, Any]:
    """The keys that mean something. Raises ConfigError for any other, or reports it where lenient."""
    for key in leaves:
        if key in KNOWN:
            continue
        if lenient:
            logger.warning("config.yaml has the key '%s', which means nothing here and is ignored.", key)
            continue
        near = difflib.get_close_matches(key, KNOWN, n=1, cutoff=0.0)
        raise ConfigError(f"Unknown key '{key}'. The nearest known one is '{near[0]}'. Correct or remove it.")
    return {key: value for key, value in leaves.items() if key in KNOWN}


def _refuse_other_models(leaves: Mapping[str, Any]) -> None:
    for key, allowed in FIXED.items():
        if key in leaves and leaves[key] not in allowed:
            wanted = " or ".join(repr(value) for value in allowed)
            raise ConfigError(
                f"'{key}' is {shown(leaves[key])}, but only {wanted} is supported. "
                "This is a checkpoint of another model."
            )


def _field_values(leaves: Mapping[str, Any], generation: Generation) -> dict[str, Any]:
    """Field of Config -> value as given, for every key of the file that names one."""
    missing = [
        key for key in FIELDS if key not in leaves and key not in OPTIONAL_FIELDS and not generation.ignores(key)
    ]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ConfigError(f"The keys {', '.join(missing[:3])}{more} are missing. Is this the config.yaml of the model?")
    values = {
        target: leaves[key] for key, targets in {**FIELDS, **EXTENSIONS}.items() if key in leaves for target in targets
    }
    if SAMPLING_RATIOS in leaves:
        ratios = leaves[SAMPLING_RATIOS]
        if not isinstance(ratios, list) or any(ratio != 1 for ratio in ratios):
            raise ConfigError(f"'{SAMPLING_RATIOS}' is {shown(ratios)}, but only a list of ones is supported.")
        values["s2m.regulator.layers"] = len(ratios)
    return values


def _build(kind: type, values: Mapping[str, Any], prefix: str) -> Any:
    """A section of Config, with defaults for what the file does not say."""
    given: dict[str, Any] = {}
    hints = _hints(kind)
    defaults = _released(prefix)
    for name in hints:
        path = f"{prefix}{name}"
        if dataclasses.is_dataclass(hints[name]):
            given[name] = _build(hints[name], values, path + ".")
        elif path in values:
            given[name] = _convert(path, values[path], hints[name])
        else:
            given[name] = getattr(defaults, name)
    return kind(**given)


@lru_cache(maxsize=32)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _released(prefix: str) -> Any:
    section: Any = Config()
    for name in prefix.split(".")[:-1]:
        section = getattr(section, name)
    return section


def _convert(path: str, value: Any, kind: Any) -> Any:
    """`value` as the field's type. Raises ConfigError when it is of another one."""
    if typing.get_origin(kind) is types.UnionType:  # float | None: no other union is used
        if value is None or value == "None":  # the released file writes the word
            return None
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{path} should be a list, but is {shown(value)}.")
        return tuple(_convert(path, item, typing.get_args(kind)[0]) for item in value)
    converters: dict[type, Callable[[Any], Any]] = {int: _integer, float: _number, bool: _switch, str: _word}
    try:
        return converters[kind](value)
    except (OverflowError, ValueError) as error:
        raise ConfigError(f"{path} should be {_KINDS[kind]}, but is {shown(value)}.") from error


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(value)
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    return float(value)  # a word too: YAML reads 1e-5 as one


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    return str(value)  # a number too: version is one in the released file


def _get(config: Any, path: str) -> Any:
    for name in path.split("."):
        config = getattr(config, name)
    return config


def _set(tree: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[last] = value


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
