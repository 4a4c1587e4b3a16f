"""The plain dialogue format, one line of speech a row.

    # a comment
    Anna [happy .6]: Did you hear that? <pause 0.4s> Somebody is at the door.
    Ben: I heard nothing.
    <pause 1s>
    The house lay quiet again.
      An indented row continues the line before.

A row without a name is the narrator's. A pause on a row of its own is silence after the line before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import InputError, ScriptError
from ..text.tags import find_tags
from .captions import staged_text, undirected
from .cues import ReadSettings, speakers_in
from .findings import Findings, located
from .header import Header, Known, SettingError, anything, known_in, line_of, read_header, written
from .model import Line, Script, milliseconds_of, plain_text
from .speakers import TAG
from .subtitles import rows_of

COMMENT = "#"


@dataclass(slots=True)
class _Row:
    """A row with those that go on with it. breaks: (place in text, row number, column there)."""

    number: int
    text: str
    column: int


def read_dialogue(text: str, findings: Findings, settings: ReadSettings) -> tuple[Line, ...]:
    """Lines of a script in rows. Raises ScriptError when strict."""
    lines: list[Line] = []
    rows = _joined(text, findings)
    for row in rows:
        _leave_out_sounds(row, findings, settings)
    rows = [row for row in rows if row.text]
    known = speakers_in([[row.text] for row in rows], settings.speakers, findings)
    for row in rows:
        _leave_out_direction(row, known, findings, settings)
        pause = _only_pauses(row.text)
        try:
            if pause is not None:
                _add_pause(lines, pause, row)
                continue
            line = _line(row, known, findings)
        except ScriptError as error:
            findings.fault(error, "It is left out.")
            continue
        if line is not None:
            lines.append(line)
    return tuple(lines)


def _leave_out_sounds(row: _Row, findings: Findings, settings: ReadSettings) -> None:
    left_out: list[str] = []
    row.text = staged_text(row.text, left_out, keep=settings.keep)
    if left_out:
        findings.note(f"Not spoken: {' '.join(left_out)}", row.number)


def _leave_out_direction(row: _Row, known: Known, findings: Findings, settings: ReadSettings) -> None:
    left_out: list[str] = []
    row.text = undirected(row.text, left_out, known, keep=settings.keep, round_only=True)
    if left_out:
        findings.note(f"Not spoken: {left_out[0]}", row.number)


def _line(row: _Row, known: Known, findings: Findings) -> Line | None:
    """The line of a row; None where nothing is said. Raises ScriptError when strict."""
    faults: list[SettingError] = []
    try:
        line = line_of(row.text, known=known, faults=faults)
    except InputError as error:
        findings.fault(located(error, row.number, row.column), "The text is spoken without what is wrong.")
        return _plain_line(row)
    for fault in faults:
        findings.fault(located(fault, row.number, row.column), "The setting is left out.")
    if line is None:
        raise ScriptError("Nothing is said on this row. Write a text behind the colon.", row.number, row.column)
    return line


def _plain_line(row: _Row) -> Line | None:
    """The text of a row whose header or tags cannot be used."""
    try:
        header = read_header(row.text, lenient=True)
    except InputError:
        header = Header()
    spoken = plain_text(TAG.sub(" ", row.text[header.at :]))
    return Line(spoken, header.speaker) if spoken else None


def _joined(text: str, findings: Findings) -> list[_Row]:
    rows: list[_Row] = []
    open_row = False
    for number, row in enumerate(rows_of(text), start=1):
        bare = row.strip()
        if bare.startswith(COMMENT):
            findings.left_out("comments", bare, number)
        elif not bare:
            open_row = False
        elif open_row and row[0].isspace():
            rows[-1].text += " " + bare
        else:
            rows.append(_Row(number, bare, len(row) - len(row.lstrip()) + 1))
            open_row = True
    return rows


def _only_pauses(text: str) -> float | None:
    """Seconds of silence of a row that holds nothing but pause tags."""
    tags, _ = find_tags(text)
    ends = [0, *(tag.end for tag in tags)]
    starts = [*(tag.start for tag in tags), len(text)]
    rest = any(text[end:start].strip() for end, start in zip(ends, starts, strict=True))
    if rest or not tags or any(tag.kind != "pause" for tag in tags):
        return None
    return sum(tag.values[0] for tag in tags)


def _add_pause(lines: list[Line], seconds: float, row: _Row) -> None:
    if not lines:
        raise ScriptError(
            "A pause stands before the first line. Give that line a start instead, as in [start 2]: text.",
            row.number,
            row.column,
        )
    try:
        lines[-1] = replace(lines[-1], pause_ms=(lines[-1].pause_ms or 0) + milliseconds_of(seconds))
    except InputError as error:
        raise ScriptError(str(error), row.number, row.column) from error


def write_dialogue(script: Script) -> str:
    """Plain dialogue with all settings, times included."""
    known = known_in(script.lines)
    rows = [written(line, times=True, known=known, is_plain=_is_plain) for line in script.lines]
    return "".join(row + "\n" for row in rows)


def _is_plain(text: str) -> bool:
    return undirected(staged_text(text, []), [], anything, round_only=True) == text
