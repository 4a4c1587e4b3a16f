"""A small drawing surface: anti-aliased shapes and text on a Pillow image, measured in pixels of the finished picture.

Everything is drawn twice as large and reduced at the end, which smooths lines, edges and letters alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..errors import InputError
from .fonts import drawable, font_for

Colour = tuple[int, int, int]
Point = tuple[float, float]

OVERSAMPLING = 2
OPAQUE = 255
MIN_WIDTH, MAX_WIDTH = 256, 4096

BACKGROUND: Colour = (24, 26, 31)
PANEL: Colour = (35, 38, 46)
GRID: Colour = (74, 79, 92)
TEXT: Colour = (236, 238, 243)
FAINT: Colour = (168, 174, 188)
ACCENT: Colour = (94, 177, 255)
WARNING: Colour = (255, 107, 107)

TITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 27, 23, 20


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the finished picture, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def across(self, share: float) -> float:
        """The x at a share of the width."""
        return self.left + share * self.width

    def up(self, share: float) -> float:
        """The y at a share of the height, counted from below."""
        return self.bottom - share * self.height


class Canvas:
    """One picture in the making. Sizes, widths and places are pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        if not MIN_WIDTH <= width <= MAX_WIDTH:
            raise InputError(f"A picture is {MIN_WIDTH} to {MAX_WIDTH} pixels wide, but {width} were asked.")
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING), BACKGROUND)
        self._draw = ImageDraw.Draw(self._image, "RGBA")  # the mode lets half-transparent fills blend

    def text(
        self, x: float, y: float, text: str, *, size: int = LABEL_SIZE, colour: Colour = TEXT, anchor: str = "la"
    ) -> None:
        """anchor: Pillow's two letters; "la" is left and top, "mm" the middle, "ra" right and top."""
        shown = drawable(text)
        font = font_for(shown, size * OVERSAMPLING)
        self._draw.text((x * OVERSAMPLING, y * OVERSAMPLING), shown, fill=(*colour, OPAQUE), font=font, anchor=anchor)

    def text_width(self, text: str, size: int = LABEL_SIZE) -> float:
        shown = drawable(text)
        return font_for(shown, size * OVERSAMPLING).getlength(shown) / OVERSAMPLING

    def fitted(self, text: str, width: float, size: int = LABEL_SIZE) -> str:
        """The text cut so that it is at most so wide, with two dots where it was cut; empty when nothing fits."""
        shown = drawable(text)
        if self.text_width(shown, size) <= width:
            return shown
        for count in range(len(shown) - 1, 0, -1):
            cut = shown[:count].rstrip() + ".."
            if self.text_width(cut, size) <= width:
                return cut
        return ""

    def line(self, points: Sequence[Point], colour: Colour, width: float = 2.0) -> None:
        self._draw.line(_scaled(points), fill=(*colour, OPAQUE), width=_thick(width), joint="curve")

    def dashed(self, start: Point, end: Point, colour: Colour, width: float = 2.0, dash: float = 8.0) -> None:
        length = max(1e-6, float(np.hypot(end[0] - start[0], end[1] - start[1])))
        for begin in np.arange(0.0, length, 2 * dash):
            stop = min(begin + dash, length)
            ends = [
                (start[0] + (end[0] - start[0]) * at / length, start[1] + (end[1] - start[1]) * at / length)
                for at in (begin, stop)
            ]
            self.line(ends, colour, width)

    def polygon(
        self, points: Sequence[Point], fill: Colour | None, outline: Colour | None, width: float = 2.0, alpha: int = 90
    ) -> None:
        if fill is not None:
            self._draw.polygon(_scaled(points), fill=(*fill, alpha))
        if outline is not None:
            self.line([*points, points[0]], outline, width)

    def box(
        self, box: Box, fill: Colour | None = None, outline: Colour | None = None, width: float = 2.0,
        alpha: int = OPAQUE,
    ) -> None:  # fmt: skip
        if box.width <= 0 or box.height <= 0:
            return
        corners = _scaled([(box.left, box.top), (box.right, box.bottom)])
        self._draw.rectangle(
            corners,
            fill=None if fill is None else (*fill, alpha),
            outline=None if outline is None else (*outline, OPAQUE),
            width=_thick(width),
        )

    def hatched(self, box: Box, colour: Colour, gap: float = 8.0) -> None:
        """Slanted lines inside a box, for what is silent or absent."""
        for start in np.arange(box.left - box.height, box.right, gap):
            first, last = max(start, box.left), min(start + box.height, box.right)
            if last > first:
                self.line([(first, box.bottom - (first - start)), (last, box.bottom - (last - start))], colour, 1.0)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        corners = _scaled([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.ellipse(corners, fill=(*colour, OPAQUE))

    def paste(self, pixels: np.ndarray, box: Box) -> None:
        """Stretch an array of colours, (rows, columns, 3) uint8, over a box; its first row comes on top."""
        (left, top), (right, bottom) = _scaled([(box.left, box.top), (box.right, box.bottom)])
        size = (max(1, round(right - left)), max(1, round(bottom - top)))
        picture = Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BILINEAR)
        self._image.paste(picture, (round(left), round(top)))

    def to_tensor(self) -> Tensor:
        """(height, width, 3) float32 in 0..1."""
        return torch.from_numpy(np.asarray(self._image.reduce(OVERSAMPLING)).copy()).float() / OPAQUE


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


def _thick(width: float) -> int:
    return max(1, round(width * OVERSAMPLING))


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Between two colours; share 0 is the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
