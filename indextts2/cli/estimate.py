"""Estimate how long a text will be: seconds, semantic tokens and video frames, without running a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import (
    STANDARD_INPUT,
    Usage,
    add_checkpoint_option,
    add_language_option,
    allow_leading_dashes,
    checkpoint_of,
    positive,
    write_result,
)
from .text import text_of

if TYPE_CHECKING:
    from ..stages.natural_length import LengthEstimate

HELP = "estimate how long a text will be"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    allow_leading_dashes(parser)
    parser.add_argument("text", nargs="?", help=f"text to estimate; {STANDARD_INPUT} reads standard input")
    parser.add_argument("--file", type=Path, metavar="TXT", help="a file with the text, in UTF-8")
    add_language_option(parser)
    parser.add_argument("--fps", type=positive(float), default=24.0, help="video frames per second (default: 24)")
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed",
        type=positive(float),
        default=1.0,
        metavar="F",
        help="of the speaker; 1.1 is a tenth faster than usual",
    )
    pace.add_argument("--sample", type=Path, metavar="WAV", help="a recording of the speaker, which tells the speed")
    parser.add_argument("--sample-text", metavar="TEXT", help="what is said in the sample")
    add_checkpoint_option(parser)
    parser.add_argument("--json", action="store_true", help="write the result as JSON to the output")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..audio.io import read_audio
    from ..loading.checkpoint import load_front_end
    from ..loading.pace import pace_of
    from ..stages.natural_length import estimated_text

    if (options.sample is None) != (options.sample_text is None):
        raise Usage("A --sample needs its --sample-text, and the other way round.")
    text = text_of(options)
    checkpoint = checkpoint_of(options)
    estimate = estimated_text(
        load_front_end(checkpoint),
        checkpoint.config,
        pace_of(checkpoint),
        text,
        speed=options.speed,
        sample=None if options.sample is None else (read_audio(options.sample).seconds, options.sample_text),
        language=options.language,
    )
    write_result(options, plain_values(estimate, options.fps), estimate.describe(options.fps))


def plain_values(estimate: LengthEstimate, fps: float) -> dict[str, Any]:
    """The estimate for a program."""
    return {
        "seconds": round(estimate.seconds, 2),
        "tokens": estimate.tokens,
        "fps": fps,
        "video_frames": estimate.video_frames(fps),
        "video_frames_8n+1": estimate.video_frames(fps, 8),
        "video_frames_4n+1": estimate.video_frames(fps, 4),
        "segments": [round(seconds, 2) for seconds in estimate.segments],
        "speed": round(estimate.speed, 3),
        "pace": estimate.pace.describe(),
        "warnings": list(estimate.warnings),
    }
