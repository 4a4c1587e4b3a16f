"""Intelligibility of a vocoder on its own: recording -> mel -> vocoder -> recogniser, to watch its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..audio.mel import log_mel
from ..config import MelConfig
from ..contracts import Progress, Waveform, no_progress
from ..errors import TrainingError
from ..training.data.corpus_data import Corpus, Utterance
from .listeners import Quality, Transcribe, transcribe
from .words import word_error_rate


@dataclass(frozen=True, slots=True)
class ResynthesisReport:
    """Word error rates of the recordings and of their resynthesis; p808 is DNSMOS, None when not asked."""

    utterances: int
    recording_word_error_rate: float
    word_error_rate: float
    recording_p808: float | None = None
    p808: float | None = None


def draw_utterances(corpus: Corpus, count: int, *, seed: int = 0) -> list[Utterance]:
    """`count` English test utterances, the same ones every time."""
    tests = [item for item in corpus.utterances if item.split != "train" and item.language == "en"]
    if not tests:
        raise TrainingError("The corpus has no English test utterance to resynthesise.")
    order = np.random.default_rng(seed).permutation(len(tests))
    return [tests[int(place)] for place in order[:count]]


@torch.inference_mode()
def resynthesise(vocoder: Callable[[Tensor], Tensor], samples: Tensor, mel: MelConfig) -> Waveform:
    """One recording through mel and vocoder. samples: (samples,) at the mel's rate."""
    spectrogram = log_mel(samples[None], mel)  # (1, bands, frames)
    made = vocoder(spectrogram)  # (1, 1, samples)
    return Waveform(made.detach().to(torch.float32).reshape(1, 1, -1), mel.sample_rate)


def resynthesis_error(
    vocoder: Callable[[Tensor], Tensor],
    corpus: Corpus,
    mel: MelConfig,
    *,
    count: int = 30,
    seed: int = 0,
    hear: Transcribe = transcribe,
    judge: Quality | None = None,
    progress: Progress = no_progress,
) -> ResynthesisReport:
    """Word error rate of the vocoder on ground-truth mels, next to that of the recordings themselves.

    vocoder: (1, bands, frames) -> (1, 1, samples), in evaluation mode. Raises MissingDependency without the recogniser.
    """
    chosen: Sequence[Utterance] = draw_utterances(corpus, count, seed=seed)
    originals: list[tuple[str, str]] = []
    copies: list[tuple[str, str]] = []
    quality: list[tuple[float, float]] = []
    for done, utterance in enumerate(chosen):
        progress(done, len(chosen))
        samples = corpus.waveform(utterance, mel.sample_rate)
        original = Waveform(samples[None, None], mel.sample_rate)
        copy = resynthesise(vocoder, samples, mel)
        originals.append((utterance.text, hear(original)))
        copies.append((utterance.text, hear(copy)))
        if judge is not None:
            quality.append((judge(original)["p808"], judge(copy)["p808"]))
    progress(len(chosen), len(chosen))
    means = np.mean(quality, axis=0) if quality else (None, None)
    return ResynthesisReport(len(chosen), word_error_rate(originals), word_error_rate(copies), *means)
