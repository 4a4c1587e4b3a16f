"""Emotions along a text: keyframes, and their value at any position.

A schedule is an `Emotion` with keyframes sorted by position, the first one at 0. Between two keyframes a "step"
schedule keeps the earlier vector and a "linear" one moves evenly to the next (docs/spec/control.md#emotion-schedules).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ...contracts import Emotion, Keyframe, require_same_checkpoint
from ...errors import CheckpointMismatch, InputError

MAX_KEYFRAMES = 16
"""Most conditioning blocks of one decode (docs/spec/control.md#layout)."""

TRANSITIONS = ("step", "linear")


def schedule_emotions(points: Sequence[tuple[float, Emotion]], *, transition: str = "step") -> Emotion:
    """Emotions that begin at positions of the text, 0 its start and 1 its end, in any order.

    The earliest emotion also holds before its position. One point gives that emotion unchanged, so that it equals the
    plain path bit for bit. Each point is a constant emotion; all come from one checkpoint.
    """
    if transition not in TRANSITIONS:
        raise InputError(f"A transition is {' or '.join(TRANSITIONS)}, but got '{transition}'.")
    if not 1 <= len(points) <= MAX_KEYFRAMES:
        raise InputError(f"A schedule has 1 to {MAX_KEYFRAMES} keyframes, but got {len(points)}.")
    ordered = sorted(points, key=lambda point: point[0])
    _check_positions([position for position, _ in ordered])
    if any(emotion.keyframes for _, emotion in ordered):
        raise InputError("A keyframe takes a constant emotion, but one of them is itself a schedule.")
    fingerprint = require_compatible([emotion for _, emotion in ordered])
    first = ordered[0][1]
    if len(ordered) == 1:
        return first
    frames = tuple(Keyframe(position, as_float(emotion.vector)) for position, emotion in ordered)
    frames = (Keyframe(0.0, frames[0].vector), *frames[1:])
    base = next((emotion.base for _, emotion in ordered if emotion.base is not None), None)
    return Emotion(frames[0].vector, frames, base, transition, fingerprint)


def emotion_at(emotion: Emotion, position: float) -> Tensor:
    """The vector, (1, dim) float32, that holds at a position of the text."""
    if not emotion.keyframes:
        return as_float(emotion.vector)
    frames = emotion.keyframes
    if position <= frames[0].position:
        return as_float(frames[0].vector)
    for here, after in pairwise(frames):
        if position < after.position:
            if emotion.transition == "step":
                return as_float(here.vector)
            share = (position - here.position) / (after.position - here.position)
            return torch.lerp(as_float(here.vector), as_float(after.vector), share)
    return as_float(frames[-1].vector)


def along_text(
    emotions: Sequence[Emotion], operation: Callable[[list[Tensor]], Tensor], base: Tensor | None
) -> Emotion:
    """Apply an operation on vectors to emotions, at every keyframe any of them has.

    The operation takes one (1, dim) vector per emotion. Step and linear schedules do not mix.
    """
    fingerprint = require_compatible(emotions)
    scheduled = [emotion for emotion in emotions if emotion.keyframes]
    if not scheduled:
        return Emotion(operation([as_float(emotion.vector) for emotion in emotions]), (), base, "step", fingerprint)
    transition = scheduled[0].transition
    if any(emotion.transition != transition for emotion in scheduled):
        raise InputError("A step schedule and a linear schedule do not combine. Make both with the same transition.")
    positions = sorted({frame.position for emotion in scheduled for frame in emotion.keyframes})
    frames = tuple(
        Keyframe(position, operation([emotion_at(emotion, position) for emotion in emotions])) for position in positions
    )
    return Emotion(frames[0].vector, frames, base, transition, fingerprint)


def require_compatible(emotions: Sequence[Emotion], base: Tensor | None = None) -> str:
    """Refuse emotions of different checkpoints or widths; returns the common fingerprint.

    Raises CheckpointMismatch naming both.
    """
    if not emotions:
        raise InputError("At least one emotion is needed, but got none.")
    width = emotions[0].vector.shape[-1]
    others = [emotion.vector for emotion in emotions[1:]] + ([] if base is None else [base])
    for vector in others:
        if vector.shape[-1] != width:
            raise CheckpointMismatch(
                f"One emotion vector has {width} numbers and another {vector.shape[-1]}. "
                "They come from different checkpoints; make both with the same one."
            )
    return require_same_checkpoint(
        *((f"emotion {index}", emotion.fingerprint) for index, emotion in enumerate(emotions, start=1))
    )


def emotion_to_list(emotion: Emotion) -> list[float]:
    """The first vector as plain numbers."""
    return [float(value) for value in as_float(emotion.vector)[0]]


def as_float(tensor: Tensor) -> Tensor:
    """Float32 without gradient; the tensor itself when it already is."""
    return tensor.detach().to(torch.float32)


def _check_positions(positions: list[float]) -> None:
    if any(not 0.0 <= position <= 1.0 for position in positions):
        raise InputError(f"Keyframe positions lie between 0 and 1, but got {positions}.")
    for earlier, later in pairwise(positions):
        if earlier == later:
            raise InputError(f"Two keyframes share the position {later}. Move one of them.")
