"""Time every stage and the whole chain, or count the memory of each; write machine, versions and figures as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import write_text
from ..loading.releases import OFFICIAL_KIND, RELEASES
from .common import (
    add_compute_options,
    check_output,
    checkpoint_of,
    device_of,
    dtype_of,
    positive,
    write_line,
)

if TYPE_CHECKING:
    from ..loading.checkpoint import Checkpoint

HELP = "time every stage, or count its memory"
WEIGHTS = ("fp32", "fp16", "bf16", "int8")
MEGABYTE = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--seconds", type=positive(float), default=4.0, help="length of the speech to make")
    parser.add_argument("--repeats", type=positive(int), default=5, help="timed runs, after one to warm up")
    parser.add_argument("--no-warm-up", action="store_true", help="time the first run too, for long runs")
    parser.add_argument(
        "--memory",
        action="store_true",
        help="count weights and tensors of each part instead of timing it; takes seconds at any size",
    )
    parser.add_argument(
        "--reference-seconds", type=positive(float), default=15.0, help="with --memory: length of the reference"
    )
    parser.add_argument("--stage", action="append", metavar="NAME", help="only this stage; may be given several times")
    parser.add_argument(
        "--steps", type=positive(int), help="flow steps of semantic-to-mel (default: what the checkpoint says)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument(
        "--full-size",
        action="store_true",
        help=(
            "random weights of the released sizes instead of a checkpoint, and the ratio of each stage to its "
            "arithmetic floor"
        ),
    )
    parser.add_argument(
        "--kind", choices=tuple(RELEASES), default=OFFICIAL_KIND, help="with --full-size: which release (default: 2.0)"
    )
    parser.add_argument(
        "--weights",
        choices=WEIGHTS,
        help="with --full-size: how the weights are stored; int8 halves fp16 again (default: as --precision)",
    )
    add_compute_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..bench.stages import BenchSettings, benchmark
    from ..errors import InputError
    from .common import Usage

    if options.json is not None:
        check_output(options.json)
    if options.memory:
        _count_memory(options)
        return
    try:
        settings = BenchSettings(
            seconds=options.seconds,
            repeats=options.repeats,
            steps=options.steps,
            stages=tuple(options.stage or ()),
            floor=options.full_size,
            warm_up=not options.no_warm_up,
        )
    except InputError as error:
        raise Usage(str(error)) from error
    device = device_of(options)
    checkpoint = _generated(options) if options.full_size else checkpoint_of(options)
    result = benchmark(checkpoint, device, dtype_of(options), settings)
    _write(options, result, _in_words(result))


def _write(options: argparse.Namespace, result: dict[str, Any], text: str) -> None:
    import json

    if options.json is not None:
        write_text(options.json, json.dumps(result, indent=2) + "\n")
    write_line(text)


def _count_memory(options: argparse.Namespace) -> None:
    from ..bench.memory import MemoryCase, memory_of
    from ..loading.checkpoint import load_speech

    device = device_of(options)
    checkpoint = _generated(options, numbers=False) if options.full_size else checkpoint_of(options)
    models = load_speech(checkpoint, device, dtype_of(options))
    case = MemoryCase(seconds=options.seconds, reference_seconds=options.reference_seconds)
    parts = memory_of(models, case)
    result = {
        "checkpoint": checkpoint.config.name,
        "weights": options.weights or options.precision,
        "t2s_precision": options.precision,
        "seconds": case.seconds,
        "reference_seconds": case.reference_seconds,
        "parts": {part.part: {"weight_bytes": part.weights, "work_bytes": part.work} for part in parts},
        "all_at_once_bytes": sum(part.weights for part in parts) + max(part.work for part in parts),
        "one_at_a_time_bytes": max(part.total for part in parts),
    }
    lines = [f"{result['checkpoint']}, {case.seconds:g} s of speech from {case.reference_seconds:g} s, in MB"]
    lines += [
        f"  {part.part:<10}weights {part.weights / MEGABYTE:8.0f}, work {part.work / MEGABYTE:7.0f}, "
        f"together {part.total / MEGABYTE:8.0f}"
        for part in parts
    ]
    lines.append(f"  all parts on the device: {result['all_at_once_bytes'] / MEGABYTE:.0f}")
    lines.append(f"  one part at a time:      {result['one_at_a_time_bytes'] / MEGABYTE:.0f}")
    _write(options, result, "\n".join(lines))


def _generated(options: argparse.Namespace, *, numbers: bool = True) -> Checkpoint:
    from ..loading.generated import full_size_config, generated_checkpoint

    config = full_size_config(options.kind)
    return generated_checkpoint(options.weights or options.precision, config, seed=0 if numbers else None)


def _in_words(result: dict[str, Any]) -> str:
    lines = [f"{result['checkpoint']['name']} on {result['device']}, {result['seconds']} s of speech"]
    for name, figures in result["stages"].items():
        lines.append(
            f"  {name:<18}{figures['median_seconds']:9.4f} s  ({figures['minimum_seconds']:.4f} to "
            f"{figures['maximum_seconds']:.4f})  real-time factor {figures['real_time_factor']:.4f}"
        )
        lines.append(
            f"{'':20}{figures['processor_seconds']:9.4f} s of the processor, "
            f"{figures['work_mebibytes']:.0f} MiB of work"
        )
        if "share" in figures:
            lines[-1] += (
                f", of which arithmetic at full speed is {figures['arithmetic_share']:.0%} "
                f"and reading weights {figures['reading_share']:.0%}"
            )
    return "\n".join(lines)
