"""The eight emotion weights over the lines of a script: one bar per line, its colours stacked, scenes apart."""

from __future__ import annotations

from torch import Tensor

from ..config import EMOTIONS
from ..script.direction import Direction
from .canvas import FAINT, GRID, PANEL, SMALL_SIZE, TEXT, TITLE_SIZE, Box, Canvas
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH, EMOTION_COLOURS

HEAD, FOOT, LEGEND, PLOT = 64.0, 44.0, 66.0, 300.0
SIDE = 60.0
NUMBERS = 20  # most numbers of lines below the bars


def draw_direction(direction: Direction, *, width: int = DEFAULT_WIDTH) -> Tensor:
    """Returns (height, width, 3) float32. Given emotions are framed; a line between bars begins a scene."""
    size = width / DESIGN_WIDTH
    canvas = Canvas(width, round((HEAD + PLOT + FOOT + LEGEND) * size))
    large, small = round(TITLE_SIZE * size), round(SMALL_SIZE * size)
    count = len(direction.weights)
    title = f"Emotion of {count} line{'s' * (count != 1)} in {max(direction.scenes, default=0) + 1} scene"
    title += "s" * (max(direction.scenes, default=0) > 0)
    canvas.text(24 * size, 16 * size, canvas.fitted(title, width - 48 * size, large), size=large)
    area = Box(SIDE * size, HEAD * size, width - 28 * size, (HEAD + PLOT) * size)
    canvas.box(area, PANEL)
    reach = max(1.0, *(sum(one.values) for one in direction.weights))
    for share in (0.0, 0.5, 1.0):
        y = area.up(share / reach)
        canvas.line([(area.left, y), (area.right, y)], GRID, 1.0)
        canvas.text(area.left - 8 * size, y, f"{share:g}", size=small, colour=FAINT, anchor="rm")
    every = -(-count // NUMBERS)
    for index, weights in enumerate(direction.weights):
        left, right = area.across((index + 0.08) / count), area.across((index + 0.92) / count)
        level = 0.0
        for value, colour in zip(weights.values, EMOTION_COLOURS, strict=True):
            if value > 0.0:
                canvas.box(Box(left, area.up((level + value) / reach), right, area.up(level / reach)), colour)
                level += value
        if direction.own[index]:
            canvas.box(Box(left, area.up(level / reach), right, area.bottom), None, TEXT, 2 * size)
        if index and direction.scenes[index] != direction.scenes[index - 1]:
            x = area.across(index / count)
            canvas.dashed((x, area.top), (x, area.bottom), TEXT)
        if index % every == 0:
            middle = (left + right) / 2
            canvas.text(middle, area.bottom + 14 * size, str(index + 1), size=small, colour=FAINT, anchor="mm")
    _legend(canvas, size, small, (HEAD + PLOT + FOOT) * size)
    return canvas.to_tensor()


def _legend(canvas: Canvas, size: float, small: int, top: float) -> None:
    """The names of the eight colours in two rows."""
    column = (canvas.width - 2 * 28 * size) / 4
    for index, (name, colour) in enumerate(zip(EMOTIONS, EMOTION_COLOURS, strict=True)):
        x, y = 28 * size + column * (index % 4), top + 28 * size * (index // 4)
        canvas.box(Box(x, y, x + 16 * size, y + 16 * size), colour)
        canvas.text(x + 24 * size, y + 8 * size, name, size=small, colour=TEXT, anchor="lm")
