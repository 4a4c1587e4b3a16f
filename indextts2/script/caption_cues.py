"""Captions from words in time: cues of a few rows, broken by width, punctuation, silence and reading speed.

The cues are the cheapest way to cut the words: a cue costs something, ends best where a sentence or a clause does, and
is not shown shorter than it takes to read where there is time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ..checks import check_fields
from ..contracts import SpokenWord, SpokenWords
from ..errors import InputError
from .model import milliseconds_at

SENTENCE, CLAUSE = frozenset(".!?…。！？"), frozenset(",;:—–-，、；：")
CLOSING = "\"'”’)]»」』"
CUE_COST, CLAUSE_COST, WORD_COST = 1.0, 0.4, 2.0  # of a cue; of ending it after a clause, or after any other word
FAST_COST = 4.0  # of a cue that would have to be read twice as fast as asked
LONGEST_SEARCH = 60  # words of a cue that are tried


@dataclass(frozen=True, slots=True)
class CaptionSettings:
    """Layout of captions."""

    width: int = 42  # characters of a row
    rows: int = 2  # of a cue
    reading_speed: float = 20.0  # characters per second
    longest: float = 7.0  # seconds of a cue
    shortest: float = 1.0  # seconds that a cue is shown where the next one leaves it the time
    pause: float = 0.7  # a silence of so many seconds ends a cue
    speakers: bool = True  # name the speakers of a script
    word_times: bool = False  # write the time of each word into WebVTT, which some readers do not know

    def __post_init__(self) -> None:
        check_fields(self)
        if self.width < 8 or not 1 <= self.rows <= 6:
            raise InputError(f"Captions have 1 to 6 rows of 8 characters or more, but got {self.rows} of {self.width}.")
        for name in ("reading_speed", "longest", "shortest", "pause"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} of captions should be above 0, but is {getattr(self, name)}.")


@dataclass(frozen=True, slots=True)
class Caption:
    """One cue. rows: the words of each row; too_fast: characters per second where it must be read faster than asked."""

    start_ms: int
    end_ms: int
    rows: tuple[tuple[SpokenWord, ...], ...]
    speaker: str = ""
    too_fast: float | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The rows as they are read."""
        return tuple(joined(row) for row in self.rows)


def joined(words: Sequence[SpokenWord]) -> str:
    """Words with blanks between them, without one beside characters that are written without."""
    text = ""
    for word in words:
        text += (" " if text and not (_is_wide(text[-1]) or _is_wide(word.text[:1])) else "") + word.text
    return text


def _is_wide(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def captions_of(words: SpokenWords, settings: CaptionSettings | None = None) -> tuple[Caption, ...]:
    """The captions of some audio. Raises InputError where there is no word."""
    settings = settings or CaptionSettings()
    if not words.words:
        raise InputError("There are no words to write captions of. Connect the words of speech.")
    cues: list[tuple[SpokenWord, ...]] = []
    for _, own in groupby(words.words, key=lambda word: (word.group, word.speaker)):
        cues += _cut(list(own), words.sample_rate, settings)
    cues.sort(key=lambda cue: cue[0].start)
    starts = [milliseconds_at(cue[0].start, words.sample_rate) for cue in cues]
    captions = []
    for index, cue in enumerate(cues):
        following = next((start for start in starts[index + 1 :] if start > starts[index]), None)
        captions.append(_timed(cue, starts[index], following, words.sample_rate, settings))
    return tuple(captions)


def _timed(
    cue: tuple[SpokenWord, ...], start: int, following: int | None, rate: int, settings: CaptionSettings
) -> Caption:
    """Shown from the first word to the last, and longer where it takes longer to read and the next cue is not there."""
    speaker = cue[0].speaker if settings.speakers else ""
    length = len(joined(cue))
    spoken = max(start + 1, milliseconds_at(cue[-1].end, rate))
    wanted = start + round(1000 * max(settings.shortest, length / settings.reading_speed))
    end = max(spoken, wanted)
    if following is not None:
        end = max(start + 1, min(end, following))
    speed = round(length * 1000 / (end - start), 1)
    too_fast = speed if speed > settings.reading_speed else None
    return Caption(start, end, _rows(cue, speaker, settings), speaker, too_fast)


def _cut(words: list[SpokenWord], rate: int, settings: CaptionSettings) -> list[tuple[SpokenWord, ...]]:
    """Words of one speaker as cues, by the cheapest way to cut them."""
    speaker = words[0].speaker if settings.speakers else ""
    best, previous = [0.0] + [math.inf] * len(words), [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        for first in range(end - 1, max(-1, end - 1 - LONGEST_SEARCH), -1):
            cue = words[first:end]
            if end - first > 1 and not _fits(cue, speaker, rate, settings):
                break
            cost = best[first] + CUE_COST + _cost(cue, end == len(words), rate, settings)
            if cost < best[end]:
                best[end], previous[end] = cost, first
    cues, end = [], len(words)
    while end:
        cues.append(tuple(words[previous[end] : end]))
        end = previous[end]
    return cues[::-1]


def _fits(cue: Sequence[SpokenWord], speaker: str, rate: int, settings: CaptionSettings) -> bool:
    if (cue[-1].end - cue[0].start) / rate > settings.longest:
        return False
    if any((after.start - before.end) / rate >= settings.pause for before, after in pairwise(cue)):
        return False
    rows = _rows(cue, speaker, settings)
    return len(rows) <= settings.rows


def _cost(cue: Sequence[SpokenWord], is_last: bool, rate: int, settings: CaptionSettings) -> float:
    mark = cue[-1].text.rstrip(CLOSING)[-1:]
    cost = 0.0 if is_last or mark in SENTENCE else CLAUSE_COST if mark in CLAUSE else WORD_COST
    seconds = max((cue[-1].end - cue[0].start) / rate, 1e-3)
    return cost + FAST_COST * max(0.0, len(joined(cue)) / seconds / settings.reading_speed - 1.0) / (1 + len(cue))


def _rows(cue: Sequence[SpokenWord], speaker: str, settings: CaptionSettings) -> tuple[tuple[SpokenWord, ...], ...]:
    """The fewest rows, the first ones as even as can be; a word longer than a row has one of its own."""
    name = len(speaker) + 2 if speaker else 0
    if name + len(joined(cue)) <= settings.width:
        return (tuple(cue),)
    fewest = _filled(cue, name, settings.width)
    for width in range(max(8, math.ceil((name + len(joined(cue))) / len(fewest))), settings.width):
        even = _filled(cue, name, width)
        if len(even) == len(fewest):
            return even
    return fewest


def _filled(cue: Sequence[SpokenWord], name: int, width: int) -> tuple[tuple[SpokenWord, ...], ...]:
    rows: list[list[SpokenWord]] = [[]]
    for word in cue:
        room = width - (name if len(rows) == 1 else 0)
        if rows[-1] and len(joined([*rows[-1], word])) > room:
            rows.append([])
        rows[-1].append(word)
    return tuple(tuple(row) for row in rows)


def describe_captions(captions: Sequence[Caption], settings: CaptionSettings) -> str:
    """Captions in words: how many, and which must be read faster than asked."""
    lines = [f"{len(captions)} captions"]
    for number, one in enumerate(captions, start=1):
        if one.too_fast is not None:
            lines.append(
                f"Caption {number} ('{one.texts[0]}') takes {one.too_fast:g} characters per second; "
                f"{settings.reading_speed:g} were asked."
            )
    return "\n".join(lines)
