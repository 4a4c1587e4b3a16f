"""One line of a finished take exchanged for another recording of it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..audio.resample import resample_soxr
from ..contracts import Waveform
from ..errors import InputError
from .clean import soft_ends
from .fit import slots_of
from .line import LineReport, SpokenLine
from .loudness import loudness, loudness_gain
from .model import Script, plain_text
from .run import SpokenScript


def replaced_line(
    spoken: SpokenScript, number: int, waveform: Waveform, *, text: str = "", match_loudness: bool = True
) -> SpokenScript:
    """The same take with another recording in the place of one line.

    number: of the line, from 1. text: what is said now; "" leaves the line's. match_loudness: as loud as the line was.
    The recording keeps its length; when it would run into the next line, it is treated as any line that does not fit.
    Raises InputError.
    """
    if not 1 <= number <= len(spoken.lines):
        raise InputError(f"There is no line {number}; the script has {len(spoken.lines)} lines.")
    audio = _at_rate(waveform, spoken.sample_rate)
    if not audio.numel():
        raise InputError("The recording that should replace the line is empty.")
    before = spoken.lines[number - 1]
    if match_loudness and (wanted := loudness(before.audio, spoken.sample_rate)) is not None:
        audio = audio * loudness_gain(audio, spoken.sample_rate, wanted)
    audio = soft_ends(audio, spoken.sample_rate)
    line = spoken.script.lines[number - 1]
    script = _with(spoken.script, number, plain_text(text) or line.text)
    slot = slots_of(script.lines, spoken.sample_rate, spoken.overflow)[number - 1]
    late = slot.deadline is not None and audio.shape[0] > slot.deadline and spoken.overflow == "list"
    report = LineReport(
        status="unfit" if late else "spoken",
        asked="a recording",
        asked_samples=None,
        sample_count=audio.shape[0],
        sample_rate=spoken.sample_rate,
        method="replaced",
        needs_samples=audio.shape[0] if late else None,
    )
    lines = list(spoken.lines)
    lines[number - 1] = SpokenLine(audio, torch.zeros(0, dtype=torch.int64), report)
    return replace(spoken, script=script, lines=tuple(lines))


def _at_rate(waveform: Waveform, sample_rate: int) -> Tensor:
    """(samples,) float32 on the CPU, of the first of a batch."""
    return resample_soxr(waveform.mono[:1].detach().cpu(), waveform.sample_rate, sample_rate)[0]


def _with(script: Script, number: int, text: str) -> Script:
    lines = list(script.lines)
    lines[number - 1] = replace(lines[number - 1], text=text)
    return replace(script, lines=tuple(lines))
