"""Time every stage and the whole chain, and write machine, versions and figures as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import (
    add_compute_options,
    checkpoint_of,
    device_of,
    dtype_of,
    positive,
    write_line,
)

if TYPE_CHECKING:
    from ..loading.checkpoint import Checkpoint

HELP = "time every stage"
WEIGHTS = ("fp32", "fp16", "bf16", "int8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--seconds", type=positive(float), default=4.0, help="length of the speech that is made")
    parser.add_argument("--repeats", type=positive(int), default=5, help="timed runs after one to warm up")
    parser.add_argument("--stage", action="append", metavar="NAME", help="only this stage; may be given several times")
    parser.add_argument("--steps", type=positive(int), default=25, help="flow steps of semantic-to-mel")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument(
        "--full-size",
        action="store_true",
        help="generated weights of the released sizes instead of a checkpoint, with the share of the arithmetic floor",
    )
    parser.add_argument(
        "--weights",
        choices=WEIGHTS,
        help="with --full-size: how the weights are stored; int8 halves them again (default: like --precision)",
    )
    add_compute_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    import json

    from ..bench import BenchSettings, benchmark
    from ..errors import InputError
    from .common import Usage

    try:
        settings = BenchSettings(
            seconds=options.seconds,
            repeats=options.repeats,
            steps=options.steps,
            stages=tuple(options.stage or ()),
            floor=options.full_size,
        )
    except InputError as error:
        raise Usage(str(error)) from error
    device = device_of(options)
    checkpoint = _generated(options) if options.full_size else checkpoint_of(options)
    result = benchmark(checkpoint, device, dtype_of(options), settings)
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    write_line(_in_words(result))


def _generated(options: argparse.Namespace) -> Checkpoint:
    from ..loading.generated import generated_checkpoint

    return generated_checkpoint(options.weights or options.precision)


def _in_words(result: dict[str, Any]) -> str:
    lines = [f"{result['checkpoint']['name']} on {result['device']}, {result['seconds']} s of speech"]
    for name, figures in result["stages"].items():
        lines.append(
            f"  {name:<18}{figures['median_seconds']:9.4f} s  ({figures['minimum_seconds']:.4f} to "
            f"{figures['maximum_seconds']:.4f})  real-time factor {figures['real_time_factor']:.4f}"
        )
        if "share" in figures:
            lines[-1] += f", {figures['share']:.0%} of the time is arithmetic or reading weights at full speed"
    return "\n".join(lines)
