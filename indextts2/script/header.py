"""The header before a spoken text: `Name [happy .6; seed 5]: text`. The same in every format that has room for it.

| setting | meaning |
|---|---|
| `happy .6 sad .2`, `neutral` | emotion weights |
| `seconds 2.5`, `tokens 60`, `frames 200`, `samples 44100`, `factor 1.2`, `speed 0.9` | length of the line |
| `pause 0.4s` | silence after it |
| `start 1.25`, `end 3.5` | when it is spoken, in seconds or as 00:00:01,250 |
| `seed 5`, `takes 4`, `language en` | how it is made |

Settings are parted by `;` or `,`. A name without brackets has at most three words, all but single ones capitalised, a
blank behind the colon, and is known to be a name (`names.py`), so that sentences with a colon stay sentences. Empty
brackets make sure of it: `[]: Note: this` has no speaker, `Zorb []: Hello.` has one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..config import EMOTIONS
from ..contracts import Duration, EmotionWeights
from ..errors import InputError
from ..foreign import shown
from ..text.tags import find_tags
from .model import LINE_UNITS, MILLISECONDS, Line, check_name, clock, milliseconds_of, plain_text, read_clock
from .names import known_speakers
from .speakers import TAG, parts_of, tagged_name

MOST_WORDS = 3  # of a name without brackets
MOST_SHOWN = 40  # characters of a foreign word in a message
_BRACKETED = re.compile(r"([^\[\]:：<>]*)\[([^\[\]]*)\]\s*[:：]")
_NAMED = re.compile(r"\s*([^\W\d_][^\[\]:：<>]*)(?::(?=\s|$)|：)")
_ITEM = re.compile(r"[^;,]+")
_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
_KEY_VALUE = re.compile(r"(\w+)[\s:=]+(\S.*)", re.DOTALL)


class SettingError(InputError):
    """A setting that is not understood. at: its place in the text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Header:
    """Settings of a line, given before its text. values: fields of `Line` by name; at: where the text begins."""

    speaker: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    at: int = 0


Known = Callable[[str], bool]
"""Whether words before a colon are a speaker's name."""


def anything(name: str) -> bool:
    """Takes whatever stands before a colon for a name."""
    return True


def read_header(
    text: str, *, lenient: bool = False, known: Known = anything, faults: list[SettingError] | None = None
) -> Header:
    """The header of a text; an empty one when there is none.

    lenient: brackets that hold no settings are stage directions of a named speaker, or ordinary text. Raises
    SettingError otherwise; with a list of faults, what is wrong goes there and the rest is read.
    """
    bracketed = _BRACKETED.match(text)
    if bracketed is None:
        return _named(text, known)
    name, inside = bracketed.group(1).strip(), bracketed.group(2)
    own: list[SettingError] | None = None if lenient or faults is None else []
    try:
        values = read_settings(inside, own)
    except SettingError as error:
        if not lenient:
            raise SettingError(str(error), bracketed.start(2) + error.at) from error
        if not name:
            return Header()
        values = {}
    _check(name, len(bracketed.group(1)) - len(bracketed.group(1).lstrip()))
    if faults is not None:
        faults += [SettingError(str(fault), bracketed.start(2) + fault.at) for fault in own or ()]
    return Header(name, values, bracketed.end())


def has_settings(text: str) -> bool:
    """Whether a text begins with a header in brackets that holds nothing but settings. The rest is then meant so."""
    bracketed = _BRACKETED.match(text)
    if bracketed is None:
        return False
    try:
        read_settings(bracketed.group(2))
        check_name(bracketed.group(1).strip())
    except InputError:
        return False
    return True


def _named(text: str, known: Known = anything) -> Header:
    found = _NAMED.match(text)
    if found is None:
        return Header()
    name = found.group(1).rstrip()
    words = name.split()
    capitals = all(word[0] == word[0].upper() for word in words)
    if len(words) > MOST_WORDS or (len(words) > 1 and not capitals):
        return Header()
    try:
        check_name(name)
    except InputError:
        return Header()
    return Header(name, {}, found.end()) if known(name) else Header()


