"""Emotions as bare numbers, for tools that know nothing of emotions."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from ...checks import check_finite
from ...contracts import Emotion, Keyframe
from ...errors import CheckpointMismatch, InputError
from .schedule import as_float

_BETWEEN = re.compile(r"[\s,;\[\]()]+")


def emotion_rows(emotion: Emotion) -> Tensor:
    """One row per keyframe, or the only vector: (rows, dim) float32, a copy."""
    vectors = [frame.vector for frame in emotion.keyframes] or [emotion.vector]
    return torch.cat([as_float(vector) for vector in vectors])


def emotion_from_rows(rows: Tensor, like: Emotion | None = None) -> Emotion:
    """An emotion of (rows, dim) numbers. More rows than one are keyframes and need the schedule they came from.

    like: gives checkpoint, base, transition and places of keyframes; None makes a hand-made emotion, which fits any.
    """
    if rows.dim() != 2 or 0 in rows.shape:
        raise InputError(f"Emotions have shape (keyframes, numbers), but got {tuple(rows.shape)}.")
    check_finite("The emotion's numbers", rows)
    rows = as_float(rows).clone()
    if like is None:
        if len(rows) > 1:
            raise InputError(f"{len(rows)} rows arrived. Connect the schedule they were made from to 'like'.")
        return Emotion(rows)
    wanted = like.vector.shape[-1]
    if rows.shape[-1] != wanted:
        raise CheckpointMismatch(
            f"The emotion to be like has {wanted} numbers, but got {rows.shape[-1]}. Take both from one checkpoint."
        )
    if len(rows) != max(1, len(like.keyframes)):
        raise InputError(f"{len(rows)} rows arrived, but the emotion they are like has {max(1, len(like.keyframes))}.")
    places = zip(like.keyframes, rows.split(1), strict=False)
    frames = tuple(Keyframe(frame.position, row) for frame, row in places)
    return Emotion(rows[:1], frames, like.base, like.transition, like.fingerprint)


def emotion_from_numbers(numbers: Sequence[float], like: Emotion | None = None) -> Emotion:
    """One vector of plain numbers."""
    if not numbers:
        raise InputError("No numbers arrived. Write or connect one per dimension of the checkpoint's emotions.")
    return emotion_from_rows(torch.tensor([[float(number) for number in numbers]], dtype=torch.float32), like)


def numbers_in_words(numbers: Sequence[float]) -> str:
    """Numbers in brackets, as exact as they are."""
    return "[" + ", ".join(repr(float(number)) for number in numbers) + "]"


def numbers_of(text: str) -> list[float]:
    """The numbers of a text, with commas, semicolons or blanks between them. Raises InputError for anything else."""
    parts = [part for part in _BETWEEN.split(text) if part]
    try:
        return [float(part) for part in parts]
    except ValueError as error:
        wrong = next(part for part in parts if not _is_number(part))
        raise InputError(
            f"'{wrong[:40]}' is not a number. Write numbers with commas or blanks between them."
        ) from error


def _is_number(part: str) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True
