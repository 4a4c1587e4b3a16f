"""Scripts as tables (CSV, TSV) and as JSON: the same fields under the same names.

| field | meaning |
|---|---|
| text, speaker, language | as in `model.Line` |
| emotion | `happy .6 sad .2`; in JSON also an object of weights |
| start, end | seconds, or 00:01:02,345 |
| pause | seconds of silence after the line |
| seed, takes | whole numbers |
| seconds, tokens, frames, samples, factor, speed | the line's own length; one of them |

An empty cell is the same as none. Transcripts of Whisper, as a table or as JSON, are known by their fields.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..contracts import EmotionWeights
from ..errors import InputError, ScriptError
from ..foreign import ForeignDataError, Limits, parse_json, shown
from .cues import Cue, ReadSettings, lines_of, timed_cue
from .findings import Findings
from .header import emotion_of, plain_number, read_setting
from .model import LINE_UNITS, MILLISECONDS, Line, Script, check_language, check_name, plain_text
from .speakers import TAG, parts_of
from .subtitles import rows_of
from .timed_words import listed_words

DELIMITERS = ",;\t"
LENGTHS = (*LINE_UNITS, "speed")
FIELDS = ("speaker", "text", "emotion", "start", "end", "pause", "language", "seed", "takes", *LENGTHS)
_WHISPER_TIME = re.compile(r"[0-9]{1,12}")
_LATEST_SECONDS = 10**6
_SHORTEST_IN_MILLISECONDS = 100  # half of the cues last longer; a table in seconds has no such cues
LIMITS = Limits(digits=4_000, repeats=True)  # long numbers and double keys are told with their row by the fields


def read_table(text: str, findings: Findings, settings: ReadSettings, delimiter: str = "") -> tuple[Line, ...]:
    """CSV or TSV with a row of field names. delimiter: "" is found in that row. Raises ScriptError."""
    rows = rows_of(text)
    header = next((row for row in rows if row.strip()), "")
    delimiter = delimiter or max(DELIMITERS, key=header.count)
    if _is_whisper_table(rows):
        return lines_of(_whisper_rows(rows, findings), findings, settings)
    reader = csv.reader((row + "\n" for row in rows), delimiter=delimiter, strict=findings.strict)
    names: list[str] = []
    lines = []
    first = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if not names:
                    names = _names(cells, first, findings)
                else:
                    line = _row(names, cells, first, findings)
                    lines += [line] if line is not None else []
            first = reader.line_num + 1
    except csv.Error as error:
        fault = ScriptError(f"This row is no valid table row ({error}).", max(1, reader.line_num), 1)
        findings.fault(fault, "The rows behind it are left out.")
    return tuple(lines)


def _is_whisper_table(rows: list[str]) -> bool:
    """Whether a table is a transcript of Whisper, whose times are whole milliseconds; ours are seconds."""
    if rows[0].strip().lower() != "start\tend\ttext":
        return False
    times = [row.split("\t")[:2] for row in rows[1:] if row.strip()]
    whole = [pair for pair in times if len(pair) == 2 and all(_WHISPER_TIME.fullmatch(cell) for cell in pair)]
    lengths = sorted(abs(int(end) - int(start)) for start, end in whole)
    return len(whole) > len(times) / 2 and lengths[len(lengths) // 2] >= _SHORTEST_IN_MILLISECONDS


def _whisper_rows(rows: list[str], findings: Findings) -> list[Cue]:
    findings.note("Read as a transcript of Whisper: its times are milliseconds.")
    cues = []
    for number, row in enumerate(rows[1:], start=2):
        if row.strip():
            *cells, text = row.split("\t", 2)
            times = [int(cell) if _WHISPER_TIME.fullmatch(cell) else None for cell in cells]
            if len(times) < 2 or None in times:
                error = ScriptError("A row holds two times in milliseconds and a text, parted by tabs.", number, 1)
                findings.fault(error, "A time that cannot be read is left out.")
            start, end = (*times, None, None)[:2]
            cues.append(timed_cue(findings, number, text, start, end))
    return cues


def _whisper_segments(
    content: dict[str, Any], places: Iterable[tuple[int, int]], findings: Findings, settings: ReadSettings
) -> list[Cue]:
    findings.note("Read as a transcript of Whisper.")
    unused = [key for key in content if key not in ("segments", "text")]
    if unused:
        findings.note(f"Not used: {', '.join(unused)}.")
    cues = []
    for number, (segment, (row, column)) in enumerate(zip(content["segments"], places, strict=True), start=1):
        text = segment.get("text") if isinstance(segment, dict) else None
        if not isinstance(text, str):
            error = ScriptError(f"A segment holds a text, but got {shown(segment)}.", row, column)
            findings.fault(error, "It is left out.")
            continue
        start, end = (_whisper_time(segment, name, row, column, findings) for name in ("start", "end"))
        speaker = segment.get("speaker")
        cues.append(timed_cue(findings, row, text, start, end, speaker if isinstance(speaker, str) else ""))
        if settings.anchored and segment.get("words"):
            try:
                cues[-1].timings = listed_words(segment["words"])
            except InputError as error:
                fault = ScriptError(f"The words of segment {number}: {error}", row, column)
                findings.fault(fault, "They have no times.")
    return cues


def _whisper_time(segment: dict[str, Any], name: str, row: int, column: int, findings: Findings) -> int | None:
    """Milliseconds of a time in seconds; none where there is none, or no number."""
    value = segment.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST_SECONDS:
        return round(value * MILLISECONDS)
    error = ScriptError(f"The {name} of a segment is a number of seconds, but got {shown(value)}.", row, column)
    findings.fault(error, "The time is left out.")
    return None


def _names(cells: list[str], number: int, findings: Findings) -> list[str]:
    """Field names by column, "" for a column that is left out. Raises ScriptError where there is no text."""
    names = [cell.strip().lower() for cell in cells]
    for column, name in enumerate(names, start=1):
        if name not in FIELDS:
            error = ScriptError(f"'{cells[column - 1]}' is no field. Known are {', '.join(FIELDS)}.", number, column)
        elif names.index(name) != column - 1:
            error = ScriptError(f"The field '{name}' stands here twice.", number, column)
        else:
            continue
        findings.fault(error, "The column is left out.")
        names[column - 1] = ""
    if "text" not in names:
        raise ScriptError("The table has no field 'text'.", number, 1)
    return names


def _row(names: list[str], cells: list[str], number: int, findings: Findings) -> Line | None:
    """column in errors: the cell, counted from 1."""
    if any(cell.strip() for cell in cells[len(names) :]):
        error = ScriptError(
            f"{len(names)} cells are expected, but {len(cells)} stand here. Quote texts that hold the delimiter.",
            number,
            len(names) + 1,
        )
        findings.fault(error, "The cells beyond are left out.")
    given = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()}

    def fail(name: str, error: InputError) -> ScriptError:
        return ScriptError(f"{name}: {error}", number, names.index(name) + 1 if name in names else 1)

    return _line(given, fail, findings)


Fail = Callable[[str, InputError], ScriptError]


def _line(given: dict[str, Any], fail: Fail, findings: Findings) -> Line | None:
    """A line from fields; `fail` puts an error into its place. None where no text is left."""
    values: dict[str, Any] = {}
    lengths = [name for name in LENGTHS if name in given]
    for name in lengths[1:]:
        error = InputError(f"A line has one length, but {' and '.join(lengths)} are given.")
        findings.fault(fail(name, error), "The first is taken.")
        del given[name]
    for name, value in given.items():
        try:
            values |= _READERS[name](value)
        except InputError as error:
            findings.fault(fail(name, error), "The field is left out.")
    if not values.get("text"):
        findings.fault(fail("text", InputError("The line has no text.")), "It is left out.")
        return None
    wrong: InputError | None = None
    for left_out, done in _REPAIRS:
        try:
            line = Line(**{name: value for name, value in values.items() if name not in left_out})
            parts_of(line)
        except InputError as error:
            wrong = wrong or error
            continue
        if wrong is not None:
            findings.fault(fail("end" if "end" in given else "text", wrong), done)
        return line
    findings.fault(fail("text", wrong or InputError("")), "Its text is spoken without its settings.")
    return Line(plain_text(TAG.sub(" ", values["text"])) or values["text"], values.get("speaker", ""))


_REPAIRS = (
    ((), ""),
    (("end_ms",), "It is spoken from its start."),
    (("start_ms", "end_ms"), "Its times are left out."),
    (("start_ms", "end_ms", "duration"), "Its times and its length are left out."),
)
"""What is left out of a line so that the rest can be used, the least first."""


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"A text is expected, but {json.dumps(value)[:40]} stands here.")
    return plain_text(value)


def _checked(check: Callable[[str], None], value: Any) -> str:
    text = _words(value)
    check(text)
    return text


def _numeral(value: Any) -> str:
    """The number as written: a cell's text, or digits of a JSON number."""
    if isinstance(value, str):
        return value.strip()
    try:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        is_number = False
    if not is_number:
        raise InputError(f"A number is expected, but {json.dumps(value)[:40]} stands here.")
    if value < 0:
        raise InputError(f"A number from 0 on is expected, but {value} stands here.")
    return plain_number(value) if isinstance(value, float) else str(value)