def _check(name: str, at: int) -> None:
    try:
        check_name(name)
    except InputError as error:
        raise SettingError(str(error), at) from error


def read_settings(text: str, faults: list[SettingError] | None = None) -> dict[str, Any]:
    """Fields of `Line` from settings parted by ; or comma. Raises SettingError, or adds to the list of faults."""
    values: dict[str, Any] = {}
    weights: dict[str, float] = {}
    neutral = False
    for item in _ITEM.finditer(text):
        content = item.group().strip()
        at = item.start() + len(item.group()) - len(item.group().lstrip())
        if not content:
            continue
        try:
            found = _setting(content)
            if "emotion" in found:
                neutral = True
                weights |= {name: value for name, value in found["emotion"].named() if value}
            else:
                values |= found
        except InputError as error:
            if faults is None:
                raise SettingError(str(error), at) from error
            faults.append(SettingError(str(error), at))
    if neutral:
        values["emotion"] = EmotionWeights.of(**weights)
    return values


def _setting(content: str) -> dict[str, Any]:
    pair = _KEY_VALUE.fullmatch(content)
    key = pair.group(1).lower() if pair else ""
    if pair and key in _SETTINGS:
        return read_setting(key, pair.group(2))
    try:
        return read_setting("emotion", content)
    except InputError as error:
        known = ", ".join((*_SETTINGS, *EMOTIONS))
        raise InputError(f"{shown(content)} is no setting. Known are {known}.") from error


def read_setting(name: str, text: str) -> dict[str, Any]:
    """Fields of `Line` from the value of one setting, whatever else stands in it is a fault. Raises InputError.

    name: one of the settings, or "emotion". What a table's cell holds is read here, so that it sets nothing else.
    """
    return {**_SETTINGS, "emotion": _emotion}[name](text.strip())


def _tag_value(kind: str, content: str) -> tuple[float, ...]:
    """Values of an inline tag of a kind that holds exactly this. Raises InputError."""
    tags, _ = find_tags(f"[{content}]")
    if len(tags) != 1 or tags[0].kind != kind or (tags[0].start, tags[0].end) != (0, len(content) + 2):
        example = {"pause": "'0.4s'", "speed": "'0.9'", "emotion": "'happy .6 sad .2'"}[kind]
        given = content if kind == "emotion" else content.removeprefix(kind).strip()
        raise InputError(f"The {kind} is written such as {example}, but got {shown(given)}.")
    return tags[0].values


def emotion_of(value: str | Mapping[str, Any]) -> EmotionWeights:
    """Emotion weights from `happy .6 sad .2`, or from numbers by their names. Raises InputError."""
    if isinstance(value, str):
        weights: EmotionWeights = read_setting("emotion", value)["emotion"]
        return weights
    for name, number in value.items():
        if name not in EMOTIONS:
            raise InputError(f"Unknown emotion {str(name)[:MOST_SHOWN]}; known are {', '.join(EMOTIONS)}.")
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if is_number and number > sys.float_info.max:
            raise InputError(f"A weight of an emotion is too large to be a number: {name} has {shown(number)}.")
        if not is_number or not number >= 0:
            raise InputError(f"The weight of {name} should be a number from 0 on, but got {shown(number)}.")
    return EmotionWeights.of(**value)


def _emotion(text: str) -> dict[str, Any]:
    return {"emotion": EmotionWeights(_tag_value("emotion", text))}


def _pause(text: str) -> dict[str, Any]:
    return {"pause_ms": milliseconds_of(_tag_value("pause", f"pause {text}")[0])}


def _speed(text: str) -> dict[str, Any]:
    return {"duration": Duration("factor", 1.0 / _tag_value("speed", f"speed {text}")[0])}


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text) or len(text) > MILLISECONDS:
        raise InputError(f"A number such as 2.5 is expected, but '{text[:20]}' stands here.")
    return float(text)


