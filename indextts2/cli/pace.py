"""Measure how fast a checkpoint speaks, and keep the numbers beside its configuration, for estimates of length."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

from ..atomic import shown_path
from ..errors import InputError
from .common import (
    Usage,
    add_compute_options,
    add_output_options,
    any_number,
    checkpoint_of,
    device_of,
    dtype_of,
    positive,
    progress_bar,
    write_result,
)

STEPS = 1000  # of one speaker's texts, on the progress bar of the whole
HELP = "measure how fast a checkpoint speaks, for estimates of length"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("texts", type=Path, help="texts to fit to: a .txt with one a line, or a .jsonl with 'text'")
    parser.add_argument(
        "--held-out", type=Path, required=True, metavar="FILE", help="other texts, on which the error is measured"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        action="append",
        metavar="WAV",
        help="a recording of a speaker; several are used in turn (default: the built-in voices)",
    )
    parser.add_argument("--most", type=positive(int), default=80, metavar="N", help="texts of each file (default: 80)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder for pace.json (default: that of the checkpoint)"
    )
    parser.add_argument("--seed", type=any_number(int), default=0, help="seed of the sampling")
    add_compute_options(parser)
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..audio.io import read_audio
    from ..contracts import subrange
    from ..evaluation.pace import SpokenText, fitted_pace, relative_errors, spoken_freely, with_error
    from ..loading.checkpoint import load_encoder, load_t2s
    from ..loading.find import built_in_references
    from ..loading.pace import write_pace
    from ..stages.conditions import condition_speaker
    from ..stages.reference import encode_reference

    held_out_texts = texts_in(options.held_out)
    fit_texts = [text for text in texts_in(options.texts) if text not in set(held_out_texts)][: options.most]
    held_out_texts = held_out_texts[: options.most]
    checkpoint, device = checkpoint_of(options), device_of(options)
    target = options.output or checkpoint.folder
    if not os.path.isdir(target):
        raise Usage(f"{shown_path(target)} is no folder. Name one that exists.")
    recordings = options.reference or list(built_in_references().values())
    encoder, t2s = load_encoder(checkpoint, device), load_t2s(checkpoint, device, dtype_of(options))
    spoken: dict[str, list[SpokenText]] = {"fit": [], "held out": []}
    with progress_bar(options, "speaking") as progress:
        for number, path in enumerate(recordings):
            speaker = condition_speaker(t2s, encode_reference(encoder, read_audio(path)))
            for half, (name, texts) in enumerate((("fit", fit_texts), ("held out", held_out_texts))):
                begin = STEPS * (2 * number + half)
                part = subrange(progress, begin, begin + STEPS, 2 * STEPS * len(recordings))
                own = texts[number :: len(recordings)]
                spoken[name] += spoken_freely(t2s, own, speaker, seed=options.seed, progress=part) if own else []
    pace = with_error(fitted_pace(spoken["fit"]), spoken["held out"])
    errors = sorted(relative_errors(spoken["held out"], pace))
    about: dict[str, Any] = {
        "texts": len(spoken["fit"]),
        "held_out": len(errors),
        "speakers": len(recordings),
        "error_90": round(errors[int(0.9 * (len(errors) - 1))], 4),
    }
    path = write_pace(target, pace, about)
    words = (
        f"{path}: median error {pace.median_error:.1%}, nine of ten within {about['error_90']:.1%}, "
        f"on {about['held_out']} held-out segments."
    )
    write_result(options, {"file": str(path), "median_error": pace.median_error, **about}, words)


def texts_in(path: Path) -> list[str]:
    """Different texts of a file, in order. Raises InputError for one without any."""
    from ..foreign import ForeignDataError, read_foreign_text, read_json_lines

    try:
        if path.suffix.lower() == ".jsonl":
            rows = [row for _, row in read_json_lines(path) if isinstance(row, dict)]
            texts = [row["text"] for row in rows if isinstance(row.get("text"), str)]
        else:
            texts = read_foreign_text(path).splitlines()
    except ForeignDataError as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    different = list(Counter(text.strip() for text in texts if text.strip()))
    if not different:
        raise InputError(f"{path} holds no text. Write one a line.")
    return different
