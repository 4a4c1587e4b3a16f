"""A spoken script on its clock: one lane per speaker, cues as frames, speech as bars, lines that do not fit in red."""

from __future__ import annotations

from torch import Tensor

from ..errors import InputError
from ..script.mix import Timeline
from ..script.model import MILLISECONDS, Line
from ..script.run import SpokenScript
from ..text.tags import without_tags
from .axes import time_axis
from .canvas import ACCENT, FAINT, PANEL, SMALL_SIZE, TEXT, TITLE_SIZE, WARNING, Box, Canvas
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH

LANE_HEIGHT, HEAD, FOOT = 62, 64, 44
MOST_LANES = 12
NARRATOR = "narrator"
STRETCH_SOFT = (0.8, 1.25)


def draw_script(spoken: SpokenScript, timeline: Timeline, *, width: int = DEFAULT_WIDTH) -> Tensor:
    """Returns (height, width, 3) float32. Speakers beyond the first twelve share the last lane."""
    total = max([timeline.waveform.seconds, *(_cue(line)[1] for line in spoken.script.lines)])
    if not total > 0:
        raise InputError("Nothing of this script was spoken, so there is nothing to draw.")
    size = width / DESIGN_WIDTH
    names = spoken.script.speakers
    lanes = min(len(names), MOST_LANES)
    canvas = Canvas(width, round((HEAD + LANE_HEIGHT * lanes + FOOT) * size))
    _title(canvas, size, spoken, timeline)
    area = Box(116 * size, HEAD * size, width - 28 * size, canvas.height - FOOT * size)
    small = round(SMALL_SIZE * size)
    boxes = []
    for number in range(lanes):
        top = area.top + number * LANE_HEIGHT * size
        boxes.append(Box(area.left, top + 3 * size, area.right, top + (LANE_HEIGHT - 3) * size))
        canvas.box(boxes[-1], PANEL)
        label = canvas.fitted(names[number] or NARRATOR, 100 * size, small)
        middle = (boxes[-1].top + boxes[-1].bottom) / 2
        canvas.text(area.left - 10 * size, middle, label, size=small, colour=FAINT, anchor="rm")
    time_axis(canvas, area, total, size)
    rate = timeline.waveform.sample_rate
    places = {one.line: (one.start / rate, one.end / rate) for one in timeline.placements}
    unfit = {one.line for one in timeline.unfit}
    for index, line in enumerate(spoken.script.lines):
        lane = boxes[min(names.index(line.speaker), lanes - 1)]
        stretch = spoken.lines[index].report.stretch
        odd = index in unfit or not STRETCH_SOFT[0] <= stretch <= STRETCH_SOFT[1]
        _line(canvas, size, lane, total, line, places.get(index), odd=odd)
    return canvas.to_tensor()


def _title(canvas: Canvas, size: float, spoken: SpokenScript, timeline: Timeline) -> None:
    title = f"{len(timeline.placements)} of {len(spoken.lines)} lines, {timeline.waveform.seconds:.2f} s"
    if timeline.unfit:
        title += f", {len(timeline.unfit)} {'does' if len(timeline.unfit) == 1 else 'do'} not fit"
    large = round(TITLE_SIZE * size)
    canvas.text(24 * size, 16 * size, canvas.fitted(title, canvas.width - 48 * size, large), size=large)


def _cue(line: Line) -> tuple[float, float]:
    """Start and end of the cue in seconds; zeros without one."""
    start = (line.start_ms or 0) / MILLISECONDS
    return start, (line.end_ms or 0) / MILLISECONDS


def _line(
    canvas: Canvas, size: float, lane: Box, total: float, line: Line, place: tuple[float, float] | None, *, odd: bool
) -> None:
    """The speech as a bar, the cue as a frame around the place it should fill."""
    small = round(SMALL_SIZE * size)
    if place is not None:
        bar = Box(lane.across(place[0] / total), lane.top + 8 * size, lane.across(place[1] / total), lane.bottom)
        canvas.box(bar, WARNING if odd else ACCENT)
        shown = canvas.fitted(" ".join(without_tags(line.text).split()), bar.width - 8 * size, small)
        canvas.text(bar.left + 4 * size, (bar.top + bar.bottom) / 2, shown, size=small, colour=PANEL, anchor="lm")
    start, end = _cue(line)
    if end > start:
        frame = Box(lane.across(start / total), lane.top + 4 * size, lane.across(end / total), lane.bottom)
        canvas.box(frame, None, WARNING if place is None else TEXT, 2 * size)
