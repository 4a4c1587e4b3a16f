"""Words at given times: spans of tokens with lengths of their own, which semantic-to-mel keeps to the frame.

Source: docs/spec/control.md#spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from ...contracts import Segment
from ...errors import InputError
from ...models.length_regulator import Span
from ...text.front_end import FrontEnd
from ..duration import Clock
from .word_alignment import WordAlignment


def first_pieces(front_end: FrontEnd, segment: Segment) -> tuple[tuple[str, int], ...]:
    """The words of a segment in order, each with the index of its first text piece.

    Empty where the front end knows no words, or no longer cuts the text as it was prepared.
    """
    found = front_end.pieces(segment.text)
    if not found.words or tuple(front_end.known_ids(found.pieces)) != tuple(segment.ids):
        return ()
    first: dict[int, int] = {}
    for piece, word in enumerate(found.words):
        first.setdefault(word, piece)
    return tuple((text, first[word]) for word, text in enumerate(found.word_texts) if word in first)


def spans_at(
    alignment: WordAlignment, times: Mapping[int, float], clock: Clock, *, seconds: float | None = None
) -> tuple[Span, ...]:
    """Spans of a segment in which some text pieces begin at given times: (tokens, frames) each.

    times: piece -> seconds from the start of the segment, rising with the pieces. seconds: length of the whole segment;
    None gives what follows the last of these pieces its natural length. Raises InputError where a span would hold no
    token or no frame.
    """
    total = len(alignment.pieces)
    borders = [(0, 0)]
    for piece, time in sorted(times.items()):
        borders.append((int((alignment.pieces < piece).sum()), clock.frames_of(time)))
    tail = total - borders[-1][0]
    borders.append(
        (total, borders[-1][1] + clock.natural_frames(tail) if seconds is None else clock.frames_of(seconds))
    )
    spans = tuple((later[0] - here[0], later[1] - here[1]) for here, later in pairwise(borders))
    if min(min(span) for span in spans) < 1:
        told = ", ".join(f"{tokens} tokens in {frames} frames" for tokens, frames in spans)
        raise InputError(
            f"Every span needs at least 1 token and 1 frame, but the given times make spans of {told}. "
            "Let the times rise from above 0 within the length of the segment, and name words that are spoken one "
            "after the other."
        )
    return spans
