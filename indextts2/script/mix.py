"""Spoken lines on one timeline: starts exact to the sample, nothing cut, nothing over the next start unless allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..checks import check_fields
from ..contracts import Waveform
from ..errors import InputError, ScriptError
from .fit import OVERFLOWS, slots_of
from .line import UNSPOKEN, SpokenLine
from .model import LATEST_MS, Line, Script, milliseconds_at, samples_of

FULL_SCALE = 1.0


@dataclass(frozen=True, slots=True)
class MixSettings:
    """overflow: as in `fit.FitSettings`. gap: seconds between lines that have neither cue nor pause. seconds: length of
    the whole at least, as of a video; 0 ends it with the last line.
    """

    overflow: str = "list"
    gap: float = 0.35
    seconds: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, gap=(None, 3_600), seconds=(None, 360_000))
        if self.overflow not in OVERFLOWS:
            raise InputError(f"An overflow is one of {', '.join(OVERFLOWS)}, but got '{self.overflow}'.")
        for name in ("gap", "seconds"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} should be 0 or more seconds, but is {getattr(self, name)}.")


@dataclass(frozen=True, slots=True)
class Placement:
    """Place of a line on the timeline, in samples. line: its number in the script, from 0."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unfit:
    """A line that does not fit. needs: samples it takes at its shortest; has: samples it may take."""

    line: int
    needs: int
    has: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """waveform: samples (1, 1, samples). script: the placed lines with their real times; None when there are none."""

    waveform: Waveform
    placements: tuple[Placement, ...]
    unfit: tuple[Unfit, ...]
    script: Script | None
    notes: tuple[str, ...] = ()


def mix(script: Script, spoken: Sequence[SpokenLine], sample_rate: int, settings: MixSettings) -> Timeline:
    """Lay the lines out and add them up. spoken: one per line of the script."""
    if len(spoken) != len(script.lines):
        raise InputError(f"The script has {len(script.lines)} lines, but {len(spoken)} were spoken.")
    if any(one.report.sample_rate != sample_rate for one in spoken):
        raise InputError(f"All lines of a timeline have {sample_rate} samples per second. Speak them with one model.")
    placed, unfit = _laid_out(script.lines, spoken, sample_rate, settings)
    least = round(settings.seconds * sample_rate)
    track = torch.zeros(max([least, *(one.end for one in placed)], default=0))
    for one in placed:
        track[one.start : one.end] += spoken[one.line].audio
    notes = []
    peak = float(track.abs().max()) if track.numel() else 0.0
    if peak > FULL_SCALE:
        track = track / peak
        notes.append(
            f"The timeline was made {20 * math.log10(peak):.1f} dB softer, because lines on top of each other clipped."
        )
    lines = tuple(
        replace(
            script.lines[one.line],
            start_ms=(start := milliseconds_at(one.start, sample_rate)),
            end_ms=max(start + 1, milliseconds_at(one.end, sample_rate)),
        )
        for one in placed
    )
    return Timeline(
        Waveform(track.view(1, 1, -1), sample_rate),
        tuple(placed),
        tuple(unfit),
        Script(lines) if lines else None,
        tuple(notes),
    )


def _blocks(lines: Sequence[Line]) -> list[list[int]]:
    """Each cued line with the lines that follow it without a cue, in the order of the clock."""
    blocks: list[list[int]] = []
    for index, line in enumerate(lines):
        if line.start_ms is not None or not blocks:
            blocks.append([])
        blocks[-1].append(index)
    return sorted(blocks, key=lambda block: lines[block[0]].start_ms or 0)


def _laid_out(
    lines: Sequence[Line], spoken: Sequence[SpokenLine], sample_rate: int, settings: MixSettings
) -> tuple[list[Placement], list[Unfit]]:
    placed: list[Placement] = []
    unfit: list[Unfit] = []
    slots = slots_of(lines, sample_rate, settings.overflow)
    cursor = free = 0  # where a line without a cue begins; where the last line ends
    for block in _blocks(lines):
        for index in block:
            line, own = lines[index], spoken[index]
            if own.report.status in UNSPOKEN:
                continue
            start = cursor if line.start_ms is None else samples_of(line.start_ms, sample_rate)
            if settings.overflow == "shift":
                start = max(start, free)
            elif settings.overflow == "list" and line.start_ms is not None:
                placed = _without_late(placed, start, unfit, spoken)
            if own.report.status == "unfit" and settings.overflow == "list":
                unfit.append(Unfit(index, own.report.needs_samples or own.report.sample_count, slots[index].deadline))
                cursor = max(cursor, start)
                continue
            end = start + own.audio.shape[0]
            if end > samples_of(LATEST_MS, sample_rate):
                raise ScriptError(f"Line {index + 1} of the script would end after {LATEST_MS // 3_600_000} hours.")
            placed.append(Placement(index, start, end))
            pause = settings.gap if line.pause_ms is None else line.pause_ms / 1000
            cursor, free = end + round(pause * sample_rate), max(free, end)
    return sorted(placed, key=lambda one: (one.start, one.line)), sorted(unfit, key=lambda one: one.line)


def _without_late(
    placed: list[Placement], start: int, unfit: list[Unfit], spoken: Sequence[SpokenLine]
) -> list[Placement]:
    """The placed lines that end before `start`; the others are listed."""
    for one in placed:
        if one.end > start:
            needs = spoken[one.line].report.needs_samples or one.end - one.start
            unfit.append(Unfit(one.line, needs, max(0, start - one.start)))
    return [one for one in placed if one.end <= start]


def audio_of(line: SpokenLine) -> Tensor:
    """(1, 1, samples)"""
    return line.audio.view(1, 1, -1)
