"""The plain dialogue format, one line of speech a row.

    # a comment
    Anna [happy .6]: Did you hear that? <pause 0.4s> Somebody is at the door.
    Ben: I heard nothing.
    <pause 1s>
    The house lay quiet again.
      An indented row goes on with the line before.

A row without a name is the narrator's. A pause on a row of its own is silence after the line before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import InputError, ScriptError
from ..text.tags import find_tags
from .header import SettingError, line_of, written
from .model import Line, Script, milliseconds_of
from .subtitles import rows_of

COMMENT = "#"


@dataclass(slots=True)
class _Row:
    """A row with those that go on with it. breaks: (place in text, row number, column there)."""

    number: int
    text: str
    column: int


def read_dialogue(text: str) -> Script:
    """Raises ScriptError."""
    lines: list[Line] = []
    for row in _joined(text):
        pause = _only_pauses(row.text)
        if pause is not None:
            _add_pause(lines, pause, row)
            continue
        try:
            line = line_of(row.text)
        except SettingError as error:
            raise ScriptError(str(error), row.number, row.column + error.at) from error
        except InputError as error:
            raise ScriptError(str(error), row.number, row.column) from error
        if line is None:
            raise ScriptError("Nothing is said on this row. Write a text behind the colon.", row.number, row.column)
        lines.append(line)
    return Script(tuple(lines))


def _joined(text: str) -> list[_Row]:
    rows: list[_Row] = []
    open_row = False
    for number, row in enumerate(rows_of(text), start=1):
        bare = row.strip()
        if not bare or bare.startswith(COMMENT):
            open_row = open_row and bool(bare)
        elif open_row and row[0].isspace():
            rows[-1].text += " " + bare
        else:
            rows.append(_Row(number, bare, len(row) - len(row.lstrip()) + 1))
            open_row = True
    return rows


def _only_pauses(text: str) -> float | None:
    """Seconds of silence of a row that holds nothing but pause tags."""
    tags, _ = find_tags(text)
    rest = text
    for tag in reversed(tags):
        rest = rest[: tag.start] + rest[tag.end :]
    if rest.strip() or not tags or any(tag.kind != "pause" for tag in tags):
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
    return "".join(written(line, times=True) + "\n" for line in script.lines)
