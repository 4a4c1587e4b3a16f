"""Times an installation of yours beside this project, in pairs: one table of processor time, memory and speech.

    python -m tools.compare_official --reference VOICE.wav --command "python infer.py {text} {reference} {output}"
    python -m tools.compare_official --reference VOICE.wav --python /opt/their/venv/bin/python --entry module:function

Nothing of another program is in this repository: you name a command of your own installation, with places for the text,
the reference and the WAV to write, or a function `function(text=..., reference=..., output=...)` that its Python can
import. Either runs in a process of its own, with as many threads as `--threads` says, turn by turn with ours, so that a
busy machine slows both. A short and a long text are spoken: their difference is the cost of a second of speech without
imports and loading, and what is left of the short one is these. `--ours` takes other options of `indextts2 speak`, such
as `--checkpoint IndexTTS-2 --preset fast`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from indextts2.atomic import write_text
from indextts2.audio.io import read_audio
from indextts2.bench.stages import TEXT
from indextts2.errors import InputError

SHORT, LONG = "Good morning.", TEXT
TEXTS = {"short": SHORT, "long": LONG}
KIBIBYTES_PER_MEBIBYTE = 1024
PLACES = ("{text}", "{reference}", "{output}")
CALL = (
    "import importlib, sys; name, text, reference, output = sys.argv[1:]; module, _, function = name.partition(':'); "
    "getattr(importlib.import_module(module), function)(text=text, reference=reference, output=output)"
)
"""Program that calls a Python entry."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process that spoke one text."""

    processor_seconds: float  # user and system, of the process and its children
    peak_mebibytes: float  # resident
    speech_seconds: float


def command_of(template: str) -> list[str]:
    """The words of a command with its places. Raises InputError where a place is missing."""
    missing = [place for place in PLACES if place not in template]
    if missing:
        raise InputError(f"The command should have the places {', '.join(PLACES)}, but lacks {', '.join(missing)}.")
    return shlex.split(template)


def entry_command(python: str, entry: str) -> list[str]:
    """The command that calls a function of another Python. Raises InputError for a name without its module."""
    module, _, function = entry.partition(":")
    if not (module and function):
        raise InputError(f"An entry is module:function, but got '{entry}'.")
    return [python, "-c", CALL, entry, *PLACES]


def spoken(command: Sequence[str], text: str, reference: Path, output: Path, environment: Mapping[str, str]) -> Run:
    """Run a command and measure it. Raises InputError where it fails or writes no sound."""
    values = dict(zip(PLACES, (text, str(reference), str(output)), strict=True))
    words = []
    for word in command:
        for place, value in values.items():
            word = word.replace(place, value)
        words.append(word)
    output.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(words, stdout=told, stderr=subprocess.STDOUT, env=dict(environment))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        last = told.read().decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    if process.returncode or not output.is_file():
        raise InputError(f"'{shlex.join(words)[:200]}' ended with {process.returncode} and no sound: {last[0][:300]}")
    seconds = read_audio(output).seconds
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIBIBYTES_PER_MEBIBYTE, seconds)


def summary(runs: Mapping[str, Sequence[Run]]) -> dict[str, float]:
    """Medians of the runs of a short and a long text."""
    short, long = (
        {name: statistics.median(getattr(run, name) for run in runs[text]) for name in Run.__slots__}
        for text in ("short", "long")
    )
    longer = long["speech_seconds"] - short["speech_seconds"]
    if longer <= 0.0:
        raise InputError("The long text gave no longer speech than the short one, so no cost of a second can be told.")
    per_second = (long["processor_seconds"] - short["processor_seconds"]) / longer
    return {
        "processor_per_second_of_speech": per_second,
        "processor_to_begin": short["processor_seconds"] - per_second * short["speech_seconds"],
        "peak_mebibytes": long["peak_mebibytes"],
        "speech_seconds": long["speech_seconds"],
        "processor_seconds": long["processor_seconds"],
    }


def compare(
    commands: Mapping[str, Sequence[str]], reference: Path, *, repeats: int, threads: int
) -> dict[str, dict[str, object]]:
    """Every command speaks every text as often as asked, turn by turn. Command -> its summary and runs."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    runs: dict[str, dict[str, list[Run]]] = {name: {text: [] for text in TEXTS} for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for text, words in TEXTS.items():
                for name, command in commands.items():
                    run = spoken(command, words, reference, Path(folder) / "speech.wav", environment)
                    runs[name][text].append(run)
                    sys.stderr.write(f"{name}, {text}: {run}\n")
    return {
        name: {**summary(own), "runs": {text: [asdict(run) for run in made] for text, made in own.items()}}
        for name, own in runs.items()
    }


def table(found: Mapping[str, Mapping[str, object]]) -> str:
    """The summaries as a Markdown table, with the ratio of the first to the second."""
    rows = [name for name in next(iter(found.values())) if name != "runs"]
    lines = [f"| | {' | '.join(found)} | ratio |", "|---" * (len(found) + 2) + "|"]
    for row in rows:
        values = [float(str(figures[row])) for figures in found.values()]
        ratio = f"{values[0] / values[1]:.2f}" if len(values) == 2 and values[1] else ""
        lines.append(f"| {row.replace('_', ' ')} | {' | '.join(f'{value:.2f}' for value in values)} | {ratio} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True, help="recording of the speaker")
    theirs = parser.add_mutually_exclusive_group(required=True)
    theirs.add_argument("--command", help="a command with {text}, {reference} and {output}")
    theirs.add_argument("--entry", help="module:function, called with text, reference and output")
    parser.add_argument("--python", default=sys.executable, help="the Python that can import the entry")
    parser.add_argument("--ours", default="", help="options of `indextts2 speak`")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write all runs to this file")
    options = parser.parse_args(arguments)
    ours = [sys.executable, "-m", "indextts2", "speak", "{text}", "--reference", "{reference}", "-o", "{output}"]
    try:
        other = command_of(options.command) if options.command else entry_command(options.python, options.entry)
        commands = {"theirs": other, "ours": [*ours, "--no-cache", *shlex.split(options.ours)]}
        found = compare(commands, options.reference, repeats=options.repeats, threads=options.threads)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json is not None:
        write_text(options.json, json.dumps(found, indent=2) + "\n")
    sys.stdout.write(table(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
