"""Fractions of a unit: half a teaspoon, three eighths inch, a quarter to half a cup."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .context import rest_of
from .find import Kind, kind
from .units import SPELLED_OUT, UNIT, unit_words

BEHIND_INCHES = re.compile(
    r"\s*(?:$|[.,;:)]|(?:wide|long|tall|high|deep|thick|across|in|x|by|of|diameter|apart|square)\b)"
)
_THING = re.compile(
    r"\s(?!(?:and|or|by|from|in|is|to|of|at|on|for|with|was|again|more|less|wide|thick|"
    r"tall|deep|long|apart|above|below|each|longer|shorter|across|off)\b)[a-z]{3,}"
)
_VOWEL_SOUND = re.compile(r"(?:[aeio]|u(?!n)|hour)")


def fraction_in_words(whole: str | None, above: int, below: int) -> str:
    """1/2 -> one half; 2 1/4 -> two and a quarter."""
    words = numbers.fraction(above, below)
    if not whole:
        return words
    part = words if above > 1 else "a " + words.removeprefix("one ")
    return f"{numbers.spoken(whole.strip(' -'))} and {part}"


def _fraction(match: re.Match[str]) -> str | None:
    """1/2 tsp -> half a teaspoon, 1 1/2 lb -> one and a half pounds, 3/4 cup -> three quarters of a cup."""
    whole, above, below, sign = match.groups()
    unit = unit_words(sign) or _spelled_unit(sign)
    if unit and not whole and f"-{sign}" in match.group() and _THING.match(rest_of(match)):  # 1/2-inch pieces
        words = numbers.fraction(int(above), int(below)) if 0 < int(above) < int(below) else ""
        return f"{words.removeprefix('one ')} {unit[0]}" if words else None
    return _of_a_unit(match, whole, int(above), int(below), sign)


def _of_a_unit(match: re.Match[str], whole: str | None, above: int, below: int, sign: str) -> str | None:
    words = (unit_words(sign) if sign.lower() in _DIVISIBLE else None) or _spelled_unit(sign)
    if words is None or not 0 < above < below or (sign == "in" and not BEHIND_INCHES.match(rest_of(match))):
        return None
    one, many = words
    if whole:
        return f"{fraction_in_words(whole, above, below)} {many}"
    article = "an" if _VOWEL_SOUND.match(one) else "a"
    if above == 1 and below == 2:
        return f"half {article} {one}"
    share = numbers.fraction(above, below)
    if above == 1 and below < _FINE:
        return f"{'an' if share.startswith('one e') else 'a'} {share.removeprefix('one ')} {one}"
    return f"{share} of {article} {one}"


_FINE = 20
"""A share finer than this is said as one of so many: one sixtieth of a second."""


def _range(match: re.Match[str]) -> str | None:
    """1/4-1/2 cup -> a quarter to half a cup; 1-1 1/2 hours -> one to one and a half hours."""
    first, first_above, first_below, whole, above, below, sign = match.groups()
    if first_above is None:
        low = numbers.spoken(first) if first and whole else None
    elif not 0 < int(first_above) < int(first_below):
        low = None
    else:
        low = fraction_in_words(first, int(first_above), int(first_below))
        low = {"one half": "half"}.get(
            low, f"a {low.removeprefix('one ')}" if low.startswith("one ") and not first else low
        )
    high = _of_a_unit(match, whole, int(above), int(below), sign)
    return f"{low} to {high}" if low and high else None


_DIVISIBLE = frozenset(
    "tsp tsps tbsp tbsps lb lbs oz pt qt gal in ft mi yd km m cm mm kg g hr hrs min mins sec s h l ml ac px".split()
)
"""Units of which people use fractions."""


def _spelled_unit(word: str) -> tuple[str, str] | None:
    if not re.fullmatch(SPELLED_OUT, word):
        return None
    irregular = {"feet": "foot", "foot": "foot", "inches": "inch", "inch": "inch", "glass": "glass", "glasses": "glass",
                 "pinches": "pinch", "pinch": "pinch"}  # fmt: skip
    one = irregular.get(word, word.removesuffix("s"))
    many = {"foot": "feet", "inch": "inches", "glass": "glasses", "pinch": "pinches", "dozen": "dozen"}.get(
        one, one + "s"
    )
    return one, many


def _inch_fraction(match: re.Match[str]) -> str | None:
    """3/8" bolt -> three eighths inch bolt."""
    whole, above, below = match.group(1), int(match.group(2)), int(match.group(3))
    return f"{fraction_in_words(whole, above, below)} inch" if 0 < above < below else None


def _ordinal_fraction(match: re.Match[str]) -> str | None:
    above, below = int(match.group(1)), int(match.group(2))
    return numbers.fraction(above, below) if 0 < above and below > 1 else None


_SOME_UNIT = rf"({SPELLED_OUT}|{UNIT})(?![\w'/])(?:\.(?=\s+[a-z]|,))?"
FRACTIONS: tuple[Kind, ...] = (
    kind(
        "fractions",
        r"(?<![\w/.,$])(?:(\d{1,3})(?=[^/\d]))?\s?(?:(\d{1,2})/(\d{1,2}))?(?:\s?[-–—]\s*|\sto\s+)"
        rf"(?:(\d{{1,3}})[ -])?(\d{{1,2}})/(\d{{1,2}})\s?-?{_SOME_UNIT}",
        _range,
        needs="/",
    ),
    kind("fraction", r"(?<![\w/.,$])(\d{1,4}[ -])?(\d{1,2})/(\d{1,2})\s?(?:\"|'')", _inch_fraction),
    kind("fraction", r"(?<![\w/.,$])(\d{1,3})/(\d{1,3})(?:rd|th|nd)s?\b", _ordinal_fraction),
    kind(
        "fraction",
        rf"(?<![\w/.,$])(\d{{1,4}}[\s-]+)?(\d{{1,3}})/(\d{{1,5}})\s?-?{_SOME_UNIT}",
        _fraction,
    ),
)
"""Fractions before a unit, and fractions that are written as ordinals."""
