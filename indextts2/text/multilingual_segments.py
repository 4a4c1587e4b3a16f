"""Splitting a text for IndexTTS-2.5 into segments, in characters (docs/spec/v25.md#splitting).

`reference_segments` does what the released program does, cuts inside words included. `breaks_of` says where a speaker
would breathe, for `segment.even_segments`. Neither cuts inside an annotation.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .multilingual_stages import ANNOTATED_SPAN
from .segment import Break

Count = Callable[[str], int]
"""Text tokens of a text."""

_REFERENCE_STOP = re.compile(r"(?<=[，。！？、；：,.!?;:\n])")
_STOPS = frozenset(".!?…。！？؟۔।")
_PAUSES = frozenset(",;:，、；：،؛-")
_CLOSING = frozenset("'\"”’)]）】」』»")
_WITHOUT_BLANKS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def reference_segments(text: str, count: Count, budget: int) -> list[str]:
    """Segments of the released program. Joined they are the text; an annotation may exceed the budget."""
    if count(text) <= budget:
        return [text]
    pieces: list[str] = []
    position = 0
    for span in [*ANNOTATED_SPAN.finditer(text), None]:
        for piece in _REFERENCE_STOP.split(text[position : span.start() if span else len(text)]):
            pieces += _filled(piece, count, budget)
        if span:
            pieces.append(span.group())
            position = span.end()
    return _joined(pieces, count, budget)


def _filled(piece: str, count: Count, budget: int) -> list[str]:
    """The piece, or where it is too long as many characters at a time as fit."""
    if not piece or count(piece) <= budget:
        return [piece] if piece else []
    parts: list[str] = [""]
    for character in piece:
        if parts[-1] and count(parts[-1] + character) > budget:
            parts.append("")
        parts[-1] += character
    return parts


def _joined(pieces: list[str], count: Count, budget: int) -> list[str]:
    segments: list[str] = []
    for piece in pieces:
        if segments and count(segments[-1] + piece) <= budget:
            segments[-1] += piece
        else:
            segments.append(piece)
    return segments


def breaks_of(text: str) -> list[Break]:
    """For every character, how well a segment may end after it."""
    breaks = [Break.ANYWHERE] * len(text)
    stop: Break | None = None  # of the stop before closing quotation marks
    for index, character in enumerate(text):
        following = text[index + 1] if index + 1 < len(text) else " "
        if character in _STOPS:
            stop = Break.SENTENCE
        elif character in _PAUSES:
            stop = Break.CLAUSE
        elif character not in _CLOSING:
            stop = None
        if following.isspace():
            breaks[index] = Break.WORD if stop is None else stop
        elif stop is not None and _WITHOUT_BLANKS.match(following):
            breaks[index] = stop
    return breaks
