"""SHA-256 of what eight fixed commands make with the mini checkpoint, to show that a change left every byte alone.

    python -m tools.fingerprints before.json              # on the commit to compare with
    python -m tools.fingerprints after.json --against before.json

Rounding differs between machines and versions of torch, so fingerprints are compared within one environment only, and
none are kept in the repository. `--only NAME` runs one command and may be given often.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = "The door was open, and nobody was there."
THREE_CUES = """1
00:00:00,500 --> 00:00:02,600
Anna: Good morning. You are late today.

2
00:00:03,000 --> 00:00:05,400
Ben [afraid .4]: I know. The train stood still for an hour.

3
00:00:05,800 --> 00:00:07,900
Anna [calm .4]: Never mind, we have not started yet.
"""
SCHEDULE = "06_emotion_schedule"
SAVING = "11_save_and_reuse_a_voice"
FINISHED = "finished"


def command(*arguments: str) -> None:
    """Run a command of the library in a process of its own."""
    subprocess.run([sys.executable, "-m", "indextts2", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def speak(folder: Path, *arguments: str) -> None:
    command("speak", TEXT, "--seed", "5", "-o", str(folder / "speech.wav"), *arguments)


def script(folder: Path) -> None:
    source = folder / "three_cues.srt"
    source.write_text(THREE_CUES, encoding="utf-8")
    command("script", str(source), "--seed", "5", "-o", str(folder / "script"))
    (folder / "script" / "report.json").unlink()  # it tells times


def convert(folder: Path) -> None:
    command("convert", "mini", str(folder / "int8"), "--precision", "int8")


def run_twin(folder: Path, name: str) -> None:
    """Run the API twin of an example graph in the stand-in host, with a copy of the host's folders in `folder`."""
    from tests.host.load import load_pack
    from tests.host.machine import Machine

    graph = json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))
    (folder / "custom_nodes").mkdir()
    Machine(folder, load_pack(folder / "custom_nodes")).run(graph)


COMMANDS: dict[str, Callable[[Path], None]] = {
    "free length": speak,
    "seconds": lambda folder: speak(folder, "--seconds", "3.2"),
    "an emotion": lambda folder: speak(folder, "--emotion", "happy=.6,surprised=.2"),
    "two takes": lambda folder: speak(folder, "--seconds", "2.5", "--takes", "2", "--mode", "sample"),
    "an emotion schedule": lambda folder: run_twin(folder, SCHEDULE),
    "a script of three cues": script,
    "a saved speaker": lambda folder: run_twin(folder, SAVING),
    "int8 weights": convert,
}


def fingerprints(names: list[str]) -> dict[str, dict[str, str]]:
    """Command -> file below its folder -> SHA-256 of the file."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            COMMANDS[name](Path(folder))
            found[name] = dict(sorted(named_digest(path, Path(folder)) for path in made_files(Path(folder))))
    return found


def named_digest(path: Path, folder: Path) -> tuple[str, str]:
    """Name and digest of a file; finished lines of a script are named by their content, as their names are hashes."""
    found = digest(path)
    return (f"finished/{found[:8]}" if path.parent.name == FINISHED else path.relative_to(folder).as_posix(), found)


def made_files(folder: Path) -> list[Path]:
    """The files of a run, without the links and caches that loading the pack leaves behind."""
    made = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in made if "custom_nodes" not in path.relative_to(folder).parts)


def digest(path: Path) -> str:
    """SHA-256 of a file; of a saved value without the time at which it was made."""
    data = path.read_bytes()
    if path.suffix == ".safetensors":
        end = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:end])
        header.get("__metadata__", {}).pop("made", None)
        data = json.dumps(header, sort_keys=True).encode() + data[end:]
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="JSON file to write")
    parser.add_argument("--against", type=Path, help="JSON file of an earlier run to compare with")
    parser.add_argument("--only", action="append", choices=sorted(COMMANDS), help="run this command alone")
    options = parser.parse_args()
    found = fingerprints(options.only or list(COMMANDS))
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.against is None:
        return 0
    before = json.loads(options.against.read_text(encoding="utf-8"))
    changed = [name for name in found if found[name] != before.get(name)]
    sys.stdout.write(f"changed: {', '.join(changed)}\n" if changed else f"{len(found)} commands: unchanged\n")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
