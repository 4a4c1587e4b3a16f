"""An emotion along the text: what it leans to at every place, how strong it is, and where its keyframes lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..config import EMOTIONS
from ..errors import InputError
from ..stages.emotion.measure import Measured
from .axes import words_along, words_of
from .canvas import (
    ACCENT,
    FAINT,
    GRID,
    PANEL,
    SMALL_SIZE,
    TEXT,
    TITLE_SIZE,
    WARNING,
    Box,
    Canvas,
    mixed,
)
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH, EMOTION_COLOURS, GAUGE_ROOM

HEIGHT_SHARE = 0.75
QUARTERS = 4


def draw_schedule(
    points: Sequence[Measured],
    keyframes: Sequence[float],
    *,
    limit: float,
    text: str = "",
    width: int = DEFAULT_WIDTH,
) -> Tensor:
    """points: the emotion at many places, in order; keyframes: their positions; text: shown along the axis.

    Each row of the upper panel is one emotion, the brighter the stronger; the curve below is the strength index.
    Returns (height, width, 3) float32.
    """
    if not points:
        raise InputError("A picture of a schedule needs the emotion at one place at least.")
    canvas, size = Canvas(width, round(width * HEIGHT_SHARE)), width / DESIGN_WIDTH
    strongest = max(point.strength for point in points)
    reach = GAUGE_ROOM * max(limit, strongest)
    count = max(1, len(keyframes))
    title = f"Emotion along the text: {count} keyframe{'' if count == 1 else 's'}, strongest {strongest:.2f}"
    canvas.text(24 * size, 16 * size, canvas.fitted(title, width - 48 * size, round(TITLE_SIZE * size)),
                size=round(TITLE_SIZE * size))  # fmt: skip
    left, right = 142 * size, width - 30 * size
    rows = Box(left, 84 * size, right, 0.6 * canvas.height)
    curve = Box(left, rows.bottom + 18 * size, right, canvas.height - 98 * size)
    _rows(canvas, size, rows, points, reach)
    _curve(canvas, size, curve, points, limit, reach)
    _keyframes(canvas, size, rows, curve, keyframes)
    _text_axis(canvas, size, curve, text)
    return canvas.to_tensor()


def _rows(canvas: Canvas, size: float, box: Box, points: Sequence[Measured], reach: float) -> None:
    high = box.height / len(EMOTIONS)
    for index, (name, colour) in enumerate(zip(EMOTIONS, EMOTION_COLOURS, strict=True)):
        middle = box.top + (index + 0.5) * high
        canvas.text(box.left - 10 * size, middle, name, size=round(SMALL_SIZE * size), colour=colour, anchor="rm")
        shades = [
            mixed(PANEL, colour, min(1.0, max(0.0, p.profile[index]) * p.strength * GAUGE_ROOM / reach)) for p in points
        ]
        row = Box(box.left, middle - 0.43 * high, box.right, middle + 0.43 * high)
        canvas.paste(np.array([shades], dtype=np.uint8), row)


def _curve(canvas: Canvas, size: float, box: Box, points: Sequence[Measured], limit: float, reach: float) -> None:
    small = round(SMALL_SIZE * size)
    canvas.box(box, PANEL)
    line = [(box.across(point.position), box.up(point.strength / reach)) for point in points]
    canvas.polygon([(line[0][0], box.bottom), *line, (line[-1][0], box.bottom)], ACCENT, None)
    canvas.line(line, ACCENT, 3 * size)
    canvas.dashed((box.left, box.up(limit / reach)), (box.right, box.up(limit / reach)), WARNING, 2 * size)
    canvas.text(
        box.left - 10 * size, box.up(limit / reach), f"limit {limit:g}", size=small, colour=WARNING, anchor="rm"
    )
    canvas.text(box.left - 10 * size, box.bottom, "strength 0", size=small, colour=FAINT, anchor="rb")


def _keyframes(canvas: Canvas, size: float, rows: Box, curve: Box, keyframes: Sequence[float]) -> None:
    small = round(SMALL_SIZE * size)
    for number, position in enumerate(keyframes, start=1):
        across = rows.across(position)
        canvas.dashed((across, rows.top - 4 * size), (across, curve.bottom), TEXT, 1.5 * size, 5 * size)
        canvas.text(across, rows.top - 8 * size, str(number), size=small, anchor="mb")


def _text_axis(canvas: Canvas, size: float, box: Box, text: str) -> None:
    small = round(SMALL_SIZE * size)
    for quarter in range(QUARTERS + 1):
        across = box.across(quarter / QUARTERS)
        canvas.line([(across, box.bottom), (across, box.bottom + 6 * size)], GRID, size)
        canvas.text(
            across, box.bottom + 9 * size, f"{100 * quarter // QUARTERS} %", size=small, colour=FAINT, anchor="ma"
        )
    words_along(canvas, box, words_of(text), size, TEXT, [box.bottom + 50 * size, box.bottom + 76 * size])
