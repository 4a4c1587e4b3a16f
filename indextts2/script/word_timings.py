"""Times of words from word-timed subtitles or JSON.

| file | words |
|---|---|
| JSON with `words`, or `segments` of them, each with `start` and `end` in seconds | each with its times |
| WebVTT with the time of each word | from stamp to stamp |
| SRT and WebVTT | the words of a cue share it by their letters, so one word a cue is exact |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InputError
from ..foreign import ForeignDataError, parse_json, shown
from .model import MILLISECONDS, read_clock
from .subtitles import ARROW, rows_of
from .timed_words import WordTiming, listed_words, stamped_words

_TIMES = re.compile(r"\s*(\S+)\s*-->\s*(\S+)")


def read_word_timings(text: str) -> tuple[WordTiming, ...]:
    """The words of a word-timed SRT, WebVTT or JSON with their times. Raises InputError that says what is wrong."""
    text = text.lstrip("\ufeff").strip()
    found = list(_of_json(text)) if text[:1] in ("{", "[") else list(_of_cues(rows_of(text)))
    if not found:
        raise InputError("No word with a time was found. Give word-timed SRT, WebVTT or JSON.")
    for before, after in zip(found, found[1:], strict=False):
        if after.start < before.start:
            raise InputError(
                f"{shown(after.text)} should not begin before {shown(before.text)}, but does at {after.start:g} s."
            )
    return tuple(found)


def _of_json(text: str) -> Iterator[WordTiming]:
    try:
        content = parse_json(text)
        yield from listed_words(_listed(content))
    except (ForeignDataError, KeyError, TypeError) as error:
        raise InputError(f"The JSON holds no words with text, start and end ({error}).") from error


def _listed(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    if "words" in content:
        return list(content["words"])
    return [word for segment in content["segments"] for word in segment["words"]]


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
        yield from stamped_words(" ".join(body), start, end)
