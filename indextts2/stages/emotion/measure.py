"""Numbers that describe an emotion vector without listening: how strong it is, and which bank emotion it leans to.

The reference distance is the median one of the bank's rows from the base (docs/spec/control.md#emotion-arithmetic).
Angles are always between differences from the base; angles between raw vectors mean nothing
(docs/spec/control.md#geometry).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...contracts import Emotion
from ...errors import CheckpointMismatch, InputError
from ..handles import EmotionBank
from .schedule import as_float, emotion_at, require_compatible

DEFAULT_LIMIT = 1.25
"""Strength index an emotion is limited to unless asked otherwise (docs/spec/control.md#emotion-arithmetic)."""

SOFT_LIMIT = 1.0
"""Strength index above which a warning says that the voice may change (docs/spec/control.md#emotion-arithmetic)."""


def reference_distance_of(bank: EmotionBank, base: Tensor) -> float:
    """Median over the bank's rows of the distance to the base: the length that strength 1 stands for.

    base: (1, dim).
    """
    if base.shape[-1] != bank.emotion_rows.shape[-1]:
        raise CheckpointMismatch(
            f"The base has {base.shape[-1]} numbers, the emotion bank {bank.emotion_rows.shape[-1]}. "
            "Take both from the same checkpoint."
        )
    rows = as_float(bank.emotion_rows)
    return float((rows - as_float(base).to(rows.device)).norm(dim=-1).quantile(0.5))


def strength_index(emotion: Emotion, reference_distance: float, *, base: Tensor | None = None) -> float:
    """Distance of the emotion from its base in units of the reference distance; of a schedule's strongest keyframe."""
    if not reference_distance > 0.0:
        raise InputError(
            f"The reference distance should be positive, but is {reference_distance}. All bank rows equal the base."
        )
    neutral = base_of(emotion, base=base)
    vectors = [frame.vector for frame in emotion.keyframes] or [emotion.vector]
    return max(float((as_float(vector) - neutral).norm()) for vector in vectors) / reference_distance


def strength_warnings(index: float, soft_limit: float = SOFT_LIMIT) -> tuple[str, ...]:
    """One sentence when the emotion is stronger than the soft limit, else nothing."""
    if index <= soft_limit:
        return ()
    return (
        f"The emotion's strength index is {index:.2f}; above {soft_limit:.2f} the voice itself may change. "
        "Scale it down, or limit it.",
    )


def emotion_profile(emotion: Emotion, bank: EmotionBank, *, base: Tensor | None = None) -> tuple[float, ...]:
    """Cosine of the emotion's difference with each bank emotion's mean difference, in the order of EMOTIONS.

    Eight numbers in [-1, 1] for a radar plot; all zero when the emotion equals its base.
    """
    neutral = base_of(emotion, base=base)
    require_compatible([emotion], bank.emotion_rows)
    groups = as_float(bank.emotion_rows).to(neutral.device).split(list(bank.group_sizes))
    means = torch.stack([group.mean(dim=0) for group in groups]) - neutral  # (8, dim)
    difference = as_float(emotion.vector) - neutral  # (1, dim)
    return tuple(float(value) for value in torch.cosine_similarity(difference, means, dim=-1))


def base_of(*emotions: Emotion, base: Tensor | None = None) -> Tensor:
    """The base to measure differences from: the one given, else the one all emotions share.

    Raises InputError when there is none, or when the emotions disagree.
    """
    require_compatible(emotions, base)
    if base is not None:
        return as_float(base).to(emotions[0].vector.device)
    known = [as_float(emotion.base) for emotion in emotions if emotion.base is not None]
    if not known:
        raise InputError(
            "This needs a base, the vector that no emotion stands for. Connect a speaker or a neutral emotion."
        )
    if any(not torch.equal(known[0], other.to(known[0].device)) for other in known[1:]):
        raise InputError("These emotions were made for different speakers. Connect the speaker to take the base from.")
    return known[0]


@dataclass(frozen=True, slots=True)
class Measured:
    """An emotion at one place of the text. profile: eight cosines; strength: its index."""

    position: float
    profile: tuple[float, ...]
    strength: float


def measure_along(emotion: Emotion, bank: EmotionBank, places: int, base: Tensor | None = None) -> list[Measured]:
    """The emotion at evenly spaced places from the start of the text to its end; one place for a constant emotion."""
    neutral = base if base is not None else emotion.base
    if neutral is None:
        raise InputError("A strength needs to know what strength 0 is. Connect the speaker.")
    reference_distance = reference_distance_of(bank, neutral)
    positions = [place / (places - 1) for place in range(places)] if emotion.keyframes and places > 1 else [0.0]
    measured = []
    for position in positions:
        here = Emotion(emotion_at(emotion, position), base=emotion.base, fingerprint=emotion.fingerprint)
        profile = emotion_profile(here, bank, base=neutral)
        measured.append(Measured(position, profile, strength_index(here, reference_distance, base=neutral)))
    return measured
