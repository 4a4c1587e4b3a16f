"""Write a checkpoint in the native layout: only live weights, one safetensors file per model, any precision."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import PRECISIONS, add_output_options, model_folders, progress_bar, write_result

HELP = "official layout to native, or another precision"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("checkpoint", help="folder or name of the checkpoint to read")
    parser.add_argument("folder", type=Path, help="new folder to write")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of the weights in the new files")
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..loading.checkpoint import open_checkpoint
    from ..loading.convert import convert
    from ..loading.describe import describe

    with progress_bar(options, "converting") as progress:
        convert(
            open_checkpoint(options.checkpoint, model_folders()),
            options.folder,
            precision=options.precision,
            progress=progress,
        )
    result = describe(open_checkpoint(options.folder))
    written = sum(part["bytes"] for part in result["parts"])
    write_result(options, result, f"{options.folder}: {len(result['parts'])} parts, {written / 1e6:.1f} MB")
