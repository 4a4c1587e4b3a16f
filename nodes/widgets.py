"""Widgets of the nodes: a name, a default, its limits, and a tooltip with the unit.

`more` is anything else the host's input takes, such as `optional` or `force_input`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comfy_api.latest import io

MOST_GUIDANCE = 5.0  # of the guidances whose 1 is off
SEED_MAXIMUM = 0xFFFF_FFFF_FFFF_FFFF >> 1  # the largest seed torch takes is a signed 64-bit number


def number(
    name: str, default: float, low: float, high: float, step: float, tooltip: str, **more: Any
) -> io.Float.Input:
    """A decimal number from `low` to `high`."""
    return io.Float.Input(name, default=default, min=low, max=high, step=step, tooltip=tooltip, **more)


def integer(name: str, default: int, low: int, high: int, tooltip: str, *, step: int = 1, **more: Any) -> io.Int.Input:
    """A whole number from `low` to `high`."""
    return io.Int.Input(name, default=default, min=low, max=high, step=step, tooltip=tooltip, **more)


def choice(
    name: str, options: Iterable[str], tooltip: str, *, default: str | None = None, **more: Any
) -> io.Combo.Input:
    """One of a list of words; the first is the default unless another is named."""
    listed = list(options)
    return io.Combo.Input(name, options=listed, default=default or listed[0], tooltip=tooltip, **more)


def switch(name: str, default: bool, tooltip: str, **more: Any) -> io.Boolean.Input:
    """On or off."""
    return io.Boolean.Input(name, default=default, tooltip=tooltip, **more)


def words(name: str, default: str, tooltip: str, **more: Any) -> io.String.Input:
    """Text, on one line or, with `multiline`, on several."""
    return io.String.Input(name, default=default, tooltip=tooltip, **more)


def seed_input(what: str = "this node", name: str = "seed") -> io.Int.Input:
    """The seed of every node with chance in it."""
    return integer(
        name,
        0,
        0,
        SEED_MAXIMUM,
        f"Seed of {what}, a whole number. The same seed, inputs and settings give the same result.",
        control_after_generate=True,
    )
