"""Everything that a GPU has to show, in at most eight minutes: right numbers, graphs, times, memory, cancel.

    python -m tools.gpu_check [--out gpu_check.json] [--device cuda] [--size full] [--minutes 8]

Run from the root of the repository. Every check is written to the file when it is done, and one that is there is not
done again, so that the same command resumes what was interrupted; a check that fails leaves its error, and the others
follow. No check begins when less time is left than the longest one took. Sizes and times need generated weights only,
whose numbers do not change the work; what is compared is compared on the mini that ships. `--device cpu --size tiny`
tries the script anywhere.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from indextts2.atomic import write_text
from indextts2.bench.memory import bytes_of
from indextts2.bench.stages import FIRST_TEXT, TEXT, device_limits, machine, noise_recording
from indextts2.contracts import Duration, PreparedText, SemanticSpeech, Speaker
from indextts2.errors import Cancelled, TrainingError
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.loading.find import mini_folder
from indextts2.loading.generated import full_size_config, generated_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.stages import graphs as graphs_module
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.graphs import SWITCH
from indextts2.stages.handles import SpeechModels
from indextts2.stages.mel_to_audio import mel_to_audio
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
from indextts2.stages.semantic_to_mel import FlowSettings, semantic_to_mel
from indextts2.stages.speak import SpeakSettings
from indextts2.stages.speak_early import EarlySettings
from indextts2.stages.speak_stream import speak_stream
from indextts2.stages.t2s.batches import DecodingSettings
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from indextts2.training.data.tokenizer import train_english_tokenizer
from tests.conftest import TINY, random_parts
from tests.loading.official_writer import write_official

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.float16}
"""Precision -> what text-to-semantic computes in; int8 is how its weights are stored."""
BEAMS, BATCHES = (3, 1), (1, 4, 8)
ANY_LENGTH = DecodingSettings(allow_any_length=True)  # what is timed is a number of steps, whatever the words
SAMPLED, COMPARED_STEPS = 24, 4  # tokens and steps of what is compared
CANCEL_AFTER = 5  # calls of the progress before Cancel is asked for
MEBIBYTE = 1 << 20

Check = Callable[["Case"], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """The machine and the sizes of one run."""

    device: torch.device
    size: str  # full or tiny
    work: Path  # folder for what a tiny run needs
    seconds: float = 5.0  # of the speech that is timed

    def compared(self, device: str | torch.device) -> SpeechModels:
        """The models whose numbers are compared: the mini, or tiny ones."""
        folder = mini_folder() if self.size == "full" else self.work / "tiny"
        if not folder.exists():
            write_official(folder, TINY, random_parts(TINY), self._tokenizer())
        return load_speech(open_checkpoint(folder), torch.device(device))

    def generated(self, precision: str) -> SpeechModels:
        """Generated weights of the size that is timed, on the device."""
        full = self.size == "full"
        config = full_size_config() if full else TINY
        checkpoint = generated_checkpoint(precision, config, tokenizer=None if full else self._tokenizer())
        return load_speech(checkpoint, self.device, DTYPES[precision] if self.device.type == "cuda" else torch.float32)

    def _tokenizer(self) -> Path:
        file = self.work / "tokenizer.model"
        return file if file.exists() else train_english_tokenizer(file)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the stages of one set of models are given."""

    text: PreparedText
    speaker: Speaker

    @classmethod
    def of(cls, models: SpeechModels, segments: int = 1) -> Inputs:
        text = prepare_text(models.t2s.front_end, TEXT, mel=models.t2s.config.mel)
        text = replace(text, segments=(replace(text.segments[0], pause_seconds=0.0),) * segments)
        speaker = condition_speaker(models.t2s, encode_reference(models.encoder, noise_recording()))
        return cls(text, speaker)


def parity(case: Case) -> dict[str, Any]:
    """The device against the CPU, in float32, from the same values at the entry of every stage."""
    home, away = case.compared("cpu"), case.compared(case.device)
    inputs, there = Inputs.of(home), Inputs.of(away)
    sampling = SamplingSettings(max_tokens=SAMPLED)
    flow = FlowSettings(steps=COMPARED_STEPS, allow_any_stretch=True)
    tokens = text_to_semantic(home.t2s, inputs.text, inputs.speaker, sampling=sampling)
    same = text_to_semantic(away.t2s, inputs.text, inputs.speaker, sampling=sampling)
    mel = semantic_to_mel(home.s2m, tokens, inputs.speaker, flow=flow)
    other = semantic_to_mel(away.s2m, tokens, inputs.speaker, flow=flow)
    audio, sound = (mel_to_audio(models.vocoder, mel).waveform.samples for models in (home, away))
    return {
        "same_tokens": torch.equal(tokens.tokens, same.tokens.cpu()),
        "speaker_condition": _apart(inputs.speaker.condition, there.speaker.condition),
        "mel": _apart(mel.mel, other.mel),
        "samples": _apart(audio, sound),
    }


