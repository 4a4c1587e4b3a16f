"""Times the stages of a checkpoint: median and spread after a warm-up, real-time factor, peak memory, machine.

The lengths are forced, so that figures of different checkpoints and machines speak of the same amount of work.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from .contracts import Duration, PreparedText, Reference, SemanticSpeech, Speaker, Waveform
from .errors import InputError
from .loading.checkpoint import Checkpoint, load_speech
from .stages.conditions import condition_speaker
from .stages.handles import SpeechModels
from .stages.mel_to_audio import mel_to_audio
from .stages.prepare_text import prepare_text
from .stages.reference import encode_reference
from .stages.semantic_to_mel import FlowSettings, semantic_to_mel
from .stages.speak import SpeakSettings, speak
from .stages.text_to_semantic import text_to_semantic

TEXT = "The quick brown fox jumps over the lazy dog, and nobody in the quiet garden seems to mind."
REFERENCE_SECONDS = 5.0
REFERENCE_RATE = 24_000
REFERENCE_LEVEL = 0.1
MEBIBYTE = 1 << 20
PRODUCT_SIDE, COPY_NUMBERS, LIMIT_RUNS = 2048, 1 << 25, 3  # large enough to reach what the device can do
STAGES = ("encode reference", "condition speaker", "text to semantic", "semantic to mel", "mel to audio", "speak")
"""What is timed; "speak" is the whole chain from the recording on."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """seconds: length of the speech. stages: which of STAGES are timed, all when empty."""

    seconds: float = 4.0
    repeats: int = 5
    steps: int = 25
    stages: tuple[str, ...] = ()
    floor: bool = False  # also compare with what the device can do at best, which takes a run more of each stage

    def __post_init__(self) -> None:
        unknown = [name for name in self.stages if name not in STAGES]
        if unknown:
            raise InputError(f"There is no stage '{unknown[0]}' to time; known are {', '.join(STAGES)}.")


def benchmark(
    checkpoint: Checkpoint,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    settings: BenchSettings | None = None,
) -> dict[str, Any]:
    """Load a checkpoint and time its stages. Plain values, ready for JSON."""
    settings, device = settings or BenchSettings(), torch.device(device)
    begin = time.perf_counter()
    models = load_speech(checkpoint, device, dtype)
    load_seconds = time.perf_counter() - begin
    work = _work(models, settings)
    chosen = settings.stages or STAGES
    stages = {name: _timed(work[name], device, settings) for name in chosen}
    best = device_limits(device) if settings.floor else None
    if best is not None:
        moved = _bytes_moved(models, settings)
        for name, figures in stages.items():
            figures.update(_against_floor(work[name], moved[name], best, figures["median_seconds"]))
    return {
        "checkpoint": {
            "name": checkpoint.config.name,
            "version": checkpoint.config.version,
            "fingerprint": checkpoint.fingerprint,
        },
        "device": str(device),
        "t2s_precision": str(dtype).removeprefix("torch."),
        "machine": machine(device),
        "load_seconds": load_seconds,
        "device_limits": None if best is None else asdict(best),
        "weights_mebibytes": {name: count / MEBIBYTE for name, count in weight_bytes(models).items()},
        "tokens_per_second": _rate(models, settings, stages.get("text to semantic")),
        **asdict(settings),
        "stages": stages,
    }


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures depend on besides the code."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.system(),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor(),
    }


@dataclass(frozen=True, slots=True)
class DeviceLimits:
    """What a device reaches on one large product in float32, and on one large copy."""

    operations_per_second: float
    bytes_per_second: float


def device_limits(device: torch.device) -> DeviceLimits:
    """Measured here, since figures of data sheets are rarely reached."""
    square = torch.zeros(PRODUCT_SIDE, PRODUCT_SIDE, device=device)
    block = torch.zeros(COPY_NUMBERS, device=device)
    target = torch.empty_like(block)
    product = min(_once(lambda: square @ square, device) for _ in range(LIMIT_RUNS))
    copy = min(_once(lambda: target.copy_(block), device) for _ in range(LIMIT_RUNS))
    return DeviceLimits(2 * PRODUCT_SIDE**3 / product, 2 * block.nbytes / copy)


def weight_bytes(models: SpeechModels) -> dict[str, int]:
    """Bytes of the tensors of each loaded model."""
    modules: dict[str, list[torch.nn.Module]] = {
        "encoder": [models.encoder.semantic_encoder, models.encoder.codec, models.encoder.style_encoder],
        "t2s": [models.t2s.model],
        "s2m": [models.s2m.model, models.s2m.codec],
        "vocoder": [models.vocoder.model],
    }
    return {name: sum(_bytes(module) for module in group) for name, group in modules.items()}


def _bytes(module: torch.nn.Module) -> int:
    return sum(value.nbytes for value in module.state_dict().values())


def _bytes_moved(models: SpeechModels, settings: BenchSettings) -> dict[str, float]:
    """Bytes of weights a stage must read at least: T2S its trunk once per token, S2M all of it once per step."""
    weights, t2s = weight_bytes(models), models.t2s.model
    moved = {
        "encode reference": float(weights["encoder"]),
        "condition speaker": float(_bytes(t2s.conditioning_encoder) + _bytes(t2s.perceiver_encoder)),
        "text to semantic": float((_bytes(t2s.gpt) + _bytes(t2s.mel_head)) * _token_count(models, settings)),
        "semantic to mel": float(weights["s2m"] * settings.steps),
        "mel to audio": float(weights["vocoder"]),
    }
    return {**moved, "speak": sum(moved.values())}


def _against_floor(work: Callable[[], object], moved: float, best: DeviceLimits, seconds: float) -> dict[str, float]:
    """The time that arithmetic and weights alone need on this device, and its share of the measured time."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    operations = float(counter.get_total_flops())
    floor = max(operations / best.operations_per_second, moved / best.bytes_per_second)
    return {"operations": operations, "weight_bytes_read": moved, "floor_seconds": floor, "share": floor / seconds}


