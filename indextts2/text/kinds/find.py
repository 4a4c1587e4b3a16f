"""Finding kinds of written things in a text, and saying each in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..tracked import TrackedText
from .starts import begins_with_number

Say = Callable[["re.Match[str]"], "str | None"]
"""A match to its words. None: it is not of this kind after all. `match.string` is the text in which everything that
was found before is masked, so that no kind looks into another."""

TAKEN = "\ufffc"
"""Stands in for every character that belongs to a kind found earlier."""

_NUMBER = re.compile(r"[-–]?\.?\d+")


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of writing something. needs_digit: it is only looked for in texts that hold one; needs: in texts that
    hold one of these characters; hint: in texts in which this is found, which costs less than the pattern itself.
    """

    name: str
    pattern: re.Pattern[str]
    say: Say
    needs_digit: bool = True
    needs: frozenset[str] = frozenset()
    hint: re.Pattern[str] | None = None
    at_numbers: bool = False  # it can only begin where a number does, and is tried nowhere else
    sees_taken: bool = False  # it may stand beside what was found before, and need no number of its own


def kind(
    name: str,
    pattern: str,
    say: Say | str,
    *,
    flags: int = 0,
    needs_digit: bool = True,
    needs: str = "",
    hint: str = "",
) -> Kind:
    """A row of a table of kinds. say: a function, or the words themselves."""
    words = say if callable(say) else (lambda match: say)
    return Kind(
        name,
        re.compile(pattern, flags),
        words,
        needs_digit,
        frozenset(needs),
        re.compile(hint) if hint else None,
        begins_with_number(pattern),
        "ufffc" in pattern or TAKEN in pattern,
    )


def say_kinds(tracked: TrackedText, kinds: Sequence[Kind]) -> None:
    """Put words in place of everything that is of one of the kinds; the earlier kind wins."""
    text = tracked.text
    numbers = number_starts(text)
    had_numbers, characters = bool(numbers), set(text)
    hints: dict[re.Pattern[str], bool] = {}
    found: list[tuple[int, int, str]] = []
    for one in kinds:
        if one.needs_digit and not (numbers or (had_numbers and one.sees_taken)):
            continue
        if one.needs and characters.isdisjoint(one.needs):
            continue
        if one.hint is not None:
            if one.hint not in hints:
                hints[one.hint] = one.hint.search(tracked.text) is not None
            if not hints[one.hint]:
                continue
        masked = _claimed(text, one, found, numbers)
        if masked is not text:
            text = masked
            numbers = [start for start in numbers if text[start] != TAKEN]
    found.sort()
    tracked.replace_all(found)


def number_starts(text: str) -> list[int]:
    """Places where a number may begin: a run of digits, and the point or the minus before it."""
    starts: list[int] = []
    for match in _NUMBER.finditer(text):
        starts.extend(range(match.start(), match.end() - len(match.group().lstrip("-–.")) + 1))
    return starts


def _matches(text: str, one: Kind, numbers: Sequence[int]) -> Iterable[re.Match[str]]:
    """All matches of a kind in order, none within another."""
    if not one.at_numbers:
        return one.pattern.finditer(text)
    match = one.pattern.match
    found = [here for start in numbers if (here := match(text, start))]
    if len(found) < 2:
        return found
    apart = found[:1]
    for here in found[1:]:
        if here.start() >= apart[-1].end():
            apart.append(here)
    return apart


def _claimed(text: str, one: Kind, found: list[tuple[int, int, str]], numbers: Sequence[int]) -> str:
    """The text with the matches of a kind masked; they are added to what was found."""
    parts: list[str] = []
    position = 0
    for match in _matches(text, one, numbers):
        begin, end = match.span()
        if begin == end or TAKEN in match.group():
            continue
        words = one.say(match)
        if words is None:
            continue
        found.append((begin, end, words))
        parts += [text[position:begin], TAKEN * (end - begin)]
        position = end
    return text if not parts else "".join(parts) + text[position:]