def graphs(case: Case) -> dict[str, Any]:
    """Steps as graphs against steps as they are: the same tokens, and the same mel. Graphs exist on CUDA and ROCm."""
    models = case.compared(case.device)
    inputs = Inputs.of(models)

    def made() -> tuple[SemanticSpeech, torch.Tensor]:
        sampling = SamplingSettings(max_tokens=2 * SAMPLED)
        tokens = text_to_semantic(models.t2s, inputs.text, inputs.speaker, sampling=sampling)
        flow = FlowSettings(steps=COMPARED_STEPS, allow_any_stretch=True)
        return tokens, semantic_to_mel(models.s2m, tokens, inputs.speaker, flow=flow).mel

    with warnings_of(graphs_module.__name__) as failures:
        captured, mel = made()
    with without_graphs():
        eager, other = made()
    return {
        "graphs": case.device.type == "cuda" and not failures,
        "failures": failures,
        "same_tokens": torch.equal(captured.tokens, eager.tokens),
        "mel": _apart(mel, other),
    }


def stages(precision: str) -> Check:
    """Time, memory and share of the floor of each stage at a precision of text-to-semantic."""

    def check(case: Case) -> dict[str, Any]:
        models = case.generated(precision)
        inputs, best = Inputs.of(models), device_limits(case.device)
        duration = Duration("seconds", case.seconds, method="forced")
        count = round(case.seconds * models.t2s.config.tokens_per_second)
        moved = bytes_of(models.t2s.model.gpt) + bytes_of(models.t2s.model.mel_head)
        found: dict[str, Any] = {}
        tokens = None
        for beams in BEAMS:
            how = SamplingSettings(mode="beam" if beams > 1 else "sample", beams=beams)

            def decode(how: SamplingSettings = how) -> SemanticSpeech:
                return text_to_semantic(
                    models.t2s, inputs.text, inputs.speaker, duration=duration, sampling=how, decoding=ANY_LENGTH
                )

            tokens = decode()  # captures, and warms up
            figures = _timed(case, decode)
            per_token = figures["seconds"] / count
            floor = moved / best.bytes_per_second
            found[f"t2s_{beams}"] = figures | {"ms_per_token": 1e3 * per_token, "share_of_floor": floor / per_token}
        if precision == "fp32" and tokens is not None:
            mel = semantic_to_mel(models.s2m, tokens, inputs.speaker)
            found["s2m"] = _timed(case, lambda: semantic_to_mel(models.s2m, tokens, inputs.speaker))
            mel_to_audio(models.vocoder, mel)
            found["vocoder"] = _timed(case, lambda: mel_to_audio(models.vocoder, mel))
        return found

    return check


def batches(case: Case) -> dict[str, Any]:
    """Several segments in one decode, in half precision."""
    models = case.generated("bf16")
    duration = Duration("seconds", case.seconds, method="forced")
    count = round(case.seconds * models.t2s.config.tokens_per_second)
    found = {}
    for size in BATCHES:
        inputs = Inputs.of(models, size)
        each = tuple(replace(segment, duration=duration) for segment in inputs.text.segments)
        text = replace(inputs.text, segments=each)

        def decode(text: PreparedText = text, inputs: Inputs = inputs, size: int = size) -> SemanticSpeech:
            return text_to_semantic(models.t2s, text, inputs.speaker, decoding=replace(ANY_LENGTH, rows_at_once=size))

        decode()
        figures = _timed(case, decode)
        found[str(size)] = figures | {"ms_per_token_and_segment": 1e3 * figures["seconds"] / count / size}
    return found


def first_audio(case: Case) -> dict[str, Any]:
    """Seconds until the first chunk of a long text, the reference being encoded."""
    models = case.compared(case.device)
    reference = encode_reference(models.encoder, noise_recording())
    text, settings = FIRST_TEXT, SpeakSettings(sampling=SamplingSettings(max_tokens=4 * SAMPLED))
    ways = {"exact": None, "early": EarlySettings()}
    found = {}
    for name, early in ways.items():

        def begin(early: EarlySettings | None = early) -> object:
            stream = speak_stream(models, text, reference, settings=settings, first_segment_tokens=30, early=early)
            return next(stream)

        begin()
        found[name] = _timed(case, begin)
    return found


