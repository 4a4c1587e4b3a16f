"""Write a checkpoint in the native layout: only the weights in use, one safetensors file per model, any precision."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import PRECISIONS, add_output_options, model_folders, progress_bar, write_result

HELP = "convert a checkpoint to the native layout, in any precision"
HELP_PRECISION = (
    "precision of the weights in the new files; int8 stores large linear layers in eight bits and the rest in fp16"
)
MEGABYTE = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("checkpoint", help="folder or name of the checkpoint to read")
    parser.add_argument("folder", type=Path, help="new folder to write")
    parser.add_argument("--precision", choices=(*PRECISIONS, "int8"), default="fp32", help=HELP_PRECISION)
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..loading.checkpoint import open_checkpoint
    from ..loading.convert import convert
    from ..loading.describe import describe

    with progress_bar(options, "converting") as progress:
        changes = convert(
            open_checkpoint(options.checkpoint, model_folders()),
            options.folder,
            precision=options.precision,
            progress=progress,
        )
    result = describe(open_checkpoint(options.folder))
    result["sizes"] = {change.part: {"before": change.before, "after": change.after} for change in changes}
    lines = [f"  {change.part:<18}{_arrow(change.before, change.after)}" for change in changes]
    total = _arrow(sum(change.before for change in changes), sum(change.after for change in changes))
    write_result(options, result, "\n".join([f"{options.folder}: {len(result['parts'])} parts, {total}", *lines]))


def _arrow(before: int, after: int) -> str:
    return f"{before / MEGABYTE:.1f} -> {after / MEGABYTE:.1f} MB"
