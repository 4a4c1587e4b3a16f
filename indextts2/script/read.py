"""Scripts from files and to files, by kind."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ..atomic import write_text
from ..errors import InputError, ScriptError
from ..foreign import shown
from .cues import Cue, ReadSettings, lines_of
from .dialogue import read_dialogue, write_dialogue
from .findings import Findings
from .kinds import AUTO, SUFFIXES
from .model import Line, Script
from .players import STYLES_AT_ONCE, read_rows, read_sami, style_of
from .speakers import with_own_lines
from .subtitles import is_times, read_ass, read_srt, read_vtt, rows_of, write_srt, write_vtt
from .tables import DELIMITERS, FIELDS, read_json, read_table, write_json
from .transcripts import LRC_FACT, LRC_TIME, SBV_TIMES, read_lrc, read_sbv, read_ttml

Reader = Callable[[str, Findings, ReadSettings], tuple[Line, ...]]


def _of_cues(read: Callable[[str, Findings], list[Cue]]) -> Reader:
    return lambda text, findings, settings: lines_of(read(text, findings), findings, settings)


READERS: dict[str, Reader] = {
    "dialogue": read_dialogue,
    "srt": _of_cues(read_srt),
    "vtt": _of_cues(read_vtt),
    "ass": _of_cues(read_ass),
    "csv": read_table,
    "tsv": lambda text, findings, settings: read_table(text, findings, settings, "\t"),
    "json": read_json,
    "sbv": _of_cues(read_sbv),
    "lrc": _of_cues(read_lrc),
    "ttml": _of_cues(read_ttml),
    "microdvd": _of_cues(read_rows),
    "sami": _of_cues(read_sami),
}
"""Kinds of scripts. A new one is a function that makes cues, and a row of `kinds.py`."""

WRITERS: dict[str, Callable[[Script], str]] = {
    "dialogue": write_dialogue,
    "srt": write_srt,
    "vtt": write_vtt,
    "json": write_json,
}
_SEEN_IN_TEXT = frozenset(("dialogue", "srt", "vtt", "ass", "sbv", "lrc", "ttml", "microdvd", "sami"))
"""Kinds of files that are often saved under the suffix of another; what they hold says what they are."""

_TTML = re.compile(r"<(?:\w+:)?tt[\s>]")
_LOOKED_AT = 60  # rows from the top
_LONGEST_ROW = 1000  # characters, of those
LARGEST_BYTES = 64 * 1024**2  # a script of more is a mistake
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))


def read_script(
    text: str,
    kind: str = AUTO,
    *,
    strict: bool = False,
    keep: bool = False,
    speakers: Sequence[str] = (),
    anchored: str = "",
) -> Script:
    """A script from text. kind: one of READERS; "auto" looks at the text.

    Reads what can be read; Script.notes lists everything that was wrong, left out or decided, with its row. strict:
    raise ScriptError with line and column at the first fault instead. keep: speak sounds in brackets and the like.
    speakers: names that are known to be speakers. anchored: "phrases" or "words" of word-timed WebVTT and JSON become
    tags for their times, as in `timed_text`; "" leaves their times out. Raises ScriptError where nothing can be spoken.
    """
    if kind != AUTO and kind not in READERS:
        raise InputError(f"A script is one of {', '.join(READERS)}, but got '{kind}'.")
    if not text.strip():
        return Script(())  # which says what is missing
    findings = Findings(strict=strict)
    reader = READERS[kind_of(text) if kind == AUTO else kind]
    lines = reader(text, findings, ReadSettings(strict, keep, tuple(speakers), anchored))
    if not lines and findings.notes:
        raise ScriptError(f"The script holds no lines to speak: {' '.join(findings.notes)}")
    return with_own_lines(Script(lines, findings.notes))


def kind_of(text: str) -> str:
    """The format that a text looks like; plain dialogue when it looks like none of the others."""
    start = text.removeprefix("\ufeff").lstrip()
    rows = [row for row in rows_of(start[: _LOOKED_AT * _LONGEST_ROW])[:_LOOKED_AT] if row.strip()]
    if start.startswith("WEBVTT"):
        return "vtt"
    if rows and (style_of(rows[0]) in STYLES_AT_ONCE or (_most(rows, style_of, share=0.4) and style_of(rows[0]))):
        return "microdvd"
    if start.startswith("{") or (start.startswith("[") and start[1:].lstrip()[:1] in ("{", "]")):
        return "json"
    if start.lower().startswith(("[script info]", "[events]", "[v4")):
        return "ass"
    if any(is_times(row) for row in rows):
        return "srt"
    if any(SBV_TIMES.fullmatch(row) for row in rows):
        return "sbv"
    if start[:1] == "<" and _TTML.search(start[: 2 * _LONGEST_ROW]):
        return "ttml"
    if start[:6].lower() == "<sami>":
        return "sami"
    if any(LRC_TIME.match(row) for row in rows) and _most(
        rows, lambda row: LRC_TIME.match(row) or LRC_FACT.fullmatch(row)
    ):
        return "lrc"
    return "csv" if rows and _is_table_head(rows[0].lower()) else "dialogue"


def _most(rows: Sequence[str], is_one: Callable[[str], object], share: float = 0.5) -> bool:
    """Whether more of the rows than a share are of a kind."""
    return sum(bool(is_one(row)) for row in rows) > share * len(rows)


def _is_table_head(row: str) -> bool:
    """Whether a row names the fields of a table."""
    for mark in DELIMITERS:
        cells = [cell.strip().strip('"') for cell in row.split(mark)]
        if len(cells) > 1 and "text" in cells and all(cell in FIELDS for cell in cells):
            return True
    return False


def read_script_file(
    path: str | Path,
    kind: str = AUTO,
    encoding: str = "",
    *,
    strict: bool = False,
    keep: bool = False,
    speakers: Sequence[str] = (),
    anchored: str = "",
) -> Script:
    """A script file; its kind follows its suffix, unless it plainly holds another. encoding: "" is UTF-8, or UTF-16
    with its mark. The others are as in `read_script`.

    Raises ScriptError, naming the file.
    """
    source = Path(path)
    try:
        with source.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)  # a device says that it is empty, and never ends
    except (OSError, ValueError) as error:  # ValueError: a NUL or half a character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ScriptError(f"{shown(str(source), 300)} cannot be read ({reason}). Check the path.") from error
    if len(content) > LARGEST_BYTES:
        raise ScriptError(f"{source} is larger than {LARGEST_BYTES // 1024**2} MiB; that is no script.")
    try:
        text = decoded(content, encoding)
        chosen = _kind_of_file(source, text) if kind == AUTO else kind
        return read_script(text, chosen, strict=strict, keep=keep, speakers=speakers, anchored=anchored)
    except ScriptError as error:
        raise _named(source, error) from error


def _kind_of_file(source: Path, text: str) -> str:
    """Kind of a file by its content, where it says so, else by its suffix."""
    by_name = SUFFIXES.get(source.suffix.lower().lstrip("."), AUTO)
    by_text = kind_of(text)
    if by_name == AUTO or (by_name in _SEEN_IN_TEXT and by_text != "dialogue"):
        return by_text
    return by_name


def _named(source: Path, error: ScriptError) -> ScriptError:
    named = ScriptError(f"{source}: {error}")
    named.line, named.column = error.line, error.column
    return named


def decoded(content: bytes, encoding: str = "") -> str:
    """The text of a file. Raises ScriptError with the place of the first byte that does not fit."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding or marked)
    except LookupError as error:
        raise ScriptError(f"There is no encoding '{encoding}'. Known are utf-8, cp1252, gb18030 and others.") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ScriptError(
            f"The file is not written in {encoding or marked}. Save it as UTF-8, or name its encoding.", line, column
        ) from error


def write_script(script: Script, kind: str) -> str:
    """A script as text of a kind of WRITERS."""
    if kind not in WRITERS:
        raise InputError(f"A script is written as one of {', '.join(WRITERS)}, but got '{kind}'.")
    return WRITERS[kind](script)


def write_script_file(script: Script, path: str | Path) -> None:
    """Write by the suffix of the file: .srt, .vtt, .json or .txt. Raises InputError."""
    place = Path(path)
    write_text(place, write_script(script, SUFFIXES.get(place.suffix.lower().lstrip("."), "")))