def _emotion(value: Any) -> EmotionWeights:
    return emotion_of(value if isinstance(value, dict) else _words(value))


def _number_field(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: read_setting(name, _numeral(value))


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "text": lambda value: {"text": _words(value)},
    "speaker": lambda value: {"speaker": _checked(check_name, value)},
    "language": lambda value: {"language": _checked(check_language, value)},
    "emotion": lambda value: {"emotion": _emotion(value)},
    **{name: _number_field(name) for name in ("start", "end", "pause", "seed", "takes", *LENGTHS)},
}


def read_json(text: str, findings: Findings, settings: ReadSettings) -> tuple[Line, ...]:
    """A list of lines, or an object with the key "lines", or a transcript's with "segments". Raises ScriptError."""
    text = text.removeprefix("\ufeff")
    try:
        content = parse_json(text, LIMITS)
    except ForeignDataError as error:
        raise ScriptError(f"This is no valid JSON ({error.reason}).", error.line or 1, error.column or 1) from error
    if isinstance(content, dict) and "lines" not in content and isinstance(content.get("segments"), list):
        begins = _rows_and_columns(text, _places(text, "segments"))
        return lines_of(_whisper_segments(content, begins, findings, settings), findings, settings)
    items = content.get("lines") if isinstance(content, dict) else content
    if not isinstance(items, list):
        raise ScriptError('A list of lines is expected, or an object whose key "lines" holds one.', 1, 1)
    in_object = isinstance(content, dict)
    for key in content if in_object else ():
        if key != "lines":
            findings.left_out("fields beside the lines", f"{key}: {json.dumps(content[key], ensure_ascii=False)}", 1)
    places = _places(text, "lines" if in_object else "")
    lines = (_item(item, *place, findings) for item, place in zip(items, _rows_and_columns(text, places), strict=True))
    return tuple(line for line in lines if line is not None)


