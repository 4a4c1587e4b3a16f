"""Give the lines of a script emotions, read from their words and the lines around them, as a script to look at."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError
from ..script.kinds import AUTO, KINDS
from .common import Usage, add_checkpoint_option, check_output, checkpoint_of, positive, progress_bar, write_result

HELP = "give the lines of a script emotions by their context"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("script", type=Path, help="SRT, VTT, ASS, SBV, LRC, TTML, CSV, TSV, JSON, or plain dialogue")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="script to write: .txt, .srt, .vtt or .json; for script"
    )
    parser.add_argument("--plot", type=Path, metavar="PNG", help="picture of the eight weights over the lines")
    parser.add_argument(
        "--kind", default=AUTO, help=f"{', '.join(KINDS)} (default: by what the file holds and its name)"
    )
    parser.add_argument("--encoding", default="", help="encoding of the script file (default: UTF-8)")
    parser.add_argument(
        "--before", type=positive(int, zero=True), default=2, metavar="N", help="lines before, read too"
    )
    parser.add_argument("--after", type=positive(int, zero=True), default=1, metavar="N", help="lines after, read too")
    for name, default, meaning in (
        ("context", 0.5, "share of the reading with the lines around, 0 to 1"),
        ("smoothing", 0.3, "weight of a neighbouring line, 0 to 1"),
        ("strength", 0.8, "factor of all weights, 0 to 1"),
        ("scene-gap", 8.0, "seconds without speech that end a scene"),
    ):
        parser.add_argument(f"--{name}", type=positive(float, zero=True), default=default, metavar="X", help=meaning)
    parser.add_argument(
        "--override", action="append", default=[], metavar="ROW", help="emotion of one line, such as '3: happy .6'"
    )
    add_checkpoint_option(parser)
    parser.add_argument("--json", action="store_true", help="write the result as JSON to the output")
    parser.add_argument("--progress", action="store_true", help="show progress even if no terminal is attached")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..loading.text_to_emotion import load_text_to_emotion
    from ..script.direction import DirectionSettings, describe_direction, direct, read_overrides
    from ..script.read import read_script_file, write_script_file
    from ..stages.emotion.from_text import emotion_from_text

    for path in filter(None, (options.output, options.plot)):
        check_output(path)
    names = ("before", "after", "context", "smoothing", "strength", "scene_gap")
    script = read_script_file(options.script, options.kind, options.encoding)
    try:
        settings = DirectionSettings(**{name: getattr(options, name) for name in names})
        overrides = read_overrides("\n".join(options.override), len(script.lines))
    except InputError as error:
        raise Usage(str(error)) from error
    model = load_text_to_emotion(checkpoint_of(options).folder)
    with progress_bar(options, "reading") as progress:
        found = direct(script, lambda text: emotion_from_text(model, text), settings, overrides, progress=progress)
    if options.output is not None:
        write_script_file(found.script, options.output)
    if options.plot is not None:
        _write_plot(options.plot, found)
    lines = [
        {"line": index + 1, "scene": scene + 1, "given": own, "emotion": dict(one.named())}
        for index, (one, own, scene) in enumerate(zip(found.weights, found.own, found.scenes, strict=True))
    ]
    write_result(options, {"lines": lines}, describe_direction(found))


def _write_plot(path: Path, found: object) -> None:
    from PIL import Image

    from ..atomic import replacing
    from ..plots.direction import draw_direction

    pixels = (draw_direction(found) * 255.0).round().byte().numpy()  # type: ignore[arg-type]
    with replacing(path) as file:
        Image.fromarray(pixels).save(file, format="PNG")
