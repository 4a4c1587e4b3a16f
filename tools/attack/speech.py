"""The target that is all of speaking: hostile texts, lengths and settings, at the sizes of a tiny checkpoint."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from .files import cached_reference, tiny_folders
from .mutations import mutated
from .texts import TAGGED, written_captions


@lru_cache(maxsize=2)
def spoken_models(kind: int) -> Any:
    """All models of a tiny checkpoint of a release."""
    from indextts2.loading.checkpoint import load_speech, open_checkpoint

    return load_speech(open_checkpoint(tiny_folders()[kind]))


@lru_cache(maxsize=2)
def tiny_reference(kind: int) -> Any:
    from indextts2.stages.reference import encode_reference

    return encode_reference(spoken_models(kind).encoder, cached_reference()[1])


def attack_speech(dice: random.Random, folder: Path) -> object:
    """A hostile text, length and settings: an error by name, or speech of finite samples as long as was asked."""
    import torch

    from indextts2.contracts import Duration
    from indextts2.sampling import SamplingSettings
    from indextts2.stages.semantic_to_mel import FlowSettings
    from indextts2.stages.speak import SpeakSettings, speak
    from indextts2.stages.t2s.batches import DecodingSettings

    kind = dice.randrange(2)
    unit = dice.choice(("free", "seconds", "samples", "frames", "tokens", "factor"))
    value = dice.choice((1e-9, 0.3, 1.0, 2.0, 40.0, 1e3, 1e6, 1e9, 1e300))
    value = float(round(value)) if unit in ("tokens", "samples", "frames") and 1.0 <= value < 1e9 else value
    settings = SpeakSettings(
        SamplingSettings(
            mode=dice.choice(("sample", "greedy", "beam")) if dice.random() < 0.2 else "sample",
            temperature=dice.choice((1e-6, 0.8, 1e6)), top_p=dice.choice((1e-9, 0.8, 1.0)),
            top_k=dice.choice((0, 1, 30, 10**6)), repetition_penalty=dice.choice((1.0, 10.0, 1e-3, 1e30)),
            max_tokens=dice.choice((1, 8, 40)),
        ),
        DecodingSettings(takes=dice.choice((1, 1, 2)), allow_any_length=dice.random() < 0.5),
        FlowSettings(
            steps=dice.choice((1, 2)), guidance=dice.choice((0.0, 0.7, 1e9)), allow_any_stretch=dice.random() < 0.5
        ),
    )  # fmt: skip
    speech = speak(
        spoken_models(kind), mutated(dice.choice(TAGGED), dice)[:400], tiny_reference(kind),
        duration=Duration(unit, value), settings=settings, seed=dice.randrange(2**64), words=dice.random() < 0.5,
    )  # fmt: skip
    samples, rate = speech.waveform.samples, speech.waveform.sample_rate
    if not bool(torch.isfinite(samples).all()):
        raise RuntimeError("the speech is not finite")
    told = any(
        "has a length of its own, which is kept" in warning for one in speech.reports for warning in one.warnings
    )
    if (
        unit in ("seconds", "samples")
        and not told
        and samples.shape[-1] != round(value * (rate if unit == "seconds" else 1))
    ):
        raise RuntimeError(f"{value} {unit} were asked, and {samples.shape[-1]} samples at {rate} Hz came out")
    return speech if speech.words is None or not speech.words.words else written_captions(speech.words, dice)
