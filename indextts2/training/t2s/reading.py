"""Text ids of an utterance and when each of them sounds, by the front end of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor

from ...text.english import SPACE, EnglishFrontEnd
from ...text.front_end import FrontEnd
from ...text.pieces import NO_WORD, TextPieces
from ..data.alignment import align, spread_letters
from ..data.feature_store import FeatureEntry

Spans = list[tuple[float, float]]


class Reading(NamedTuple):
    """A text and the tokens that speak it."""

    ids: list[int]
    spans: Spans | None  # seconds of every id; None where no timing is known
    codes: Tensor  # (tokens,)
    contour: Tensor  # (2 * tokens, 3), see contours.py; (2 * tokens, 0) where none is asked for


class TextReader(Protocol):
    """Reader of utterances for one kind of text front end."""

    timed: bool  # whether the spans of its texts are known
    between: tuple[int, ...]  # ids between two sentences

    @staticmethod
    def usable(entry: FeatureEntry) -> bool:
        """Whether it can read an utterance."""

    def text(self, entry: FeatureEntry, generator: torch.Generator) -> tuple[list[int], Spans | None]:
        """Ids of an utterance, and the seconds of each at the speed of the entry."""


class TimedReader:
    """Reader of English utterances whose phonemes are timed by the teacher; some words come as letters."""

    timed = True

    def __init__(self, front_end: FrontEnd, letters_probability: float) -> None:
        self.front_end = cast(EnglishFrontEnd, front_end)
        self.letters_probability = letters_probability
        self.between = tuple(front_end.ids((SPACE,)))
        self._spans: dict[str, tuple[TextPieces, Spans]] = {}

    @staticmethod
    def usable(entry: FeatureEntry) -> bool:
        """Whether it is English with timing."""
        return entry.language == "en" and bool(entry.phoneme_durations)

    def text(self, entry: FeatureEntry, generator: torch.Generator) -> tuple[list[int], Spans | None]:
        """Ids of the text with some words as letters, and the span in seconds of every id."""
        plain, spans = self._aligned(entry)
        mixed = self.front_end.pieces(entry.text, letters_probability=self.letters_probability, generator=generator)
        if mixed.pieces != plain.pieces:
            spans = _respread(plain.words, spans, mixed.words)
        scale = 1.0 / entry.speed
        return self.front_end.ids(mixed.pieces), [(start * scale, end * scale) for start, end in spans]

    def _aligned(self, entry: FeatureEntry) -> tuple[TextPieces, Spans]:
        cached = self._spans.get(entry.utterance)
        if cached is None:
            plain = self.front_end.pieces(entry.text)
            spans = align(
                [" " if piece == SPACE else piece for piece in plain.pieces], entry.phonemes, entry.phoneme_durations
            )
            cached = self._spans[entry.utterance] = (plain, spans)
        return cached


class PlainReader:
    """Reader of utterances in any language, by any front end, without timing."""

    timed = False
    between: tuple[int, ...] = ()

    def __init__(self, front_end: FrontEnd, letters_probability: float) -> None:
        """letters_probability: has no meaning for this reader, whose front ends do not know phonemes from letters."""
        self.front_end = front_end
        self._ids: dict[str, list[int]] = {}

    @staticmethod
    def usable(entry: FeatureEntry) -> bool:
        """Whether there is a text."""
        return bool(entry.text.strip())

    def text(self, entry: FeatureEntry, generator: torch.Generator) -> tuple[list[int], Spans | None]:
        """Ids of the text."""
        if entry.utterance not in self._ids:
            pieces = self.front_end.pieces(entry.text, language=entry.language).pieces
            self._ids[entry.utterance] = self.front_end.known_ids(pieces, language=entry.language)
        return self._ids[entry.utterance], None


READERS: dict[str, type[TimedReader] | type[PlainReader]] = {"english": TimedReader}
"""Text kind -> its reader, where that is not `PlainReader`."""


def reader_for(text_kind: str) -> type[TimedReader] | type[PlainReader]:
    """Class of the reader of a text kind."""
    return READERS.get(text_kind, PlainReader)


def _respread(words: Sequence[int], spans: Sequence[tuple[float, float]], mixed_words: Sequence[int]) -> Spans:
    """Spans of another spelling of the same words: unchanged words keep theirs, others share theirs evenly."""
    result: Spans = []
    for own, count in zip(_runs(words), (len(run) for run in _runs(mixed_words)), strict=True):
        if count == len(own):
            result.extend(spans[index] for index in own)
        else:
            whole = (spans[own[0]][0], max(spans[index][1] for index in own))
            result.extend(spread_letters(whole, count))
    return result


def _runs(words: Sequence[int]) -> list[list[int]]:
    """Indices grouped by word; a space or a punctuation mark is a group of its own."""
    runs: list[list[int]] = []
    for index, word in enumerate(words):
        if index and word != NO_WORD and word == words[index - 1]:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs
