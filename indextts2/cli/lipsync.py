"""Make speech ready for a video model that moves lips: whole frames, its rate and channels, a quiet room in pauses."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError
from .common import Usage, add_output_options, any_number, check_output, positive, write_result

HELP = "make speech ready for a video model that moves lips"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("audio", type=Path, help="the speech, a WAV or FLAC file")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("lipsync.wav"), metavar="FILE", help="track for the video model"
    )
    parser.add_argument("--clean", type=Path, metavar="FILE", help="also write the track without the room")
    parser.add_argument("--words", type=Path, metavar="JSON", help="words of it, as --captions FILE.json writes them")
    parser.add_argument("--frame-rate", type=positive(float), default=25.0, help="video frames per second")
    parser.add_argument(
        "--frame-step", type=positive(int), default=1, help="frames are a multiple of this plus one: 8 LTX, 4 Wan"
    )
    parser.add_argument("--sample-rate", type=positive(int), default=44_100, help="samples per second")
    parser.add_argument("--mono", action="store_true", help="one channel instead of two")
    parser.add_argument(
        "--room-tone", type=any_number(float), default=-65.0, metavar="DB", help="level of the room in pauses"
    )
    parser.add_argument("--seed", type=any_number(int), default=0, help="the same seed gives the same room")
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..audio.io import read_audio, write_audio
    from ..script.caption_files import read_words
    from ..stages.lip_sync import LipSyncSettings, prepare_lip_sync

    for path in filter(None, (options.output, options.clean)):
        check_output(path)
    try:
        settings = LipSyncSettings(
            options.frame_rate,
            options.sample_rate,
            not options.mono,
            options.frame_step,
            options.room_tone,
            options.seed,
        )
    except InputError as error:
        raise Usage(str(error)) from error
    words = None if options.words is None else read_words(options.words)
    made = prepare_lip_sync(read_audio(options.audio), settings, words=words)
    write_audio(options.output, made.track)
    if options.clean is not None:
        write_audio(options.clean, made.clean)
    result = {
        "file": str(options.output),
        "frames": made.frame_count,
        "frame_rate": options.frame_rate,
        "samples": made.track.samples.shape[-1],
        "sample_rate": made.track.sample_rate,
        "mouth": list(made.mouth),
    }
    seconds = f"{made.track.seconds:.3f} s"
    write_result(options, result, f"{options.output}: {made.frame_count} frames at {options.frame_rate:g}, {seconds}.")
