"""Damage to texts, bytes and trees of values, by a generator of random numbers."""

from __future__ import annotations

import random
from typing import Any

SIGNS = "[]{}()<>:;,.-&*!|'\"%@`#$\\/\n\r\t \x00\x85\u2028\ufeff\u202e\ud800éß½²٣１中😀9eE+=~^_?"
WORDS = """pause happy seconds null true 1e999 NaN --> 00:00:01,000 {{ ]]> &amp; $5.5bn Dr. IV 12/31/1999 http://a.b/c
<break_time='1s'/> Anna_[sad_.4]: !!float_x *a &a""".replace("\n", " ").split(" ")
NAMES = (
    "x" * 300, "x" * 5_000, "a\0b", "\ud800", "~", "~nobody", "../../x", "/etc/passwd", "C:\\x", "..\\..\\x", "CON",
    "nul.wav", "a\nb", "-rf", "a. ", "a...", "", " ", ".", "..", "/dev/zero", "a/", "%s", "\u202egnp.exe",
)  # fmt: skip
"""Names that no file should have."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**70, -(2**70), 10**60, 0.5, -0.0, 1e-320, 1e300, -1e300, "", "x", "1",
    "1e999", "NaN", "²", "9" * 400, "x" * 10_000, [], {}, [[]], [None], {"a": 1}, {"": {}}, *NAMES,
)  # fmt: skip
"""What stands in a tree where something else is expected."""


def mutated(text: str, dice: random.Random) -> str:
    """A text with a few random cuts, insertions, doublings and swaps."""
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(text) + 1)
        piece = dice.choice([dice.choice(SIGNS), dice.choice(WORDS), text[at : at + dice.randrange(1, 40)]])
        text = text[:at] + piece * dice.choice((1, 1, 1, 2, 5, 300, 5_000)) + text[at + dice.randrange(6) :]
    return text[:20_000]


def mutated_bytes(data: bytes, dice: random.Random) -> bytes:
    """Bytes with a few of them changed, cut away or doubled."""
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(changed) + 1)
        kind = dice.randrange(4)
        if kind == 0 and changed:
            changed[at % len(changed)] = dice.randrange(256)
        elif kind == 1:
            changed[at:at] = dice.randbytes(dice.randrange(1, 9))
        elif kind == 2:
            del changed[at : at + dice.randrange(1, 64)]
        else:
            changed[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f"))
    return bytes(changed)


def mutated_tree(tree: Any, dice: random.Random) -> Any:
    """A tree of lists and mappings in which a few values are replaced, left out, wrapped, or called otherwise."""
    for _ in range(dice.randrange(1, 4)):
        tree = _with_one_change(tree, dice)
    return tree


def _with_one_change(tree: Any, dice: random.Random) -> Any:
    inside = list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []
    if not inside or dice.random() < 0.25:
        return dice.choice((dice.choice(VALUES), dice.choice(VALUES), [tree], {"a": tree}))
    copy, key = tree.copy(), dice.choice(inside)
    kind = dice.randrange(8)
    if kind == 0:
        del copy[key]
    elif kind == 1 and isinstance(copy, dict):
        copy[dice.choice([name for name in VALUES if isinstance(name, str)])] = copy.pop(key)
    elif kind == 2 and isinstance(copy, list):
        copy += [copy[key]] * dice.choice((1, 2, 300))
    else:
        copy[key] = _with_one_change(copy[key], dice)
    return copy
