"""Words in time as a picture: when each was asked to begin, and when it is spoken."""

from __future__ import annotations

from torch import Tensor

from ..contracts import SpokenWords
from ..errors import InputError
from .axes import time_axis
from .canvas import ACCENT, FAINT, PANEL, SMALL_SIZE, TEXT, TITLE_SIZE, WARNING, Box, Canvas, mixed
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH

HEIGHT_SHARE = 0.3
LATE_MS = 60.0  # a border this far from what was asked is marked


def draw_words(words: SpokenWords, *, width: int = DEFAULT_WIDTH) -> Tensor:
    """Two lanes over one clock: the times asked, and the words as spoken. Returns (height, width, 3) float32."""
    if not words.words or not words.sample_count:
        raise InputError("There are no words to draw. Connect the words of speech.")
    canvas, size = Canvas(width, round(width * HEIGHT_SHARE)), width / DESIGN_WIDTH
    small, large = round(SMALL_SIZE * size), round(TITLE_SIZE * size)
    total = words.sample_count / words.sample_rate
    asked = [word for word in words.words if word.asked is not None]
    off = [abs(word.start - (word.asked or 0)) / words.sample_rate * 1000 for word in asked]
    title = f"{len(words.words)} words, {total:.2f} s"
    title += f", {len(asked)} at given times, at most {max(off):.0f} ms off" if asked else ""
    canvas.text(24 * size, 16 * size, canvas.fitted(title, width - 48 * size, large), size=large)
    area = Box(116 * size, 64 * size, width - 28 * size, canvas.height - 44 * size)
    middle = area.top + 0.3 * area.height
    lanes = {
        "asked": Box(area.left, area.top, area.right, middle - 3 * size),
        "spoken": Box(area.left, middle + 3 * size, area.right, area.bottom),
    }
    for name, lane in lanes.items():
        label = (lane.top + lane.bottom) / 2
        canvas.text(area.left - 10 * size, label, name, size=small, colour=FAINT, anchor="rm")
        canvas.box(lane, PANEL)
    time_axis(canvas, area, total, size)
    for word in words.words:
        left, right = (area.across(sample / words.sample_count) for sample in (word.start, word.end))
        lane = lanes["spoken"]
        late = word.asked is not None and abs(word.start - word.asked) / words.sample_rate * 1000 > LATE_MS
        box = Box(left, lane.top, max(right, left + 1), lane.bottom)
        canvas.box(box, mixed(PANEL, WARNING if late else ACCENT, 0.5))
        canvas.line([(left, lane.top), (left, lane.bottom)], TEXT, size)
        shown = canvas.fitted(word.text, box.width - 6 * size, small)
        canvas.text(left + 4 * size, (lane.top + lane.bottom) / 2, shown, size=small, anchor="lm")
        if word.asked is not None:
            at, own = area.across(word.asked / words.sample_count), lanes["asked"]
            canvas.line([(at, own.top), (at, own.bottom)], TEXT, 2 * size)
            canvas.text(at + 4 * size, (own.top + own.bottom) / 2, word.text, size=small, anchor="lm")
    return canvas.to_tensor()
