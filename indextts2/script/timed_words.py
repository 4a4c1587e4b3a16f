"""A text with tags that ask for its words at given times, and the time of each word of a cue with stamps."""

from __future__ import annotations

import difflib
import html
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from ..errors import InputError
from ..foreign import shown
from .model import LATEST_MS, MILLISECONDS, plain_text, read_clock

PHRASE_SECONDS = 0.25  # a silence this long parts two phrases
LEAST_PAUSE = 0.05  # seconds of the pause tag between phrases; the time behind it decides
ANCHORED = ("phrases", "words")
LARGEST_SQUARE = 2_500  # words by words of a piece in which every pair is looked at
WORD_STAMP = re.compile(r"<(\d[\d:.]*)>")


@dataclass(frozen=True, slots=True)
class WordTiming:
    """A word and when it is to be spoken, in seconds."""

    text: str
    start: float
    end: float


def checked_timing(text: str, start: float, end: float) -> WordTiming:
    """A word with its times in seconds. Raises InputError where it does not end after it starts."""
    if not 0.0 <= start < end < float("inf"):
        raise InputError(f"{shown(text)} should end after it starts, but lies from {start:g} to {end:g} s.")
    return WordTiming(text, start, end)


def listed_words(words: Any) -> tuple[WordTiming, ...]:
    """Words as recognisers list them: objects with `text` or `word`, and `start` and `end` in seconds.

    Raises InputError where something else stands there.
    """
    try:
        texts = [plain_text(word["text"] if "text" in word else word["word"]) for word in words]
        times = [(_seconds(word["start"]), _seconds(word["end"])) for word in words]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"The JSON holds no words with text, start and end ({error}).") from error
    return tuple(checked_timing(text, *own) for text, own in zip(texts, times, strict=True) if text)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LATEST_MS:
        raise InputError(f"A time of a word is a number of seconds, but got {shown(value)}.")
    return float(value)


def stamped_words(body: str, start: float, end: float) -> Iterator[WordTiming]:
    """The words between the stamps of a cue, each group of them sharing its time by their letters. start, end: seconds
    of the cue. Raises InputError for stamps that are no times, or not in order.
    """
    parts = WORD_STAMP.split(body)
    begins = [start, *(read_clock(stamp) / MILLISECONDS for stamp in parts[1::2])]
    for text, first, last in zip(parts[::2], begins, [*begins[1:], end], strict=True):
        words = plain_text(html.unescape(text)).split()
        ends = list(accumulate(len(word) for word in words))
        for word, before, after in zip(words, [0, *ends], ends, strict=False):
            share = (last - first) / ends[-1]
            yield checked_timing(word, first + before * share, first + after * share)


def timed_text(timings: Sequence[WordTiming], text: str = "", *, anchored: str = "phrases") -> str:
    """A text with tags that place its words at the times.

    text: what is said; "" says the words of the timings. Its words take the times of those that are spelled alike.
    anchored: "phrases" places what begins after a silence, and its end, and leaves the words inside to the voice;
    "words" places every word. Raises InputError where no word is alike.
    """
    if anchored not in ANCHORED:
        raise InputError(f"Anchored are {' or '.join(ANCHORED)}, but got '{anchored}'.")
    words = [one.text for one in timings] if not text.strip() else text.split()
    known = _matched(words, timings)
    if not known:
        raise InputError("No word of the text is spelled like one of the timings, so none has a time.")
    parts: list[str] = []
    last: WordTiming | None = None
    for index, word in enumerate(words):
        timing = known.get(index)
        if timing is not None:
            begins = last is None or timing.start - last.end >= PHRASE_SECONDS
            if begins and last is not None:
                parts += [f"<by {last.end:.3f}s>", f"<pause {LEAST_PAUSE:g}s>"]
            if begins or anchored == "words":
                parts.append(f"<at {timing.start:.3f}s>")
            last = timing
        parts.append(word)
    if last is not None:
        parts.append(f"<by {last.end:.3f}s>")
    return " ".join(parts)


def _matched(words: Sequence[str], timings: Sequence[WordTiming]) -> dict[int, WordTiming]:
    """The timing of each word that is spelled alike, in order."""
    mine, theirs = [_bare(word) for word in words], [_bare(one.text) for one in timings]
    pairs = dict(_alike(mine, theirs))
    return {first: timings[second] for first, second in pairs.items()}


def _alike(mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Indices of equal words, rising in both, in time proportional to the words.

    First come words that stand equally often in both, then what continues them, then short pieces between, as diff
    finds them, which takes time by the square of their length.
    """
    ends = (len(mine), len(theirs))
    for (left, low), (right, high) in pairwise([(-1, -1), *_anchors(mine, theirs), ends]):
        if right < len(mine):
            yield right, high
        first, second = left + 1, low + 1
        while first < right and second < high and mine[right - 1] == theirs[high - 1]:
            right, high = right - 1, high - 1
            yield right, high
        while first < right and second < high and mine[first] == theirs[second]:
            yield first, second
            first, second = first + 1, second + 1
        if 0 < (right - first) * (high - second) <= LARGEST_SQUARE:
            matcher = difflib.SequenceMatcher(None, mine[first:right], theirs[second:high], autojunk=False)
            for one in matcher.get_matching_blocks():
                yield from ((first + one.a + step, second + one.b + step) for step in range(one.size))


def _anchors(mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """The longest rising row of words that stand equally often in both, each paired with its like by its number."""
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, words in enumerate((mine, theirs)):
        for index, word in enumerate(words):
            places.setdefault(word, ([], []))[side].append(index)
    even = (pair for pair in places.values() if len(pair[0]) == len(pair[1]))
    ends: list[int] = []  # by the length of a row, less one: the smallest index of theirs that such a row ends with
    rows: list[tuple[int, int, Any]] = []  # the last pair of that row, and the pairs before it
    for first, second in sorted(pair for lists in even for pair in zip(*lists, strict=True)):
        at = bisect_left(ends, second)
        row = (first, second, rows[at - 1] if at else None)
        ends[at : at + 1], rows[at : at + 1] = [second], [row]
    found, last = [], rows[-1] if rows else None
    while last is not None:
        found.append(last[:2])
        last = last[2]
    return found[::-1]


def _bare(word: str) -> str:
    return "".join(character for character in word.lower() if character.isalnum())
