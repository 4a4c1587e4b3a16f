"""Scripts from files and to files, by kind."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, ScriptError
from .dialogue import read_dialogue, write_dialogue
from .model import Script
from .speakers import with_own_lines
from .subtitles import ARROW, read_ass, read_srt, read_vtt, write_srt, write_vtt
from .tables import read_json, read_table, write_json

READERS: dict[str, Callable[[str], Script]] = {
    "dialogue": read_dialogue,
    "srt": read_srt,
    "vtt": read_vtt,
    "ass": read_ass,
    "csv": read_table,
    "tsv": lambda text: read_table(text, "\t"),
    "json": read_json,
}
WRITERS: dict[str, Callable[[Script], str]] = {
    "dialogue": write_dialogue,
    "srt": write_srt,
    "vtt": write_vtt,
    "json": write_json,
}
AUTO = "auto"
SUFFIXES = {"txt": "dialogue", "ssa": "ass", "": AUTO} | {kind: kind for kind in READERS if kind != "dialogue"}
LARGEST_BYTES = 64 * 1024**2  # a script of more is a mistake
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))


def read_script(text: str, kind: str = AUTO) -> Script:
    """A script from text. kind: one of READERS; "auto" looks at the text. Raises ScriptError with line and column."""
    if kind != AUTO and kind not in READERS:
        raise InputError(f"A script is one of {', '.join(READERS)}, but got '{kind}'.")
    return with_own_lines(READERS[kind_of(text) if kind == AUTO else kind](text))


def kind_of(text: str) -> str:
    """The format that a text looks like; plain dialogue when it looks like none of the others."""
    start = text.removeprefix("\ufeff").lstrip()
    if start.startswith("WEBVTT"):
        return "vtt"
    if start.startswith("{") or (start.startswith("[") and start[1:].lstrip()[:1] in ("{", "]")):
        return "json"
    if start.lower().startswith(("[script info]", "[events]", "[v4")):
        return "ass"
    if ARROW in start:
        return "srt"
    first = start.partition("\n")[0].lower()
    if any("text" in [cell.strip() for cell in first.split(mark)] and mark in first for mark in ",;\t"):
        return "csv"
    return "dialogue"


def read_script_file(path: str | Path, kind: str = AUTO, encoding: str = "") -> Script:
    """A script file; its kind follows its suffix. encoding: "" is UTF-8, or UTF-16 with its mark.

    Raises ScriptError, naming the file.
    """
    source = Path(path)
    try:
        if source.stat().st_size > LARGEST_BYTES:
            raise ScriptError(f"{source} is larger than {LARGEST_BYTES // 1024**2} MiB; that is no script.")
        content = source.read_bytes()
    except OSError as error:
        raise ScriptError(f"{source} cannot be read ({error.strerror}). Check the path.") from error
    try:
        text = decoded(content, encoding)
        chosen = SUFFIXES.get(source.suffix.lower().lstrip("."), AUTO) if kind == AUTO else kind
        return read_script(text, chosen)
    except ScriptError as error:
        raise _named(source, error) from error


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
    text = write_script(script, SUFFIXES.get(place.suffix.lower().lstrip("."), ""))
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The script {place} cannot be written ({error.strerror}). Check the folder and its permissions."
        ) from error
