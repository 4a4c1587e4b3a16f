"""Train one part of the model from a recipe, or resume the run in the same folder."""

from __future__ import annotations

import argparse
import importlib
import logging
from pathlib import Path

from ..checks import MOST_THREADS
from .common import Usage, add_output_options, positive, write_result

HELP = "train one part from a recipe"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("part", help="part to train; an unknown name lists the known ones")
    parser.add_argument("recipe", type=Path, help="YAML file with the settings of the part")
    parser.add_argument("folder", type=Path, help="folder for the run's state, log and curves")
    parser.add_argument(
        "--threads", type=positive(int, most=MOST_THREADS), metavar="N", help="CPU threads (default: torch's choice)"
    )
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    import torch

    from ..training.__main__ import PARTS, only_command

    if options.part not in PARTS:
        raise Usage(f"There is no part '{options.part}' to train; known are {', '.join(PARTS)}.")
    logging.getLogger("indextts2").setLevel(logging.INFO)  # a run tells what it does; `main` undoes it
    if options.threads:
        torch.set_num_threads(options.threads)
    module, function = PARTS[options.part]
    train = getattr(importlib.import_module(f"..training.{module}", __package__), function)
    with only_command(options.folder):
        trained = train(options.recipe, options.folder)
    result = {"part": options.part, "step": trained.step, "minutes": trained.minutes, "reason": trained.reason}
    text = f"{options.part}: step {trained.step} after {trained.minutes:.1f} minutes ({trained.reason})"
    write_result(options, result, text)
