"""Errors a caller may want to catch. Each message says what was expected, what arrived and what to do."""

from __future__ import annotations

from typing import Any

PACKAGE = "indextts2."

LONGEST_MESSAGE = 2_000
"""Characters of a message. Foreign words in one may be of any length; the advice at its end stays."""


class IndexTTS2Error(Exception):
    """Base of every error this library raises on purpose."""

    def __init__(self, message: str = "") -> None:
        if len(message) > LONGEST_MESSAGE:
            message = f"{message[: LONGEST_MESSAGE - 505]} ... {message[-500:]}"
        super().__init__(message)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__module__ = shown_module(cls.__module__)


def shown_module(name: str) -> str:
    """A module of this package without what stands before it: a host that loads it by path shows that path."""
    return PACKAGE + name.rpartition(PACKAGE)[2] if PACKAGE in name else name


IndexTTS2Error.__module__ = shown_module(IndexTTS2Error.__module__)


class ConfigError(IndexTTS2Error):
    """A configuration has an unknown key, a missing key or an impossible value."""


class CheckpointError(IndexTTS2Error):
    """A checkpoint file is missing, truncated, of the wrong shape, or unsafe to read."""


class CheckpointMismatch(IndexTTS2Error):
    """Values made by different checkpoints, or of different widths, were combined."""


class InputError(IndexTTS2Error, ValueError):
    """A value given by the user cannot be used."""


class AudioError(InputError):
    """Reference audio is unusable: empty, silent, too short, or not finite."""


class TextError(InputError):
    """Text cannot be spoken: empty, or nothing in it is known to the tokenizer."""


class ImpossibleLength(InputError):
    """A length is asked in which the words cannot be spoken: it is too far from their natural length."""


class ImpossibleTime(ImpossibleLength):
    """A word is asked for at a time at which it cannot be spoken."""


class Cancelled(IndexTTS2Error):
    """The progress callback asked to stop."""


class MissingDependency(IndexTTS2Error):
    """An optional package is needed for what was asked; the message names the install command."""


class TrainingError(IndexTTS2Error):
    """A training run cannot start or go on: bad data, or state that belongs to another run."""


class ScriptError(TextError):
    """A script of lines cannot be read. line and column count from 1; 0 where the fault has no place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        place = f"Line {line}, column {column}: " if line else ""
        super().__init__(place + message)
        self.line, self.column = line, column


def shortened(text: str, most: int) -> str:
    """A text as a report or a message shows it: at most so many characters, with an ellipsis where it was cut."""
    return text if len(text) <= most else text[:most] + "…"
