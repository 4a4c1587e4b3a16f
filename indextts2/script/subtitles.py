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
from .cues import DRAWING, Cue, breaks_as_text, end_after, without_repeats
from .findings import Findings
from .header import known_in, written
from .model import Line, Script, clock, plain_text, read_clock

ARROW = "-->"
DEFAULT_CUE_MS = 2000  # end of a cue written for a line whose end nobody knows
_TIMES = re.compile(r"\s*(\S+)\s*-->\s*(\S+)(?:\s(.*))?")
_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
_OTHER_ARROW = re.compile(rf"\s*({_CLOCK})\s*((?!-->)-{{1,3}} ?>|[–—=]+>|→|-{{1,2}})\s*({_CLOCK}(?:\s.*)?)")
_BREAK = re.compile(r"\\[Nnh]")
_BRACES = re.compile(r"\{[^{}]*\}")
_BLOCKS_TO_SKIP = ("NOTE", "STYLE", "REGION")
_OTHER_EVENTS = ("picture", "sound", "movie", "command")
MOST_DIGITS = 9  # of the number of a cue


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
    for number, row in enumerate([rows[0].removeprefix("WEBVTT"), *rows[1:first]] if first else [], start=1):
        if row.strip(" \t-"):
            findings.left_out("the header", row, number)
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
    count = 0  # the number of the cue before
    begins = _beginnings(rows)
    while at < len(rows):
        if not rows[at].strip():
            at += 1
            continue
        end = _block_end(rows, at, begins)
        block = rows[at].split()[0]
        if vtt and block in _BLOCKS_TO_SKIP and not any(ARROW in row for row in rows[at:end]):
            told = " ".join(rows[at:end]).strip().removeprefix(block)
            findings.left_out(f"blocks of the kind {block}", told or block, at + 1)
        else:
            try:
                cue = _cue(rows, at, end, findings, vtt=vtt)
            except ScriptError as error:
                is_count = _is_number(rows[at]) and int(rows[at]) == count + 1
                cue = Cue(at + 1, _stray(rows[at + is_count : end]), html=vtt)
                findings.fault(error, "Its text follows the line before." if cue.rows else "It is left out.")
                if last is not None and ARROW not in "".join(rows[at:end]):
                    last.rows += cue.rows
                    cue.rows = []
            count = int(rows[at]) if _is_number(rows[at]) else count
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
    bare = row.strip()
    return bare.isdecimal() and len(bare) <= MOST_DIGITS


def is_times(row: str) -> bool:
    """Whether a row of a file holds the times of a cue."""
    return _TIMES.fullmatch(row) is not None and row.lstrip()[:1].isdigit()


def _stray(rows: list[str]) -> list[str]:
    """The rows of a faulty block that are text."""
    has_times = any(ARROW in row for row in rows)
    return [row for row in rows if row.strip() and "->" not in row and not (has_times and _is_number(row))]


def _cue(rows: list[str], at: int, end: int, findings: Findings, *, vtt: bool) -> Cue:
    """One block: an optional number or name, the times, the text."""
    if ARROW not in rows[at]:
        if not vtt and not _is_number(rows[at]):
            raise ScriptError(
                f"A cue begins with its number or its times, but '{_shown(rows[at])}' stands here.", at + 1, 1
            )
        if vtt and not _is_number(rows[at]) and at + 1 < end:
            findings.left_out("names of cues", rows[at], at + 1)
        at += 1
        if at == end or ARROW not in rows[at]:
            raise ScriptError("The times of the cue are missing, such as 00:00:01,000 --> 00:00:02,500.", at + 1, 1)
    if end < len(rows) and rows[end].strip():
        findings.fault(ScriptError("A blank line is missing before this cue.", end + 1, 1), "It is read as one.")
    start, stop, places = _times(rows[at], at + 1)
    body = rows[at + 1 : end]
    if places:
        findings.left_out("places on the screen", places, at + 1)
    column = rows[at].index(ARROW) + len(ARROW) + 2
    own_end = end_after(start, stop, any(row.strip() for row in body), at + 1, column, findings)
    return Cue(at + 2, body, start, own_end, html=vtt)


