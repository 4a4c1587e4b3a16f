"""Report on a script, as plain values and in words. Nothing in it depends on the machine or the hour."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..errors import shortened
from .line import SpokenLine
from .mix import Timeline
from .model import Script, clock, milliseconds_at
from .tables import fields_of

SHOWN = 40  # characters of a line
UNSPOKEN = {"silent": "nothing to speak", "refused": "its length cannot be spoken"}
"""What a row says of a line without sound, by its status."""


def script_report(
    script: Script, spoken: Sequence[SpokenLine], timeline: Timeline, files: Sequence[str] = ()
) -> dict[str, Any]:
    """Plain values: the whole, and every line with what was asked, what was made, how, and how much it was stretched.

    files: the audio file of each line.
    """
    rate = timeline.waveform.sample_rate
    places = {one.line: one for one in timeline.placements}
    lines = []
    for index, (line, one) in enumerate(zip(script.lines, spoken, strict=True)):
        place = places.get(index)
        values: dict[str, Any] = {"line": index + 1, **fields_of(line), **dataclasses.asdict(one.report)}
        values["seconds_made"] = round(one.report.sample_count / rate, 6)
        values["first_sample"] = place.start if place else None
        values["end_sample"] = place.end if place else None
        if files:
            values["file"] = files[index]
        lines.append(values)
    return {
        "sample_rate": rate,
        "samples": timeline.waveform.samples.shape[-1],
        "seconds": round(timeline.waveform.seconds, 6),
        "lines_spoken": len(timeline.placements),
        "unfit": [
            {
                "line": one.line + 1,
                "text": script.lines[one.line].text,
                "needs_seconds": round(one.needs / rate, 3),
                "has_seconds": None if one.has is None else round(one.has / rate, 3),
            }
            for one in timeline.unfit
        ],
        "refused": [
            {"line": index + 1, "text": line.text, "reason": " ".join(one.report.warnings)}
            for index, (line, one) in enumerate(zip(script.lines, spoken, strict=True))
            if one.report.status == "refused"
        ],
        "notes": [*script.notes, *timeline.notes],
        "lines": lines,
    }


def findings_in_words(script: Script) -> str:
    """What a reader made of a script: lines and speakers, then everything it left out, decided or found at fault."""
    spoken = "1 line" if len(script.lines) == 1 else f"{len(script.lines)} lines"
    names = ", ".join(name for name in script.speakers if name)
    return "\n".join([f"{spoken}{f' by {names}' if names else ''}.", *(f"Note: {note}" for note in script.notes)])


def describe(script: Script, spoken: Sequence[SpokenLine], timeline: Timeline) -> str:
    """One row per line, then what does not fit, then the notes."""
    rate = timeline.waveform.sample_rate
    places = {one.line: one for one in timeline.placements}
    rows = []
    for index, (line, one) in enumerate(zip(script.lines, spoken, strict=True)):
        text = shortened(line.text, SHOWN)
        who = f"{line.speaker}: " if line.speaker else ""
        place = places.get(index)
        when = clock(milliseconds_at(place.start, rate), ".") if place else "left out"
        report = one.report
        facts = [f"asked: {report.asked}", f"made {report.sample_count / rate:.3f} s", report.method]
        if report.stretch != 1.0:
            facts.append(f"stretch {report.stretch:.2f}")
        if report.status in UNSPOKEN:
            facts = [UNSPOKEN[report.status]]
        rows.append(f"{index + 1}. {when} {who}{text} ({', '.join(fact for fact in facts if fact)})")
        rows += [f"   Note: {warning}" for warning in report.warnings]
    for late in timeline.unfit:
        room = f", and has {late.has / rate:.2f} s" if late.has is not None else ""
        rows.append(f"Line {late.line + 1} does not fit: it needs {late.needs / rate:.2f} s{room}.")
    rows.append(
        f"{len(timeline.placements)} of {len(spoken)} lines in {timeline.waveform.samples.shape[-1]} samples, "
        f"{timeline.waveform.seconds:.3f} s at {rate} Hz."
    )
    return "\n".join([*rows, *(f"Note: {note}" for note in (*script.notes, *timeline.notes))])