def _places(text: str, name: str) -> Iterator[int]:
    """Where each item of a list begins. name: the key of the list in an object, or ""."""
    decoder = json.JSONDecoder()

    def skipped(at: int, marks: str) -> int:
        while at < len(text) and (text[at].isspace() or text[at] in marks):
            at += 1
        return at

    at = skipped(0, "")
    if name:
        at, found = skipped(at + 1, ""), -1
        while text[at] != "}":  # the last of several keys of the same name counts
            key, at = decoder.raw_decode(text, at)
            at = skipped(at, ":")
            found = at if key == name else found
            _, at = decoder.raw_decode(text, at)
            at = skipped(at, ",")
        at = found
    at = skipped(at + 1, "")
    while text[at] != "]":
        yield at
        _, at = decoder.raw_decode(text, at)
        at = skipped(at, ",")


def _rows_and_columns(text: str, places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Row and column of places in order, both counted from 1."""
    row, begin, before = 1, 0, 0
    for at in places:
        row += text.count("\n", before, at)
        end = text.rfind("\n", before, at)
        begin = begin if end < 0 else end + 1
        before = at
        yield row, at - begin + 1


def _item(item: Any, number: int, column: int, findings: Findings) -> Line | None:
    if not isinstance(item, dict):
        error = ScriptError('A line is an object such as {"speaker": "Anna", "text": "Hello."}.', number, column)
        findings.fault(error, "It is left out.")
        return None
    for key in (key for key in item if key not in FIELDS):
        error = ScriptError(f"'{key[:40]}' is no field. Known are {', '.join(FIELDS)}.", number, column)
        findings.fault(error, "It is left out.")
    given = {key: value for key, value in item.items() if key in FIELDS and value is not None and value != ""}
    return _line(given, lambda name, error: ScriptError(f"{name}: {error}", number, column), findings)


def fields_of(line: Line) -> dict[str, Any]:
    """The fields of a line as plain values; what is not given is left out."""
    values: dict[str, Any] = {"speaker": line.speaker, "text": line.text}
    if line.emotion is not None:
        values["emotion"] = {name: weight for name, weight in line.emotion.named() if weight}
    for key, milliseconds in (("start", line.start_ms), ("end", line.end_ms), ("pause", line.pause_ms)):
        values[key] = None if milliseconds is None else milliseconds / MILLISECONDS
    values |= {"language": line.language or None, "seed": line.seed, "takes": line.takes}
    if line.duration is not None:
        values[line.duration.unit] = line.duration.value
    return {key: value for key, value in values.items() if value is not None}


def write_json(script: Script) -> str:
    """A JSON object with the key "lines"."""
    return json.dumps({"lines": [fields_of(line) for line in script.lines]}, ensure_ascii=False, indent=2) + "\n"
