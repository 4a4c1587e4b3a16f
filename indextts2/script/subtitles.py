"""SubRip (SRT), WebVTT and Advanced SubStation (ASS). Faults are listed with their line and column.

Own readers, because the well-kept parsers leave out what they cannot read without saying where; tests hold these
against pysubs2 on files that are well formed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from ..errors import InputError, ScriptError
from .captions import is_plain
from .cues import Cue, without_repeats
from .findings import Findings
from .header import known_in, written
from .model import Line, Script, clock, plain_text, read_clock

ARROW = "-->"
DEFAULT_CUE_MS = 2000  # end of a cue written for a line whose end nobody knows
_TIMES = re.compile(r"\s*(\S+)\s*-->\s*(\S+)(?:\s.*)?")
_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
_OTHER_ARROW = re.compile(rf"\s*({_CLOCK})\s*((?!-->)-{{1,3}} ?>|[–—=]+>|→|-{{1,2}})\s*({_CLOCK}(?:\s.*)?)")
_DRAWING = re.compile(r"\{[^{}]{0,300}\\p[1-9][^{}]{0,300}\}.*?(?=\{[^{}]{0,300}\\p0[^{}]{0,300}\}|$)")
_OVERRIDE = re.compile(r"\{[^{}]*\}")
_COMMENT = re.compile(r"\{[^{}\\]*\w[^{}\\]*\}")  # braces without a command
_BREAK = re.compile(r"\\[Nnh]")
_BLOCKS_TO_SKIP = ("NOTE", "STYLE", "REGION")


def rows_of(text: str) -> list[str]:
    """The lines of a file, whatever ends them."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_srt(text: str, findings: Findings) -> list[Cue]:
    """The cues of a SubRip file. Raises ScriptError when strict."""
    return list(_cues(_mended(rows_of(text), findings), 0, findings, vtt=False))


def read_vtt(text: str, findings: Findings) -> list[Cue]:
    """The cues of a WebVTT file. Raises ScriptError when strict."""
    rows = _mended(rows_of(text), findings)
    first = 0
    if re.fullmatch(r"WEBVTT(?:[ \t].*)?", rows[0]):
        first = next((at for at, row in enumerate(rows) if not row.strip() or ARROW in row), len(rows))
    else:
        findings.fault(ScriptError("A WebVTT file begins with the word WEBVTT.", 1, 1), "Read all the same.")
        first = int(rows[0].startswith("WEBVTT"))
    return without_repeats(list(_cues(rows, first, findings, vtt=True)), rows, findings)


def _mended(rows: list[str], findings: Findings) -> list[str]:
    """The rows with the arrow that belongs between two times, where another stands. Raises ScriptError when strict."""
    mended = []
    for number, row in enumerate(rows, start=1):
        found = _OTHER_ARROW.fullmatch(row)
        if found is not None:
            error = ScriptError(
                f"'{ARROW}' is expected between the times, but got '{found.group(2)}'.", number, found.start(2) + 1
            )
            findings.fault(error, "It is read as that.")
            row = f"{found.group(1)} {ARROW} {found.group(3)}"
        mended.append(row)
    return mended


def _cues(rows: list[str], at: int, findings: Findings, *, vtt: bool) -> Iterator[Cue]:
    """Blocks between empty rows. Text without times behind an empty row belongs to the cue before it."""
    last: Cue | None = None
    begins = _beginnings(rows)
    while at < len(rows):
        if not rows[at].strip():
            at += 1
            continue
        end = _block_end(rows, at, begins)
        if not (vtt and rows[at].split()[0] in _BLOCKS_TO_SKIP and ARROW not in rows[at]):
            try:
                cue = _cue(rows, at, end, findings, vtt=vtt)
            except ScriptError as error:
                findings.fault(error, "Its text follows the line before.")
                cue = Cue(at + 1, _stray(rows[at:end]), html=vtt)
                if last is not None and ARROW not in "".join(rows[at:end]):
                    last.rows += cue.rows
                    cue.rows = []
            if cue.rows:
                yield from [last] if last is not None else []
                last = cue
        at = end
    yield from [last] if last is not None else []


def _block_end(rows: list[str], at: int, begins: list[bool]) -> int:
    """The row behind a block. An empty row ends it, a row of blanks only where a new cue or nothing follows."""
    for place in range(at, len(rows)):
        if not rows[place].strip() and (not rows[place] or begins[place + 1]):
            return place
        if place > at + 1 and is_times(rows[place]):  # the empty row before a cue is missing
            return place - (_is_number(rows[place - 1]) and place - 1 > at + 1)
    return len(rows)


def _beginnings(rows: list[str]) -> list[bool]:
    """For every row and the end, whether the next row with something on it begins a cue, or nothing follows."""
    begins = [True] * (len(rows) + 1)
    for at in range(len(rows) - 1, -1, -1):
        own = is_times(rows[at]) or (at + 1 < len(rows) and is_times(rows[at + 1]))
        begins[at] = own if rows[at].strip() else begins[at + 1]
    return begins


