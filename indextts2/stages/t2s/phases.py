"""From an emotion along the text to phases of one segment (docs/spec/control.md#layout)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ...contracts import Emotion, PreparedText, Segment
from ..emotion.schedule import MAX_KEYFRAMES, emotion_at
from .prefix import Phase

MAX_BRIDGES = 4  # vectors put between two keyframes of a linear schedule


def piece_positions(text: PreparedText) -> list[list[float]]:
    """Position of each text piece in the whole text, 0 its start and 1 its end, per segment.

    Characters decide between segments where the front end says them, pieces count evenly inside a segment.
    """
    total_characters = len(text.original)
    known = total_characters > 0 and all(segment.end > segment.start for segment in text.segments)
    total_pieces = max(1, text.token_count)
    positions, before = [], 0
    for segment in text.segments:
        count = len(segment.ids)
        if known:
            first, last = segment.start / total_characters, segment.end / total_characters
        else:
            first, last = before / total_pieces, (before + count) / total_pieces
        positions.append(_evenly(first, last, count))
        before += count
    return positions


def segment_phases(emotion: Emotion, positions: Sequence[float]) -> tuple[Phase, ...]:
    """Phases of a segment whose pieces lie at these positions. A constant emotion is one phase."""
    if not emotion.keyframes or not positions:
        return (Phase(0, emotion.vector),)
    phases = [Phase(0, emotion_at(emotion, positions[0]))]
    for place, vector in _breakpoints(emotion):
        if place <= positions[0] or place > positions[-1]:
            continue
        piece = next(index for index, position in enumerate(positions) if position >= place)
        if phases[-1].first_piece == piece:
            phases.pop()
        if not phases or not torch.equal(phases[-1].vector, vector):
            phases.append(Phase(piece, vector))
    return tuple(phases)


def phases_of(segment: Segment, whole: Emotion, positions: Sequence[float]) -> tuple[Phase, ...]:
    """The segment's own emotion where it has one, along itself; otherwise the whole text's."""
    if segment.emotion is None:
        return segment_phases(whole, positions)
    return segment_phases(segment.emotion, _evenly(0.0, 1.0, len(segment.ids)))


def _evenly(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * index / count for index in range(count)]


def _breakpoints(emotion: Emotion) -> list[tuple[float, Tensor]]:
    """Places where the vector changes, with what it becomes. A linear way becomes a few steps."""
    frames = emotion.keyframes
    bridges = 0
    if emotion.transition == "linear" and len(frames) > 1:
        bridges = min(MAX_BRIDGES, (MAX_KEYFRAMES - len(frames)) // (len(frames) - 1))
    places = [(frame.position, frame.vector) for frame in frames]
    for here, after in pairwise(frames):
        for step in range(1, bridges + 1):
            place = here.position + (after.position - here.position) * step / (bridges + 1)
            places.append((place, emotion_at(emotion, place)))
    return sorted(places, key=lambda pair: pair[0])
