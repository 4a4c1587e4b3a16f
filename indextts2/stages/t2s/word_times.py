"""Words at given times: spans of tokens with lengths of their own, which semantic-to-mel keeps to the frame.

Source: docs/spec/control.md#spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch.nn.utils.rnn import pad_sequence

from ...contracts import Anchor, DurationReport, Emotion, PreparedText, Segment, SemanticSpeech, Speaker, pause_samples
from ...errors import ImpossibleTime, InputError, shortened
from ...models.length_regulator import Span
from ...text.front_end import FrontEnd
from ..duration import Clock
from ..handles import T2SModels
from ..prepare_text import anchors_of
from ..semantic_to_mel import ALLOWED_STRETCH, SILENT_STRETCH
from .spoken_words import token_words
from .word_alignment import WordAlignment, word_alignments

AT_GIVEN_TIMES = "words at given times"
SHOWN = 40  # characters of the words that a message repeats


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


@dataclass(frozen=True, slots=True)
class _Placed:
    """A row with its words at their times. begin: its first sample."""

    spans: tuple[Span, ...]
    begin: int
    names: tuple[str, ...]  # the words of each span


def place_words(
    t2s: T2SModels, text: PreparedText, semantic: SemanticSpeech, speaker: Speaker, emotion: Emotion | None = None
) -> SemanticSpeech:
    """Spoken text with its words at the times that its anchors say, to the frame; unchanged where it has none.

    A word that begins a segment gets its time by the pause before it, a word inside one by spans on either side.
    Raises ImpossibleTime that names the words, for spans stretched beyond `ALLOWED_STRETCH` and for words that would
    have to begin before others end.
    """
    if not text.anchors:
        return semantic
    clock = Clock.of(t2s.config)
    pauses, reports = list(semantic.pauses), list(semantic.reports)
    lead, begin = 0, 0
    rows: list[_Placed] = []
    for row, alignment in enumerate(word_alignments(t2s, text, semantic, speaker, emotion)):
        own = anchors_of(text.segments, text.anchors, row)
        if own and own[0].kind == "at" and own[0].place <= _first(text.segments[row]):
            wanted = round(own.pop(0).seconds * clock.sample_rate)
            end = begin - (pause_samples(pauses[row - 1], clock.sample_rate) if row else 0)
            if wanted < end:
                raise ImpossibleTime(
                    f"'{_shown(text.segments[row].text)}' should begin at {wanted / clock.sample_rate:.2f} s, but what "
                    f"stands before it ends at {end / clock.sample_rate:.2f} s. Ask for a later time."
                )
            if row:
                pauses[row - 1] = (wanted - end + 0.5) / clock.sample_rate
            else:
                lead = wanted
            begin = wanted
        placed = _placed(text, row, alignment, own, begin, clock)
        rows.append(placed)
        begin += sum(frames for _, frames in placed.spans) * clock.hop + pause_samples(pauses[row], clock.sample_rate)
        if row < len(reports):
            reports[row] = _reported(reports[row], placed, clock)
    frames = [sum(count for _, count in placed.spans) for placed in rows]
    home = semantic.tokens.device
    return replace(
        semantic,
        spans=pad_sequence([torch.tensor(placed.spans) for placed in rows], batch_first=True).to(home),
        frame_targets=torch.tensor(frames, device=home),
        sample_targets=torch.tensor([count * clock.hop for count in frames], device=home),
        pauses=tuple(pauses),
        lead_seconds=(lead + 0.5) / clock.sample_rate if lead else 0.0,
        starts_at=tuple(one.seconds for one in text.anchors if one.kind == "at"),
        ends_by=tuple(one.seconds for one in text.anchors if one.kind == "by"),
        reports=tuple(reports),
    )


def _first(segment: Segment) -> int:
    """The character at which the first word of a segment begins."""
    return next((origin for origin in segment.origins if origin >= 0), segment.start)


def _placed(
    text: PreparedText, row: int, alignment: WordAlignment, own: Sequence[Anchor], begin: int, clock: Clock
) -> _Placed:
    """The spans of a row that begins at a sample, with its anchors kept."""
    segment, total = text.segments[row], len(alignment.pieces)
    if own and not segment.origins:
        raise InputError("The text front end of this checkpoint does not say where words stand, so none has a time.")
    borders = [(0, 0)]
    for one in own:
        token = int((alignment.pieces < _piece(segment, one)).sum())
        frame = clock.frames_of(one.seconds - begin / clock.sample_rate)
        tokens = token - borders[-1][0]
        if one.kind == "by" and tokens > 0 and borders[-1][1] + clock.natural_frames(tokens) <= frame:
            continue
        if tokens < 1 or frame <= borders[-1][1]:
            raise ImpossibleTime(
                f"In '{_shown(segment.text)}' no sound is left before {one.seconds:g} s. Let the times rise with the "
                "words, and leave each word some time."
            )
        borders.append((token, frame))
    if borders[-1][0] < total:
        borders.append((total, borders[-1][1] + clock.natural_frames(total - borders[-1][0])))
    words = token_words(text, segment, alignment)
    names = tuple(
        " ".join(word.text for word in words if first <= word.first < end) for (first, _), (end, _) in pairwise(borders)
    )
    spans = tuple((end[0] - start[0], end[1] - start[1]) for start, end in pairwise(borders))
    for (tokens, frames), name in zip(spans, names, strict=True):
        stretch = frames / (tokens * clock.frames_per_token)
        if own and not ALLOWED_STRETCH[0] <= stretch <= ALLOWED_STRETCH[1]:
            raise ImpossibleTime(
                f"'{_shown(name)}' would be stretched to {stretch:.2f} times its length, from "
                f"{tokens * clock.frames_per_token * clock.hop / clock.sample_rate:.2f} to "
                f"{frames * clock.hop / clock.sample_rate:.2f} s; {ALLOWED_STRETCH[0]:g} to {ALLOWED_STRETCH[1]:g} is "
                "possible. Change the time, or write <pause 0.1s> before <at>, so that silence fills the rest."
            )
    return _Placed(spans, begin, names)


def _piece(segment: Segment, anchor: Anchor) -> int:
    """The piece before which an anchor stands."""
    if anchor.kind == "at":
        return next((piece for piece, origin in enumerate(segment.origins) if origin >= anchor.place), len(segment.ids))
    return max((piece + 1 for piece, origin in enumerate(segment.origins) if 0 <= origin < anchor.place), default=0)


def _reported(report: DurationReport, placed: _Placed, clock: Clock) -> DurationReport:
    """The report of a row with the stretch of each span, and a warning for those that are heard."""
    stretches = tuple(round(frames / (tokens * clock.frames_per_token), 4) for tokens, frames in placed.spans)
    heard = tuple(
        f"'{_shown(name)}' is stretched to {stretch:.2f} times its length, which may be heard."
        for name, stretch in zip(placed.names, stretches, strict=True)
        if not SILENT_STRETCH[0] <= stretch <= SILENT_STRETCH[1]
    )
    return replace(report, asked=AT_GIVEN_TIMES, span_stretches=stretches, warnings=report.warnings + heard)


def _shown(text: str) -> str:
    return shortened(text, SHOWN)
