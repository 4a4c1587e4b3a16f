"""From a web server to speech with generated weights in the official nesting: download, find, convert, load, speak.

    python -m tools.benchmarks.full_size --work DIR [--kind 2.5] [--size full] [--small-files DIR] [--json FILE]

Run from the root of the repository. Full size needs about 36 GB below DIR for a while and takes minutes of one core;
tiny tries the script. Of every step it reports the time, the highest memory of its own, and the highest resident memory
with mapped files. --small-files names a folder with the released configuration, tokenizer or vocabulary, emotion bank
and statistics, as far as they are there. --markdown writes the table of docs/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import io
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from indextts2.audio.io import read_audio, write_wav
from indextts2.bench.memory import weight_bytes
from indextts2.cli.main import main as command
from indextts2.contracts import Waveform
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe
from indextts2.loading.find import find_checkpoints
from indextts2.loading.native import PRECISIONS as DTYPES
from indextts2.loading.parts import tensor_parts
from indextts2.loading.releases import OFFICIAL_KIND, RELEASES
from tests.host.load import ROOT

from .publish import publish
from .serve import serving

MEBIBYTE = 1 << 20
WATCH_SECONDS = 0.02
REFERENCE_SECONDS, REFERENCE_RATE = 1.2, 24_000
PRECISIONS = {"fp32": "fp32", "fp16": "fp16", "bf16": "bf16", "int8": "fp16"}
"""How a checkpoint is stored -> precision in which its T2S computes."""
WORDS_OF_EMOTION = "What a day!"
STAGES = ROOT / "workflows" / "api" / "13_stage_by_stage.json"
"""The example graph with a node for every stage."""


class Steps:
    """Measurements, written after every step, so that an interrupted run keeps what it found."""

    def __init__(self, file: Path | None, only: list[str]) -> None:
        self.file, self.only = file, only
        self.found: dict[str, Any] = {}

    def wanted(self, name: str) -> bool:
        return not self.only or name in self.only

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        release()
        Path("/proc/self/clear_refs").write_text("5")  # the highest resident memory begins anew
        wall, processor, watch = time.perf_counter(), time.process_time(), OwnMemory()
        facts: dict[str, Any] = {}
        yield facts
        self.found[name] = {
            "wall_seconds": round(time.perf_counter() - wall, 1),
            "processor_seconds": round(time.process_time() - processor, 1),
            "own_peak_mebibytes": watch.end() // MEBIBYTE,
            "resident_peak_mebibytes": status("VmHWM") // MEBIBYTE,
            **facts,
        }
        sys.stderr.write(f"{name}: {self.found[name]}\n")
        if self.file is not None:
            self.file.write_text(json.dumps(self.found, indent=2) + "\n", encoding="utf-8")


def release() -> None:
    """Give freed memory back to the system, so that the next step does not find it as its own."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class OwnMemory:
    """The highest memory of this process that belongs to no file, above what it had at the start."""

    def __init__(self) -> None:
        self.start = self.peak = status("RssAnon")
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        while not self.over.wait(WATCH_SECONDS):
            self.peak = max(self.peak, status("RssAnon"))

    def end(self) -> int:
        self.over.set()
        self.thread.join()
        return self.peak - self.start


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) * 1024


