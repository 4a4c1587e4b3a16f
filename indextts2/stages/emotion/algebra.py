"""Arithmetic on emotion vectors (docs/spec/control.md#emotion-arithmetic), in float32, on values that are never
modified.

Only sums whose coefficients add up to one are meaningful, because the emotion vector is an affine function of what the
model heard (docs/spec/control.md#geometry, item 4). Every operation here keeps to that and says what its coefficients
are. d is always a difference from the base, the vector that "no emotion" stands for: the one given, else the one the
inputs carry. Schedules are taken keyframe by keyframe. A coefficient of zero everywhere returns the input's values
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...contracts import Emotion
from ...errors import InputError
from .measure import DEFAULT_LIMIT, base_of, strength_index, strength_warnings
from .schedule import along_text, as_float, emotion_at, require_compatible

Between = Callable[[Tensor, Tensor, float], Tensor]
"""An interpolation of two differences at t."""

INTERPOLATIONS = ("lerp", "keep", "slerp")
"""lerp: a straight line. keep: a straight line whose strength does not fade. slerp: an arc between the differences."""

CANCELLED_SHARE = 1e-3
"""A blend weaker than this share of what it should be has no direction left to keep.

Source: docs/spec/control.md#emotion-arithmetic.
"""

SLERP_MIN_DEGREES = 1.0
SLERP_MAX_DEGREES = 175.0
"""Outside these angles an arc is not defined well and a straight line is taken.

