"""SubRip (SRT), WebVTT and Advanced SubStation (ASS). Faults are reported with their line and column.

Own readers, because the well-kept parsers leave out what they cannot read without saying where; tests hold these
against pysubs2 on files that are well formed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from ..errors import InputError, ScriptError
from .header import SettingError, line_of, written
from .model import Line, Script, check_name, clock, plain_text, read_clock

ARROW = "-->"
DEFAULT_CUE_MS = 2000  # end of a cue written for a line whose end nobody knows
_TIMES = re.compile(r"\s*(\S+)\s*-->\s*(\S+)(?:\s.*)?")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>", re.IGNORECASE)
_LANGUAGE = re.compile(r"<lang\s+([^<>\s]*)\s*>", re.IGNORECASE)
_OVERRIDE = re.compile(r"\{[^{}]*\}")
_BREAK = re.compile(r"\\[Nnh]")
_BLOCKS_TO_SKIP = ("NOTE", "STYLE", "REGION")


def rows_of(text: str) -> list[str]:
    """The lines of a file, whatever ends them."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_srt(text: str) -> Script:
    """Raises ScriptError."""
    return Script(tuple(_cues(rows_of(text), 0, vtt=False)))


def read_vtt(text: str) -> Script:
    """Raises ScriptError."""
    rows = rows_of(text)
    if not re.fullmatch(r"WEBVTT(?:[ \t].*)?", rows[0]):
        raise ScriptError("A WebVTT file begins with the word WEBVTT.", 1, 1)
    first = next((at for at, row in enumerate(rows) if not row.strip()), len(rows))
    return Script(tuple(_cues(rows, first, vtt=True)))


def _cues(rows: list[str], at: int, *, vtt: bool) -> Iterator[Line]:
    while at < len(rows):
        if not rows[at].strip():
            at += 1
            continue
        end = next((later for later in range(at, len(rows)) if not rows[later].strip()), len(rows))
        if not (vtt and rows[at].split()[0] in _BLOCKS_TO_SKIP and ARROW not in rows[at]):
            line = _cue(rows, at, end, vtt=vtt)
            if line is not None:
                yield line
        at = end


def _cue(rows: list[str], at: int, end: int, *, vtt: bool) -> Line | None:
    """One block between blank lines: an optional number or name, the times, the text."""
    if ARROW not in rows[at]:
        if not vtt and not rows[at].strip().isdigit():
            raise ScriptError(
                f"A cue begins with its number or its times, but '{_shown(rows[at])}' stands here.", at + 1, 1
            )
        at += 1
        if at == end or ARROW not in rows[at]:
            raise ScriptError("The times of the cue are missing, such as 00:00:01,000 --> 00:00:02,500.", at + 1, 1)
    start, stop = _times(rows[at], at + 1)
    body = rows[at + 1 : end]
    for below, row in enumerate(body, start=at + 2):
        if _TIMES.fullmatch(row) and row.lstrip()[:1].isdigit():
            raise ScriptError("A blank line is missing before this cue.", below, 1)
    return _spoken("\n".join(body), at + 2, start_ms=start, end_ms=stop, vtt=vtt)


def _times(row: str, number: int) -> tuple[int, int]:
    found = _TIMES.fullmatch(row)
    if found is None:
        raise ScriptError("Two times are expected, such as 00:00:01,000 --> 00:00:02,500.", number, 1)
    times = []
    for group in (1, 2):
        try:
            times.append(read_clock(found.group(group)))
        except InputError as error:
            raise ScriptError(str(error), number, found.start(group) + 1) from error
    if times[1] <= times[0]:
        raise ScriptError(
            f"The cue ends at {clock(times[1])}, which is not after its start at {clock(times[0])}.",
            number,
            found.start(2) + 1,
        )
    return times[0], times[1]


def _spoken(body: str, number: int, *, vtt: bool, **given: Any) -> Line | None:
    """The line of a cue's text; None where nothing is left to say. number: the row it begins in."""
    voices = list(_VOICE.finditer(body)) if vtt else []
    if vtt:
        language = _LANGUAGE.search(body)
        given["language"] = language.group(1) if language else None
    if voices:
        names = [_voice_name(voice, body, number) for voice in voices]
        given["speaker"] = names[0]
        first = voices[0].end()
        body = body[:first] + _VOICE.sub(lambda voice: f"[speaker {voice.group(1)}] ", body[first:])
    text = plain_text(body)
    try:
        return line_of(plain_text(html.unescape(text)) if vtt else text, lenient=True, **given)
    except SettingError as error:
        raise ScriptError(str(error), number, error.at + 1) from error
    except InputError as error:
        raise ScriptError(str(error), number, 1) from error


