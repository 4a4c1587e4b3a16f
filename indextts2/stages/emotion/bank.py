"""From eight emotion weights to an emotion vector, through the rows a checkpoint stores per emotion.

The arithmetic is docs/spec/emotion.md. Everything is float32, nothing is
modified in place, and all-zero weights return the base vector bit for bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...checks import check_finite, check_shape, check_whole
from ...contracts import Emotion, EmotionWeights, Speaker, require_same_checkpoint
from ...errors import CheckpointMismatch, InputError
from ...surroundings import with_torch_defaults
from ..handles import EmotionBank, T2SModels

SLIDER_BIAS = (0.9375, 0.875, 1.0, 1.0, 0.9375, 0.9375, 0.6875, 0.5625)
"""Official factor per emotion for hand-set sliders, as stored rows are not equally strong.

Source: docs/spec/emotion.md#slider-bias-and-cap.
"""

SLIDER_CAP = 0.8
"""Official largest sum of hand-set sliders (docs/spec/emotion.md#slider-bias-and-cap)."""

STRENGTH_STEPS = 10_000
"""Scaled weights are cut to this many steps per unit, as the official pipeline does.

Source: docs/spec/emotion.md#precedence.
"""

SELECTIONS = ("nearest", "random", "mean")
"""Ways to choose a row of each emotion: nearest to the speaker's style, at random by seed, or the mean of its rows."""


def scale_weights(weights: EmotionWeights, strength: float) -> EmotionWeights:
    """Multiply by a strength limited to [0, 1] and cut to four decimals; strength 1 changes nothing."""
    limited = min(max(strength, 0.0), 1.0)
    if limited == 1.0:
        return weights
    return EmotionWeights(tuple(int(value * limited * STRENGTH_STEPS) / STRENGTH_STEPS for value in weights.values))


def balance_weights(weights: EmotionWeights, *, bias: bool = True, cap: bool = True) -> EmotionWeights:
    """The official treatment of hand-set sliders: a factor per emotion, then all scaled down to a sum of 0.8.

    The official program applies it to sliders only, never to weights that come from text or from its Python interface.
    """
    values = weights.values
    if bias:
        values = tuple(value * factor for value, factor in zip(values, SLIDER_BIAS, strict=True))
    total = sum(values)
    if cap and total > SLIDER_CAP:
        values = tuple(value * (SLIDER_CAP / total) for value in values)
    return EmotionWeights(values)


def normalise_weights(weights: EmotionWeights, total: float = 1.0) -> EmotionWeights:
    """Scale the weights so that they sum to `total`; all-zero weights stay all zero."""
    if not 0.0 <= total < float("inf"):
        raise InputError(f"The wanted sum of the emotion weights should be finite and not negative, but is {total}.")
    found = sum(weights.values)
    if found == 0.0:
        return weights
    return EmotionWeights(tuple(value * (total / found) for value in weights.values))


def choose_rows(bank: EmotionBank, style: Tensor | None, *, selection: str = "nearest", seed: int = 0) -> Tensor:
    """One row per emotion, in the order of EMOTIONS.

    style: (1, style_dim), used by "nearest" only. Returns (8, dim) float32 on the bank's device.
    """
    if selection not in SELECTIONS:
        raise InputError(f"Bank rows are chosen by {', '.join(SELECTIONS)}, but got '{selection}'.")
    groups = _float(bank.emotion_rows).split(list(bank.group_sizes))
    if selection == "mean":  # docs/spec/paper.md#t2e: mean(V_k)
        return torch.stack([group.mean(dim=0) for group in groups])
    picked = row_indices(bank, style, selection=selection, seed=seed)
    return torch.stack([group[index] for group, index in zip(groups, picked, strict=True)])


def row_indices(bank: EmotionBank, style: Tensor | None, *, selection: str, seed: int = 0) -> tuple[int, ...]:
    """Index of the chosen row inside each emotion's group. Ties go to the first; random draws are made on the CPU."""
    if selection == "random":
        generator = torch.Generator().manual_seed(check_whole("seed", seed))
        return tuple(int(torch.randint(count, (), generator=generator)) for count in bank.group_sizes)
    if style is None:
        raise InputError(
            "Choosing the nearest bank rows needs a speaker style. "
            "Connect a speaker, or choose rows by 'mean' or 'random'."
        )
    check_shape("The speaker style", style, 1, None)
    if style.shape[-1] != bank.style_rows.shape[-1]:
        raise CheckpointMismatch(
            f"The speaker style has {style.shape[-1]} numbers, the emotion bank was made with "
            f"{bank.style_rows.shape[-1]}. Use a speaker made by the checkpoint that owns the bank."
        )
    wanted = _float(style).to(bank.style_rows.device)
    groups = _float(bank.style_rows).split(list(bank.group_sizes))
    return tuple(_first_largest(torch.cosine_similarity(wanted, group, dim=-1)) for group in groups)


@with_torch_defaults
def emotion_from_weights(
    bank: EmotionBank,
    weights: EmotionWeights,
    style: Tensor | None,
    base: Tensor,
    *,
    strength: float = 1.0,
    selection: str = "nearest",
    seed: int = 0,
    fingerprint: str = "",
) -> Emotion:
    """sum of weight x row, plus (1 - sum of weights) x base (docs/spec/emotion.md#emotion-bank).

    style: (1, style_dim) of the speaker; base: (1, dim), the emotion vector of the speaker's own reference.
    A sum above 1 lets the base enter negatively, as in the official program. The result lies on the device of base.
    """
    check_shape("The base emotion vector", base, 1, None)
    check_finite("The base emotion vector", base)
    if base.shape[-1] != bank.emotion_rows.shape[-1]:
        raise CheckpointMismatch(
            f"The base emotion vector has {base.shape[-1]} numbers, the emotion bank has "
            f"{bank.emotion_rows.shape[-1]}. Make both with the same checkpoint."
        )
    base = _float(base)
    used = scale_weights(weights, strength)
    if not any(used.values):
        return Emotion(vector=base, base=base, fingerprint=fingerprint)
    rows = choose_rows(bank, style, selection=selection, seed=seed)
    return Emotion(vector=mix_rows(rows.to(base.device), used, base), base=base, fingerprint=fingerprint)


def mix_rows(rows: Tensor, weights: EmotionWeights, base: Tensor) -> Tensor:
    """rows: (8, dim); base: (1, dim)  ->  (1, dim) float32."""
    factors = torch.tensor(weights.values, dtype=torch.float32, device=rows.device)
    mixed = (factors.unsqueeze(1) * rows).sum(dim=0, keepdim=True)
    return mixed + (1.0 - factors.sum()) * base


@with_torch_defaults
def speaker_emotion(
    t2s: T2SModels,
    weights: EmotionWeights,
    speaker: Speaker,
    *,
    style: Tensor | None = None,
    strength: float = 1.0,
    selection: str = "nearest",
    seed: int = 0,
) -> Emotion:
    """`emotion_from_weights` for a speaker of this checkpoint; refuses a speaker of another one.

    style: (1, style_dim) chooses the rows in place of the speaker's own style when given.
    """
    fingerprint = require_same_checkpoint(("The emotion bank", t2s.fingerprint), ("the speaker", speaker.fingerprint))
    if t2s.bank is None:
        raise InputError("This checkpoint has no emotion bank. Take the emotion from a reference instead.")
    return emotion_from_weights(
        t2s.bank,
        weights,
        speaker.style if style is None else style,
        speaker.emotion_vector,
        strength=strength,
        selection=selection,
        seed=seed,
        fingerprint=fingerprint,
    )


def _first_largest(values: Tensor) -> int:
    """Index of the largest value, the first one on ties; `argmax` promises no order between equal values."""
    return int((values == values.max()).nonzero()[0])


def _float(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float32)
