"""Axes shared by pictures: round steps, seconds below, and words along a text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .canvas import FAINT, GRID, SMALL_SIZE, Box, Canvas, Colour
from .fonts import drawable

STEPS = (1.0, 2.0, 5.0, 10.0)
"""A round step is one of these times a power of ten."""


ROUNDING = 1e-6
"""A reach may exceed the last tick by so many steps."""


def round_step(reach: float, most: int) -> float:
    """The smallest round step that divides a positive reach into at most `most` parts."""
    if not reach > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(reach / most))
    return next((power * step for step in STEPS if reach / (power * step) <= most + ROUNDING), power * STEPS[-1])


def ticks(reach: float, most: int) -> list[float]:
    """Round places from 0 to a reach."""
    step = round_step(reach, most)
    return [index * step for index in range(int(reach / step + ROUNDING) + 1)]


def time_axis(canvas: Canvas, box: Box, seconds: float, size: float, *, grid: bool = True) -> None:
    """Seconds below a box whose width is a whole time."""
    small = round(SMALL_SIZE * size)
    places = ticks(seconds, most=7)
    decimals = max(0, -math.floor(math.log10(round_step(seconds, most=7)) + 1e-9))
    for place in places:
        across = box.across(place / seconds if seconds > 0 else 0.0)
        if grid:
            canvas.line([(across, box.top), (across, box.bottom)], GRID, size)
        canvas.line([(across, box.bottom), (across, box.bottom + 6 * size)], FAINT, size)
        unit = " s" if place == places[-1] else ""
        canvas.text(across, box.bottom + 9 * size, f"{place:.{decimals}f}{unit}", size=small, colour=FAINT, anchor="ma")


def words_along(
    canvas: Canvas, box: Box, words: Sequence[tuple[float, str]], size: float, colour: Colour, lines: Sequence[float]
) -> None:
    """Words at their shares of a width, each on the first line where it fits; lines: their heights.

    Words that fit nowhere are left out. Where no font has the characters, only their number is shown.
    """
    small = round(SMALL_SIZE * size)
    if any(drawable(word) != word for _, word in words):
        whole = drawable("".join(word for _, word in words))
        canvas.text(box.left, lines[0], canvas.fitted(whole, box.width, small), size=small, colour=colour, anchor="lm")
        return
    free_from = [box.left] * len(lines)
    for share, word in words:
        across, wide = box.across(share), canvas.text_width(word, small)
        line = next((index for index, free in enumerate(free_from) if across >= free), None)
        if line is not None and across + wide <= box.right + BEYOND * size:
            canvas.text(across, lines[line], word, size=small, colour=colour, anchor="lm")
            free_from[line] = across + wide + 0.35 * small


def words_of(text: str) -> list[tuple[float, str]]:
    """Starts of the words as fractions of the text. A text without blanks is cut in short pieces."""
    if not text:
        return []
    words, place = [], 0
    for word in text.split():
        place = text.index(word, place)
        parts = [word] if word.isascii() else [word[at : at + PIECE] for at in range(0, len(word), PIECE)]
        words += [((place + index * PIECE) / len(text), part) for index, part in enumerate(parts)]
        place += len(word)
    return words


BEYOND = 26.0
"""Pixels that the last word may reach beyond its box."""

PIECE = 4
"""Characters shown together of a script that writes no blanks."""
