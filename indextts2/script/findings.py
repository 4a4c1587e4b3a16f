"""Faults of a script file: listed all at once while reading continues, or raised at the first one."""

from __future__ import annotations

from ..errors import InputError, ScriptError
from .header import MOST_SHOWN, SettingError

MOST_ROWS = 20  # that a finding of many lists


class Findings:
    """Faults a reader found and decisions it took, in the order of the file. strict: the first fault is raised."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._found: list[tuple[int, str]] = []
        self._left_out: dict[str, tuple[str, list[int]]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """All findings, each with its row."""
        kinds = [
            (rows[0], f"Line {rows[0]}: Not spoken: {kind}, '{shown}'{_also(rows[1:])}.")
            for kind, (shown, rows) in self._left_out.items()
        ]
        return tuple(dict.fromkeys(text for _, text in sorted(self._found + kinds, key=lambda found: found[0])))

    def fault(self, error: ScriptError, done: str) -> None:
        """A fault, and what was made of it. Raises it when strict."""
        if self.strict:
            raise error
        self._found.append((error.line, f"{error} {done}"))

    def note(self, message: str, row: int = 0) -> None:
        """Something a user should know that is no fault."""
        self._found.append((row, f"Line {row}: {message}" if row else message))

    def left_out(self, kind: str, text: str, row: int) -> None:
        """Something that its format does not mean as speech. All of a kind are one finding, with the first of them."""
        self._left_out.setdefault(kind, (" ".join(text.split())[:MOST_SHOWN], []))[1].append(row)


def _also(rows: list[int]) -> str:
    """The other rows of a kind of finding."""
    listed = ", ".join(map(str, dict.fromkeys(rows[:MOST_ROWS])))
    more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    return f"; also on lines {listed}{more}" if rows else ""


def located(error: InputError, row: int, column: int = 1) -> ScriptError:
    """The error with its place in the file. column: where the text that was read begins."""
    if isinstance(error, ScriptError) and error.line:
        return error
    shift = error.at if isinstance(error, SettingError) else 0
    return ScriptError(str(error), row, column + shift)
