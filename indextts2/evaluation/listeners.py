"""The judges: a recogniser, a speaker encoder and a quality predictor, each an optional package, all usable offline.

A judge is a plain callable on a `Waveform`, so that any other recogniser or encoder can take its place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..audio.resample import resample_soxr
from ..contracts import Waveform
from ..errors import AudioError, MissingDependency

JUDGE_RATE = 16_000  # all three judges work at 16 kHz
SILENCE_BEFORE, SILENCE_AFTER = 0.3, 0.5  # seconds; the recogniser drops words at the very edge otherwise
SHORTEST_WITH_SILENCE_BEFORE = 1.5  # seconds; before a shorter clip the recogniser hears silence as another word
INSTALL_TRANSCRIBE = "pip install moonshine-voice==0.0.48"
INSTALL_SPEAKER = "pip install webrtcvad-wheels && pip install --no-deps Resemblyzer==0.1.4"
INSTALL_QUALITY = "pip install speechmos==0.0.1.1 onnxruntime"  # speechmos needs onnxruntime and does not ask for it

Transcribe = Callable[[Waveform], str]
Embed = Callable[[Waveform], np.ndarray]
Quality = Callable[[Waveform], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Listeners:
    """The judges that listen. None leaves that figure out of the report."""

    transcribe: Transcribe | None = None
    embed: Embed | None = None
    quality: Quality | None = None


def _missing(purpose: str, error: ImportError, install: str) -> MissingDependency:
    """The error of a judge that cannot listen; it names the absent module, maybe one the package needs itself."""
    absent = error.name or str(error)
    return MissingDependency(f"{purpose} cannot be measured, because the module {absent} is missing: {install}")


def judge_samples(waveform: Waveform) -> np.ndarray:
    """One channel at the judges' rate: (samples,) float32 within [-1, 1]. Raises AudioError for empty audio or NaN."""
    mono = waveform.samples.detach().to("cpu", torch.float32)[:1].mean(dim=1)  # (1, samples)
    if mono.numel() == 0 or not bool(torch.isfinite(mono).all()):
        raise AudioError("The speech to judge is empty or holds values that are not finite.")
    samples = resample_soxr(mono, waveform.sample_rate, JUDGE_RATE)[0].numpy()
    return np.clip(samples, -1.0, 1.0)


@lru_cache(maxsize=1)
def _recogniser() -> Any:
    try:
        from moonshine_voice import ModelArch, Transcriber
        from moonshine_voice.utils import get_model_path
    except ImportError as error:
        raise _missing("Word errors", error, INSTALL_TRANSCRIBE) from error
    return Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY)


def with_silence(samples: np.ndarray) -> np.ndarray:
    """Samples at the judges' rate with silence behind them, and before them where they are no single words."""
    before = SILENCE_BEFORE if len(samples) >= SHORTEST_WITH_SILENCE_BEFORE * JUDGE_RATE else 0.0
    return np.pad(samples, (round(before * JUDGE_RATE), round(SILENCE_AFTER * JUDGE_RATE)))


def transcribe(waveform: Waveform) -> str:
    """Transcript by the Moonshine tiny English recogniser."""
    recogniser = _recogniser()
    samples = judge_samples(waveform)
    heard = recogniser.transcribe_without_streaming(with_silence(samples).tolist(), JUDGE_RATE)
    return " ".join(line.text.strip() for line in heard.lines)


@lru_cache(maxsize=1)
def _speaker_encoder() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package imports a deprecated scipy name
            from resemblyzer import VoiceEncoder
    except ImportError as error:
        raise _missing("Speaker similarity", error, INSTALL_SPEAKER) from error
    return VoiceEncoder("cpu", verbose=False)


def speaker_embedding(waveform: Waveform) -> np.ndarray:
    """Resemblyzer's embedding of unit length: (256,)."""
    encoder = _speaker_encoder()
    from resemblyzer import preprocess_wav

    samples = judge_samples(waveform)
    spoken = preprocess_wav(samples)
    return encoder.embed_utterance(spoken if spoken.size else samples)


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two embeddings."""
    return float(first @ second / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-12))


def speaker_similarity(first: Waveform, second: Waveform) -> float:
    """Cosine of the speaker embeddings of two recordings; about 0.90 for one speaker, 0.56 for two."""
    return similarity(speaker_embedding(first), speaker_embedding(second))


def dnsmos(waveform: Waveform) -> dict[str, float]:
    """DNSMOS predictions on a scale of 1 to 5: overall, signal, background, p808. Not a listening test."""
    try:
        from speechmos import dnsmos as predictor
    except ImportError as error:
        raise _missing("Predicted quality", error, INSTALL_QUALITY) from error
    found = predictor.run(judge_samples(waveform), JUDGE_RATE)
    names = {"overall": "ovrl_mos", "signal": "sig_mos", "background": "bak_mos", "p808": "p808_mos"}
    return {name: float(found[key]) for name, key in names.items()}


def open_listeners(*, transcripts: bool = True, speakers: bool = True, quality: bool = True) -> Listeners:
    """The judges asked for, loaded now, so that a missing package shows before any speech is made.

    Raises MissingDependency naming the install command.
    """
    if transcripts:
        _recogniser()
    if speakers:
        _speaker_encoder()
    if quality:
        silence = torch.zeros(1, 1, JUDGE_RATE)
        dnsmos(Waveform(silence, JUDGE_RATE))
    return Listeners(
        transcribe if transcripts else None, speaker_embedding if speakers else None, dnsmos if quality else None
    )
