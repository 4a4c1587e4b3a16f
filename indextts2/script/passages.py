"""Long lines of free length, such as pages of a book: spoken in passages, so that memory stays flat however long the
text is, and a stopped job loses one passage at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

import torch

from ..contracts import Emotion, PreparedText, SpokenWord
from .line import LineAsk, LineReport, SpokenLine
from .model import LARGEST_SEED

SEGMENTS = 8  # of a passage; as many as text-to-semantic decodes in one batch
SEED_STEP = 1_000_003  # between the seeds of two passages, so that retries of one never meet those of the next


def passages_of(ask: LineAsk, emotion: Emotion | None, *, takes_start_only: bool) -> tuple[LineAsk, ...]:
    """The parts a line is spoken in; the line itself when it is short, has a length or times to keep, or an emotion
    that changes along the text. A passage ends where a pause is, so that no sound runs across.
    """
    room = None if takes_start_only else ask.slot.room
    free = ask.duration is None and room is None and ask.slot.deadline is None
    if not free or ask.text.anchors or (emotion is not None and emotion.keyframes):
        return (ask,)
    return tuple(
        replace(ask, text=text, seed=(ask.seed + place * SEED_STEP) % (LARGEST_SEED + 1))
        for place, text in enumerate(_cut(ask.text))
    )


def _cut(text: PreparedText) -> list[PreparedText]:
    parts: list[PreparedText] = []
    begin = 0
    for end, segment in enumerate(text.segments, start=1):
        full = end - begin >= SEGMENTS and segment.pause_seconds > 0.0
        if full or end == len(text.segments):
            warnings = () if begin else text.warnings
            parts.append(replace(text, segments=text.segments[begin:end], warnings=warnings))
            begin = end
    return parts


def joined_passages(parts: Sequence[SpokenLine]) -> SpokenLine:
    """One line of its passages; each ends with the silence behind it."""
    if len(parts) == 1:
        return parts[0]
    return SpokenLine(
        torch.cat([part.audio for part in parts]),
        torch.cat([part.tokens for part in parts]),
        replace(_joined_report([part.report for part in parts]), words=_joined_words(parts)),
    )


def _joined_report(reports: Sequence[LineReport]) -> LineReport:
    tokens = sum(report.token_count for report in reports)
    stretch = sum(report.stretch * report.token_count for report in reports) / max(1, tokens)
    return replace(
        reports[0],
        sample_count=sum(report.sample_count for report in reports),
        method=_each(report.method for report in reports),
        stop=_each(report.stop for report in reports),
        stretch=round(stretch, 4),
        token_count=tokens,
        takes=tuple(take for report in reports for take in report.takes),
        warnings=tuple(dict.fromkeys(warning for report in reports for warning in report.warnings)),
        passages=len(reports),
    )


def _joined_words(parts: Sequence[SpokenLine]) -> tuple[SpokenWord, ...]:
    """The words of all passages in the samples of the whole."""
    begins = [0, *accumulate(part.audio.shape[0] for part in parts)]
    groups = [0, *accumulate(1 + max((word.group for word in part.report.words), default=0) for part in parts)]
    return tuple(
        replace(word, start=begin + word.start, end=begin + word.end, group=group + word.group)
        for part, begin, group in zip(parts, begins, groups, strict=False)
        for word in part.report.words
    )


def _each(words: Iterable[str]) -> str:
    """Every different word once."""
    return ", ".join(dict.fromkeys(words))
