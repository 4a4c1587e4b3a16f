"""Write finished training runs into a checkpoint; parts that are not given stay as they are in the folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .common import PRECISIONS, Usage, add_output_options, write_result

if TYPE_CHECKING:
    from ..config import Config
    from ..loading.native import About

HELP = "write training runs into a checkpoint"
MINI = "mini"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    from ..loading.parts import module_parts

    parser.add_argument("folder", type=Path, help="checkpoint to write, or to replace parts of")
    for part in module_parts():
        parser.add_argument(f"--{part.replace('_', '-')}", type=Path, metavar="RUN", help=f"run that trained {part}")
    parser.add_argument("--emotion-bank", type=Path, metavar="FILE", help="bank made from labelled recordings")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="SentencePiece model")
    parser.add_argument("--text-to-emotion", type=Path, metavar="DIR", help="exported text-to-emotion model")
    parser.add_argument(
        "--config", metavar="YAML", help=f"config.yaml with the sizes, or {MINI}; default: the folder's"
    )
    parser.add_argument("--licence", help="licence of the weights (default: the folder's)")
    parser.add_argument("--provenance", help="how the weights were made, in words (default: the folder's)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="precision of the files written (default: the folder's, or fp32)"
    )
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..loading.checkpoint import open_checkpoint
    from ..loading.describe import describe
    from ..loading.parts import module_parts
    from ..training.loop.export import export_checkpoint

    runs = {part: getattr(options, part) for part in module_parts() if getattr(options, part) is not None}
    if not (runs or options.emotion_bank or options.tokenizer or options.text_to_emotion):
        raise Usage("Nothing to export is given. Name at least one run, such as --vocoder RUN.")
    export_checkpoint(
        options.folder,
        runs,
        _about(options),
        config=_config(options),
        bank=options.emotion_bank,
        tokenizer=options.tokenizer,
        text_to_emotion=options.text_to_emotion,
    )
    result = describe(open_checkpoint(options.folder))
    missing = ", ".join(result["missing"])
    state = f"still missing: {missing}" if missing else "complete"
    write_result(options, result, f"{options.folder}: wrote {', '.join(runs) or 'no models'}; {state}")


def _config(options: argparse.Namespace) -> Config | None:
    from ..loading.config_file import read_config
    from ..training.mini import MINI as MINI_CONFIG

    if options.config is None:
        return None
    return MINI_CONFIG if options.config == MINI else read_config(Path(options.config)).config


def _about(options: argparse.Namespace) -> About:
    from dataclasses import replace

    from ..loading.config_file import CONFIG_NAME, read_config
    from ..loading.native import About, about_of

    path = options.folder / CONFIG_NAME
    known = about_of(read_config(path).metadata) if os.path.isfile(path) else About()
    given = {name: getattr(options, name) for name in ("licence", "provenance", "precision")}
    return replace(known, **{name: value for name, value in given.items() if value is not None})