def cancel(case: Case) -> dict[str, Any]:
    """Seconds from asking for Cancel to the end of each long stage."""
    models = case.compared(case.device)
    inputs = Inputs.of(models)
    sampling = SamplingSettings(max_tokens=4 * SAMPLED)
    tokens = text_to_semantic(models.t2s, inputs.text, inputs.speaker, sampling=sampling)
    works: dict[str, Callable[[Any], object]] = {
        "t2s": lambda progress: text_to_semantic(
            models.t2s, inputs.text, inputs.speaker, sampling=sampling, progress=progress
        ),
        "s2m": lambda progress: semantic_to_mel(
            models.s2m, tokens, inputs.speaker, flow=FlowSettings(allow_any_stretch=True), progress=progress
        ),
    }
    return {name: _cancelled(case, work) for name, work in works.items()}


def _cancelled(case: Case, work: Callable[[Any], object]) -> float | None:
    """The longest that a user waits who asks just after the stage has looked; None where it ended before."""
    looks: list[float] = []

    def look(done: int, total: int) -> None:
        looks.append(time.perf_counter())
        if len(looks) > CANCEL_AFTER:
            raise Cancelled("asked for")

    try:
        work(look)
    except Cancelled:
        _wait(case)
        return max(b - a for a, b in zip(looks, [*looks[1:], time.perf_counter()], strict=True))
    return None


CHECKS: dict[str, Check] = {
    "parity": parity,
    "graphs": graphs,
    "first audio": first_audio,
    "cancel": cancel,
    **{f"stages {precision}": stages(precision) for precision in DTYPES},
    "batches": batches,
}
"""Checks in the order they are done: what must be right first."""


@contextmanager
def warnings_of(name: str) -> Iterator[list[str]]:
    """Collects what a logger warns of: a capture that failed is told there."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)


@contextmanager
def without_graphs() -> Iterator[None]:
    """Inside, no graph is made."""
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "0"
    try:
        yield
    finally:
        os.environ.pop(SWITCH)
        if before is not None:
            os.environ[SWITCH] = before


def run(case: Case, out: Path, minutes: float) -> dict[str, Any]:
    """Do what is not in the file yet, and write it after every check."""
    began, longest = time.monotonic(), 0.0
    kept = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    same = {"device": str(case.device), "size": case.size}
    if kept and {name: kept.get(name) for name in same} != same:
        raise TrainingError(f"{out} was written for {kept.get('device')}, {kept.get('size')}. Name another file.")
    found = {**same, "machine": machine(case.device), "checks": kept.get("checks", {})}
    for name, check in CHECKS.items():
        if "seconds_taken" in found["checks"].get(name, {}):
            continue
        if time.monotonic() - began + longest > 60.0 * minutes:
            break
        start = time.monotonic()
        try:
            figures = check(case)
        except (RuntimeError, ValueError) as error:  # the others may still be told
            found["checks"][name] = {"error": f"{type(error).__name__}: {error}"}
        else:
            found["checks"][name] = figures | {"seconds_taken": round(time.monotonic() - start, 2)}
        longest = max(longest, time.monotonic() - start)
        if case.device.type == "cuda":
            torch.cuda.empty_cache()
        sys.stderr.write(f"{name}: {found['checks'][name]}\n")
        write_text(out, json.dumps(found, indent=2) + "\n")
    found["missing"] = [name for name in CHECKS if "seconds_taken" not in found["checks"].get(name, {})]
    write_text(out, json.dumps(found, indent=2) + "\n")
    return found


def _timed(case: Case, work: Callable[[], object]) -> dict[str, float | None]:
    """Seconds of one run, per second of the speech that is timed, and the highest memory."""
    cuda = case.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(case.device)
    _wait(case)
    start = time.perf_counter()
    work()
    _wait(case)
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated(case.device) / MEBIBYTE if cuda else None
    return {"seconds": seconds, "real_time_factor": seconds / case.seconds, "peak_mebibytes": peak}


def _wait(case: Case) -> None:
    if case.device.type == "cuda":
        torch.cuda.synchronize(case.device)


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest difference; infinite between different shapes."""
    return float((one.cpu() - other.cpu()).abs().max()) if one.shape == other.shape else float("inf")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu_check.json"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--minutes", type=float, default=8.0)
    options = parser.parse_args(arguments)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.stderr.write("No CUDA device is here. Try --device cpu --size tiny.\n")
        return 2
    with tempfile.TemporaryDirectory() as work:
        seconds = 5.0 if options.size == "full" else 0.5
        case = Case(torch.device(options.device), options.size, Path(work), seconds)
        found = run(case, options.out, options.minutes)
    failed = [name for name, figures in found["checks"].items() if "error" in figures]
    sys.stderr.write(f"missing: {', '.join(found['missing']) or 'nothing'}; failed: {', '.join(failed) or 'nothing'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
