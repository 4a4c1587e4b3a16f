"""Written English to words that can be spoken.

Characters are folded, what is no speech is left out, the kinds of `kinds/` are found and said in words, and capitals
that are letters become their names. All on a `TrackedText`, so that every spoken word still knows its place in the text
as given.
"""

from __future__ import annotations

import re
import unicodedata

from .english_tables import FOLDED, SYMBOLS
from .kinds.capitals import read_capitals
from .kinds.find import say_kinds
from .kinds.letters import ENDINGS, LETTER_NAMES, spelled_letters
from .kinds.marks import leave_out_marks
from .kinds.table import KINDS
from .kinds.unify import unify
from .tracked import TrackedText

__all__ = ["ENDINGS", "LETTER_NAMES", "expand", "name_of_symbol", "spelled_letters"]

_PRIVATE = re.compile("[\ue000-\uf8ff\ufff9\ufffc]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+|`+")
_ANGSTROM = re.compile("(?:(?<=\\d)|(?<=\\d ))[Å\u212b](?![A-Za-z])")
_SUPERSCRIPTS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_POINT_AND_COMMA = re.compile(r"(?<=[A-Za-z])\.(?=,)")  # ibid., p. 5
_PER = re.compile(
    r"(?<=[a-z\ue000-\uf8ff])/(second|minute|hour|day|week|month|year|night|person|mile|unit|share|head|child|adult|barrel|"
    r"serving|game|user|seat|token|page|word|request|min|sec|hr|kg|ton|bbl|km|lb|mo|yr|wk|employee|student|customer|click|kWh|pound)\b"
)
_SHORT = {"min": "minute", "sec": "second", "hr": "hour", "kg": "kilogram", "bbl": "barrel", "km": "kilometer",
"lb": "pound", "mo": "month",
          "yr": "year", "wk": "week", "kWh": "kilowatt hour"}  # fmt: skip
_BETWEEN_WORDS = re.compile(r"(?<=[A-Za-z])/(?=[A-Za-z])")


def expand(tracked: TrackedText, left_out: list[str] | None = None, *, capitals: bool = True) -> None:
    """Rewrite the text in place into words, punctuation and private signs of letters.

    left_out: gets what is no speech and was taken out. capitals: False leaves words in capitals as they are.
    """
    _fold(tracked)
    leave_out_marks(tracked, [] if left_out is None else left_out)
    unify(tracked)
    say_kinds(tracked, KINDS)
    tracked.sub(_POINT_AND_COMMA, "")
    if capitals:
        read_capitals(tracked)
    tracked.sub(_PER, lambda match: f" per {_SHORT.get(match.group(1), match.group(1))}")
    tracked.sub(_BETWEEN_WORDS, " slash ")


def _fold(tracked: TrackedText) -> None:
    """Compatibility folding and accents off, one character at a time; other scripts stay as they are."""
    tracked.sub(_PRIVATE, "\ufffd")
    tracked.sub(_ANGSTROM, "angstrom")
    tracked.sub(_NOT_ASCII, lambda match: "".join(_fold_character(character) for character in match.group()))


def _fold_character(character: str) -> str:
    if character in FOLDED:
        return FOLDED[character]
    if character in _SUPERSCRIPTS:
        return character
    plain = unicodedata.normalize("NFKD", character)
    plain = "".join(part for part in plain if not unicodedata.combining(part)).replace("⁄", "/")
    if "/" in plain and plain[0].isdigit():  # a fraction in one character
        plain = " " + plain
    keeps_something = plain.strip() or character.isspace()
    return plain if plain.isascii() and keeps_something else character


def name_of_symbol(character: str) -> str | None:
    """The spoken name of a sign left over after the rules; None for characters that have none."""
    return SYMBOLS.get(character)