def run(options: argparse.Namespace) -> dict[str, Any]:
    steps, work = Steps(options.json, options.only), options.work
    published, models = work / "published", work / "models" / "indextts2"
    official = models / RELEASES[options.kind].rpartition("/")[2]
    os.environ["HF_HUB_CACHE"], os.environ["INDEXTTS2_MODELS"] = str(work / "no cache"), str(models)
    if not official.exists():  # what an earlier run brought is used again
        fetched(steps, published, official, options)
    with steps.step("find") as facts:
        facts["found"] = {one.folder: one.name for one in find_checkpoints([models])}[official.resolve()]
        facts["complete"] = describe(open_checkpoint(official.name, [models]))["complete"]
    if steps.wanted("info"):
        with steps.step("info, every sum and number") as facts:
            facts["says"] = told(["info", official.name, "--verify"])
    for precision in PRECISIONS:
        if (models / precision).exists() or not steps.wanted(f"convert {precision}"):
            continue
        with steps.step(f"convert {precision}") as facts:
            changes = convert(open_checkpoint(official), models / precision, precision=precision)
            facts["megabytes"] = {one.part: [one.before // 10**6, one.after // 10**6] for one in changes}
    if steps.wanted("compare fp32"):
        with steps.step("compare fp32") as facts:
            facts.update(compared(official, models / "fp32"))
    computed = {official.name: "fp32", **PRECISIONS}
    for name, precision in computed.items():
        if steps.wanted(f"load {name}"):
            load(steps, models / name, DTYPES[precision])
    speak(steps, work, computed, options)
    return steps.found


def speak(steps: Steps, work: Path, computed: Mapping[str, str], options: argparse.Namespace) -> None:
    """Every checkpoint speaks by the command and by the graph, with T2S in the precision of its files."""
    reference = work / "reference.wav"
    write_wav(reference, noise())
    for name, precision in computed.items():
        if steps.wanted(f"command {name}"):
            with steps.step(f"speak by command, {name}") as facts:
                facts.update(spoken_by_command(name, precision, reference, work / f"{name}.wav", options))
        if steps.wanted(f"graph {name}"):
            with steps.step(f"speak by graph, {name}") as facts:
                facts.update(spoken_by_graph(work, name, precision, options))
    if steps.wanted("emotion"):
        with steps.step("speak by command, emotion from words") as facts:
            words = ["--emotion-text", WORDS_OF_EMOTION]
            facts.update(spoken_by_command("int8", "fp16", reference, work / "emotion.wav", options, words))


def fetched(steps: Steps, published: Path, official: Path, options: argparse.Namespace) -> None:
    """Write what a hub holds, and download it from there; the first transfer of the largest file breaks off."""
    with steps.step("publish") as facts:
        publish(
            published, options.work, kind=options.kind, small_files=options.small_files, tiny=options.size == "tiny"
        )
        facts["bytes"] = sum(path.stat().st_size for path in published.rglob("*") if path.is_file())
    with steps.step("download") as facts, serving(published, kind=options.kind, cut_once="gpt.pth") as server:
        os.environ["HF_ENDPOINT"] = server.address
        facts["exit_code"] = command(["download", "official", "--kind", options.kind, "--to", str(official)])
        facts["files"] = sum(path.is_file() for path in official.rglob("*"))
        facts.update(bytes_sent=server.sent, cuts=server.cuts, resumed=server.resumed)
    shutil.rmtree(published)


def load(steps: Steps, folder: Path, dtype: torch.dtype) -> None:
    """All models of a checkpoint at once, as a program does that speaks many times."""
    with steps.step(f"load {folder.name}") as facts:
        models = load_speech(open_checkpoint(folder), "cpu", dtype)
        facts["t2s"] = str(dtype).removeprefix("torch.")
        facts["live_weights_mebibytes"] = sum(weight_bytes(models).values()) // MEBIBYTE
        del models


def compared(official: Path, native: Path) -> dict[str, int]:
    """Tensors that are bit for bit the same in both, and those that are not."""
    one, other = open_checkpoint(official), open_checkpoint(native)
    same = different = 0
    for part in tensor_parts():
        left, right = one.sources(part), other.sources(part)
        different += len(left.keys() ^ right.keys())
        for key in left.keys() & right.keys():
            equal = torch.equal(left[key](), right[key]())
            same, different = same + equal, different + (not equal)
    return {"same_tensors": same, "different_tensors": different}


def noise() -> Waveform:
    samples = torch.randn(1, 1, round(REFERENCE_SECONDS * REFERENCE_RATE), generator=torch.Generator().manual_seed(0))
    return Waveform((0.1 * samples).clamp(-1.0, 1.0), REFERENCE_RATE)


def spoken_by_command(
    name: str, precision: str, reference: Path, target: Path, options: argparse.Namespace, more: Sequence[str] = ()
) -> dict[str, Any]:
    """The work of `python -m indextts2 speak`, from reading the weights to the file."""
    words = ["speak", "Hello.", "--checkpoint", name, "--reference", str(reference), "-o", str(target)]
    words += ["--tokens", str(options.tokens), "--duration-method", "forced", "--steps", str(options.steps)]
    code = command([*words, "--precision", precision, "--threads", "1", *more])
    samples = read_audio(target).samples
    return {"exit_code": code, "samples": samples.shape[-1], "finite": bool(torch.isfinite(samples).all())}


def spoken_by_graph(work: Path, name: str, precision: str, options: argparse.Namespace) -> dict[str, Any]:
    """The example graph with a node for every stage, in the strict stand-in of the host."""
    from tests.host.load import load_pack
    from tests.host.machine import Machine

    machine = Machine(work, load_pack(work / "custom_nodes"))
    graph = json.loads(STAGES.read_text(encoding="utf-8"))
    changes = {
        "LoadCheckpoint": {"checkpoint": name, "precision": precision},
        "EncodeReference": {"seconds_limit": REFERENCE_SECONDS},
        "PrepareText": {"text": "Hello."},
        "Duration": {"unit": "tokens", "value": float(options.tokens), "method": "forced"},
        "SemanticToMel": {"steps": options.steps},
    }
    for node in graph.values():
        node["inputs"].update(changes.get(node["class_type"].removeprefix("IndexTTS2_"), {}))
    (vocoder,) = (key for key, node in graph.items() if node["class_type"] == "IndexTTS2_MelToAudio")
    samples = machine.run(graph)[vocoder][0][0]["waveform"]
    facts = {"samples": samples.shape[-1], "finite": bool(torch.isfinite(samples).all())}
    machine.free()
    return facts


def told(words: Sequence[str]) -> str:
    """What a command says. Raises RuntimeError where it fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = command(list(words))
    if code:
        raise RuntimeError(f"{' '.join(words)} failed: {said.getvalue()}")
    return said.getvalue()


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The measurements as Markdown, in the columns of docs/performance.md."""
    lines = ["| step | processor time | own memory at most | resident at most |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {facts['processor_seconds']:.0f} s | {facts['own_peak_mebibytes']} | "
        f"{facts['resident_peak_mebibytes']} |"
        for name, facts in found.items()
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a new folder for everything that is written")
    parser.add_argument("--kind", choices=tuple(RELEASES), default=OFFICIAL_KIND, help="which release")
    parser.add_argument("--size", choices=("tiny", "full"), default="full")
    parser.add_argument("--small-files", type=Path, metavar="DIR", help="released small files (default: made up)")
    parser.add_argument("--tokens", type=int, default=12, help="semantic tokens of the speech")
    parser.add_argument("--steps", type=int, default=1, help="flow steps")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="STEP",
        help="such as 'convert fp16', 'load int8', 'command fp32', 'graph fp16' or 'emotion'",
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path, help="the table of docs/performance.md")
    options = replace_work(parser.parse_args())
    torch.set_num_threads(1)
    found = run(options)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    if options.markdown is not None:
        options.markdown.write_text(table(found), encoding="utf-8")


def replace_work(options: argparse.Namespace) -> argparse.Namespace:
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()
