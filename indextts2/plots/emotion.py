"""Emotions as pictures: eight weights, or what an emotion vector leans to and how strong it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ..config import EMOTIONS
from ..contracts import EmotionWeights
from ..errors import InputError
from ..stages.emotion.presets import nearest_preset
from .canvas import (
    ACCENT,
    FAINT,
    GRID,
    LABEL_SIZE,
    PANEL,
    SMALL_SIZE,
    TEXT,
    TITLE_SIZE,
    WARNING,
    Box,
    Canvas,
    Colour,
    Point,
)

EMOTION_COLOURS: tuple[Colour, ...] = (
    (247, 201, 72),
    (235, 87, 87),
    (86, 144, 245),
    (164, 116, 240),
    (103, 190, 100),
    (70, 190, 200),
    (255, 150, 80),
    (190, 198, 212),
)
"""One colour per emotion, in the order of EMOTIONS, the same in every picture."""

DEFAULT_WIDTH = 768
HEIGHT_SHARE = 0.66
DESIGN_WIDTH = 768.0  # the width for which the sizes below were chosen
RINGS = 4
HALF_PETAL = 0.05  # of a whole turn
PETAL_ALPHA = 200
ARC_POINTS = 120  # around a whole circle
GAUGE_ROOM = 1.15  # how far a scale reaches beyond its largest mark
ROUNDING = 1e-6  # a limit that was just met is not exceeded
MARGIN = 24.0
NAME_WIDTH = 150.0  # room for the longest emotion name beside its bar
NUMBER_WIDTH = 70.0


def draw_weights(weights: EmotionWeights, *, cap: float | None = None, width: int = DEFAULT_WIDTH) -> Tensor:
    """Eight emotion weights as a radar and as bars, with their sum.

    cap: the sum above which the official program scales sliders down, named beside the sum; None leaves it out.
    Returns (height, width, 3) float32.
    """
    canvas, size = _canvas(width)
    reach = max(1.0, *weights.values)
    total = math.fsum(weights.values)
    preset = nearest_preset(weights)
    _title(canvas, size, "Emotion weights" if preset is None else f"Emotion weights: {preset}")
    _radar(canvas, size, [value / reach for value in weights.values], {1.0 / reach: (FAINT, "1")})
    _bars(canvas, size, weights.values, reach, signed=False)
    note = f"sum {total:.2f}" + ("" if cap is None else f", cap {cap:.2f}")
    full = GAUGE_ROOM * max(total, cap or 1.0)
    over = cap is not None and total > cap + ROUNDING
    _footer(canvas, size, note, total / full, None if cap is None else cap / full, over=over)
    return canvas.to_tensor()


def draw_profile(
    profile: Sequence[float],
    strength: float,
    *,
    limit: float,
    soft_limit: float = 1.0,
    title: str = "Emotion",
    width: int = DEFAULT_WIDTH,
) -> Tensor:
    """Plot of what an emotion vector leans to.

    profile: eight cosines with the checkpoint's own emotions (`emotion_profile`); strength: its index. The radar shows
    cosine times strength, so that the rings are strengths; the bars show the cosines themselves, -1 to 1.
    Returns (height, width, 3) float32.
    """
    if len(profile) != len(EMOTIONS):
        raise InputError(f"An emotion profile has {len(EMOTIONS)} numbers, but got {len(profile)}.")
    canvas, size = _canvas(width)
    reach = GAUGE_ROOM * max(limit, strength, soft_limit)
    _title(canvas, size, title)
    rings = {soft_limit / reach: (FAINT, f"{soft_limit:g}"), limit / reach: (WARNING, f"{limit:g}")}
    _radar(canvas, size, [max(0.0, cosine) * strength / reach for cosine in profile], rings)
    _bars(canvas, size, profile, 1.0, signed=True)
    _footer(
        canvas, size, f"strength {strength:.2f}, limit {limit:.2f}", strength / reach, limit / reach,
        over=strength > limit + ROUNDING,
    )  # fmt: skip
    return canvas.to_tensor()


def _canvas(width: int) -> tuple[Canvas, float]:
    """The canvas, and by what its sizes are multiplied."""
    return Canvas(width, round(width * HEIGHT_SHARE)), width / DESIGN_WIDTH


def _title(canvas: Canvas, size: float, text: str) -> None:
    shown = canvas.fitted(text, canvas.width - 2 * MARGIN * size, round(TITLE_SIZE * size))
    canvas.text(MARGIN * size, 16 * size, shown, size=round(TITLE_SIZE * size))


def _radar(canvas: Canvas, size: float, shares: Sequence[float], rings: dict[float, tuple[Colour, str]]) -> None:
    """Eight petals. shares: their lengths, 0 the centre and 1 the rim; rings: marked radii with colour and name."""
    radius, centre = 0.172 * canvas.width, (0.31 * canvas.width, 0.5 * canvas.height)
    small = round(SMALL_SIZE * size)
    canvas.polygon(_arc(centre, radius, 0.0, 1.0), PANEL, GRID, size, alpha=255)
    for ring in range(1, RINGS):
        canvas.polygon(_arc(centre, radius * ring / RINGS, 0.0, 1.0), None, GRID, size)
    for index, (share, colour) in enumerate(zip(shares, EMOTION_COLOURS, strict=True)):
        turn = index / len(EMOTIONS)
        canvas.line([centre, _at(centre, radius, turn)], GRID, size)
        if share > 0:
            edge = _arc(centre, radius * min(share, 1.0), turn - HALF_PETAL, turn + HALF_PETAL)
            canvas.polygon([centre, *edge], colour, colour, 2 * size, alpha=PETAL_ALPHA)
        across, down = _at(centre, radius + 13 * size, turn)
        anchor = _outward(across - centre[0], down - centre[1])
        canvas.text(across, down, EMOTIONS[index], size=small, colour=colour, anchor=anchor)
    for share, (colour, name) in rings.items():
        circle = _arc(centre, radius * share, 0.0, 1.0)
        for start, end in zip(circle[::2], circle[1::2], strict=True):
            canvas.line([start, end], colour, 2 * size)
        across, down = _at(centre, radius * share, 0.5 / len(EMOTIONS))
        wide, high = canvas.text_width(name, small), 0.5 * SMALL_SIZE * size
        canvas.box(Box(across - wide / 2 - 2, down - high, across + wide / 2 + 2, down + high), PANEL)
        canvas.text(across, down, name, size=small, colour=colour, anchor="mm")


def _at(centre: Point, radius: float, turn: float) -> Point:
    """A point around a centre; turn 0 is on top, and a whole turn goes clockwise."""
    angle = 2 * math.pi * turn
    return centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle)


def _arc(centre: Point, radius: float, first: float, last: float) -> list[Point]:
    """An even number of points, so that every second gap can be left out of a dashed circle."""
    count = 2 * max(4, round(ARC_POINTS * (last - first) / 2))
    return [_at(centre, radius, first + (last - first) * index / (count - 1)) for index in range(count)]


def _outward(across: float, down: float) -> str:
    """The text anchor that lets a name grow away from the centre."""
    horizontal = "m" if abs(across) < 1e-3 else "l" if across > 0 else "r"
    vertical = "m" if abs(down) < abs(across) * 0.5 else "b" if down < 0 else "t"
    return horizontal + ("a" if vertical == "t" else vertical)


def _bars(canvas: Canvas, size: float, values: Sequence[float], reach: float, *, signed: bool) -> None:
    """One bar per emotion. signed: from the middle, -reach to reach; otherwise from the left, 0 to reach."""
    top, bottom = 62 * size, canvas.height - 76 * size
    row = (bottom - top) / len(EMOTIONS)
    track = (0.56 * canvas.width + (NAME_WIDTH - 40) * size, canvas.width - (MARGIN + NUMBER_WIDTH) * size)
    label = round(LABEL_SIZE * size)
    for index, (name, value, colour) in enumerate(zip(EMOTIONS, values, EMOTION_COLOURS, strict=True)):
        middle = top + (index + 0.5) * row
        box = Box(track[0], middle - 0.3 * row, track[1], middle + 0.3 * row)
        canvas.box(box, PANEL)
        zero = box.across(0.5) if signed else box.left
        share = max(-1.0, min(1.0, value / reach))
        end = zero + share * box.width * (0.5 if signed else 1.0)
        canvas.box(Box(min(zero, end), box.top, max(zero, end), box.bottom), colour)
        if signed:
            canvas.line([(zero, box.top), (zero, box.bottom)], FAINT, size)
        canvas.text(box.left - 10 * size, middle, name, size=round(SMALL_SIZE * size), anchor="rm", colour=colour)
        lit = TEXT if value else FAINT
        canvas.text(canvas.width - MARGIN * size, middle, f"{value:.2f}", size=label, colour=lit, anchor="rm")


def _footer(
    canvas: Canvas, size: float, note: str, share: float, mark: float | None, *, over: bool
) -> None:  # fmt: skip
    """A gauge along the lower border. share: how full it is; mark: where its limit lies."""
    label = round(LABEL_SIZE * size)
    canvas.text(
        MARGIN * size, canvas.height - 38 * size, note, size=label, colour=WARNING if over else TEXT, anchor="lm"
    )
    left = MARGIN * size + canvas.text_width(note, label) + 24 * size
    box = Box(left, canvas.height - 48 * size, canvas.width - MARGIN * size, canvas.height - 28 * size)
    canvas.box(box, PANEL)
    canvas.box(Box(box.left, box.top, box.across(min(1.0, share)), box.bottom), WARNING if over else ACCENT)
    if mark is not None and mark <= 1.0:
        canvas.line(
            [(box.across(mark), box.top - 5 * size), (box.across(mark), box.bottom + 5 * size)], WARNING, 3 * size
        )