def whole_number(text: str) -> int:
    """A whole number of digits only. Raises InputError."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise InputError(f"A whole number is expected, but '{text[:20]}' stands here.")
    return int(text)


def read_time(text: str) -> int:
    """Milliseconds of seconds or of a clock. Raises InputError."""
    return read_clock(text) if ":" in text else milliseconds_of(_number(text.removesuffix("s").strip()))


def _length(unit: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {"duration": Duration(unit, _number(text))}


_SETTINGS: dict[str, Callable[[str], dict[str, Any]]] = {
    "pause": _pause,
    "speed": _speed,
    **{unit: _length(unit) for unit in LINE_UNITS},
    "start": lambda text: {"start_ms": read_time(text)},
    "end": lambda text: {"end_ms": read_time(text)},
    "seed": lambda text: {"seed": whole_number(text)},
    "takes": lambda text: {"takes": whole_number(text)},
    "language": lambda text: {"language": text},
}


def line_of(
    text: str,
    *,
    lenient: bool = False,
    known: Known = anything,
    faults: list[SettingError] | None = None,
    **given: Any,
) -> Line | None:
    """A line from a header and its text; None when no text follows. given: fields known from elsewhere; they win.

    Raises SettingError, or InputError for values a line cannot have.
    """
    header = read_header(text, lenient=lenient, known=known, faults=faults)
    spoken = plain_text(text[header.at :])
    if not spoken:
        return None
    for tag in TAG.finditer(text, header.at):
        _check(tagged_name(tag), tag.start())
    values = {"speaker": header.speaker, **header.values}
    line = Line(spoken, **{**values, **{key: value for key, value in given.items() if value is not None}})
    parts_of(line)
    return line


def known_in(lines: Iterable[Line]) -> Known:
    """Which names a reader will know in a file of these lines, when all others stand in front of brackets."""
    certain: list[str] = []
    candidates: list[str] = []
    for line in lines:
        (certain if _settings_text(line, times=False) else candidates).append(line.speaker)
    names = known_speakers(candidates, certain)
    return lambda name: name.casefold() in names


def written(
    line: Line,
    *,
    times: bool = False,
    name: bool = True,
    known: Known = anything,
    is_plain: Callable[[str], bool] = anything,
) -> str:
    """The line with its header, as `line_of` reads it back. times: write start and end too; name: False leaves the
    speaker to the format; known: names that need no brackets; is_plain: texts a reader takes as they are.
    """
    speaker = line.speaker if name else ""
    settings = _settings_text(line, times=times)
    text = f"{speaker}: {line.text}" if speaker else line.text
    if not settings and (not speaker or known(speaker)) and is_plain(text):
        if not text.startswith(("#", "<pause")) and not _looks_like_time(text):
            found = read_header(text, lenient=True)
            strict = _strictly(text)
            if found == strict == Header(speaker, {}, found.at) and plain_text(text[found.at :]) == line.text:
                return text
    lead = f"{speaker} " if speaker else ""
    return f"{lead}[{settings}]: {line.text}"


def _strictly(text: str) -> Header | None:
    try:
        return read_header(text)
    except SettingError:
        return None


def _looks_like_time(text: str) -> bool:
    return "-->" in text or text.isdigit()


def _settings_text(line: Line, *, times: bool) -> str:
    parts = []
    if line.emotion is not None:
        named = [f"{name} {plain_number(value)}" for name, value in line.emotion.named() if value]
        parts.append(" ".join(named) or "neutral")
    if times and line.start_ms is not None:
        parts.append(f"start {clock(line.start_ms, '.')}")
    if times and line.end_ms is not None:
        parts.append(f"end {clock(line.end_ms, '.')}")
    if line.duration is not None:
        parts.append(f"{line.duration.unit} {plain_number(line.duration.value)}")
    if line.pause_ms is not None:
        parts.append(f"pause {plain_number(line.pause_ms / MILLISECONDS)}s")
    for key in ("seed", "takes", "language"):
        if getattr(line, key) not in (None, ""):
            parts.append(f"{key} {getattr(line, key)}")
    return "; ".join(parts)


def plain_number(value: float) -> str:
    """The shortest digits that read back as the same number, never with an exponent."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
