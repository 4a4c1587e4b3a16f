"""Minutes of text spoken as one line: memory over time, and whether the voice stays the same.

    python -m tools.benchmarks.long_text --work DIR [--checkpoint mini] [--minutes 10] [--json FILE]

Run from the root of the repository. A run that was stopped goes on in DIR, and then measures the rest only.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import torch
import yaml
from torch import Tensor

from indextts2.audio.fbank import FBANK, style_features
from indextts2.audio.resample import resample_sinc
from indextts2.contracts import Waveform
from indextts2.evaluation.listeners import similarity, speaker_embedding
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.find import built_in_references
from indextts2.sampling import SamplingSettings
from indextts2.script.cast import default_cast
from indextts2.script.line import LineSettings, SpokenLine
from indextts2.script.model import Line, Script
from indextts2.script.run import Job, JobSettings, run_lines
from indextts2.script.store import LineStore
from indextts2.script.take_scores import TakeSettings
from indextts2.stages.handles import SpeechModels
from indextts2.stages.semantic_to_mel import FlowSettings

from .forced_lengths import TEXTS

WORDS_PER_MINUTE = 150
MEGA = 1024**2


class Memory(threading.Thread):
    """Resident memory of this process and how far the work is, twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.share, self.rows, self.ended = 0.0, [], threading.Event()

    def run(self) -> None:
        own, begin = psutil.Process(), time.monotonic()
        while not self.ended.wait(0.5):
            self.rows.append((round(time.monotonic() - begin, 1), self.share, own.memory_info().rss / MEGA))

    def progress(self, done: int, total: int) -> None:
        self.share = done / max(1, total)


def text_of(minutes: float) -> str:
    """Sentences until so many minutes would be read."""
    texts = [text for lines in yaml.safe_load(TEXTS.read_text(encoding="utf-8")).values() for text in lines]
    words: list[str] = []
    while len(words) < minutes * WORDS_PER_MINUTE:
        words += texts[len(words) % len(texts)].split()
    return " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the finished passages")
    parser.add_argument("--checkpoint", default="mini")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--max-tokens", type=int, default=1500)
    parser.add_argument("--mode", choices=("beam", "sample", "greedy"), default="beam")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--retries", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    script = Script((Line(text_of(options.minutes)),))
    models = load_speech(open_checkpoint(options.checkpoint), torch.device(options.device))
    settings = LineSettings(
        sampling=SamplingSettings(mode=options.mode, max_tokens=options.max_tokens),
        flow=FlowSettings(steps=options.steps),
        takes=TakeSettings(retries=options.retries, listen=1),
    )
    voices = default_cast(built_in_references()).assigned(script.speakers)
    job = Job(script, voices, models.t2s.config, models.t2s.fingerprint, JobSettings(settings))
    store, memory = LineStore(options.work), Memory()
    memory.start()
    run_lines(job, lambda: models, store, progress=memory.progress)
    memory.ended.set()
    line = store.get(job.keys()[0])
    if line is None:
        raise SystemExit("The line vanished.")
    seconds = line.audio.shape[0] / line.report.sample_rate
    result = {
        "seconds_of_speech": round(seconds, 1),
        "passages": line.report.passages,
        "megabytes_of_audio": round(line.audio.numel() * 4 / MEGA, 1),
        "megabytes_by_tenth": tenths(memory.rows),
        "megabytes_at_most": round(max(row[2] for row in memory.rows)) if memory.rows else None,
        **likeness(models, line),
        "seconds_of_work": memory.rows[-1][0] if memory.rows else None,
    }
    print(json.dumps(result, indent=2))
    if options.json:
        told = {name: str(value) for name, value in vars(options).items()}
        options.json.write_text(json.dumps({"options": told, "torch": torch.__version__, **result}, indent=2) + "\n")


def likeness(models: SpeechModels, line: SpokenLine) -> dict[str, list[float]]:
    """Cosine of each minute to the first, and of the first half of each to its second, by every encoder at hand.

    The halves tell how much two stretches of the same time differ: what is below that is a drift.
    """
    rate = line.report.sample_rate
    minutes = [piece for piece in line.audio.split(60 * rate) if len(piece) > 30 * rate]
    encoders = {"style": lambda audio: style_of(models, audio, rate)}
    if importlib.util.find_spec("resemblyzer"):
        encoders["resemblyzer"] = lambda audio: speaker_embedding(Waveform(audio.view(1, 1, -1), rate))
    found = {}
    for name, encoder in encoders.items():
        whole = [encoder(minute) for minute in minutes]
        halves = [[encoder(half) for half in minute.chunk(2)] for minute in minutes]
        found[f"{name}_to_first_minute"] = [round(similarity(whole[0], one), 4) for one in whole[1:]]
        found[f"{name}_of_halves"] = [round(similarity(*pair), 4) for pair in halves]
    return found


@torch.no_grad()
def style_of(models: SpeechModels, audio: Tensor, rate: int) -> np.ndarray:
    """The checkpoint's own style vector of some speech: (style_dim,)."""
    features = style_features(resample_sinc(audio[None], rate, FBANK.sample_rate))
    return models.encoder.style_encoder(features)[0].numpy()


def tenths(rows: list[tuple[float, float, float]]) -> list[int | None]:
    """The most memory in each tenth of the work."""
    found = []
    for tenth in range(10):
        own = [megabytes for _, share, megabytes in rows if tenth <= share * 10 < tenth + 1]
        found.append(round(max(own)) if own else None)
    return found


if __name__ == "__main__":
    main()
