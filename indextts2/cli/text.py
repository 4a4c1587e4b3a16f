"""Show how a text will be spoken: its segments, the words in plain spelling, pauses, and what cannot be read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, TextError
from .common import (
    STANDARD_INPUT,
    add_checkpoint_option,
    add_text_options,
    allow_leading_dashes,
    checkpoint_of,
    write_result,
)
from .texts import standard_input, text_file

if TYPE_CHECKING:
    from ..contracts import PreparedText
    from ..loading.checkpoint import Checkpoint
    from ..text.normalise import Glossary

HELP = "show how a text will be spoken"
LONGEST_PATH = 1024  # characters; a longer text is no path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    allow_leading_dashes(parser)
    parser.add_argument(
        "text",
        nargs="?",
        help=f"text to show; {STANDARD_INPUT} reads standard input",
    )
    parser.add_argument("--file", type=Path, metavar="TXT", help="a file with the text, in UTF-8")
    add_text_options(parser)
    parser.add_argument("--glossary", type=Path, metavar="TXT", help="a file of lines such as: M.2 = M dot two")
    parser.add_argument("--no-tags", action="store_true", help="read tags such as <pause 0.4s> as ordinary text")
    add_checkpoint_option(parser)
    parser.add_argument("--json", action="store_true", help="write the result as JSON to the output")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..loading.checkpoint import load_front_end
    from ..loading.pace import pace_of
    from ..stages.prepare_text import prepare_text
    from ..text.front_end import with_profile

    text, glossary = text_of(options), _glossary(options.glossary)
    checkpoint = checkpoint_of(options)
    front_end = with_profile(load_front_end(checkpoint), options.text_profile)
    try:
        prepared = prepare_text(
            front_end,
            text,
            glossary=glossary,
            tags=not options.no_tags,
            language=options.language,
            mel=checkpoint.config.mel,
            pace=pace_of(checkpoint),
        )
    except TextError as error:  # nothing to speak is an answer here
        result = {"segments": [], "seconds": 0.0, "warnings": [str(error)]}
    else:
        result = describe(prepared, checkpoint)
    write_result(options, result, _in_words(result))


def describe(prepared: PreparedText, checkpoint: Checkpoint) -> dict[str, Any]:
    """Text as it will be spoken, as plain values. seconds: an estimate."""
    from ..loading.pace import pace_of
    from ..stages.duration import Clock
    from ..stages.natural_length import estimate_length

    estimate = estimate_length(prepared, pace_of(checkpoint), Clock.of(checkpoint.config))
    segments: list[dict[str, Any]] = [
        {
            "spoken": segment.spoken,
            "tokens": len(segment.ids),
            "pause": round(segment.pause_seconds, 3),
            "seconds": round(seconds, 2),
            "text": segment.text,
        }
        for segment, seconds in zip(prepared.segments, estimate.segments, strict=True)
    ]
    return {
        "segments": segments,
        "seconds": round(estimate.seconds, 2),
        "warnings": list(prepared.warnings),
    }


def _in_words(result: dict[str, Any]) -> str:
    lines = []
    for number, segment in enumerate(result["segments"], start=1):
        pause = f", then {segment['pause']:.2f} s of silence" if segment["pause"] else ""
        lines.append(f"{number}. {segment['spoken']} ({segment['tokens']} tokens{pause})")
    lines.append(f"About {result['seconds']:.1f} s.")
    return "\n".join(lines + [f"Note: {warning}" for warning in result["warnings"]])


def text_of(options: argparse.Namespace) -> str:
    """The text of the command line, of --file, or of standard input."""
    if options.file is not None:
        return text_file(options.file)
    if options.text is None:
        raise InputError(f"No text is given. Write it behind the command, name a --file, or give {STANDARD_INPUT}.")
    if options.text == STANDARD_INPUT:
        return standard_input()
    return text_file(Path(options.text)) if _is_file(options.text) else options.text


def _is_file(text: str) -> bool:
    try:
        return len(text) <= LONGEST_PATH and Path(text).is_file()
    except (OSError, ValueError):  # a name no system can have
        return False


def _glossary(path: Path | None) -> Glossary | None:
    from ..text.glossary import parse_glossary

    return None if path is None else parse_glossary(text_file(path))
