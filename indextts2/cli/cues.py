"""Move, merge and split the cues of a script, put them on frames, and list those that are too short for their words."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from ..errors import InputError
from ..script.kinds import AUTO, KINDS
from .common import Usage, add_checkpoint_option, any_number, check_output, checkpoint_of, positive, write_result

HELP = "edit the cues of a script before it is spoken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("script", type=Path, help="SRT, VTT, ASS, SBV, LRC, TTML, CSV, TSV, JSON, or plain dialogue")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="file to write: .srt, .vtt, .json or .txt")
    parser.add_argument(
        "--kind", default=AUTO, help=f"{', '.join(KINDS)} (default: by what the file holds and its name)"
    )
    parser.add_argument("--encoding", default="", help="encoding of the script file (default: UTF-8)")
    parser.add_argument(
        "--merge", type=positive(float, zero=True), metavar="S", help="join cues of one speaker so near to each other"
    )
    parser.add_argument(
        "--merge-characters", type=positive(int), default=84, metavar="N", help="longest text of joined cues"
    )
    parser.add_argument("--split", type=positive(int), default=0, metavar="N", help="longest text of a cue")
    parser.add_argument(
        "--shift", type=any_number(float), default=0.0, metavar="S", help="seconds later; below 0 is earlier"
    )
    parser.add_argument("--fps", type=positive(float), default=0.0, help="put starts and ends on frames of this rate")
    parser.add_argument("--check", action="store_true", help="list cues that are too short, with the seconds they need")
    add_checkpoint_option(parser)
    parser.add_argument("--json", action="store_true", help="write the result as JSON to the output")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..script.edit_cues import CueSettings, describe_cues, edited, estimate_of, short_cues
    from ..script.read import read_script_file, write_script_file
    from ..script.tables import fields_of

    if options.output is not None:
        check_output(options.output)
    try:
        settings = CueSettings(options.merge, options.merge_characters, options.split, options.shift, options.fps)
    except InputError as error:
        raise Usage(str(error)) from error
    before = read_script_file(options.script, options.kind, options.encoding)
    after = edited(before, settings)
    short = None
    if options.check:
        from ..loading.checkpoint import load_front_end
        from ..loading.pace import pace_of

        checkpoint = checkpoint_of(options)
        short = short_cues(after, estimate_of(load_front_end(checkpoint), pace_of(checkpoint)))
    if options.output is not None:
        write_script_file(after, options.output)
    result = {
        "lines": [fields_of(line) for line in after.lines],
        "too_short": None if short is None else [{**dataclasses.asdict(one), "line": one.line + 1} for one in short],
    }
    write_result(options, result, describe_cues(before, after, short))
