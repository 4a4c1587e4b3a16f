"""Inline tags in a text: pauses, emotions, durations.

| tag | meaning |
|---|---|
| `<pause 0.4s>` `[pause 400ms]` `[pause 0.4]`, SSML's `<break time="400ms"/>` | silence here |
| `[happy .6]` `[sad 0.4 calm 0.2]` `[neutral]` | emotion weights from here to the next emotion tag; neutral is none |
| `[seconds 2.5]` `[tokens 60]` `[frames 200]` | length of the text up to the next tag |
| `<at 2.4s>` | the next word begins 2.4 seconds after the start of the speech |
| `<by 3.1s>` | the word before has ended 3.1 seconds after the start of the speech |
| `[speed 0.9]` | speaking rate from here to the next speed tag; 1 is the model's own |

Seconds and frames include the pauses inside that text; tokens are those of the speech alone.

Anything else in brackets is ordinary text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..config import EMOTIONS

_TAG = re.compile(r"<\s*((?:pause|at|by)\b[^<>|\n]*)>|\[\s*([a-z]+\b[^\[\]\n]*)\]", re.IGNORECASE)
_BREAK = re.compile(r"<\s*break\b([^<>|]*)>(?:\s*</break\s*>)?", re.IGNORECASE)
_BREAK_TIME = re.compile(r"time\s*=\s*(?:[\"']\s*)?\+?(\d+(?:\.\d*)?|\.\d+)\s*(ms|s)", re.IGNORECASE)
_BREAK_STRENGTH = re.compile(r"strength\s*=\s*(?:[\"']\s*)?([a-z-]+)", re.IGNORECASE)
_STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.0}
"""Seconds of SSML's breaks that state no time; medium is the usual one."""

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_PAUSE = re.compile(rf"pause\s+{_NUMBER}(?:\s*(s|sec|seconds|ms))?", re.IGNORECASE)
_ANCHOR = re.compile(rf"(at|by)\s+{_NUMBER}(?:\s*(s|sec|seconds|ms))?", re.IGNORECASE)
_LENGTH = re.compile(rf"(seconds|tokens|frames|speed)\s+{_NUMBER}", re.IGNORECASE)
_EMOTION = re.compile(rf"({'|'.join(EMOTIONS)})(?:\s*(?:[:=]\s*)?{_NUMBER})?[\s,;]*", re.IGNORECASE)
_NEUTRAL = re.compile(r"(?:neutral|reset)\s*", re.IGNORECASE)
_NAMES = re.compile(rf"(?:pause|seconds|tokens|frames|speed|neutral|{'|'.join(EMOTIONS)})\b", re.IGNORECASE)
_MILLISECONDS = 1000.0
_LONGEST_PAUSE = 60.0  # seconds
DEFAULT_WEIGHT = 0.6
"""Weight of an emotion named without a number."""


@dataclass(frozen=True, slots=True)
class TagSpan:
    """One tag and where it stands: characters start..end-1 of the text as given.

    kind: "pause", "emotion", "seconds", "tokens", "frames", "speed", "at" or "by". values: the one number; for
    "emotion" the eight weights in the order of `config.EMOTIONS`, all zero for neutral.
    """

    kind: str
    values: tuple[float, ...]
    start: int
    end: int


def find_tags(text: str) -> tuple[list[TagSpan], tuple[str, ...]]:
    """All tags of a text in order, and warnings about what looks like a tag and is none."""
    tags: list[TagSpan] = []
    warnings: list[str] = []
    for match in _TAG.finditer(text):
        content = (match.group(1) or match.group(2)).strip()
        parsed = _parse(content)
        if parsed is not None:
            tags.append(TagSpan(*parsed, *match.span()))
        elif _NAMES.match(content):
            warnings.append(f"{match.group()} looks like a tag, but is not understood; it is read as text.")
    breaks = [
        TagSpan("pause", (min(_break_seconds(match.group(1)), _LONGEST_PAUSE),), *match.span())
        for match in _BREAK.finditer(text)
    ]
    return sorted([*tags, *breaks], key=lambda tag: tag.start), tuple(warnings)


ANCHORS = ("at", "by")
"""Kinds of tags that stand inside a sentence without cutting it."""


def has_times(text: str) -> bool:
    """Whether words of a text have given times, which count from its start."""
    return any(tag.kind in ANCHORS for tag in find_tags(text)[0])


def without_tags(text: str, kinds: Sequence[str] | None = None) -> str:
    """The text with blanks in place of its tags, so that every character stays where it is. kinds: None for all."""
    for tag in find_tags(text)[0]:
        if kinds is not None and tag.kind not in kinds:
            continue
        text = text[: tag.start] + " " * (tag.end - tag.start) + text[tag.end :]
    return text


def _break_seconds(attributes: str) -> float:
    """The silence of a break of SSML."""
    time = _BREAK_TIME.search(attributes)
    if time:
        return float(time.group(1)) / (_MILLISECONDS if time.group(2).lower() == "ms" else 1.0)
    strength = _BREAK_STRENGTH.search(attributes)
    return _STRENGTHS.get(strength.group(1).lower() if strength else "medium", _STRENGTHS["medium"])


def _parse(content: str) -> tuple[str, tuple[float, ...]] | None:
    """Kind and values of what stands between the brackets; None when it is ordinary text."""
    pause = _PAUSE.fullmatch(content)
    if pause:
        seconds = _seconds(pause)
        return ("pause", (seconds,)) if seconds <= _LONGEST_PAUSE else None
    anchor = _ANCHOR.fullmatch(content)
    if anchor:
        seconds = _seconds(anchor)
        return (anchor.group(1).lower(), (seconds,)) if math.isfinite(seconds) else None
    length = _LENGTH.fullmatch(content)
    if length:
        value = float(length.group(2))
        return (length.group(1).lower(), (value,)) if 0.0 < value < math.inf else None
    if _NEUTRAL.fullmatch(content):
        return "emotion", (0.0,) * len(EMOTIONS)
    return _parse_emotion(content)


def _seconds(match: re.Match[str]) -> float:
    """A number with its unit, seconds unless milliseconds are said; an anchor has its kind in front of them."""
    number, unit = match.groups()[-2:]
    return float(number) / (_MILLISECONDS if (unit or "").lower() == "ms" else 1.0)


def _parse_emotion(content: str) -> tuple[str, tuple[float, ...]] | None:
    weights = dict.fromkeys(EMOTIONS, 0.0)
    position = 0
    while position < len(content):
        found = _EMOTION.match(content, position)
        if found is None:
            return None
        weights[found.group(1).lower()] = float(found.group(2)) if found.group(2) else DEFAULT_WEIGHT
        position = found.end()
    return "emotion", tuple(weights.values())