Source: docs/spec/control.md#emotion-arithmetic.
"""

OPPOSITE_DEGREES = 150.0
"""Beyond this angle two emotions cancel in the middle of a straight line (docs/spec/control.md#emotion-arithmetic)."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """Result of an operation. coefficients: of the input vectors in the order given, then of the base; they sum to one.

    `None` means that the operation is not a fixed sum of its inputs (keep, slerp, remove, limit).
    """

    emotion: Emotion
    coefficients: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def coefficient_sum(self) -> float | None:
        return None if self.coefficients is None else math.fsum(self.coefficients)


def scale_emotion(emotion: Emotion, strength: float, *, base: Tensor | None = None) -> Mixed:
    """base + strength x d: zero is the base, one the emotion itself. The official merge of a reference (alpha)."""
    _check_number("The strength", strength)
    return blend_emotions([(emotion, strength)], base=base)


def blend_emotions(parts: Sequence[tuple[Emotion, float]], *, base: Tensor | None = None) -> Mixed:
    """base + sum of weight x d. No parts give the base, which must then be given."""
    if not parts:
        if base is None:
            raise InputError("An empty blend is its base, but got no base. Connect a speaker or a neutral emotion.")
        return Mixed(Emotion(as_float(base), base=as_float(base)), (1.0,))
    for _, weight in parts:
        _check_number("A blend weight", weight)
    emotions = [emotion for emotion, _ in parts]
    weights = [float(weight) for _, weight in parts]
    neutral = base_of(*emotions, base=base)
    coefficients = (*weights, 1.0 - math.fsum(weights))
    mixed = along_text(emotions, lambda vectors: _weighted_sum([*vectors, neutral], coefficients), neutral)
    return Mixed(mixed, coefficients)


def interpolate_emotions(
    first: Emotion, second: Emotion, t: float, *, mode: str = "lerp", base: Tensor | None = None
) -> Mixed:
    """From the first emotion at t = 0 to the second at t = 1, both ends exact; t may leave [0, 1] with lerp only.

    keep and slerp need a base, and so does the warning about opposite inputs.
    """
    if mode not in INTERPOLATIONS:
        raise InputError(f"Emotions are interpolated by {', '.join(INTERPOLATIONS)}, but got '{mode}'.")
    _check_number("The place between two emotions", t)
    if mode != "lerp" and not 0.0 <= t <= 1.0:
        raise InputError(f"With '{mode}' the place between two emotions lies between 0 and 1, but is {t}. Use 'lerp'.")
    inputs = [first, second]
    if mode == "lerp":
        neutral = _base_or_none(inputs, base)
        coefficients = (1.0 - t, float(t), 0.0)
        mixed = along_text(inputs, lambda vectors: _weighted_sum(vectors, coefficients[:2]), neutral)
        return Mixed(mixed, coefficients, _opposite_warnings(first, second, neutral))
    neutral = base_of(*inputs, base=base)
    between = _keep if mode == "keep" else _slerp
    mixed = along_text(inputs, lambda vectors: _ends_exact(vectors[0], vectors[1], t, neutral, between), neutral)
    return Mixed(mixed, None, _opposite_warnings(first, second, neutral))


def add_difference(
    emotion: Emotion, plus: Emotion, minus: Emotion, amount: float = 1.0, *, base: Tensor | None = None
) -> Mixed:
    """The analogy emotion + amount x (plus - minus). The coefficients sum to one, so no base is needed."""
    _check_number("The amount", amount)
    inputs = [emotion, plus, minus]
    coefficients = (1.0, float(amount), -float(amount), 0.0)
    neutral = _base_or_none(inputs[:1], base)
    return Mixed(along_text(inputs, lambda vectors: _weighted_sum(vectors, coefficients[:3]), neutral), coefficients)


def transfer_emotion(emotional: Emotion, neutral: Emotion, strength: float, *, base: Tensor) -> Mixed:
    """base + strength x (emotional clip - neutral clip of the same other person), which drops most of that person."""
    target = Emotion(as_float(base), base=as_float(base))
    mixed = add_difference(target, emotional, neutral, strength, base=base)
    return Mixed(mixed.emotion, (float(strength), -float(strength), 1.0))


def remove_emotion(emotion: Emotion, unwanted: Emotion, *, base: Tensor | None = None) -> Mixed:
    """Take out of the emotion whatever lies along the unwanted one: e - ((d . u) / (u . u)) u, u = unwanted - base."""
    neutral = base_of(emotion, unwanted, base=base)

    def without(vectors: list[Tensor]) -> Tensor:
        direction = vectors[1] - neutral
        length = (direction * direction).sum()
        if not bool(length > 0):
            return vectors[0]
        share = ((vectors[0] - neutral) * direction).sum() / length
        return vectors[0] - share * direction

    nothing = not unwanted.keyframes and torch.equal(as_float(unwanted.vector), neutral)
    warnings = ("The unwanted emotion equals the base, so nothing was removed.",) if nothing else ()
    return Mixed(along_text([emotion, unwanted], without, neutral), None, warnings)


def limit_emotion(
    emotion: Emotion, reference_distance: float, limit: float = DEFAULT_LIMIT, *, base: Tensor | None = None
) -> Mixed:
    """Scale d down so that the strength index is at most `limit`; weaker emotions and keyframes stay as they are.

    reference_distance: from `reference_distance_of`. Warns above the soft limit.
    """
    if not limit >= 0.0:
        raise InputError(f"A strength limit should not be negative, but is {limit}.")
    neutral = base_of(emotion, base=base)

    def limited(vectors: list[Tensor]) -> Tensor:
        index = strength_index(Emotion(vectors[0]), reference_distance, base=neutral)
        return vectors[0] if index <= limit else neutral + (limit / index) * (vectors[0] - neutral)

    result = along_text([emotion], limited, neutral)
    return Mixed(result, None, strength_warnings(strength_index(result, reference_distance, base=neutral)))


def _weighted_sum(vectors: Sequence[Tensor], coefficients: Sequence[float]) -> Tensor:
    """Terms with coefficient zero are left out, so that a single remaining one keeps its exact values."""
    terms = [
        vector if coefficient == 1.0 else coefficient * vector
        for vector, coefficient in zip(vectors, coefficients, strict=True)
        if coefficient != 0.0
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term.to(total.device)
    return total


def _ends_exact(first: Tensor, second: Tensor, t: float, base: Tensor, between: Between) -> Tensor:
    if t == 0.0:
        return first
    if t == 1.0:
        return second
    return base + between(first - base, second - base, t)


def _keep(first: Tensor, second: Tensor, t: float) -> Tensor:
    """A straight line between differences, rescaled to the interpolated strength."""
    line = torch.lerp(first, second, t)
    wanted = (1.0 - t) * first.norm() + t * second.norm()
    found = line.norm()
    if not bool(found > 0) or bool(found < CANCELLED_SHARE * wanted):
        return line
    return line * (wanted / found)


def _slerp(first: Tensor, second: Tensor, t: float) -> Tensor:
    """An arc between the directions of two differences, with the interpolated strength."""
    degrees = _angle(first, second)
    if degrees is None or degrees < SLERP_MIN_DEGREES or degrees > SLERP_MAX_DEGREES:
        return torch.lerp(first, second, t)
    angle = math.radians(degrees)
    before, after = math.sin((1.0 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
    direction = before * first / first.norm() + after * second / second.norm()
    return direction * ((1.0 - t) * first.norm() + t * second.norm())


def _angle(first: Tensor, second: Tensor) -> float | None:
    if not bool(first.norm() > 0) or not bool(second.norm() > 0):
        return None
    first, second = first.cpu().double(), second.cpu().double()  # some devices have no float64
    first, second = first / first.norm(), second / second.norm()
    return math.degrees(2.0 * math.atan2(float((first - second).norm()), float((first + second).norm())))


def _opposite_warnings(first: Emotion, second: Emotion, base: Tensor | None) -> tuple[str, ...]:
    """Look at every keyframe; one warning is enough."""
    if base is None:
        return ()
    positions = {frame.position for emotion in (first, second) for frame in emotion.keyframes} or {0.0}
    angles = [_angle(emotion_at(first, place) - base, emotion_at(second, place) - base) for place in positions]
    widest = max((angle for angle in angles if angle is not None), default=0.0)
    if widest <= OPPOSITE_DEGREES:
        return ()
    return (f"The two emotions point {widest:.0f} degrees apart: halfway between them they cancel and sound neutral.",)


def _base_or_none(emotions: Sequence[Emotion], base: Tensor | None) -> Tensor | None:
    """For operations that work without a base: the one given, else the first one carried."""
    require_compatible(emotions, base)
    if base is not None:
        return as_float(base).to(emotions[0].vector.device)
    return next((as_float(emotion.base) for emotion in emotions if emotion.base is not None), None)


def _check_number(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise InputError(f"{name} should be a finite number, but is {value}.")
