"""Texts that commands read and write: standard input, files, and lines of output."""

from __future__ import annotations

import sys
from pathlib import Path

from ..atomic import shown_path
from ..errors import InputError
from ..foreign import DEFAULT, ForeignDataError, read_foreign_text


def standard_input() -> str:
    """The text on standard input. Raises InputError for one that is too long, or written in another encoding."""
    try:
        text = sys.stdin.read(DEFAULT.size + 1)
    except UnicodeDecodeError as error:
        raise InputError(f"Standard input is not text in {sys.stdin.encoding}. Write it so, or name a file.") from error
    if len(text) > DEFAULT.size:
        raise InputError(f"Standard input is longer than {DEFAULT.size:,} characters. Give it in parts.")
    return text


def text_file(path: Path) -> str:
    """The text of a file. Raises InputError naming it."""
    try:
        return read_foreign_text(path)
    except ForeignDataError as error:
        raise InputError(f"{shown_path(path)} cannot be read: {error}. Check the path; text is UTF-8.") from error


def write_line(text: str) -> None:
    """One line of output. Characters that the encoding of the output has not are escaped."""
    try:
        sys.stdout.write(text + "\n")
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()
