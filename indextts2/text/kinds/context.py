"""The surroundings of a match: whether a point behind it ends a sentence too, which word comes before or after."""

from __future__ import annotations

import re

STARTERS = frozenset(
    """
    a after all also although an and another any anyone anything are as at because before both but by can come could did
    do does each even every everybody everyone everything few finally first for from get go had has have he her here
    hers
    his how however i if in instead is it its it's i'm i've i'll he's she's they're we're you're that's there's let
    let's
    look many maybe meanwhile more most much my never next no nobody none not nothing now of often on once one only or
    other our perhaps please she should since so some somebody someone something sometimes soon still such suddenly than
    that the their then there these they this those though thus to today tomorrow tonight two until was we well were
    what
    when where which while who whose why will with would yes yesterday yet you your
    """.split()
)
"""Words that begin a sentence rather than go on with a name."""

CALENDAR = re.compile(
    r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs?)?|Fri|Sat(?:ur)?|Sun)(?:day)?s?\b|(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?"
    r"|Oct|Nov|Dec)[a-z]*\b|(?:[ECMP][SD]?T|GMT|UTC|BST|CET|CEST|IST|JST|AEST|Eastern|Pacific|Central|Mountain|Greenwich|Moscow|London|Beijing|Tokyo|Paris)\b"
)
_NEXT_WORD = re.compile(r"[\"')\]]*\s+[\"'(\[]*([A-Za-z][\w']*)")
_BEFORE = re.compile(r"([A-Za-z][\w'.]*)[\s\"'(]*$")


_AT_END = re.compile(r"[\"')\]]*(?:\s*$|\s*\n)")


def rest_of(match: re.Match[str]) -> str:
    """Text behind a match, at most a short way."""
    return match.string[match.end() : match.end() + 60]


def text_before(match: re.Match[str], most: int = 60) -> str:
    """Text before a match, at most a short way: a copy of all of it at every match would grow with its square."""
    return match.string[max(0, match.start() - most) : match.start()]


def next_word(match: re.Match[str]) -> str:
    """The word behind a match and blanks, or none."""
    found = _NEXT_WORD.match(rest_of(match))
    return found.group(1) if found else ""


def word_before(match: re.Match[str]) -> str:
    """The word before a match and blanks, or none."""
    found = _BEFORE.search(text_before(match, 30))
    return found.group(1) if found else ""


def word_before_comma(match: re.Match[str]) -> str:
    """The word before a comma that stands before a match, or none."""
    found = re.search(r"([A-Za-z][\w'.]*),\s*$", text_before(match, 30))
    return found.group(1) if found else ""


def at_end(match: re.Match[str]) -> bool:
    """Whether nothing but quotation marks and brackets follows, or the paragraph ends."""
    return _AT_END.match(match.string, match.end()) is not None


def stop_after_initials(match: re.Match[str]) -> str:
    """A point where the point of initials ends a sentence too: at the end, or before a word that begins one."""
    if at_end(match):
        return "."
    word = next_word(match)
    return "." if word and word[0].isupper() and word.lower() in STARTERS else ""


def stop_before_capital(match: re.Match[str]) -> str:
    """A point where the point of an abbreviation ends a sentence too: before a capital that is no day, month or "
    "zone."""
    if at_end(match):
        return "."
    word = next_word(match)
    capital = len(word) > 1 and word[0].isupper() and word[1].islower() or word in ("I", "A")
    return "." if capital and not CALENDAR.match(word) else ""
