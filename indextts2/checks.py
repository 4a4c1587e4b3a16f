"""Checks of numbers, settings and tensors that come from Python, a command or a link: types, shapes and bounds.

Settings are frozen dataclasses. Each calls `check_fields` when it is made, so that a wrong value is named where it was
given and not where a stage stumbles over it.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .errors import IndexTTS2Error, InputError
from .foreign import shown

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_WHOLE, LARGEST_WHOLE = -(2**63), 2**64 - 1  # what a generator of torch takes as seed
Bounds = tuple[float | None, float | None]
"""Least and most that a number may be, both included; None for no bound."""

MOST_THREADS = 4_096
LONGEST_ASKED: Mapping[str, float] = {
    "free": math.inf,
    "tokens": 86_400 * 50,
    "frames": 86_400 * 200,
    "seconds": 86_400,
    "samples": 86_400 * 192_000,
    "factor": 1_000,
}
"""Units in which a length is asked -> the largest: a day of speech in any of them. Less is judged by the words."""

ANY: Bounds = (None, None)
SEED: Bounds = (SMALLEST_WHOLE, LARGEST_WHOLE)


def plain(value: Any) -> Any:
    """A scalar of numpy as the number of Python it stands for; everything else as it is."""
    return value.item() if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () else value


def check_whole(name: str, value: Any, bounds: Bounds = SEED, *, error: type[IndexTTS2Error] = InputError) -> int:
    """A whole number within bounds, as a number of Python. Raises `error`."""
    number: int = _number(name, value, bounds, error, whole=True)
    return number


def check_fields(
    owner: Any,
    *,
    error: type[IndexTTS2Error] = InputError,
    names: Mapping[str, str] | None = None,
    **bounds: Bounds,
) -> None:
    """Refuse a dataclass whose values are not of the types it declares, or lie out of bounds. Raises `error`.

    bounds: by the names of fields that hold numbers, or tuples of them; a whole number without bounds is at most what
    a seed may be. names: those of fields in a message, where they have others. Scalars of numpy become numbers of
    Python; nothing else is converted.
    """
    kind: Any = type(owner)
    for name, hint in _hints(kind).items():
        before = getattr(owner, name)
        after = _checked(hint, before, (names or {}).get(name, name), bounds.get(name, ANY), error)
        if after is not before:
            object.__setattr__(owner, name, after)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}


def _checked(hint: Any, value: Any, name: str, bounds: Bounds, error: type[IndexTTS2Error]) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        kinds = [kind for kind in inner if kind is not type(None)]
        fitting = [kind for kind in kinds if isinstance(value, typing.get_origin(kind) or kind)]
        return _checked((fitting or kinds)[0], value, name, bounds, error)
    if origin is tuple:
        return _checked_tuple(inner, value, name, bounds, error)
    if hint in (int, float):
        return _number(name, value, bounds if bounds != ANY or hint is float else SEED, error, whole=hint is int)
    if hint is bool:
        value = plain(value)
    kind = origin or hint
    if isinstance(kind, type) and kind is not object and not isinstance(value, kind):
        raise error(f"{name} should be {_words(kind)}, but got {shown(value)}.")
    if isinstance(value, Mapping) and len(inner) == 2:
        after = {key: _checked(inner[1], item, f"{name}[{shown(key)}]", bounds, error) for key, item in value.items()}
        return after if any(after[key] is not value[key] for key in after) else value
    if kind is Sequence and isinstance(value, str):
        raise error(f"{name} should be a list, but got {shown(value)}.")
    return value


def _checked_tuple(
    inner: tuple[Any, ...], value: Any, name: str, bounds: Bounds, error: type[IndexTTS2Error]
) -> tuple[Any, ...]:
    repeated = inner[-1:] == (...,)
    if not isinstance(value, tuple) or not (repeated or len(inner) == len(value)):
        count = "several values" if repeated else f"{len(inner)} values"
        raise error(f"{name} should be a tuple of {count}, but got {shown(value)}.")
    kinds = [inner[0]] * len(value) if repeated else list(inner)
    found = tuple(_checked(kind, item, name, bounds, error) for kind, item in zip(kinds, value, strict=True))
    return found if any(new is not old for new, old in zip(found, value, strict=True)) else value


def _words(kind: type) -> str:
    return {bool: "true or false", str: "a text", Mapping: "a mapping", Sequence: "a list"}.get(kind, kind.__name__)


def _number(name: str, given: Any, bounds: Bounds, error: type[IndexTTS2Error], *, whole: bool) -> Any:
    value, least, most = plain(given), *bounds
    fine = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    fine = fine and (isinstance(value, int) or math.isfinite(value))
    if fine and isinstance(value, int) and not SMALLEST_WHOLE <= value <= LARGEST_WHOLE:
        fine = False  # beyond what torch computes with, and perhaps beyond every float
    if not fine or (least is not None and value < least) or (most is not None and value > most):
        limits = [f"at least {least:g}" if least is not None else "", f"at most {most:g}" if most is not None else ""]
        rule = " and ".join(filter(None, ["below 2^64"] if bounds == SEED else limits))
        kind = "whole" if whole else "finite"
        rule = f" of {rule}" if rule and bounds != SEED else f" {rule}" if rule else ""
        raise error(f"{name} should be a {kind} number{rule}, but got {shown(given)}.")
    return value


def check_shape(name: str, tensor: Tensor, *shape: int | None) -> None:
    """Refuse a tensor whose shape differs; None matches any extent.

    Raises InputError naming the expected and the found shape.
    """
    from torch import Tensor

    if not isinstance(tensor, Tensor):
        raise InputError(
            f"{name} should be a tensor, but is {shown(tensor)}. Connect the output of the matching stage."
        )
    found = tuple(tensor.shape)
    if len(found) != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, found, strict=True)
    ):
        expected = "(" + ", ".join("any" if want is None else str(want) for want in shape) + ")"
        raise InputError(
            f"{name} should have shape {expected}, but has {found}. Connect the output of the matching stage."
        )


def check_finite(name: str, tensor: Tensor) -> None:
    """Refuse NaN and infinity. Raises InputError."""
    if not bool(tensor.isfinite().all()):
        raise InputError(f"{name} contains NaN or infinite values. Look for the stage before it that produced them.")
