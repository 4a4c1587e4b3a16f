"""Cues of a script before it is spoken: moved, merged, split, put on frames, and those that are too short.

A step makes a new script; lines without a cue pass through as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate

from ..checks import check_fields
from ..errors import InputError, shortened
from ..stages.natural_length import natural_seconds
from ..stages.prepare_text import prepare_text
from ..text.front_end import FrontEnd
from ..text.pace import DEFAULT_PACE, Pace
from ..text.tags import has_times
from .fit import FitSettings
from .model import LATEST_MS, MILLISECONDS, Line, Script, clock

SHOWN = 40  # characters of a line in a report
MOST_FPS = 1000.0
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？])")
_CLAUSE = re.compile(r"(?<=[,;:—–])\s+|(?<=[，、；：])")
_BLANK = re.compile(r"\s+")
_TAGS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")

Estimate = Callable[[Line], float]
"""Seconds that a line takes when no length is asked, about."""


@dataclass(frozen=True, slots=True)
class CueSettings:
    """What is done to the cues, in this order; None or 0 leaves a step out.

    merge_gap: seconds between two cues of one speaker that are joined, up to merge_characters together;
    split_characters: longest text of a cue; shift: seconds later, or earlier; fps: frames per second of the picture.
    """

    merge_gap: float | None = None
    merge_characters: int = 84  # two rows of a subtitle
    split_characters: int = 0
    shift: float = 0.0
    fps: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.merge_gap is not None and not 0.0 <= self.merge_gap < math.inf:
            raise InputError(f"The gap of cues to merge is 0 or more seconds, but got {self.merge_gap}.")
        if self.merge_characters < 1 or self.split_characters < 0:
            raise InputError("The longest texts of cues are given in characters: at least 1 to merge, 0 for no split.")
        if not math.isfinite(self.shift):
            raise InputError(f"Cues are shifted by a number of seconds, but got {self.shift}.")
        if not 0.0 <= self.fps <= MOST_FPS:
            raise InputError(f"A frame rate lies between 0 (off) and {MOST_FPS:g}, but got {self.fps}.")


@dataclass(frozen=True, slots=True)
class ShortCue:
    """A cue that is too short for its words. line: index in the script; needs: seconds at the usual fastest."""

    line: int
    has: float
    needs: float
    natural: float


def edited(script: Script, settings: CueSettings) -> Script:
    """The script with its cues merged, split, shifted and put on frames. Raises InputError for times below zero."""
    lines: Sequence[Line] = script.lines
    if settings.merge_gap is not None:
        lines = merged(lines, settings.merge_gap, settings.merge_characters)
    if settings.split_characters:
        lines = [part for line in lines for part in split(line, settings.split_characters)]
    if settings.shift:
        lines = shifted(lines, settings.shift)
    if settings.fps:
        lines = snapped(lines, settings.fps)
    return Script(tuple(lines), script.notes)


def shifted(lines: Sequence[Line], seconds: float) -> list[Line]:
    """Lines whose cues come later, or earlier. Raises InputError where one would begin before the start."""
    by = round(seconds * MILLISECONDS)
    first = min((line.start_ms for line in lines if line.start_ms is not None), default=0)
    last = max((line.end_ms or line.start_ms or 0 for line in lines), default=0)
    if first + by < 0 or last + by > LATEST_MS:
        raise InputError(
            f"The first cue begins at {clock(first)} and the last ends at {clock(last)}, so that a shift lies between "
            f"{-first / MILLISECONDS:.3f} and {(LATEST_MS - last) / MILLISECONDS:.3f} s, but {seconds:g} was asked."
        )
    return [
        line
        if line.start_ms is None
        else replace(line, start_ms=line.start_ms + by, end_ms=None if line.end_ms is None else line.end_ms + by)
        for line in lines
    ]


def merged(lines: Sequence[Line], gap: float, characters: int) -> list[Line]:
    """Lines in which neighbours of one speaker are one, where little time and no other setting lies between them."""
    found: list[Line] = []
    for line in lines:
        before = found[-1] if found else None
        if before is not None and _mergeable(before, line, round(gap * MILLISECONDS), characters):
            found[-1] = replace(
                before, text=_joined(before.text, line.text), end_ms=line.end_ms, pause_ms=line.pause_ms
            )
        else:
            found.append(line)
    return found


def _mergeable(before: Line, line: Line, gap_ms: int, characters: int) -> bool:
    if before.end_ms is None or line.start_ms is None or line.end_ms is None:
        return False
    names = ("speaker", "emotion", "language", "seed", "takes")
    same = all(getattr(before, name) == getattr(line, name) for name in names)
    free = not _keeps_its_length(before) and not _keeps_its_length(line) and before.pause_ms is None
    near = 0 <= line.start_ms - before.end_ms <= gap_ms
    return same and free and near and len(_joined(before.text, line.text)) <= characters


def _keeps_its_length(line: Line) -> bool:
    """Whether a line has a length of its own, or words at times that count from its start."""
    return line.duration is not None or has_times(line.text)


def _joined(first: str, second: str) -> str:
    wide = bool(_WIDE.match(first[-1:]) and _WIDE.match(second[:1]))
    return first + ("" if wide else " ") + second


def split(line: Line, characters: int) -> list[Line]:
    """A line in parts of at most so many characters: after sentences, else after clauses, else between words.

    The time of the cue is shared out by the length of the parts; one that cannot be divided stays longer. A line with a
    length of its own, or with words at given times, is left as it is.
    """
    texts = list(_parts(line.text, characters))
    if len(texts) == 1 or _keeps_its_length(line):
        return [line]
    parts = [replace(line, text=text, pause_ms=None, start_ms=None, end_ms=None) for text in texts]
    parts[-1] = replace(parts[-1], pause_ms=line.pause_ms)
    if line.start_ms is None:
        return parts
    if line.end_ms is None:
        return [replace(parts[0], start_ms=line.start_ms), *parts[1:]]
    sizes = [max(1, len(_TAGS.sub("", text))) for text in texts]
    length, total = line.end_ms - line.start_ms, sum(sizes)
    edges = [line.start_ms + length * size // total for size in (0, *accumulate(sizes))]
    if any(end <= start for start, end in zip(edges, edges[1:], strict=False)):
        return [line]  # shorter than its parts have milliseconds
    times = zip(edges, edges[1:], strict=False)
    return [replace(part, start_ms=start, end_ms=end) for part, (start, end) in zip(parts, times, strict=True)]


def _parts(text: str, characters: int) -> Iterator[str]:
    """Pieces of a text, as even as its borders allow."""
    if len(text) <= characters:
        yield text
        return
    inside = [match.span() for match in _TAGS.finditer(text)]
    for border in (_SENTENCE, _CLAUSE, _BLANK):
        places = [
            match.span()
            for match in border.finditer(text)
            if 0 < match.start() and match.end() < len(text)
            if not any(first < match.end() and match.start() < last for first, last in inside)
        ]
        if places:
            middle = len(text) / 2
            start, end = min(places, key=lambda place: abs((place[0] + place[1]) / 2 - middle))
            closing = text[start:end].strip()  # a quotation mark behind a full stop
            yield from _parts(text[:start] + closing, characters)
            yield from _parts(text[end:], characters)
            return
    yield text


def snapped(lines: Sequence[Line], fps: float) -> list[Line]:
    """Lines whose cues begin and end on the nearest frames, to the millisecond; a cue lasts one frame at least."""
    rate = Fraction(fps).limit_denominator(1001)  # 23.976 is 24000/1001

    def frame(milliseconds: int) -> int:
        return round(milliseconds * rate / MILLISECONDS)

    def time(frame_number: int) -> int:
        return round(frame_number * MILLISECONDS / rate)

    found = []
    for line in lines:
        if line.start_ms is not None:
            start = frame(line.start_ms)
            end = None if line.end_ms is None else time(max(start + 1, frame(line.end_ms)))
            line = replace(line, start_ms=time(start), end_ms=end)
        found.append(line)
    return found


def estimate_of(front_end: FrontEnd, pace: Pace = DEFAULT_PACE) -> Estimate:
    """The estimate by the front end of a checkpoint and its pace, with the pauses of the text."""

    def seconds(line: Line) -> float:
        prepared = prepare_text(front_end, line.text, language=line.language)
        pauses = sum(segment.pause_seconds for segment in prepared.segments)
        return sum(natural_seconds(segment, pace) for segment in prepared.segments) + pauses

    return seconds


def short_cues(script: Script, estimate: Estimate, fastest: float | None = None) -> list[ShortCue]:
    """Cues shorter than their words take at the usual fastest. fastest: factor of the natural length, None for that of
    `FitSettings`.
    """
    factor = FitSettings().stretch[0] if fastest is None else fastest
    found = []
    for index, line in enumerate(script.lines):
        if line.start_ms is None or line.end_ms is None or _keeps_its_length(line):
            continue
        has, natural = (line.end_ms - line.start_ms) / MILLISECONDS, estimate(line)
        if has < factor * natural:
            found.append(ShortCue(index, has, round(factor * natural, 3), round(natural, 3)))
    return found


def describe_cues(before: Script, after: Script, short: Sequence[ShortCue] | None) -> str:
    """What became of the cues, and the seconds that those need that are too short. short: None if not estimated."""
    rows = [f"{len(before.lines)} lines became {len(after.lines)}."]
    for one in short or ():
        line = after.lines[one.line]
        rows.append(
            f"Line {one.line + 1} at {clock(line.start_ms or 0, '.')} has {one.has:.2f} s, but needs about "
            f"{one.needs:.2f} s (naturally {one.natural:.2f} s): {shortened(line.text, SHOWN)}"
        )
    if short is not None:
        rows.append(f"{len(short)} of {len(after.lines)} cues are too short." if short else "No cue is too short.")
    return "\n".join(rows)
