"""From a web server to speech with generated weights in the official nesting: download, find, convert, load, speak.

    python -m tests.benchmarks.full_size --work DIR [--size full] [--precision fp16] [--json FILE]

Run from the root of the repository. Full size writes about 18 GB to DIR and takes minutes; tiny tries the script.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from indextts2.bench import noise_recording
from indextts2.config import Config
from indextts2.contracts import Duration
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe
from indextts2.loading.download import DownloadSettings, download_official
from indextts2.loading.find import find_checkpoints
from indextts2.loading.fingerprint import sha256_of
from indextts2.loading.generated import full_size_config, generated_sources
from indextts2.loading.published import PUBLISHED
from indextts2.loading.renames import MODEL_PARTS
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings, speak
from indextts2.training.tokenizer import train_english_tokenizer

from ..conftest import TINY
from ..loading.official_writer import write_official

BLOCK = 1 << 20
DOWNLOADED = (*MODEL_PARTS, "tokenizer", "emotion_bank", "statistics")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a new folder for everything that is written")
    parser.add_argument("--size", choices=("tiny", "full"), default="full")
    parser.add_argument("--precision", choices=("fp32", "fp16", "bf16", "int8"), default="fp16")
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32", help="of T2S")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = run(options)
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


def run(options: argparse.Namespace) -> dict[str, Any]:
    steps: dict[str, Any] = {}
    config = full_size_config() if options.size == "full" else TINY
    config = replace(config, text=replace(config.text, tokenizer="bpe.model"))  # as the released files call it
    published, official, native = (options.work / name for name in ("published", "models/IndexTTS-2", "models/native"))
    with step(steps, "publish"):
        if not published.exists():  # what an earlier run made is served again
            publish(published, config, options.work)
    with step(steps, "download"), serving(published) as address:
        os.environ["HF_ENDPOINT"], os.environ["HF_HUB_CACHE"] = address, str(options.work / "no cache")
        report = download_official(official, DownloadSettings(parts=DOWNLOADED))
        steps["bytes"] = report.bytes
    with step(steps, "find"):
        found = {one.folder: one.name for one in find_checkpoints([options.work / "models"])}
        steps["found"] = found[official.resolve()]
    with step(steps, "convert"):
        changes = convert(open_checkpoint(official), native, precision=options.precision)
        steps["sizes"] = {change.part: [change.before, change.after] for change in changes}
    with step(steps, "load"):
        models = load_speech(open_checkpoint(native), options.device, getattr(torch, options.dtype))
    with step(steps, "speak"):
        duration = Duration("seconds", options.seconds, method="forced")
        settings = SpeakSettings(flow=FlowSettings(steps=options.steps))
        speech = speak(models, "Hello there.", noise_recording(), duration=duration, settings=settings)
        steps["samples"] = speech.waveform.samples.shape[-1]
        steps["finite"] = bool(torch.isfinite(speech.waveform.samples).all())
    steps["precision"] = [part["precision"] for part in describe(open_checkpoint(native))["parts"]]
    return steps


@contextmanager
def step(steps: dict[str, Any], name: str) -> Iterator[None]:
    """Seconds, own memory after it, and the highest resident memory of the process so far, mapped files included."""
    begin = time.perf_counter()
    yield
    steps[name] = {
        "seconds": round(time.perf_counter() - begin, 2),
        "own_mebibytes": own_memory() // BLOCK,
        "highest_resident_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stderr.write(f"{name}: {steps[name]}\n")


def own_memory() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def publish(folder: Path, config: Config, work: Path) -> None:
    """The official files with generated weights, and small stand-ins for those that hold none."""
    parts = {
        part: {key: make() for key, make in generated_sources(config, part).items()}
        for part in (*MODEL_PARTS, "statistics", "emotion_bank")
    }
    tokenizer = train_english_tokenizer(work / "tokenizer.model")
    write_official(folder, config, parts, tokenizer)
    for file in PUBLISHED:
        if file.part in DOWNLOADED and not (folder / file.local).exists():
            (folder / file.local).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.local).write_bytes(b"{}")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A hub on this machine with the files of a folder in the official layout."""
    places = {(file.repository, file.path): folder / file.local for file in PUBLISHED}
    sums = {place: sha256_of(place) for place in places.values() if place.exists()}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            names = urlsplit(self.path).path.strip("/").split("/")
            if names[:2] == ["api", "models"]:
                self.listing("/".join(names[2:4]))
            else:
                self.file(places["/".join(names[:2]), "/".join(names[4:])])

        def listing(self, repository: str) -> None:
            entries = [
                {"type": "file", "path": path, "size": size, "lfs": {"oid": sums[place], "size": size}}
                for (owner, path), place in places.items()
                if owner == repository and place.exists() and (size := place.stat().st_size)
            ]
            content = json.dumps(entries).encode()
            self.answer(200, len(content))
            self.wfile.write(content)

        def file(self, place: Path) -> None:
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            count = place.stat().st_size
            self.answer(206 if first else 200, count - first, f"bytes {first}-{count - 1}/{count}")
            with place.open("rb") as source:
                source.seek(first)
                while block := source.read(BLOCK):
                    self.wfile.write(block)

        def answer(self, code: int, count: int, content_range: str = "") -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(count))
            if code == 206:
                self.send_header("Content-Range", content_range)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