def _is_number(row: str) -> bool:
    return row.strip().isdigit()


def is_times(row: str) -> bool:
    """Whether a row of a file holds the times of a cue."""
    return _TIMES.fullmatch(row) is not None and row.lstrip()[:1].isdigit()


def _stray(rows: list[str]) -> list[str]:
    """The rows of a faulty block that are text."""
    return [row for row in rows if row.strip() and ARROW not in row and "->" not in row and not _is_number(row)]


def _cue(rows: list[str], at: int, end: int, findings: Findings, *, vtt: bool) -> Cue:
    """One block: an optional number or name, the times, the text."""
    if ARROW not in rows[at]:
        if not vtt and not _is_number(rows[at]):
            raise ScriptError(
                f"A cue begins with its number or its times, but '{_shown(rows[at])}' stands here.", at + 1, 1
            )
        at += 1
        if at == end or ARROW not in rows[at]:
            raise ScriptError("The times of the cue are missing, such as 00:00:01,000 --> 00:00:02,500.", at + 1, 1)
    if end < len(rows) and rows[end].strip():
        findings.fault(ScriptError("A blank line is missing before this cue.", end + 1, 1), "It is read as one.")
    start, stop = _times(rows[at], at + 1)
    body = rows[at + 1 : end]
    if stop <= start:
        error = ScriptError(
            f"The cue ends at {clock(stop)}, which is not after its start at {clock(start)}.",
            at + 1,
            rows[at].index(ARROW) + len(ARROW) + 2,
        )
        said = any(row.strip() for row in body)
        findings.fault(error, "It is spoken from its start." if said else "It holds no text and is left out.")
        return Cue(at + 2, body, start, html=vtt)
    return Cue(at + 2, body, start, stop, html=vtt)


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
    return times[0], times[1]


def read_ass(text: str, findings: Findings) -> list[Cue]:
    """The dialogue lines of the [Events] section. Raises ScriptError when strict."""
    fields: list[str] = []
    section = ""
    cues = []
    for number, row in enumerate(rows_of(text), start=1):
        bare = row.strip()
        try:
            if re.fullmatch(r"\[[^\[\]]+\]", bare):
                section = bare.lower()
            elif section == "[events]" and bare.lower().startswith("format:"):
                fields = _fields(bare, number)
            elif section == "[events]" and bare.lower().startswith("dialogue:"):
                cues.append(_dialogue(row, fields, number))
                if _DRAWING.search(row):
                    findings.note("Not spoken: a drawing.", number)
                for comment in filter(_COMMENT.fullmatch, _OVERRIDE.findall(row)):
                    findings.note(f"Not spoken: {_shown(comment)}", number)
            elif section == "[events]" and bare and bare.lower().startswith("comment:"):
                findings.note(f"Not spoken, as it is a comment: {_shown(bare.rpartition(',,')[2])}", number)
        except ScriptError as error:
            findings.fault(error, "The row is left out.")
    return cues


def _fields(row: str, number: int) -> list[str]:
    fields = [name.strip().lower() for name in row.partition(":")[2].split(",")]
    if not {"start", "end", "text"} <= set(fields) or fields[-1] != "text":
        raise ScriptError("The format needs Start, End and, as the last field, Text.", number, 1)
    return fields


def _dialogue(row: str, fields: list[str], number: int) -> Cue:
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
    times: list[int] = []
    for name in ("start", "end"):
        try:
            times.append(read_clock(values[name]))
        except InputError as error:
            raise ScriptError(str(error), number, places[name]) from error
    body = _BREAK.sub(
        lambda match: " " if match.group() == "\\h" else "\n", _OVERRIDE.sub("", _DRAWING.sub("", values["text"]))
    )
    name = plain_text(values.get("name", ""))
    return Cue(number, body.split("\n"), times[0], times[1], speaker=name, column=places["text"])


def _shown(row: str) -> str:
    most = 40
    return row.strip()[:most]


def write_srt(script: Script) -> str:
    """SRT with the speakers and settings in front of the texts. Raises InputError for lines without times."""
    known = known_in(script.lines)
    cues = [
        f"{number}\n{clock(start)} {ARROW} {clock(end)}\n{written(line, known=known, is_plain=is_plain)}\n"
        for number, (line, start, end) in enumerate(_timed(script), start=1)
    ]
    return "\n".join(cues)


def write_vtt(script: Script) -> str:
    """WebVTT with the speakers as voices. Raises InputError for lines without times."""
    cues = []
    for line, start, end in _timed(script):
        voice = f"<v {line.speaker}>" if line.speaker else ""
        body = html.escape(written(line, name=False, is_plain=is_plain), quote=False)
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
