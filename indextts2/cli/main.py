"""The command line: one sub-command per file of this folder.

A command's module has HELP, add_arguments(parser) and run(options). It imports what computes inside `run`, so that help
is instant. Success is exit code 0, an error 1, wrong usage 2; each failure is one line on the error stream.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ..atomic import shown_path
from ..errors import IndexTTS2Error
from .common import Usage

COMMANDS = (
    "speak", "script", "cues", "direct", "lipsync", "text", "estimate", "info", "download", "convert", "train",
    "export", "evaluate", "pace", "bench",
)  # fmt: skip
"""Names of the commands, and of their modules. A new command is a new file and a new entry."""

PROGRAM = "python -m indextts2"
PACKAGE = "indextts2"  # name of the logger above all of the library's
EXIT_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


class OneLineParser(argparse.ArgumentParser):
    """Reports wrong usage in one line, where argparse prints its whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = OneLineParser(prog=PROGRAM, description="Zero-shot, emotional, duration-controlled text-to-speech.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name in COMMANDS:
        module = importlib.import_module(f".{name}", __package__)
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(command)
        command.add_argument("--verbose", action="store_true", help="print more to standard error")
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        options = build_parser().parse_args(arguments)
    except SystemExit as stop:  # argparse ends the program by itself
        return int(stop.code or 0)
    try:
        with _messages(logging.INFO if options.verbose else logging.WARNING):
            options.run(options)
    except Usage as error:
        return _fail(f"{PROGRAM} {options.command}: {error}", EXIT_USAGE)
    except IndexTTS2Error as error:
        return _fail(f"{PROGRAM} {options.command}: {error}", EXIT_ERROR)
    except KeyboardInterrupt:
        return _fail("Stopped.", EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away
        sys.stderr.close()
        return EXIT_ERROR
    except OSError as error:  # a disk, a path or its permissions, wherever no stage says more
        place = f"{shown_path(Path(os.fsdecode(error.filename)))}: " if isinstance(error.filename, str | bytes) else ""
        reason = error.strerror or error
        return _fail(f"{PROGRAM} {options.command}: {place}{reason}. Check the path and its permissions.", EXIT_ERROR)
    return 0


@contextmanager
def _messages(level: int) -> Iterator[None]:
    """Show the library's messages on the error stream while a command runs, and leave logging as it was."""
    logger = logging.getLogger(PACKAGE)
    handler = logging.StreamHandler(sys.stderr)
    level_before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(level_before)
        logger.removeHandler(handler)


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split()).encode("utf-8", "backslashreplace").decode("utf-8")  # half a character of a name
    sys.stderr.write(line + "\n")
    return code
