"""Speaks many lines in one process, and prints what must stay level: memory, threads, open files, live tensors.

    python -m tools.long_life --lines 500

Lines differ in length, as those of a script do, and the process is set up as that of the command `script`, unless the
environment says otherwise. The first fifth warms up: libraries are loaded, and caches of shapes
fill. Ends with 1 where something grew from the second fifth to the last by more than `LIMITS` allow, in the mean.
With --checks it speaks a few lines under the profiler of Python and prints the share of the processor's time that goes
into checks of values; the profiler slows these more than tensors, so the true share is smaller.
With --cues the script command speaks that many cues instead, is killed --kills times and resumed, and must end in the
same bytes as a run that was left alone.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import pstats
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from indextts2.__main__ import prepare_process

prepare_process("script", os.environ)  # what the command sets before torch is imported

import torch  # noqa: E402

from indextts2.contracts import Duration  # noqa: E402
from indextts2.loading.checkpoint import load_speech, open_checkpoint  # noqa: E402
from indextts2.loading.find import built_in_references  # noqa: E402
from indextts2.script.model import clock  # noqa: E402
from indextts2.stages.semantic_to_mel import FlowSettings  # noqa: E402
from indextts2.stages.speak import SpeakSettings, speak  # noqa: E402
from indextts2.stages.t2s.batches import DecodingSettings  # noqa: E402

ROOT = Path(__file__).parent.parent
WORDS = (
    "the rain had stopped before sunrise and nobody in our house was awake but one old grey cat on a warm roof".split()
)
LIMITS = {"resident_mb": 25.0, "threads": 0.5, "open_files": 0.5, "live_tensors": 40.0}
"""Growth that is no leak: of the memory, what the allocator keeps in pieces."""

Figures = dict[str, float]


def figures() -> Figures:
    """What the process holds now. Open files and memory as Linux tells them; 0 elsewhere."""
    gc.collect()
    status, descriptors = Path("/proc/self/status"), Path("/proc/self/fd")
    rows = status.read_text().splitlines() if status.is_file() else []
    resident = next((int(row.split()[1]) / 1024 for row in rows if row.startswith("VmRSS")), 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some objects warn when their class is asked for
        tensors = sum(isinstance(one, torch.Tensor) for one in gc.get_objects())
    return {
        "resident_mb": round(resident, 1),
        "threads": threading.active_count(),
        "open_files": len(list(descriptors.iterdir())) if descriptors.is_dir() else 0,
        "live_tensors": tensors,
    }


def sentence(dice: random.Random, most_words: int) -> str:
    """A line of a random length."""
    words = [dice.choice(WORDS) for _ in range(dice.randint(2, most_words))]
    return " ".join(words).capitalize() + "."


def live(lines: int, every: int, *, steps: int, most_words: int, checkpoint: str = "mini") -> list[Figures]:
    """Figures after every so many lines that are spoken in this process."""
    from indextts2.audio.io import read_audio

    models, dice, found = load_speech(open_checkpoint(checkpoint)), random.Random(0), []
    reference = read_audio(next(iter(built_in_references().values())))
    settings = SpeakSettings(
        decoding=DecodingSettings(allow_any_length=True), flow=FlowSettings(steps=steps, allow_any_stretch=True)
    )
    begin = time.monotonic()
    for number in range(1, lines + 1):
        duration = Duration("seconds", dice.uniform(0.5, 2.0)) if dice.random() < 0.3 else None
        speech = speak(models, sentence(dice, most_words), reference, duration=duration, settings=settings, seed=number)
        if duration is not None and speech.waveform.samples.shape[-1] != round(
            duration.value * speech.waveform.sample_rate
        ):
            raise SystemExit(f"line {number}: {duration.value} s were asked, and {speech.waveform.seconds} s came out")
        del speech
        if number % every == 0:
            found.append({"lines": number, **figures()})
            sys.stdout.write(f"{json.dumps(found[-1])}  {time.monotonic() - begin:.0f} s\n")
            sys.stdout.flush()
    return found


def grown(found: Sequence[Figures]) -> Figures:
    """What grew more than it may from the second fifth to the last."""
    part = max(1, len(found) // 5)
    early, late = found[part : 2 * part], found[-part:]
    means = {
        name: sum(one[name] for one in late) / len(late) - sum(one[name] for one in early) / len(early)
        for name in LIMITS
    }
    return {name: round(mean, 1) for name, mean in means.items() if mean > LIMITS[name]}


CHECKS = ("check_fields", "check_whole", "check_shape", "check_finite", "require_same_checkpoint", "check_length")
"""Functions that only look at values."""


def share_of_checks(lines: int, *, steps: int, most_words: int) -> tuple[float, float, int]:
    """Seconds in the functions of `CHECKS`, seconds in all, and calls of them, of so many spoken lines."""
    from indextts2.audio.io import read_audio

    models, dice = load_speech(open_checkpoint("mini")), random.Random(0)
    reference = read_audio(next(iter(built_in_references().values())))
    profile = cProfile.Profile(time.thread_time)
    for number in range(lines + 1):  # the first one warms up
        if number == 1:
            profile.enable()
        settings = SpeakSettings(flow=FlowSettings(steps=steps))
        speak(models, sentence(dice, most_words), reference, settings=settings, seed=number)
    profile.disable()
    stats = pstats.Stats(profile)
    own = [(calls, spent) for (_, _, name), (_, calls, _, spent, _) in stats.stats.items() if name in CHECKS]
    return sum(spent for _, spent in own), stats.total_tt, sum(calls for calls, _ in own)


def subtitles(cues: int, dice: random.Random) -> str:
    """Cues at odd milliseconds."""
    at, rows = 137, []
    for number in range(cues):
        end = at + dice.randint(400, 900)
        rows.append(f"{number + 1}\n{clock(at)} --> {clock(end)}\n{sentence(dice, 3)}\n")
        at = end + dice.randint(1, 300)
    return "\n".join(rows)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_and_resumed(cues: int, kills: int, options: Sequence[str] = ()) -> bool:
    """Whether a script that was killed at random moments ends in the same bytes as one that was not."""
    dice = random.Random(9)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cues.srt").write_text(subtitles(cues, dice), encoding="utf-8")
        program = [sys.executable, "-m", "indextts2", "script", str(folder / "cues.srt"), *options, "-o"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        for kill in range(kills):
            process = subprocess.Popen([*program, str(folder / "killed")], cwd=ROOT, env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            finished = folder / "killed" / "finished"
            wanted = (kill + 1) * cues // (kills + 1)
            while process.poll() is None and len(list(finished.glob("*.safetensors"))) < wanted:
                time.sleep(0.05)
            time.sleep(dice.random() * 0.5)
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            process.wait()
            sys.stdout.write(f"killed at {len(list(finished.glob('*.safetensors')))} finished lines\n")
            sys.stdout.flush()
        for target in ("killed", "whole"):
            subprocess.run([*program, str(folder / target)], cwd=ROOT, env=environment, check=True)
        return contents(folder / "killed") == contents(folder / "whole")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--every", type=int, default=10, help="lines between two figures")
    parser.add_argument("--steps", type=int, default=4, help="steps of the flow")
    parser.add_argument("--checkpoint", default="mini", help="folder of another one, such as a tiny one")
    parser.add_argument("--words", type=int, default=8, help="most words of a line")
    parser.add_argument("--cues", type=int, default=0, help="cues of a script that is killed and resumed")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--checks", type=int, default=0, help="lines whose checks of values are measured")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.checks:
        spent, whole, calls = share_of_checks(options.checks, steps=options.steps, most_words=options.words)
        sys.stdout.write(
            f"{options.checks} lines: {calls / options.checks:.0f} checks and {1e3 * spent / options.checks:.2f} ms of "
            f"{1e3 * whole / options.checks:.0f} ms a line, {spent / whole:.2%}\n"
        )
        return 0
    if options.cues:
        more = ["--steps", str(options.steps), "--retries", "0", "--checkpoint", options.checkpoint]
        same = killed_and_resumed(options.cues, options.kills, more)
        sys.stdout.write(f"{options.cues} cues, {options.kills} kills: {'the same bytes' if same else 'OTHER BYTES'}\n")
        return int(not same)
    found = live(
        options.lines, options.every, steps=options.steps, most_words=options.words, checkpoint=options.checkpoint
    )
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    more = grown(found)
    sys.stdout.write(f"{options.lines} lines: {'level' if not more else f'grew: {more}'}\n")
    return int(bool(more))


if __name__ == "__main__":
    raise SystemExit(main())