def _voice_name(voice: re.Match[str], body: str, number: int) -> str:
    """The speaker of a voice mark. number: the row the body begins in."""
    name = plain_text(html.unescape(voice.group(1)))
    try:
        check_name(name)
    except InputError as error:
        at = voice.start()
        raise ScriptError(str(error), number + body.count("\n", 0, at), at - body.rfind("\n", 0, at)) from error
    return name


def read_ass(text: str) -> Script:
    """The dialogue lines of the [Events] section. Raises ScriptError."""
    fields: list[str] = []
    section = ""
    lines = []
    for number, row in enumerate(rows_of(text), start=1):
        bare = row.strip()
        if re.fullmatch(r"\[[^\[\]]+\]", bare):
            section = bare.lower()
        elif section == "[events]" and bare.lower().startswith("format:"):
            fields = [name.strip().lower() for name in bare.partition(":")[2].split(",")]
            if not {"start", "end", "text"} <= set(fields) or fields[-1] != "text":
                raise ScriptError("The format needs Start, End and, as the last field, Text.", number, 1)
        elif section == "[events]" and bare.lower().startswith("dialogue:"):
            line = _dialogue(row, fields, number)
            if line is not None:
                lines.append(line)
    return Script(tuple(lines))


def _dialogue(row: str, fields: list[str], number: int) -> Line | None:
    if not fields:
        raise ScriptError("A dialogue line stands before the Format line of its section.", number, 1)
    at = row.index(":") + 1
    parts, starts = [], []
    for part in row[at:].split(",", len(fields) - 1):
        parts.append(part)
        starts.append(at + 1)
        at += len(part) + 1
    if len(parts) < len(fields):
        raise ScriptError(
            f"{len(fields)} fields are expected ({', '.join(fields)}), but {len(parts)} stand here.", number, 1
        )
    values = dict(zip(fields, parts, strict=True))
    places = dict(zip(fields, starts, strict=True))
    try:
        start, end = (_at(read_clock, values[name], places[name]) for name in ("start", "end"))
        spoken = _BREAK.sub(" ", _OVERRIDE.sub("", values["text"]))
        name = plain_text(values.get("name", "")) or None
        return line_of(plain_text(spoken), lenient=True, speaker=name, start_ms=start, end_ms=end)
    except SettingError as error:
        raise ScriptError(str(error), number, error.at + 1) from error
    except InputError as error:
        raise ScriptError(str(error), number, places["text"]) from error


def _at(read: Any, value: str, place: int) -> Any:
    try:
        return read(value)
    except InputError as error:
        raise SettingError(str(error), place - 1) from error


def _shown(row: str) -> str:
    most = 40
    return row.strip()[:most]


def write_srt(script: Script) -> str:
    """SRT with the speakers and settings in front of the texts. Raises InputError for lines without times."""
    cues = [
        f"{number}\n{clock(start)} {ARROW} {clock(end)}\n{written(line)}\n"
        for number, (line, start, end) in enumerate(_timed(script), start=1)
    ]
    return "\n".join(cues)


def write_vtt(script: Script) -> str:
    """WebVTT with the speakers as voices. Raises InputError for lines without times."""
    cues = []
    for line, start, end in _timed(script):
        voice = f"<v {line.speaker}>" if line.speaker else ""
        body = html.escape(written(line, name=False), quote=False)
        cues.append(f"{clock(start, '.')} {ARROW} {clock(end, '.')}\n{voice}{body}\n")
    return "\n".join(["WEBVTT\n", *cues])


def _timed(script: Script) -> Iterator[tuple[Line, int, int]]:
    for number, line in enumerate(script.lines, start=1):
        if line.start_ms is None:
            raise InputError(
                f"Line {number} of the script has no times, which a subtitle file needs. Speak the script first, or "
                "write it as JSON."
            )
        end = line.end_ms if line.end_ms is not None else line.start_ms + DEFAULT_CUE_MS
        yield line, line.start_ms, end
