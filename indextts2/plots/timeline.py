"""Semantic speech on a time line: segments and pauses, words, tokens, emotions, and lengths asked against lengths made.

The picture is drawn from plain values; `timeline_of` reads them out of a `SemanticSpeech`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..contracts import DurationReport, SemanticSpeech
from ..errors import InputError
from ..stages.duration import Clock
from .axes import time_axis, words_along
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
    Colour,
    mixed,
)
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH

HEIGHT_SHARE = 0.58
LANES = {"segments": 0.2, "words": 0.22, "tokens": 0.17, "emotion": 0.17, "length": 0.24}
"""Lanes from top to bottom with their share of the height. Words and emotion are left out where nobody knows them."""

SHORTEST_EXCERPT = 5  # characters of a segment's text worth showing
SEGMENT_COLOURS: tuple[Colour, ...] = ((58, 92, 138), (78, 70, 132))
HUE_STEP = 0.618033988749895  # golden ratio: neighbouring ids get colours far apart
STRETCH_SOFT = (0.8, 1.25)
"""Outside these a stretch is drawn as a warning (docs/spec/control.md#natural)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that holds from one share of a segment to another. colour: None takes the usual one."""

    first: float
    last: float
    label: str
    colour: Colour | None = None


@dataclass(frozen=True, slots=True)
class TimelineSegment:
    """One segment. seconds: how long it will sound; natural_seconds: without stretching; asked_seconds: None when free.

    tokens: (tokens,) ids; words and emotions: what holds along it, empty where nobody knows. stop: "own", "forced",
    "guided" or "limit".
    """

    text: str
    tokens: Tensor
    seconds: float
    natural_seconds: float
    pause_seconds: float = 0.0
    asked_seconds: float | None = None
    words: tuple[Mark, ...] = ()
    emotions: tuple[Mark, ...] = ()
    stop: str = "own"

    @property
    def stretch(self) -> float:
        return self.seconds / self.natural_seconds if self.natural_seconds > 0 else 1.0


def timeline_of(semantic: SemanticSpeech, clock: Clock) -> tuple[TimelineSegment, ...]:
    """The segments of semantic speech, without words and emotions. clock: of the checkpoint that will speak them."""
    segments = []
    for row in range(semantic.tokens.shape[0]):
        count = int(semantic.token_lengths[row])
        frames, samples = int(semantic.frame_targets[row]), int(semantic.sample_targets[row])
        natural = clock.natural_frames(count) * clock.hop / clock.sample_rate
        made = samples / clock.sample_rate if samples else frames * clock.hop / clock.sample_rate if frames else natural
        report = semantic.reports[row] if row < len(semantic.reports) else None
        segments.append(
            TimelineSegment(
                text=semantic.texts[row] if row < len(semantic.texts) else "",
                tokens=semantic.tokens[row, :count].cpu(),
                seconds=made,
                natural_seconds=natural,
                pause_seconds=semantic.pauses[row],
                asked_seconds=made if frames or samples else _asked_seconds(report, clock),
                stop=report.stop if report else "own",
            )
        )
    return tuple(segments)


def _asked_seconds(report: DurationReport | None, clock: Clock) -> float | None:
    if report is None or report.token_target is None:
        return None
    return clock.natural_frames(report.token_target) * clock.hop / clock.sample_rate


def with_marks(
    segment: TimelineSegment, *, words: Sequence[Mark] = (), emotions: Sequence[Mark] = ()
) -> TimelineSegment:
    """The same segment with what holds along it."""
    return replace(segment, words=tuple(words), emotions=tuple(emotions))


def draw_timeline(segments: Sequence[TimelineSegment], *, width: int = DEFAULT_WIDTH) -> Tensor:
    """Three to five lanes over one clock. Returns (height, width, 3) float32."""
    if not segments:
        raise InputError("A timeline needs one segment at least.")
    total = sum(segment.seconds + segment.pause_seconds for segment in segments)
    if not total > 0:
        raise InputError("This semantic speech holds no tokens, so there is nothing to draw.")
    canvas, size = Canvas(width, round(width * HEIGHT_SHARE)), width / DESIGN_WIDTH
    _title(canvas, size, segments, total)
    area = Box(116 * size, 64 * size, width - 28 * size, canvas.height - 44 * size)
    lanes = _lanes(area, size, segments)
    small = round(SMALL_SIZE * size)
    for name, lane in lanes.items():
        middle = (lane.top + lane.bottom) / 2
        canvas.text(area.left - 10 * size, middle, name, size=small, colour=FAINT, anchor="rm")
        canvas.box(lane, PANEL)
    time_axis(canvas, area, total, size)
    begin = 0.0
    for number, segment in enumerate(segments, start=1):
        left, right = area.across(begin / total), area.across((begin + segment.seconds) / total)
        spans = {name: Box(left, lane.top, right, lane.bottom) for name, lane in lanes.items()}
        _segment(canvas, size, number, segment, spans, area.right)
        begin += segment.seconds + segment.pause_seconds
        if segment.pause_seconds:
            head = lanes["segments"]
            _pause(canvas, size, Box(right, head.top, area.across(begin / total), head.bottom), segment.pause_seconds)
    return canvas.to_tensor()


def _title(canvas: Canvas, size: float, segments: Sequence[TimelineSegment], total: float) -> None:
    tokens = sum(len(segment.tokens) for segment in segments)
    count = len(segments)
    title = f"{count} segment{'' if count == 1 else 's'}, {tokens} tokens, {total:.2f} s"
    if any(segment.asked_seconds is not None for segment in segments):
        natural = sum(segment.natural_seconds + segment.pause_seconds for segment in segments)
        title += f" (unstretched {natural:.2f} s)"
    large = round(TITLE_SIZE * size)
    canvas.text(24 * size, 16 * size, canvas.fitted(title, canvas.width - 48 * size, large), size=large)


def _lanes(area: Box, size: float, segments: Sequence[TimelineSegment]) -> dict[str, Box]:
    absent = set()
    if not any(segment.words for segment in segments):
        absent.add("words")
    if not any(segment.emotions for segment in segments):
        absent.add("emotion")
    shares = {name: share for name, share in LANES.items() if name not in absent}
    lanes, top = {}, area.top
    for name, share in shares.items():
        bottom = top + share / sum(shares.values()) * area.height
        lanes[name] = Box(area.left, top + 3 * size, area.right, bottom - 3 * size)
        top = bottom
    return lanes


def _segment(
    canvas: Canvas, size: float, number: int, segment: TimelineSegment, spans: Mapping[str, Box], border: float
) -> None:
    """spans: the segment's part of each lane; border: where the picture's lanes end."""
    head, small = spans["segments"], round(SMALL_SIZE * size)
    canvas.box(head, SEGMENT_COLOURS[number % len(SEGMENT_COLOURS)])
    label = canvas.fitted(f"{number}  {segment.text}", head.width - 12 * size, small)
    if len(label) < len(str(number)) + SHORTEST_EXCERPT:
        label = canvas.fitted(str(number), head.width, small)
    canvas.text(head.left + 6 * size, (head.top + head.bottom) / 2, label, size=small, anchor="lm")
    if len(segment.tokens):
        canvas.paste(token_colours(segment.tokens)[None], spans["tokens"])
    if segment.words:
        _words(canvas, size, segment.words, spans["words"])
    for mark in segment.emotions:
        lane = spans["emotion"]
        box = Box(lane.across(mark.first), lane.top, lane.across(mark.last), lane.bottom)
        canvas.box(box, mixed(PANEL, mark.colour or ACCENT, 0.65))
        canvas.line([(box.left, box.top), (box.left, box.bottom)], TEXT, 1.5 * size)
        notes = (mark.label, mark.label.partition(" ")[0])
        shown = next((note for note in notes if canvas.text_width(note, small) <= box.width - 10 * size), "")
        canvas.text(box.left + 6 * size, (box.top + box.bottom) / 2, shown, size=small, anchor="lm")
    _length(canvas, size, segment, spans["length"], border)


def _words(canvas: Canvas, size: float, words: Sequence[Mark], box: Box) -> None:
    for mark in words:
        across = box.across(mark.first)
        canvas.line([(across, box.top), (across, box.top + 8 * size)], FAINT, size)
    inner = Box(box.left + 3 * size, box.top, box.right, box.bottom)
    lines = [box.top + 22 * size, box.top + 22 * size + 1.2 * SMALL_SIZE * size]
    words_along(canvas, inner, [(mark.first, mark.label) for mark in words], size, TEXT, lines)


def _length(canvas: Canvas, size: float, segment: TimelineSegment, box: Box, border: float) -> None:
    """Lane of lengths: a filled bar for what T2S spoke, a frame for what was asked, and the stretch."""
    small, middle = round(SMALL_SIZE * size), (box.top + box.bottom) / 2
    per_second = box.width / segment.seconds if segment.seconds > 0 else 0.0
    end = min(box.left + segment.natural_seconds * per_second, border)
    odd = segment.stop == "limit" or not STRETCH_SOFT[0] <= segment.stretch <= STRETCH_SOFT[1]
    canvas.box(Box(box.left, middle + 3 * size, end, box.bottom - 3 * size), WARNING if odd else ACCENT)
    if segment.asked_seconds is not None:
        stop = min(box.left + segment.asked_seconds * per_second, border)
        canvas.box(Box(box.left, middle, stop, box.bottom), None, TEXT, 2 * size)
    room = box.width - 4 * size
    shown = next((note for note in _length_notes(segment) if canvas.text_width(note, small) <= room), "")
    canvas.text(box.left + 2 * size, middle - 2 * size, shown, size=small, colour=WARNING if odd else TEXT, anchor="lb")


def _length_notes(segment: TimelineSegment) -> tuple[str, ...]:
    """The same note from long to short."""
    made = f"{segment.seconds:.2f} s"
    if segment.stop == "limit":
        return f"cut at the token limit, {made}", f"cut, {made}", "cut"
    if segment.asked_seconds is None:
        return f"free, {made}", made
    asked, stretch = f"asked {segment.asked_seconds:.2f} s", f"stretch {segment.stretch:.2f}"
    return f"{asked}, spoken {segment.natural_seconds:.2f} s, {stretch}", f"{asked}, {stretch}", asked, made


def _pause(canvas: Canvas, size: float, box: Box, seconds: float) -> None:
    canvas.hatched(box, GRID, 8 * size)
    note, small = f"{seconds:.2f} s", round(SMALL_SIZE * size)
    if canvas.text_width(note, small) < box.width:
        canvas.text((box.left + box.right) / 2, (box.top + box.bottom) / 2, note, size=small, colour=FAINT, anchor="mm")


def token_colours(tokens: Tensor) -> np.ndarray:
    """A colour for every token id, the same id always the same: (tokens, 3) uint8."""
    hue = (tokens.to(torch.float64) * HUE_STEP) % 1.0
    shade = 0.55 + 0.4 * ((tokens.to(torch.float64) * HUE_STEP * HUE_STEP) % 1.0)
    channels = [shade * (0.5 + 0.5 * torch.cos(2 * torch.pi * (hue + turn))) for turn in (0.0, 1 / 3, 2 / 3)]
    return (torch.stack(channels, dim=-1) * 255).round().to(torch.uint8).numpy()
