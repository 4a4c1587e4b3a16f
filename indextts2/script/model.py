"""The script object: lines in the order they were written. Times are whole milliseconds, as in subtitle files."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from ..contracts import Duration, EmotionWeights
from ..errors import InputError, ScriptError

MILLISECONDS = 1000
LATEST_MS = 100 * 3600 * MILLISECONDS  # hours of a clock have two digits
LONGEST_PAUSE_MS = 60 * MILLISECONDS
LONGEST_NAME = 60  # characters
MOST_TAKES = 64
LARGEST_SEED = 2**63 - 1
LINE_UNITS = ("tokens", "frames", "seconds", "samples", "factor")

_MARKUP = re.compile(r"</?(?:i|b|u|s|c|v|font|lang|ruby|rt)(?:[\s.][^<>]*)?>|<\d[\d:.]*>|\{\\[^{}]*\}", re.IGNORECASE)
_MOST_NESTED = 8  # marks inside one another; beyond, no more are looked for
_NO_MARKS = str.maketrans("<{", "  ")
_CONTROL = ("Cc", "Cf", "Cs", "Co", "Cn")
_JOINERS = "\u200c\u200d"  # of Indic and Arabic scripts and of emoji; the only invisible characters that mean something
_NOT_IN_NAMES = set("[]:：<>{}&")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said by one speaker.

    text may hold inline tags (`text/tags.py`). speaker: "" is the narrator. emotion: None is the cast's. start_ms and
    end_ms: the cue, None for a line that follows the one before. pause_ms: silence after it, None for the usual.
    duration: a length of its own, which goes before the cue's; seed and takes: None for those of the job.
    """

    text: str
    speaker: str = ""
    emotion: EmotionWeights | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    pause_ms: int | None = None
    language: str = ""
    seed: int | None = None
    takes: int | None = None
    duration: Duration | None = None

    def __post_init__(self) -> None:
        if self.text != plain_text(self.text) or not self.text:
            raise InputError(f"The text of a line is plain, on one line and not empty, but is '{self.text}'.")
        check_name(self.speaker)
        check_language(self.language)
        _check_times(self.start_ms, self.end_ms)
        _check_whole("pause", self.pause_ms, 0, LONGEST_PAUSE_MS, "milliseconds")
        _check_whole("seed", self.seed, 0, LARGEST_SEED, "")
        _check_whole("number of takes", self.takes, 1, MOST_TAKES, "")
        own = self.duration
        if own is not None and (own.unit not in LINE_UNITS or own.method != "auto"):
            raise InputError(f"A line's own length is given in {', '.join(LINE_UNITS)} and nothing else.")


@dataclass(frozen=True, slots=True)
class Script:
    """Lines in the order of the file. notes: what the reader found and decided; two scripts may differ in it alone."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not self.lines:
            raise ScriptError("The script holds no lines to speak. Write one such as 'Anna: Hello.'")

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names in the order they first speak; "" is the narrator."""
        return tuple(dict.fromkeys(line.speaker for line in self.lines))


class _Blanked(dict[int, int]):
    """What `str.translate` makes of a character: a blank of a control character. Filled as characters are met."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        control = unicodedata.category(character) in _CONTROL and character not in _JOINERS
        return self.setdefault(code, ord(" ") if control else code)


_BLANKED = _Blanked()


def plain_text(text: str) -> str:
    """One line without markup, control characters and doubled blanks. Inline tags stay."""
    for _ in range(_MOST_NESTED):  # taking one mark away may put together another
        before, text = text, _MARKUP.sub("", text)
        if before == text:
            break
    else:
        text = text.translate(_NO_MARKS)
    return " ".join(text.translate(_BLANKED).split())


def check_name(name: str) -> None:
    """Refuse names that could not be written in front of a text. Raises InputError."""
    if name != plain_text(name) or len(name) > LONGEST_NAME or set(name) & _NOT_IN_NAMES or name.startswith("#"):
        raise InputError(
            f"A speaker's name has at most {LONGEST_NAME} characters, none of {' '.join(sorted(_NOT_IN_NAMES))}, "
            f"and does not begin with #, but is '{name[: LONGEST_NAME + 1]}'."
        )


def check_language(language: str) -> None:
    """Refuse what is no language tag such as en, zh or pt-BR. Raises InputError."""
    if language and not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", language):
        raise InputError(f"A language is a tag such as en, zh or pt-BR, but is '{language[:LONGEST_NAME]}'.")


def _check_times(start: int | None, end: int | None) -> None:
    _check_whole("start", start, 0, LATEST_MS, "milliseconds")
    _check_whole("end", end, 0, LATEST_MS, "milliseconds")
    if end is not None and start is None:
        raise InputError("A line with an end needs a start.")
    if end is not None and start is not None and end <= start:
        raise InputError(f"A line ends after it starts, but starts at {clock(start)} and ends at {clock(end)}.")


def _check_whole(name: str, value: int | None, least: int, most: int, unit: str) -> None:
    if value is not None and not (type(value) is int and least <= value <= most):
        raise InputError(f"The {name} of a line lies between {least} and {most} {unit}".rstrip() + f", not {value}.")


def clock(milliseconds: int, separator: str = ",") -> str:
    """HH:MM:SS,mmm"""
    seconds, rest = divmod(milliseconds, MILLISECONDS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{rest:03}"


def read_clock(text: str) -> int:
    """Milliseconds of [hours:]minutes:seconds[.fraction]. Raises InputError."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise InputError(f"A time is written as 00:01:02,345, but '{text.strip()[:LONGEST_NAME]}' stands here.")
    hours, minutes, seconds = (int(found.group(place) or 0) for place in (1, 2, 3))
    if minutes >= 60 or seconds >= 60:
        raise InputError(f"Minutes and seconds of a time lie below 60, but '{text.strip()}' stands here.")
    fraction = int((found.group(4) or "0").ljust(3, "0"))
    return ((hours * 60 + minutes) * 60 + seconds) * MILLISECONDS + fraction


def milliseconds_of(seconds: float) -> int:
    """Seconds to the nearest millisecond. Raises InputError for what is no time."""
    if not 0.0 <= seconds <= LATEST_MS / MILLISECONDS:
        raise InputError(f"A time lies between 0 and {LATEST_MS // MILLISECONDS} seconds, but is {seconds}.")
    return round(seconds * MILLISECONDS)


def samples_of(milliseconds: int, sample_rate: int) -> int:
    """The sample at which a time lies, rounded to the nearest."""
    return (milliseconds * sample_rate + MILLISECONDS // 2) // MILLISECONDS


def milliseconds_at(sample: int, sample_rate: int) -> int:
    """The millisecond nearest to a sample; gives back what `samples_of` took at any rate above 2 kHz."""
    return (sample * MILLISECONDS + sample_rate // 2) // sample_rate
