"""Faults of a script file: listed all at once while reading continues, or raised at the first one."""

from __future__ import annotations

from ..errors import InputError, ScriptError
from .header import SettingError


class Findings:
    """Faults a reader found and decisions it took, in the order of the file. strict: the first fault is raised."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._found: list[tuple[int, str]] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """All findings, each with its row."""
        return tuple(dict.fromkeys(text for _, text in sorted(self._found, key=lambda found: found[0])))

    def fault(self, error: ScriptError, done: str) -> None:
        """A fault, and what was made of it. Raises it when strict."""
        if self.strict:
            raise error
        self._found.append((error.line, f"{error} {done}"))

    def note(self, message: str, row: int = 0) -> None:
        """Something a user should know that is no fault."""
        self._found.append((row, f"Line {row}: {message}" if row else message))


def located(error: InputError, row: int, column: int = 1) -> ScriptError:
    """The error with its place in the file. column: where the text that was read begins."""
    if isinstance(error, ScriptError) and error.line:
        return error
    shift = error.at if isinstance(error, SettingError) else 0
    return ScriptError(str(error), row, column + shift)
