"""Feeds damaged and hostile data to every reader of the library, and reports what is no error of its own.

    python -m tools.attack --minutes 60 --seed 1

Each target takes a generator of random numbers and an empty folder, makes one piece of data, and lets the library read
it. Reading may succeed, or raise one of the library's errors in one short sentence; anything else is a finding, printed
with the seed that repeats it. The tests run a few rounds of every target (`tests/attack/test_attack.py`).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import files, speech, texts

Target = Callable[[random.Random, Path], object]
LONGEST_MESSAGE = 2_000
SLOWEST = 20.0  # seconds of the processor that a round may take

TARGETS: dict[str, Target] = {
    "YAML": texts.attack_yaml,
    "JSON": texts.attack_json,
    "configuration": texts.attack_config,
    "recipe": texts.attack_recipe,
    "cast": texts.attack_cast,
    "script": texts.attack_script,
    "text": texts.attack_text,
    "tagged text": texts.attack_tagged_text,
    "word timings": texts.attack_word_timings,
    "words in time": texts.attack_words_in_time,
    "captions": texts.attack_captions,
    "cue edits": texts.attack_cue_edits,
    "accepted lines": texts.attack_accepted,
    "reply": texts.attack_reply,
    "names": texts.attack_names,
    "saved value": files.attack_saved_value,
    "weights": files.attack_weights,
    "audio": files.attack_audio,
    "LoRA settings": files.attack_lora_settings,
    "LoRA weights": files.attack_lora_weights,
    "checkpoint": files.attack_checkpoint,
    "presets": files.attack_presets,
    "pace": files.attack_pace,
    "finished line": files.attack_finished_line,
    "takes file": files.attack_takes_file,
    "reference cache": files.attack_reference_cache,
    "speech": speech.attack_speech,
}
"""Targets of the attack; a new reader is a new row."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: what was attacked, with which seed, and what happened."""

    target: str
    seed: int
    report: str


def attack(target: str, seed: int) -> Finding | None:
    """One round of a target; the fault it found, if any."""
    from indextts2.errors import IndexTTS2Error

    begin = time.thread_time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            TARGETS[target](random.Random(f"{target} {seed}"), Path(folder))
        except IndexTTS2Error as error:
            message = str(error)
            if len(message) > LONGEST_MESSAGE:
                return Finding(target, seed, f"a message of {len(message)} characters: {message[:200]}")
        except Exception:  # noqa: BLE001 - whatever it is, it is the finding
            return Finding(target, seed, traceback.format_exc())
    spent = time.thread_time() - begin
    return Finding(target, seed, f"it took {spent:.0f} s") if spent > SLOWEST else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to attack")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each round takes the next one")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="attack this alone; may be repeated")
    options = parser.parse_args()
    targets = options.target or list(TARGETS)
    end, seed, findings = time.monotonic() + 60 * options.minutes, options.seed, 0
    rounds: Counter[str] = Counter()
    while time.monotonic() < end:
        for target in targets:
            found = attack(target, seed)
            rounds[target] += 1
            if found is not None:
                findings += 1
                sys.stdout.write(f"--- {found.target}, seed {found.seed}\n{found.report}\n")
                sys.stdout.flush()
        seed += 1
    sys.stdout.write(f"{rounds.total()} rounds, seeds {options.seed} to {seed - 1}: {findings} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
