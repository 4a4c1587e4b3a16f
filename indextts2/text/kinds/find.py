"""Finding kinds of written things in a text, and saying each in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..tracked import TrackedText

Say = Callable[["re.Match[str]"], "str | None"]
"""A match to its words. None: it is not of this kind after all. `match.string` is the text in which everything that
was found before is masked, so that no kind looks into another."""

TAKEN = "\ufffc"
"""Stands in for every character that belongs to a kind found earlier."""

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of writing something. needs_digit: it is only looked for in texts that hold one; needs: in texts that
    hold one of these characters.
    """

    name: str
    pattern: re.Pattern[str]
    say: Say
    needs_digit: bool = True
    needs: frozenset[str] = frozenset()


def kind(name: str, pattern: str, say: Say | str, *, flags: int = 0, needs_digit: bool = True, needs: str = "") -> Kind:
    """A row of a table of kinds. say: a function, or the words themselves."""
    words = say if callable(say) else (lambda match: say)
    return Kind(name, re.compile(pattern, flags), words, needs_digit, frozenset(needs))


def say_kinds(tracked: TrackedText, kinds: Sequence[Kind]) -> None:
    """Put words in place of everything that is of one of the kinds; the earlier kind wins."""
    text = tracked.text
    has_digit = _DIGIT.search(text) is not None
    characters = set(text)
    found: list[tuple[int, int, str]] = []
    for one in kinds:
        if (one.needs_digit and not has_digit) or (one.needs and characters.isdisjoint(one.needs)):
            continue
        text = _claimed(text, one, found)
    found.sort()
    tracked.replace_all(found)


def _claimed(text: str, one: Kind, found: list[tuple[int, int, str]]) -> str:
    """The text with the matches of a kind masked; they are added to what was found."""
    parts: list[str] = []
    position = 0
    for match in one.pattern.finditer(text):
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
