"""The voice that a command speaks with, a recording or a name of the voice library, and lengths that it may ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .common import Usage, positive

if TYPE_CHECKING:
    from ..contracts import Speaker, Waveform


def add_any_length_option(group: argparse._ActionsContainer) -> None:
    """--any-length, of commands in which a length can be asked."""
    group.add_argument(
        "--any-length",
        action="store_true",
        help="speak lengths below half and above twice the natural one too, which are refused otherwise",
    )


def add_reference_options(parser: argparse.ArgumentParser) -> None:
    """--reference-start and --reference-seconds."""
    parser.add_argument(
        "--reference-start",
        type=positive(float, zero=True),
        default=0.0,
        metavar="S",
        help="second of the recording at which the part begins that is used",
    )
    parser.add_argument(
        "--reference-seconds",
        type=positive(float, zero=True),
        default=0.0,
        metavar="S",
        help="length of that part (default: all that follows)",
    )


def voice_of(options: argparse.Namespace) -> Waveform | Speaker:
    """The speaker that is named, or the part of the recording that is used."""
    from ..audio.io import read_audio
    from ..audio.recording import part_of_recording
    from ..loading.voices import SAVED
    from ..values.files import load_value

    path = _voice_path(options)
    if path.suffix.lower() != SAVED:
        return part_of_recording(read_audio(path), options.reference_start, options.reference_seconds)
    if options.reference_start or options.reference_seconds:
        raise Usage(
            f"{path} is a saved speaker, of which no part can be taken. Leave --reference-start and -seconds out."
        )
    return load_value(path, "speaker")


def _voice_path(options: argparse.Namespace) -> Path:
    from ..loading.find import built_in_references
    from ..loading.voices import voice_library, voice_named

    if options.reference is not None:
        return options.reference
    try:
        if options.voice is not None:
            return voice_named(options.voice, voice_library())
    except InputError as error:
        raise Usage(str(error)) from error
    for path in built_in_references().values():
        return path
    raise Usage("No built-in voice is installed. Give a recording with --reference, or a --voice.")


def notes_on(voice: Waveform | Speaker) -> tuple[str, ...]:
    """Sentences about what is poor about the recording of a speaker; none about a saved one."""
    from ..audio.recording import recording_quality
    from ..contracts import Waveform

    return recording_quality(voice).faults if isinstance(voice, Waveform) else ()
