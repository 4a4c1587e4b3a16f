"""Pictures straight from what travels between stages: measures the values, then draws them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from ..config import EMOTIONS
from ..contracts import Emotion, PreparedText, Segment, SemanticSpeech, Speaker
from ..stages.duration import Clock
from ..stages.emotion.measure import Measured, base_of, measure_along
from ..stages.emotion.sources import bank_of, base_from
from ..stages.handles import T2SModels
from ..stages.t2s.phases import phases_of, piece_positions
from ..stages.t2s.word_alignment import WordAlignment, word_alignments
from .canvas import GRID
from .emotion import DEFAULT_WIDTH, EMOTION_COLOURS, draw_profile
from .schedule import draw_schedule
from .timeline import Mark, draw_timeline, timeline_of, with_marks

PLACES = 97
"""Places along the text at which a schedule is measured."""

FAINTEST = 0.05
"""Below this strength an emotion has no name in a timeline."""


def emotion_picture(
    t2s: T2SModels,
    emotion: Emotion,
    *,
    limit: float,
    speaker: Speaker | None = None,
    text: PreparedText | None = None,
    width: int = DEFAULT_WIDTH,
) -> tuple[Tensor, float]:
    """An emotion against the checkpoint's own ones, and its strength index; a schedule along its text.

    speaker: what strength 0 means, where the emotion does not carry it. Returns (height, width, 3) and the index.
    """
    bank = bank_of(t2s, emotion)
    base = base_of(emotion, base=base_from(speaker, emotion))
    measured = measure_along(emotion, bank, PLACES, base)
    strongest = max(point.strength for point in measured)
    if not emotion.keyframes:
        return draw_profile(measured[0].profile, strongest, limit=limit, width=width), strongest
    positions = [frame.position for frame in emotion.keyframes]
    shown = text.original if text else ""
    return draw_schedule(measured, positions, limit=limit, text=shown, width=width), strongest


def semantic_picture(
    t2s: T2SModels,
    semantic: SemanticSpeech,
    *,
    text: PreparedText | None = None,
    speaker: Speaker | None = None,
    emotion: Emotion | None = None,
    width: int = DEFAULT_WIDTH,
) -> Tensor:
    """The timeline of semantic speech. Words need its text and speaker, and run the model once; emotions need the text.

    Returns (height, width, 3) float32.
    """
    segments = list(timeline_of(semantic, Clock.of(t2s.config)))
    if text is not None and len(text.segments) == len(segments):
        lines = (
            word_alignments(t2s, text, semantic, speaker, emotion) if speaker is not None else (None,) * len(segments)
        )
        marked = zip(segments, text.segments, piece_positions(text), lines, strict=True)
        segments = [
            with_marks(
                drawn,
                words=_words(t2s, segment, line) if line else (),
                emotions=_emotions(t2s, segment, emotion, places, line, speaker),
            )
            for drawn, segment, places, line in marked
        ]
    return draw_timeline(segments, width=width)


def _words(t2s: T2SModels, segment: Segment, line: WordAlignment) -> tuple[Mark, ...]:
    """Times of the words of a segment; none when the front end no longer cuts the text the same way."""
    found = t2s.front_end.pieces(segment.text)
    if not found.words or tuple(t2s.front_end.known_ids(found.pieces)) != tuple(segment.ids):
        return ()
    spans, total = line.spans(len(segment.ids)), max(1, len(line.pieces))
    marks = []
    for number, word in enumerate(found.word_texts):
        pieces = [spans[place] for place, owner in enumerate(found.words) if owner == number and spans[place][1]]
        if pieces:
            last = pieces[-1][0] + pieces[-1][1]
            marks.append(Mark(pieces[0][0] / total, last / total, word))
    return tuple(marks)


def _emotions(
    t2s: T2SModels,
    segment: Segment,
    whole: Emotion | None,
    places: Sequence[float],
    line: WordAlignment | None,
    speaker: Speaker | None,
) -> tuple[Mark, ...]:
    """Times of the phases of a segment's emotion: by the timeline, or by their share of the text without one."""
    emotion = segment.emotion or whole
    if emotion is None or not segment.ids:
        return ()
    phases = phases_of(segment, emotion, places)
    begins = [_share(phase.first_piece, len(segment.ids), line) for phase in phases]
    marks = []
    for (first, last), phase in zip(pairwise([*begins, 1.0]), phases, strict=True):
        here = Emotion(phase.vector, base=emotion.base, fingerprint=emotion.fingerprint)
        marks.append(Mark(first, last, *_named(t2s, here, speaker)))
    return tuple(marks)


def _share(piece: int, piece_count: int, line: WordAlignment | None) -> float:
    if line is None or not len(line.pieces):
        return piece / piece_count
    return int((line.pieces < piece).sum()) / len(line.pieces)


def _named(t2s: T2SModels, emotion: Emotion, speaker: Speaker | None) -> tuple[str, tuple[int, int, int] | None]:
    """The emotion of the bank it leans to with its strength, and that one's colour; both open without bank or base."""
    base = base_from(speaker, emotion) if speaker is not None else emotion.base
    if t2s.bank is None or base is None:
        return "", None
    measured: Measured = measure_along(emotion, bank_of(t2s, emotion), 1, base)[0]
    if measured.strength < FAINTEST:
        return "own", GRID
    best = max(range(len(EMOTIONS)), key=lambda index: measured.profile[index])
    return f"{EMOTIONS[best]} {measured.strength:.2f}", EMOTION_COLOURS[best]
