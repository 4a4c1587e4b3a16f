"""Times of words from word-timed subtitles or JSON, and a text with tags that ask for them.

| file | words |
|---|---|
| JSON with `words`, or `segments` of them, each with `start` and `end` in seconds | each with its times |
| WebVTT with the time of each word | from stamp to stamp |
| SRT and WebVTT | the words of a cue share it by their letters, so one word a cue is exact |
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ..errors import InputError
from ..foreign import ForeignDataError, parse_json
from .model import MILLISECONDS, plain_text, read_clock
from .subtitles import ARROW, rows_of

PHRASE_SECONDS = 0.25  # a silence this long parts two phrases
LEAST_PAUSE = 0.05  # seconds of the pause tag between phrases; the time behind it decides
ANCHORED = ("phrases", "words")
_STAMP = re.compile(r"<(\d[\d:.]*)>")
_TIMES = re.compile(r"\s*(\S+)\s*-->\s*(\S+)")


@dataclass(frozen=True, slots=True)
class WordTiming:
    """A word and when it is to be spoken, in seconds."""

    text: str
    start: float
    end: float


def read_word_timings(text: str) -> tuple[WordTiming, ...]:
    """The words of a word-timed SRT, WebVTT or JSON with their times. Raises InputError that says what is wrong."""
    text = text.lstrip("\ufeff").strip()
    found = list(_of_json(text)) if text[:1] in ("{", "[") else list(_of_cues(rows_of(text)))
    if not found:
        raise InputError("No word with a time was found. Give word-timed SRT, WebVTT or JSON.")
    for before, after in zip(found, found[1:], strict=False):
        if after.start < before.start:
            raise InputError(f"'{after.text}' should not begin before '{before.text}', but does at {after.start:g} s.")
    return tuple(found)


def _of_json(text: str) -> Iterator[WordTiming]:
    try:
        content = parse_json(text)
        for word in _listed(content):
            shown = plain_text(str(word["text"] if "text" in word else word["word"]))
            if shown:
                yield _checked(shown, float(word["start"]), float(word["end"]))
    except (ForeignDataError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The JSON holds no words with text, start and end ({error}).") from error


def _listed(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    if "words" in content:
        return list(content["words"])
    return [word for segment in content["segments"] for word in segment["words"]]


def _checked(text: str, start: float, end: float) -> WordTiming:
    if not 0.0 <= start < end < float("inf"):
        raise InputError(f"'{text}' should end after it starts, but lies from {start:g} to {end:g} s.")
    return WordTiming(text, start, end)


def _of_cues(rows: Sequence[str]) -> Iterator[WordTiming]:
    at = 0
    while at < len(rows):
        times = _TIMES.match(rows[at]) if ARROW in rows[at] else None
        at += 1
        if times is None:
            continue
        start, end = (read_clock(times[group]) / MILLISECONDS for group in (1, 2))
        body = []
        while at < len(rows) and rows[at].strip():
            body.append(rows[at])
            at += 1
        yield from _of_cue(" ".join(body), start, end)


def _of_cue(body: str, start: float, end: float) -> Iterator[WordTiming]:
    """The words between the stamps of a cue, each group of them sharing its time by their letters."""
    parts = _STAMP.split(body)
    begins = [start, *(read_clock(stamp) / MILLISECONDS for stamp in parts[1::2])]
    for text, first, last in zip(parts[::2], begins, [*begins[1:], end], strict=True):
        words = plain_text(html.unescape(text)).split()
        ends = list(accumulate(len(word) for word in words))
        for word, before, after in zip(words, [0, *ends], ends, strict=False):
            share = (last - first) / ends[-1]
            yield _checked(word, first + before * share, first + after * share)


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
    blocks = difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    return {one.a + step: timings[one.b + step] for one in blocks for step in range(one.size)}


def _bare(word: str) -> str:
    return "".join(character for character in word.lower() if character.isalnum())