def _times(row: str, number: int) -> tuple[int, int, str]:
    """Start, end, and what stands behind them."""
    found = _TIMES.fullmatch(row)
    if found is None:
        raise ScriptError("Two times are expected, such as 00:00:01,000 --> 00:00:02,500.", number, 1)
    times = []
    for group in (1, 2):
        try:
            times.append(read_clock(found.group(group)))
        except InputError as error:
            raise ScriptError(str(error), number, found.start(group) + 1) from error
    return times[0], times[1], (found.group(3) or "").strip()


def read_ass(text: str, findings: Findings) -> list[Cue]:
    """The dialogue lines of the [Events] section. Raises ScriptError when strict."""
    fields: list[str] = []
    section = ""
    cues = []
    for number, row in enumerate(rows_of(text), start=1):
        bare = row.strip()
        kind = bare.partition(":")[0].lower() if ":" in bare else ""
        try:
            if re.fullmatch(r"\[[^\[\]]+\]", bare):
                section = bare
            elif section.lower() != "[events]" or bare.startswith((";", "!:")):
                if bare:
                    findings.left_out(f"rows of {section}" if section else "rows before a section", bare, number)
            elif kind == "format":
                fields = _fields(bare, number)
            elif kind == "dialogue":
                cues.append(_dialogue(row, fields, number, findings))
            elif kind == "comment":
                findings.note(f"Not spoken, as it is a comment: {_shown(bare.rpartition(',,')[2])}", number)
            elif kind in _OTHER_EVENTS:
                findings.note(f"Not spoken: {_shown(bare)}", number)
            elif bare:
                raise ScriptError(f"A row of events begins with 'Dialogue:', but got '{_shown(bare)}'.", number, 1)
        except ScriptError as error:
            findings.fault(error, "The row is left out.")
    return cues


def _fields(row: str, number: int) -> list[str]:
    fields = [name.strip().lower() for name in row.partition(":")[2].split(",")]
    if not {"start", "end", "text"} <= set(fields) or fields[-1] != "text":
        raise ScriptError("The format needs Start, End and, as the last field, Text.", number, 1)
    return fields


def _dialogue(row: str, fields: list[str], number: int, findings: Findings) -> Cue:
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
    said = _BRACES.sub("", DRAWING.sub("", values["text"])).strip()
    end = end_after(times[0], times[1], bool(said), number, places["end"], findings)
    for comment in _BRACES.findall(values["text"]):
        if "\\" not in comment and any(map(str.isalnum, comment)):
            findings.note(f"Not spoken: {_shown(comment)}", number)
    if values.get("effect", "").strip():
        findings.left_out("effects", values["effect"], number)
    body = _BRACES.sub(lambda match: match.group() if "\\" in match.group() else "", values["text"])
    body = _BREAK.sub(lambda match: " " if match.group() == "\\h" else "\n", body)
    name = plain_text(values.get("name", ""))
    return Cue(number, body.split("\n"), times[0], end, speaker=name, column=places["text"])


def _shown(row: str) -> str:
    most = 40
    return row.strip()[:most]


def write_srt(script: Script) -> str:
    """SRT with the speakers and settings in front of the texts. Raises InputError for lines without times."""
    known = known_in(script.lines)
    cues = [
        f"{number}\n{clock(start)} {ARROW} {clock(end)}\n"
        f"{breaks_as_text(written(line, known=known, is_plain=is_plain))}\n"
        for number, (line, start, end) in enumerate(_timed(script), start=1)
    ]
    return "\n".join(cues)


def write_vtt(script: Script) -> str:
    """WebVTT with the speakers as voices. Raises InputError for lines without times."""
    cues = []
    for line, start, end in _timed(script):
        voice = f"<v {line.speaker}>" if line.speaker else ""
        body = html.escape(written(line, name=False, is_plain=is_plain), quote=False)
        cues.append(f"{clock(start, '.')} {ARROW} {clock(end, '.')}\n{breaks_as_text(voice + body)}\n")
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
