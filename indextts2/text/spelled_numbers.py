"""Numbers in words for languages without a normaliser here: by the package unicode-rbnf, where it is installed.

Whole numbers and decimals are read; times, dates, money and units are read as the numbers in them.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from typing import Any

from . import spanish
from .languages import LANGUAGE_CODES
from .tracked import TrackedText

logger = logging.getLogger(__name__)

Reader = Callable[[TrackedText], "tuple[str, ...]"]
"""Puts words in place of the numbers of a text, and returns warnings."""

MISSING_RBNF = (
    "The package unicode-rbnf is not installed: numbers are not written out in '{}', and the model reads the digits as "
    "it learned to. Install it with: pip install unicode-rbnf"
)
PLAIN_ONLY = "In '{}' only plain numbers are written out; of {} the numbers alone are read. Write that in words."
_LONGEST = 8  # digits without marks between them that are read as one number; a longer run is a code
_NUMBER = re.compile(
    r"(?P<whole>\d{1,3}(?:(?P<mark>[.,' \u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?!\d)|\d+)"
    r"(?:(?<!\d[.]\d)(?<!\d[.]\d\d)[.,](?P<part>\d+)(?![.,]?\d))?"
)
_WRITTEN = re.compile(r"(?:[$€£¥₽₹]\s)?\S+(?:\s[$€£¥₽₹%°](?=\W|$))?")
_SIGN, _SEVERAL = re.compile(r"[$€£¥₽₹%°]"), re.compile(r"\d[:/]\d|\d([.-])\d{1,4}\1\d")
_AROUND = "()[]{}<>,;.!?\"'«»„“”…"
_GROUPED_BY_COMMA = frozenset("en th hi he ko my sw tl ur".split())
"""Languages in which a comma parts thousands and a point begins a fraction."""

_LEFT_AS_DIGITS = frozenset(("ja", "zh", "zhen", "en", "yue", "minnan", "wuyu", "dialect", "common"))
"""Languages that are read elsewhere, or whose released model was trained digits."""

_INVISIBLE = str.maketrans("", "", "\u00ad\u200b")  # marks for line breaks inside long words


def reader_of(language: str) -> Reader | None:
    """The reader of a language; None for one whose numbers are read elsewhere or not at all."""
    if language in READERS:
        return READERS[language]
    if language in _LEFT_AS_DIGITS or language not in LANGUAGE_CODES:
        return None
    return functools.partial(_read_plain_numbers, language)


READERS: dict[str, Reader] = {"es": spanish.read_numbers}
"""Languages with a reader of their own."""


def _read_plain_numbers(language: str, tracked: TrackedText) -> tuple[str, ...]:
    if not re.search(r"\d", tracked.text):
        return ()
    spell = _spelling(language)
    if spell is None:  # the front end tells of digits that are left
        return (MISSING_RBNF.format(language),) if _engine_class() is None else ()
    written = [match.group().strip(_AROUND) for match in _WRITTEN.finditer(tracked.text)]
    more = [one for one in written if re.search(r"\d", one) and (_SIGN.search(one) or _SEVERAL.search(one))]
    numbers = _NUMBER.finditer(tracked.text)
    tracked.replace_all([(match.start(), match.end(), _say(match, language, spell)) for match in numbers])
    return (PLAIN_ONLY.format(language, ", ".join(f"'{one}'" for one in dict.fromkeys(more))),) if more else ()


def _say(match: re.Match[str], language: str, spell: Callable[[float], str]) -> str:
    """The words of a number. A point or a comma parts thousands or begins a fraction, as the language has it."""
    whole, mark, part = match["whole"], match["mark"], match["part"]
    decimal = "." if language in _GROUPED_BY_COMMA else ","
    if mark == decimal and part is None and whole.count(mark) == 1:  # 1,234 is a fraction here
        whole, _, part = whole.partition(mark)
    bare = re.sub(r"\D", "", whole)
    code = (len(bare) > _LONGEST and bare == whole) or (len(bare) > 1 and bare[0] in "0٠۰")
    words = " ".join(spell(int(digit)) for digit in bare) if code else spell(int(bare))
    if part is None:
        return words
    return " ".join([words, _point(spell), *(spell(int(digit)) for digit in part)])


def _point(spell: Callable[[float], str]) -> str:
    """The word for the point of a fraction; a comma where the language's rule is another."""
    whole, part, both = spell(3), spell(5), spell(3.5)
    is_plain = both.startswith(whole) and both.endswith(part) and len(both) > len(whole) + len(part)
    return both[len(whole) : len(both) - len(part)].strip() if is_plain else ","


@functools.cache
def _spelling(language: str) -> Callable[[float], str] | None:
    """The speller of a language, None without the package or its rules."""
    engine_class = _engine_class()
    if engine_class is None or language not in engine_class.get_supported_languages():
        return None
    engine = engine_class.for_language(language)
    return lambda number: str(engine.format_number(number).text).translate(_INVISIBLE)


@functools.cache
def _engine_class() -> Any:
    try:
        from unicode_rbnf import RbnfEngine
    except ImportError:
        return None
    return RbnfEngine
