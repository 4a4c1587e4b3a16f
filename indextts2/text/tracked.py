"""Text that remembers, character by character, where it came from in the text as given."""

from __future__ import annotations

import re
from collections.abc import Callable


class TrackedText:
    """A string under rewriting. `starts[i]` and `ends[i]` are the span of the original that character i stands for."""

    def __init__(self, text: str, offset: int = 0) -> None:
        self.text = text
        self.starts = list(range(offset, offset + len(text)))
        self.ends = [start + 1 for start in self.starts]

    def sub(self, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> None:
        """Replace every match, as `re.sub` does; new characters stand for the whole matched span."""
        matches = list(pattern.finditer(self.text))
        if not matches:
            return
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        position = 0
        for match in matches:
            new = replacement(match) if callable(replacement) else replacement
            if new == match.group():
                continue
            begin, end = match.span()
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

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The span of the original that characters begin..end-1 stand for; an empty range has an empty span."""
        if begin < end:
            return self.starts[begin], self.ends[end - 1]
        if begin < len(self.starts):
            return self.starts[begin], self.starts[begin]
        last = self.ends[-1] if self.ends else 0
        return last, last
