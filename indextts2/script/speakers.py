"""Inline speaker tags: `<speaker Ben>` or `[speaker Ben]` gives the rest of a line to somebody else.

A line with tags becomes several lines. The time of its cue is divided by the letters that each of them says; what its
header says about emotion belongs to the first, the silence behind it to the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from ..errors import InputError
from ..stages.duration import split_evenly
from ..text.tags import find_tags
from .model import Line, Script, check_name, plain_text

TAG = re.compile(r"<\s*speaker\s([^<>\[\]]*)>|\[\s*speaker\s([^<>\[\]]*)\]", re.IGNORECASE)


def tagged_name(match: re.Match[str]) -> str:
    """The name of a speaker tag."""
    return plain_text(match.group(1) or match.group(2) or "")


def parts_of(line: Line) -> tuple[Line, ...]:
    """The lines of the several speakers of one line; the line itself when there is no tag in it. Raises InputError."""
    if not TAG.search(line.text):
        return (line,)
    said = [(name, " ".join(text for _, text in own)) for name, own in groupby(_said(line), key=itemgetter(0))]
    if not said:
        raise InputError("Nothing is said behind the speaker tag. Write a text behind it.")
    if len(said) > 1 and line.duration is not None:
        raise InputError("A line with a length of its own has one speaker. Give each speaker a line.")
    last = len(said) - 1
    return tuple(
        replace(
            line,
            speaker=name,
            text=text,
            emotion=line.emotion if place == 0 else None,
            start_ms=start,
            end_ms=end,
            pause_ms=line.pause_ms if place == last else None,
        )
        for place, ((name, text), (start, end)) in enumerate(zip(said, _times(line, said), strict=True))
    )


def _said(line: Line) -> Iterator[tuple[str, str]]:
    """(name, text) of each stretch that holds words."""
    name, begin = line.speaker, 0
    for match in [*TAG.finditer(line.text), None]:
        text = plain_text(line.text[begin : match.start() if match else len(line.text)])
        if text:
            yield name, text
        if match is not None:
            name, begin = tagged_name(match), match.end()
            check_name(name)


def _times(line: Line, said: list[tuple[str, str]]) -> list[tuple[int | None, int | None]]:
    if line.start_ms is None or line.end_ms is None:
        return [(line.start_ms, line.end_ms), *((None, None) for _ in said[1:])]
    if line.end_ms - line.start_ms < len(said):
        raise InputError(f"The cue is too short for {len(said)} speakers.")
    times, start = [], line.start_ms
    for share in split_evenly(line.end_ms - line.start_ms, [float(_letters(text)) for _, text in said]):
        times.append((start, start + share))
        start += share
    return list(times)


def _letters(text: str) -> int:
    """Characters that are spoken, at least one."""
    tags, _ = find_tags(text)
    return max(1, len(text) - sum(tag.end - tag.start for tag in tags))


def with_own_lines(script: Script) -> Script:
    """The same script with a line for each speaker."""
    if not any(TAG.search(line.text) for line in script.lines):
        return script
    return replace(script, lines=tuple(part for line in script.lines for part in parts_of(line)))
