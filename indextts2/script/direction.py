"""Direction by context: the emotion of a line from the lines around it, smoothed along a scene.

A reader (text-to-emotion) judges every line by itself and in a window of its neighbours. Both readings are mixed, and
what results is smoothed over the lines of a scene. Lines with an emotion of their own keep it, and colour the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..checks import check_fields
from ..config import EMOTIONS
from ..contracts import EmotionWeights, Progress, no_progress
from ..errors import InputError, shortened
from ..text.tags import without_tags
from .header import read_settings
from .model import MILLISECONDS, Line, Script

SHOWN = 40  # characters of a line in a report
DIGITS = 4  # of a weight, as scripts write them
_ROW = re.compile(r"\s*(\d{1,9})\s*[:：]\s*(.+)")

Reader = Callable[[str], EmotionWeights]
"""Emotion weights of a text."""


@dataclass(frozen=True, slots=True)
class DirectionSettings:
    """before, after: neighbours in the window. context: share of the window's reading, 0 for the line's own alone.
    smoothing: weight of a neighbouring line against the line itself, that of the next but one squared, and so on; 0 is
    off. strength: factor of all weights. scene_gap: seconds without speech that end a scene.
    """

    before: int = 2
    after: int = 1
    context: float = 0.5
    smoothing: float = 0.3
    strength: float = 0.8
    scene_gap: float = 8.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.before < 0 or self.after < 0:
            raise InputError("The window of a direction has 0 or more lines before and after.")
        for name, most in (("context", 1.0), ("smoothing", 1.0), ("strength", 1.0), ("scene_gap", float("inf"))):
            if not 0.0 <= getattr(self, name) <= most:
                raise InputError(f"{name} of a direction lies between 0 and {most:g}, but got {getattr(self, name)}.")


@dataclass(frozen=True, slots=True)
class Direction:
    """A directed script. script: its lines carry `weights`; own: lines whose emotion was given; scenes: per line."""

    script: Script
    weights: tuple[EmotionWeights, ...]
    own: tuple[bool, ...]
    scenes: tuple[int, ...]


def direct(
    script: Script,
    read: Reader,
    settings: DirectionSettings | None = None,
    overrides: Mapping[int, EmotionWeights] | None = None,
    *,
    progress: Progress = no_progress,
) -> Direction:
    """Give every line an emotion. overrides: index of a line -> its emotion, which goes before the line's own."""
    settings, given = settings or DirectionSettings(), dict(overrides or {})
    lines, scenes = script.lines, scenes_of(script.lines, settings.scene_gap)
    own = [given.get(index, line.emotion) for index, line in enumerate(lines)]
    known: dict[str, EmotionWeights] = {}

    def reading(text: str) -> EmotionWeights:
        if text not in known:
            known[text] = read(text)
        return known[text]

    readings: list[EmotionWeights] = []
    for index, line in enumerate(lines):
        progress(index, len(lines))
        fixed = own[index]
        if fixed is not None:
            readings.append(fixed)
            continue
        alone, around = reading(spoken_words(line)), reading(window_text(lines, scenes, index, settings))
        mixed = _mean([(1.0 - settings.context, alone), (settings.context, around)])
        readings.append(EmotionWeights(tuple(settings.strength * value for value in mixed.values)))
    progress(len(lines), len(lines))
    smooth = smoothed(readings, scenes, settings.smoothing)
    weights = tuple(_rounded(one if fixed is None else fixed) for one, fixed in zip(smooth, own, strict=True))
    directed = tuple(replace(line, emotion=one) for line, one in zip(lines, weights, strict=True))
    return Direction(Script(directed, script.notes), weights, tuple(one is not None for one in own), scenes)


def scenes_of(lines: Sequence[Line], gap: float) -> tuple[int, ...]:
    """Number of the scene of every line: a new one begins after so many seconds without speech."""
    scenes = [0] * bool(lines)
    for line, after in pairwise(lines):
        silence = (line.pause_ms or 0) / MILLISECONDS
        if line.end_ms is not None and after.start_ms is not None:
            silence = max(silence, (after.start_ms - line.end_ms) / MILLISECONDS)
        scenes.append(scenes[-1] + (silence > gap))
    return tuple(scenes)


def spoken_words(line: Line) -> str:
    """The text of a line without its tags."""
    return " ".join(without_tags(line.text).split()) or line.text


def window_text(lines: Sequence[Line], scenes: Sequence[int], index: int, settings: DirectionSettings) -> str:
    """The line with its neighbours of the same scene, as one text in their order."""
    first, last = max(0, index - settings.before), min(len(lines), index + settings.after + 1)
    return " ".join(spoken_words(lines[at]) for at in range(first, last) if scenes[at] == scenes[index])


def smoothed(readings: Sequence[EmotionWeights], scenes: Sequence[int], smoothing: float) -> list[EmotionWeights]:
    """Every reading as a mean over its scene, in which a line n away weighs smoothing to the power of n."""
    found = []
    for index in range(len(readings)):
        shares = [(smoothing ** abs(at - index), one) for at, one in enumerate(readings) if scenes[at] == scenes[index]]
        found.append(_mean(shares))
    return found


def read_overrides(text: str, count: int) -> dict[int, EmotionWeights]:
    """Index of a line -> emotion, from rows such as '3: happy .6 sad .2'. Raises InputError."""
    found: dict[int, EmotionWeights] = {}
    for row in filter(str.strip, text.splitlines()):
        match = _ROW.fullmatch(row)
        values = read_settings(match[2]) if match else {}
        if match is None or set(values) != {"emotion"}:
            raise InputError(f"Overrides are written as 'line: emotion', such as 3: happy .6, but got '{row.strip()}'.")
        if not 1 <= int(match[1]) <= count:
            raise InputError(f"The script has lines 1 to {count}, but an override was given for line {match[1]}.")
        found[int(match[1]) - 1] = values["emotion"]
    return found


def describe_direction(direction: Direction) -> str:
    """One row per line with its strongest emotions, those that were given marked."""
    rows = []
    for index, (line, one, own) in enumerate(
        zip(direction.script.lines, direction.weights, direction.own, strict=True)
    ):
        if index and direction.scenes[index] != direction.scenes[index - 1]:
            rows.append(f"Scene {direction.scenes[index] + 1}")
        strongest = sorted(one.named(), key=lambda pair: -pair[1])[:3]
        shown = ", ".join(f"{name} {value:.2f}" for name, value in strongest if value >= 0.005) or "the speaker's own"
        who = f"{line.speaker}: " if line.speaker else ""
        rows.append(f"{index + 1}. {who}{shortened(line.text, SHOWN)} ({shown}{', given' if own else ''})")
    return "\n".join(rows)


def _mean(shares: Sequence[tuple[float, EmotionWeights]]) -> EmotionWeights:
    total = sum(share for share, _ in shares)
    values = (sum(share * one.values[at] for share, one in shares) / total for at in range(len(EMOTIONS)))
    return EmotionWeights(tuple(values))


def _rounded(weights: EmotionWeights) -> EmotionWeights:
    return EmotionWeights(tuple(round(value, DIGITS) for value in weights.values))
