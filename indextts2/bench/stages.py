"""Times the stages of a checkpoint: median and spread after a warm-up, real-time factor, peak memory, machine.

The lengths are forced, so that figures of different checkpoints and machines speak of the same amount of work. Besides
the time on the clock stands the time of the processor, which other programs on the machine do not change.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ..checks import check_fields
from ..contracts import Duration, PreparedText, Reference, SemanticSpeech, Speaker, Waveform
from ..errors import InputError
from ..loading.checkpoint import Checkpoint, load_speech
from ..stages.conditions import condition_speaker
from ..stages.handles import SpeechModels, modules_of
from ..stages.mel_to_audio import mel_to_audio
from ..stages.prepare_text import prepare_text
from ..stages.reference import encode_reference
from ..stages.semantic_to_mel import FlowSettings, semantic_to_mel
from ..stages.speak import SpeakSettings, speak
from ..stages.speak_stream import speak_stream
from ..stages.t2s.batches import DecodingSettings
from ..stages.t2s.text_to_semantic import text_to_semantic
from .memory import TensorPeak, bytes_of, weight_bytes

TEXT = "The quick brown fox jumps over the lazy dog, and nobody in the quiet garden seems to mind."
REFERENCE_SECONDS = 5.0
REFERENCE_RATE = 24_000
REFERENCE_LEVEL = 0.1
MEBIBYTE = 1 << 20
PRODUCT_SIDE, COPY_NUMBERS, LIMIT_RUNS = 2048, 1 << 25, 3  # large enough to reach what the device can do
WALL, PROCESSOR = "median", "processor"  # beginnings of the names under which their seconds are reported
FIRST_AUDIO = "first audio"
FIRST_TEXT = " ".join([TEXT] * 6)  # about 30 s of speech
FIRST_TOKENS, FIRST_SECONDS = 30, 1.5  # text tokens of the first segment, and its length
STAGES = (
    "encode reference", "condition speaker", "text to semantic", "semantic to mel", "mel to audio", "speak",
    FIRST_AUDIO,
)  # fmt: skip
"""The stages that are timed. "speak" is the whole chain from the recording on; "first audio" the time until the first
chunk of a text of 30 s is there, the recording being encoded already and its first segment short."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """seconds: length of the speech. stages: which of STAGES are timed, all when empty; "_" may stand for a space."""

    seconds: float = 4.0
    repeats: int = 5
    steps: int | None = None  # of the flow; None takes what the checkpoint says
    stages: tuple[str, ...] = ()
    floor: bool = False  # also compare with what the device can do at best
    warm_up: bool = True  # one run before the timed ones

    def __post_init__(self) -> None:
        check_fields(self, seconds=(0.1, 3_600), repeats=(1, 100_000), steps=(1, 1_000))
        object.__setattr__(self, "stages", tuple(name.replace("_", " ") for name in self.stages))
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
    best = device_limits(device) if settings.floor else None
    moved = _bytes_moved(models, settings)
    stages = {}
    for name in chosen:
        counted = _counted(models, work[name])
        stages[name] = {**counted, **_timed(work[name], device, settings)}
        if best is not None:
            stages[name].update(_against_floor(counted["operations"], moved[name], best, stages[name]))
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
        "steps": _flow_steps(models, settings),
        "stages": stages,
    }


def machine(device: torch.device) -> dict[str, Any]:
    """The machine and versions that figures depend on besides the code."""
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
    """Throughput of a device on one large product in float32, and on one large copy, per second of `clock`."""

    operations_per_second: float
    bytes_per_second: float
    clock: str


def device_limits(device: torch.device) -> DeviceLimits:
    """Measured here, since figures of data sheets are rarely reached."""
    square = torch.zeros(PRODUCT_SIDE, PRODUCT_SIDE, device=device)
    block = torch.zeros(COPY_NUMBERS, device=device)
    target = torch.empty_like(block)
    clock = _floor_clock(device)
    product = min(_once(lambda: square @ square, device)[clock] for _ in range(LIMIT_RUNS))
    copy = min(_once(lambda: target.copy_(block), device)[clock] for _ in range(LIMIT_RUNS))
    return DeviceLimits(2 * PRODUCT_SIDE**3 / product, 2 * block.nbytes / copy, clock)


def _floor_clock(device: torch.device) -> str:
    """On a CPU the floor is compared in processor time, so that other programs do not spoil it."""
    return PROCESSOR if device.type == "cpu" else WALL


def _bytes_moved(models: SpeechModels, settings: BenchSettings) -> dict[str, float]:
    """Bytes of weights a stage must read at least: T2S its trunk once per token, S2M all of it once per step."""
    weights, t2s = weight_bytes(models), models.t2s.model
    moved = {
        "encode reference": float(weights["encoder"]),
        "condition speaker": float(bytes_of(t2s.conditioning_encoder) + bytes_of(t2s.perceiver_encoder)),
        "text to semantic": float((bytes_of(t2s.gpt) + bytes_of(t2s.mel_head)) * _token_count(models, settings)),
        "semantic to mel": float(weights["s2m"] * _flow_steps(models, settings)),
        "mel to audio": float(weights["vocoder"]),
    }
    steps = FIRST_SECONDS / settings.seconds
    first = moved["condition speaker"] + moved["text to semantic"] * steps + moved["semantic to mel"]
    return {**moved, "speak": sum(moved.values()), FIRST_AUDIO: first + moved["mel to audio"]}


def _counted(models: SpeechModels, work: Callable[[], object]) -> dict[str, float]:
    """Operations and tensor bytes of one run, from sizes alone: the products are left out, so it takes little time."""
    from torch.utils.flop_counter import FlopCounterMode

    known = [module for group in modules_of(models).values() for module in group]
    with torch.no_grad(), TensorPeak(known, leave_out_products=True) as peak, FlopCounterMode(display=False) as counter:
        work()
    return {"operations": float(counter.get_total_flops()), "work_mebibytes": peak.peak / MEBIBYTE}


def _against_floor(operations: float, moved: float, best: DeviceLimits, figures: dict[str, Any]) -> dict[str, float]:
    """The time that arithmetic and weights alone need on this device, and the share of each in the measured time."""
    arithmetic, reading = operations / best.operations_per_second, moved / best.bytes_per_second
    measured = figures[f"{best.clock}_seconds"]
    return {
        "weight_bytes_read": moved,
        "floor_seconds": max(arithmetic, reading),
        "share": max(arithmetic, reading) / measured,
        "arithmetic_share": arithmetic / measured,
        "reading_share": reading / measured,
    }


def _flow_steps(models: SpeechModels, settings: BenchSettings) -> int:
    return FlowSettings(steps=settings.steps).plan(models.s2m.config.s2m.defaults).steps


def _token_count(models: SpeechModels, settings: BenchSettings) -> float:
    config = models.s2m.config
    return settings.seconds * config.mel.frames_per_second / config.frames_per_token


def _rate(models: SpeechModels, settings: BenchSettings, figures: dict[str, Any] | None) -> float | None:
    return None if figures is None else _token_count(models, settings) / figures["median_seconds"]


def _work(models: SpeechModels, settings: BenchSettings) -> dict[str, Callable[[], object]]:
    """Stage -> a function that runs it once, on inputs made beforehand, with products left out: sizes are all that
    counts."""
    recording = noise_recording()
    duration = Duration("seconds", settings.seconds, method="forced")
    flow, decoding = FlowSettings(steps=settings.steps), DecodingSettings(allow_any_length=True)
    whole = SpeakSettings(decoding=decoding, flow=flow)
    text: PreparedText = prepare_text(models.t2s.front_end, TEXT)
    first = _with_short_start(prepare_text(models.t2s.front_end, FIRST_TEXT, first_segment_tokens=FIRST_TOKENS))

    def semantic() -> SemanticSpeech:
        return text_to_semantic(models.t2s, text, speaker, duration=duration, decoding=decoding)

    with torch.no_grad(), TensorPeak(leave_out_products=True):
        reference: Reference = encode_reference(models.encoder, recording)
        speaker: Speaker = condition_speaker(models.t2s, reference)
        spoken = semantic()
        mel = semantic_to_mel(models.s2m, spoken, speaker, flow=FlowSettings(steps=1))
    return {
        "encode reference": lambda: encode_reference(models.encoder, recording),
        "condition speaker": lambda: condition_speaker(models.t2s, reference),
        "text to semantic": semantic,
        "semantic to mel": lambda: semantic_to_mel(models.s2m, spoken, speaker, flow=flow),
        "mel to audio": lambda: mel_to_audio(models.vocoder, mel),
        "speak": lambda: speak(models, text, recording, duration=duration, settings=whole),
        FIRST_AUDIO: lambda: next(speak_stream(models, first, reference, settings=SpeakSettings(flow=flow))),
    }


def _with_short_start(text: PreparedText) -> PreparedText:
    """The text with a first segment of FIRST_SECONDS."""
    forced = replace(text.segments[0], duration=Duration("seconds", FIRST_SECONDS, method="forced"))
    return replace(text, segments=(forced, *text.segments[1:]))


def noise_recording() -> Waveform:
    """A reference that needs no file: its content does not change the amount of work."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(1, 1, round(REFERENCE_SECONDS * REFERENCE_RATE), generator=generator)
    return Waveform((REFERENCE_LEVEL * samples).clamp(-1.0, 1.0), REFERENCE_RATE)


def _timed(work: Callable[[], object], device: torch.device, settings: BenchSettings) -> dict[str, Any]:
    if settings.warm_up:
        work()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    runs = [_once(work, device) for _ in range(settings.repeats)]
    seconds = [run[WALL] for run in runs]
    median = statistics.median(seconds)
    return {
        f"{WALL}_seconds": median,
        f"{PROCESSOR}_seconds": statistics.median(run[PROCESSOR] for run in runs),
        "minimum_seconds": min(seconds),
        "maximum_seconds": max(seconds),
        "real_time_factor": median / settings.seconds,
        "peak_mebibytes": _peak(device),
    }


def _once(work: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Seconds of one run by each clock."""
    _wait(device)
    begin = {WALL: time.perf_counter(), PROCESSOR: time.process_time()}
    work()
    _wait(device)
    return {WALL: time.perf_counter() - begin[WALL], PROCESSOR: time.process_time() - begin[PROCESSOR]}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak(device: torch.device) -> float | None:
    """Largest memory held on the device, in MiB; None where nothing counts it."""
    return torch.cuda.max_memory_allocated(device) / MEBIBYTE if device.type == "cuda" else None
