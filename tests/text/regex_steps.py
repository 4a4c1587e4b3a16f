"""Counts the steps that a backtracking matcher takes: a proxy for the work of `re`, which counts none.

The pattern is parsed by `re` itself and matched in the same order: greedy repeats from long to short, lazy ones from
short to long, branches from left to right, a search from every place behind the last match. Bounded repeats of more
than `SHORT` are cut to that, so that short texts show what grows with the text and what is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

try:
    from re import _constants as constants
    from re import _parser as parser
except ImportError:  # Python 3.10
    import sre_constants as constants  # type: ignore[no-redef]
    import sre_parse as parser  # type: ignore[no-redef]

SHORT = 4
MOST_STEPS = 2_000_000
Then = Callable[[int], "int | None"]


class TooMany(Exception):
    """The matcher takes more steps than any linear pattern."""


class Counter:
    """One pattern on one text. steps: taken so far."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self.tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self.flags, self.text, self.steps = pattern.flags, text, 0
        self.groups: dict[int, tuple[int, int]] = {}

    def match_start(self) -> int:
        """Steps of trying the start of the text alone."""
        self.run(list(self.tree), 0, 0, lambda place: place)
        return self.steps

    def search_all(self) -> int:
        """Steps of finding every match."""
        at = 0
        while at <= len(self.text):
            end = self.run(list(self.tree), 0, at, lambda place: place)
            at = at + 1 if end is None or end == at else end
        return self.steps

    def run(self, nodes: list[Any], index: int, at: int, then: Then) -> int | None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooMany
        if index == len(nodes):
            return then(at)
        kind, value = nodes[index]
        name = str(kind).lower()

        def rest(place: int) -> int | None:
            return self.run(nodes, index + 1, place, then)

        if name in ("max_repeat", "min_repeat", "possessive_repeat"):
            return self.repeat(name, value, at, rest)
        if name == "branch":
            for branch in value[1]:
                found = self.run(list(branch), 0, at, rest)
                if found is not None:
                    return found
            return None
        if name == "subpattern":
            number, _, _, inner = value

            def closed(place: int) -> int | None:
                before = self.groups.get(number)
                self.groups[number] = (at, place)
                found = rest(place)
                if found is None and before is not None:
                    self.groups[number] = before
                return found

            return self.run(list(inner), 0, at, closed)
        if name in ("assert", "assert_not"):
            direction, inner = value
            start = at if direction > 0 else at - inner.getwidth()[1]
            found = self.run(list(inner), 0, start, lambda place: place) if start >= 0 else None
            return rest(at) if (found is not None) == (name == "assert") else None
        if name == "at":
            return rest(at) if self.holds(str(value).lower(), at) else None
        if name == "groupref":
            begin, end = self.groups.get(value, (0, 0))
            width = end - begin
            return rest(at + width) if self.text[begin:end] == self.text[at : at + width] else None
        return rest(at + 1) if self.fits(kind, value, at) else None

    def repeat(self, name: str, value: Any, at: int, rest: Then) -> int | None:
        low, high, inner = value
        low, high = min(low, SHORT), high if high == constants.MAXREPEAT else min(high, SHORT)
        nodes = list(inner)
        if len(nodes) == 1 and str(nodes[0][0]).lower() in ("literal", "not_literal", "any", "in", "category"):
            count = 0
            greedy = name != "min_repeat"
            while greedy and (high == constants.MAXREPEAT or count < high) and self.fits(*nodes[0], at + count):
                count += 1
            if greedy:
                for length in range(count, low - 1, -1) if name == "max_repeat" else [count] * (count >= low):
                    found = rest(at + length)
                    if found is not None:
                        return found
                return None
            while count < low or (high == constants.MAXREPEAT or count <= high):
                if count >= low:
                    found = rest(at + count)
                    if found is not None:
                        return found
                if not self.fits(*nodes[0], at + count):
                    return None
                count += 1
            return None
        return self.again(name, nodes, low, high, 0, at, -1, rest)

    def again(
        self, name: str, nodes: list[Any], low: int, high: Any, count: int, at: int, before: int, rest: Then
    ) -> int | None:
        def more() -> int | None:
            if (high != constants.MAXREPEAT and count >= high) or at == before:
                return None
            return self.run(nodes, 0, at, lambda place: self.again(name, nodes, low, high, count + 1, place, at, rest))

        if count < low:
            return more()
        for choice in (more, lambda: rest(at)) if name != "min_repeat" else (lambda: rest(at), more):
            found = choice()
            if found is not None:
                return found
        return None

    def fits(self, kind: Any, value: Any, at: int) -> bool:
        """Whether one character is what a node of one character takes."""
        self.steps += 1
        if not 0 <= at < len(self.text):
            return False
        sign, name = self.text[at], str(kind).lower()
        if name == "any":
            return sign != "\n" or bool(self.flags & re.DOTALL)
        if name == "literal":
            return self.same(sign, chr(value))
        if name == "not_literal":
            return not self.same(sign, chr(value))
        if name == "category":
            return in_category(str(value).lower(), sign)
        members = [(str(inner).lower(), item) for inner, item in value]
        inverted = bool(members) and members[0][0] == "negate"
        return inverted != any(self.member(inner, item, sign) for inner, item in members[inverted:])

    def member(self, kind: str, value: Any, sign: str) -> bool:
        if kind == "literal":
            return self.same(sign, chr(value))
        if kind == "range":
            signs = {sign, sign.lower(), sign.upper()} if self.flags & re.IGNORECASE else {sign}
            return any(len(one) == 1 and value[0] <= ord(one) <= value[1] for one in signs)
        return in_category(str(value).lower(), sign)

    def same(self, one: str, other: str) -> bool:
        return one == other or bool(self.flags & re.IGNORECASE and one.lower() == other.lower())

    def holds(self, place: str, at: int) -> bool:
        text = self.text
        if "boundary" in place:
            inside = [0 <= one < len(text) and is_word(text[one]) for one in (at - 1, at)]
            return (inside[0] != inside[1]) != ("non" in place)
        if "beginning" in place:
            return at == 0 or bool(self.flags & re.MULTILINE and "string" not in place and text[at - 1] == "\n")
        last = at == len(text) or (at == len(text) - 1 and text[at] == "\n" and "string" not in place)
        return last or bool(self.flags & re.MULTILINE and "string" not in place and text[at] == "\n")


def is_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def in_category(name: str, sign: str) -> bool:
    held = sign.isspace() if "space" in name else sign.isdecimal() if "digit" in name else is_word(sign)
    return held != ("not" in name)


def steps_of(pattern: re.Pattern[str], text: str, *, anchored: bool = False) -> int:
    """Steps of finding every match of a pattern, or of one at the start; `MOST_STEPS` where it takes more."""
    try:
        return Counter(pattern, text).match_start() if anchored else Counter(pattern, text).search_all()
    except (TooMany, RecursionError):
        return MOST_STEPS
