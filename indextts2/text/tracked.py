"""Text that remembers, character by character, where it came from in the text as given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

_ANY = re.compile(r".", re.DOTALL)
_LONGEST_COMPARED = 2000  # characters; comparing takes time that grows with their square


class TrackedText:
    """A string under rewriting. `starts[i]` and `ends[i]` are the span of the original that character i stands for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = list(range(len(text)))
        self.ends = [start + 1 for start in self.starts]

    def part(self, begin: int, end: int) -> TrackedText:
        """A copy of the characters begin..end-1."""
        part = TrackedText("")
        part.text = self.text[begin:end]
        part.starts = self.starts[begin:end]
        part.ends = self.ends[begin:end]
        return part

    def append(self, other: TrackedText) -> None:
        """Put another text behind this one."""
        self.text += other.text
        self.starts += other.starts
        self.ends += other.ends

    def sub(self, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> None:
        """Replace every match, as `re.sub` does; new characters stand for the whole matched span."""
        edits = []
        for match in pattern.finditer(self.text):
            new = replacement(match) if callable(replacement) else replacement
            if new != match.group():
                edits.append((*match.span(), new))
        self._rewrite(edits)

    def recase(self, change: Callable[[str], str]) -> None:
        """Change the case by `str.lower` or `str.upper`; characters keep their spans."""
        changed = change(self.text)
        if len(changed) == len(self.text):
            self.text = changed
        else:  # a letter whose other case is two characters
            self.sub(_ANY, lambda match: change(match.group()))

    def put(self, begin: int, end: int, part: TrackedText) -> None:
        """Put a rewritten copy of the characters begin..end-1 in their place."""
        self.text = self.text[:begin] + part.text + self.text[end:]
        self.starts[begin:end] = part.starts
        self.ends[begin:end] = part.ends

    def replace_all(self, edits: Sequence[tuple[int, int, str]]) -> None:
        """Put each text in place of the characters begin..end-1, parted by blanks from words around it.

        edits: (begin, end, new) in order, without overlaps. New characters stand for the whole span.
        """
        parted: list[tuple[int, int, str]] = []
        position = 0
        for begin, end, new in edits:
            if new and begin and (self.text[begin - 1].isalnum() or begin == position):
                new = " " + new
            if new and self.text[end : end + 1].isalnum():
                new += " "
            parted.append((begin, end, new))
            position = end
        self._rewrite(parted)

    def _rewrite(self, edits: Sequence[tuple[int, int, str]]) -> None:
        """Put each text in place of the characters begin..end-1, in time linear in the text."""
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        position = 0
        for begin, end, new in edits:
            parts += [self.text[position:begin], new]
            starts += self.starts[position:begin]
            ends += self.ends[position:begin]
            first, last = self.span(begin, end)
            starts += [first] * len(new)
            ends += [last] * len(new)
            position = end
        self.text = "".join(parts) + self.text[position:]
        self.starts = starts + self.starts[position:]
        self.ends = ends + self.ends[position:]

    def replace(self, begin: int, end: int, new: str) -> None:
        """Put `new` in place of the characters begin..end-1. Characters that both have in common keep their spans."""
        starts: list[int] = []
        ends: list[int] = []
        old = self.text[begin:end]
        if new == old:
            return
        for tag, first, last, new_first, new_last in _changes(old, new):
            if tag == "equal":
                starts += self.starts[begin + first : begin + last]
                ends += self.ends[begin + first : begin + last]
            else:
                start, stop = self.span(begin + first, begin + last)
                starts += [start] * (new_last - new_first)
                ends += [stop] * (new_last - new_first)
        self.text = self.text[:begin] + new + self.text[end:]
        self.starts[begin:end] = starts
        self.ends[begin:end] = ends

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The span of the original that characters begin..end-1 stand for; an empty range has an empty span."""
        if begin < end:
            return self.starts[begin], self.ends[end - 1]
        if begin < len(self.starts):
            return self.starts[begin], self.starts[begin]
        last = self.ends[-1] if self.ends else 0
        return last, last


def _changes(old: str, new: str) -> Sequence[tuple[str, int, int, int, int]]:
    """Edits that make `new` of `old`, as `SequenceMatcher.get_opcodes` gives them."""
    if max(len(old), len(new)) > _LONGEST_COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
