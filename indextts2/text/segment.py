"""Splitting pieces into segments that T2S speaks one by one (docs/spec/text.md#segments).

`reference_segments` does what the reference does, its faults included. `even_segments` is ours: the same limits, no
piece twice, no needlessly short segment, and breaks where a speaker would breathe.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate

SENTENCE_STOPS = frozenset((".", "!", "?", "▁.", "▁?", "▁..."))
"""Stops of the reference. It forgot "▁!", and "..." without the mark."""

_COMMAS = frozenset((",", "▁,"))
_HYPHEN = frozenset(("-",))
_QUOTES = frozenset(("'", "▁'"))
_SHORTEST_AT_STOP = 2  # the reference never closes a segment this short at a stop
_WORD_MARK = "▁"
_ALL_STOPS = frozenset((".", "!", "?", "…", "...", "。", "！", "？"))
_ALL_PAUSES = frozenset((",", ";", ":", "-", "，", "、", "；", "："))


def reference_segments(pieces: Sequence[str], limit: int, quick: int = 0) -> tuple[list[list[int]], bool]:
    """Segments as lists of piece positions, and whether a run without punctuation had to be cut.

    An apostrophe after a stop appears twice, as with the reference. quick: pieces before which short segments are kept.
    """
    return _split(pieces, list(range(len(pieces))), SENTENCE_STOPS, limit, quick)


def _split(
    pieces: Sequence[str], positions: list[int], stops: frozenset[str], limit: int, quick: int
) -> tuple[list[list[int]], bool]:
    segments: list[list[int]] = []
    run: list[int] = []
    was_cut = False
    for index, position in enumerate(positions):
        piece = pieces[position]
        run.append(position)
        inner = _finer_stops(piece, stops)
        if inner is not None:
            parts, cut = _split(pieces, run, inner, limit, quick)
            segments += parts
            was_cut |= cut
            run = []
        elif len(run) <= limit:
            if piece in stops and len(run) > _SHORTEST_AT_STOP:
                following = positions[index + 1] if index + 1 < len(positions) else None
                if following is not None and pieces[following] in _QUOTES:
                    run.append(following)
                segments.append(run)
                run = []
        else:
            segments += [run[:limit], run[limit:]]
            was_cut = True
            run = []
    if run:
        segments.append(run)
    return _merge(segments, limit, quick), was_cut


def _finer_stops(piece: str, stops: frozenset[str]) -> frozenset[str] | None:
    """The stops to split a run with as soon as it holds a comma or a hyphen; None for other pieces.

    A run is split at its first one, so looking at the newest piece is enough.
    """
    if piece in _COMMAS and not stops & _COMMAS:
        return _COMMAS
    if piece in _HYPHEN and not stops & _HYPHEN:
        return _HYPHEN
    return None


def _merge(segments: list[list[int]], limit: int, quick: int) -> list[list[int]]:
    """Join neighbours from left to right while they fit."""
    merged: list[list[int]] = []
    total = 0
    for segment in segments:
        total += len(segment)
        joined = len(merged[-1]) + len(segment) if merged else limit + 1
        if (joined <= limit and total > quick) or joined <= limit / 2:
            merged[-1] = merged[-1] + segment
        else:
            merged.append(segment)
    return merged


class Break(IntEnum):
    """Quality of a place to end a segment at, the best first."""

    SENTENCE = 0
    CLAUSE = 1
    WORD = 2
    ANYWHERE = 3


_BREAK_COST = (0.0, 0.4, 4.0, 8.0)  # by Break
_SEGMENT_COST = 1.0
_SHORT_COST = 4.0  # for an all but empty segment; falls with the fourth power of its filling
_SHORT_POWER = 4


def official_breaks(pieces: Sequence[str]) -> list[Break]:
    """For every piece, how well a segment may end after it, for pieces that mark word starts themselves."""
    breaks = [Break.ANYWHERE] * len(pieces)
    stop: Break | None = None  # of the stop before the closing quotation marks
    for index, piece in enumerate(pieces):
        bare = piece.removeprefix(_WORD_MARK)
        following = pieces[index + 1] if index + 1 < len(pieces) else _WORD_MARK
        if bare and set(bare) <= _ALL_STOPS:
            stop = Break.SENTENCE
        elif bare in _ALL_PAUSES:
            stop = Break.CLAUSE
        elif not (stop is not None and piece == "'"):
            stop = None
        if following.startswith(_WORD_MARK):
            breaks[index] = Break.WORD if stop is None else stop
        if following == "'" and stop is not None:
            breaks[index] = Break.ANYWHERE
    return breaks


def english_breaks(pieces: Sequence[str]) -> list[Break]:
    """For every piece, how well a segment may end after it, for pieces parted by a space piece."""
    kinds = {_WORD_MARK: Break.WORD}
    kinds |= dict.fromkeys(_ALL_STOPS, Break.SENTENCE) | dict.fromkeys(_ALL_PAUSES, Break.CLAUSE)
    return [kinds.get(piece, Break.ANYWHERE) for piece in pieces]


def even_segments(breaks: Sequence[Break], limit: int, sizes: Sequence[int] | None = None) -> list[range]:
    """Ranges of positions that cover all pieces in order, none larger than `limit`.

    Among all ways to cut, the one with the smallest sum of costs over its segments: a constant, the quality of the
    break, and a price for being short. sizes: of every piece, None for one each; a piece larger than the limit is a
    segment of its own.
    """
    size_before = [0, *accumulate([1] * len(breaks) if sizes is None else sizes)]
    bounds = [0, *_candidates(breaks, limit, size_before)]
    short_cost = [_SHORT_COST * (1.0 - length / limit) ** _SHORT_POWER for length in range(limit)]
    best = [0.0] * len(bounds)
    previous = [0] * len(bounds)
    for last in range(1, len(bounds)):
        end = bounds[last]
        lowest = float("inf")
        for first in range(last - 1, -1, -1):
            length = size_before[end] - size_before[bounds[first]]
            if length > limit and first < last - 1:
                break
            cost = best[first] + (short_cost[length] if length < limit else 0.0)
            if cost < lowest:
                lowest, previous[last] = cost, first
        best[last] = lowest + _SEGMENT_COST + _BREAK_COST[breaks[end - 1]]
    segments: list[range] = []
    last = len(bounds) - 1
    while last > 0:
        segments.append(range(bounds[previous[last]], bounds[last]))
        last = previous[last]
    return segments[::-1]


def _candidates(breaks: Sequence[Break], limit: int, size_before: Sequence[int]) -> list[int]:
    """Places to end a segment at: after sentences and clauses, in longer runs after words, in longer words evenly."""
    ends = _ends(breaks, 0, len(breaks), Break.CLAUSE)
    by_words: list[int] = []
    for begin, end in zip([0, *ends], ends, strict=False):
        too_long = size_before[end] - size_before[begin] > limit
        by_words += _ends(breaks, begin, end, Break.WORD) if too_long else [end]
    pieces: list[int] = []
    for begin, end in zip([0, *by_words], by_words, strict=False):
        pieces += _evenly(begin, end, limit, size_before)
    return pieces


def _evenly(begin: int, end: int, limit: int, size_before: Sequence[int]) -> list[int]:
    """Places to cut a word that may be too long for one segment."""
    size = size_before[end] - size_before[begin]
    parts = max(1, -(-size // limit))
    if size == end - begin:
        return [begin + size * part // parts for part in range(1, parts + 1)]
    cuts: list[int] = []  # pieces of several sizes: as many at a time as fit
    first = begin
    for index in range(begin + 1, end):
        if size_before[index + 1] - size_before[first] > limit:
            cuts.append(index)
            first = index
    return [*cuts, end]


def _ends(breaks: Sequence[Break], begin: int, end: int, worst: Break) -> list[int]:
    """Positions after pieces of begin..end-1 whose break is no worse than `worst`; the end always."""
    return [index + 1 for index in range(begin, end) if breaks[index] <= worst or index + 1 == end]
