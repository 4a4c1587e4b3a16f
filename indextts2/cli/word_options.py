"""Options of words in time that commands share: captions, and words at given times."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .common import Usage, check_output, positive
from .texts import text_file

if TYPE_CHECKING:
    from ..contracts import SpokenWords
    from ..script.caption_cues import CaptionSettings


def add_caption_options(parser: argparse.ArgumentParser) -> None:
    """--captions and the layout of captions."""
    captions = parser.add_argument_group("captions")
    captions.add_argument(
        "--captions",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="also write captions: .srt, .vtt, .ass (karaoke) or .json; may be given several times",
    )
    captions.add_argument("--caption-width", type=positive(int), default=42, metavar="N", help="characters of a row")
    captions.add_argument("--caption-rows", type=positive(int), default=2, metavar="N", help="rows of a caption")
    captions.add_argument(
        "--reading-speed", type=positive(float), default=20.0, metavar="N", help="characters per second"
    )
    captions.add_argument("--word-times", action="store_true", help="write the time of each word into WebVTT")


def caption_settings(options: argparse.Namespace) -> CaptionSettings:
    """The layout of captions. Raises Usage for one that cannot be, or a file that cannot be written."""
    from ..errors import InputError
    from ..script.caption_cues import CaptionSettings
    from ..script.caption_files import caption_kind

    try:
        for path in options.captions:
            check_output(path)
            caption_kind(path)
        return CaptionSettings(
            options.caption_width, options.caption_rows, options.reading_speed, word_times=options.word_times
        )
    except InputError as error:
        raise Usage(str(error)) from error


def write_captions_of(options: argparse.Namespace, words: SpokenWords | None, settings: CaptionSettings) -> None:
    """Every file that --captions names."""
    from ..script.caption_files import write_caption_file

    if words is None:
        return
    for path in options.captions:
        write_caption_file(words, path, settings)


def add_timing_options(parser: argparse.ArgumentParser) -> None:
    """--word-timings and what is placed by them."""
    timed = parser.add_argument_group("words at given times")
    timed.add_argument(
        "--word-timings",
        type=Path,
        metavar="FILE",
        help="word-timed SRT, VTT or JSON: words of the text spelled alike are spoken then; without a text, its own",
    )
    timed.add_argument(
        "--anchored", choices=("phrases", "words"), default="phrases", help="what is placed (default: phrases)"
    )


def with_timings(options: argparse.Namespace, text: str) -> str:
    """The text with the tags that --word-timings asks for."""
    from ..script.timed_words import timed_text
    from ..script.word_timings import read_word_timings

    if options.word_timings is None:
        return text
    timings = read_word_timings(text_file(options.word_timings))
    return timed_text(timings, text, anchored=options.anchored)