def _token_count(models: SpeechModels, settings: BenchSettings) -> float:
    config = models.s2m.config
    return settings.seconds * config.mel.frames_per_second / config.s2m.frames_per_token


def _rate(models: SpeechModels, settings: BenchSettings, figures: dict[str, Any] | None) -> float | None:
    return None if figures is None else _token_count(models, settings) / figures["median_seconds"]


def _work(models: SpeechModels, settings: BenchSettings) -> dict[str, Callable[[], object]]:
    """Stage -> a function that runs it once, on inputs made beforehand."""
    recording = noise_recording()
    duration = Duration("seconds", settings.seconds, method="forced")
    flow = FlowSettings(steps=settings.steps)
    reference: Reference = encode_reference(models.encoder, recording)
    speaker: Speaker = condition_speaker(models.t2s, reference)
    text: PreparedText = prepare_text(models.t2s.front_end, TEXT)

    def semantic() -> SemanticSpeech:
        return text_to_semantic(models.t2s, text, speaker, duration=duration)

    spoken = semantic()
    mel = semantic_to_mel(models.s2m, spoken, speaker, settings=flow)
    return {
        "encode reference": lambda: encode_reference(models.encoder, recording),
        "condition speaker": lambda: condition_speaker(models.t2s, reference),
        "text to semantic": semantic,
        "semantic to mel": lambda: semantic_to_mel(models.s2m, spoken, speaker, settings=flow),
        "mel to audio": lambda: mel_to_audio(models.vocoder, mel),
        "speak": lambda: speak(models, text, recording, duration=duration, settings=SpeakSettings(flow=flow)),
    }


def noise_recording() -> Waveform:
    """A reference that needs no file: its content does not change the amount of work."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(1, 1, round(REFERENCE_SECONDS * REFERENCE_RATE), generator=generator)
    return Waveform((REFERENCE_LEVEL * samples).clamp(-1.0, 1.0), REFERENCE_RATE)


def _timed(work: Callable[[], object], device: torch.device, settings: BenchSettings) -> dict[str, Any]:
    work()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = [_once(work, device) for _ in range(settings.repeats)]
    median = statistics.median(seconds)
    return {
        "median_seconds": median,
        "minimum_seconds": min(seconds),
        "maximum_seconds": max(seconds),
        "real_time_factor": median / settings.seconds,
        "peak_mebibytes": _peak(device),
    }


def _once(work: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    begin = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - begin


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak(device: torch.device) -> float | None:
    """Largest memory held on the device, in MiB; None where nothing counts it."""
    return torch.cuda.max_memory_allocated(device) / MEBIBYTE if device.type == "cuda" else None
