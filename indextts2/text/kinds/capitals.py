"""Words in capitals: letters one by one, words said with force, names; and words in mixed case."""

from __future__ import annotations

import re

from ..tracked import TrackedText
from .context import next_word, text_before, word_before
from .letters import ENDINGS, LETTER_NAMES, POSSESSIVE, is_pronounceable, is_word, spell

SPELLED = frozenset(
    "US UK UN EU UAE PC TV AI ID PM CEO CPU GPU DJ VIP UFO HIV ATM IQ HR PR NYC LA DC FAQ VS OK OS AC DVD CD TLDR DIY "
    "UCLA NYU USC UPS EEG ECG ROI DEA NGO RAF GPS VAT SOS DOB COO CTO NSA CDC USPS IPO ESA IMF WTO ICU IRA AAA "
    "ONS NHS TIL WR QB RB "
    "OBE MBE CBE IMO IMHO LOL BRB AFK RIP URI IDE OOP BTU TBA TBD ETF NFT SUV EV ISP UFC KPI POV DLC NPC RPG FPS MMO "
    "GDP LED AKA ETA RSVP FYI GUI EST PST CST MST EDT PDT GMT UTC BST CET BC BCE AD CE IT WHO USA FBI CIA BBC".split()
)
"""Always letters, unless a row of `_BY_CONTEXT` says otherwise."""

_WORDS_TOO = frozenset("US IT WHO AD LA VS OR AM ID IRA UPS OK EST CE MA SOS".split())
"""Words as well, which they are in a text of capitals."""

_LONGEST = 5  # letters of an unknown word in capitals that is spelled
_TWO_LETTERS = frozenset(
    "am an as at be by do go he hi if in is it me my no of oh on or so to up us we ah ow ox yo ha ho lo pa ma um uh "
    "ye ya".split()
)
"""Words of two letters; any other two capitals are letters."""

_SHORTEST_NAME = 4  # letters of an unknown word in capitals that may be read
_BEFORE_US = frozenset(
    "told tell tells gave give gives let lets help helps for to with of from by on at like than between against all "
    "both among "
    "saw see sees show shows showed join leave left love loves hate hates made make makes kill save trust believe "
    "know knows "
    "asked ask call called follow followed near about take took send sent bring brought want wants owe owes teach "
    "taught".split()
)
_FUNCTION = frozenset(
    "in out go know see have do be get take make help down up off through now then "
    "that to and not all what how why when who if or but is was will can a the it he she they we you i".split()
)
_IT_NOUNS = frozenset(
    "department departments team teams support manager managers guy guys industry sector specialist specialists "
    "professional "
    "professionals staff infrastructure company companies systems system services service security consultant "
    "consultants "
    "job jobs skills budget project projects".split()
)
_TIME = re.compile(
    r"(?:\d|\ufffc|clock|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirty|fifteen)\s*$"
)
_PLACE_BEHIND = re.compile(r"\s+and\s+(?:the\s+)?[A-Z]")
_LETTER_A = re.compile(
    r"((?<=[a-z] )|\b(?:Exhibit|Section|Vitamin|Appendix|Group|Grade|Class|Level|Serie|Point|Block|Plan|Type|Part|Team|"
    r"Unit|Gate|Room|Side|Hepatitis|Influenza) )A(?=[,.;:!?)]|$|\s(?![A-Z][a-z]))|()\bA(?=-[a-z])"
)
_CAPITALS = re.compile(r"\b([A-Z]{2,})('?s)?\b")
_SIGNS = {ending: sign for sign, ending in ENDINGS.items()}
_POSSESSIVE = re.compile(f"(?<={LETTER_NAMES})'s\\b")
_MIXED = re.compile(
    r"\b(?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]{2,}[A-Z]{2,4}|[A-Z]{2,}(?=[a-z]{2})[a-z]+|[a-z][A-Z]{1,3}|[A-Z]{3,4}e|[A-Z][a-z]?(?:[A-Z][a-z]?)*[A-Z]s?)\b"
)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def read_capitals(tracked: TrackedText) -> None:
    """Capitals that are letters become their names; those of emphasis and of names stay words."""
    shouting = is_shouting(tracked.text)
    tracked.sub(_MIXED, _mixed_case)
    tracked.sub(_CAPITALS, _among_capitals if shouting else _initialism)
    tracked.sub(_POSSESSIVE, POSSESSIVE)
    if not shouting:
        tracked.sub(_LETTER_A, lambda match: (match.group(1) or "") + spell("a"))


def is_shouting(text: str) -> bool:
    """Whether a text is written in capitals throughout, so that capitals mean nothing."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) > 1 and sum(word.isupper() for word in words) > len(words) / 2


def _initialism(match: re.Match[str]) -> str:
    letters, ending = match.group(1), match.group(2)
    spelled = _is_spelled(letters, match)
    return spell(letters) + _SIGNS.get(ending or "", "") if spelled else match.group()


def _is_spelled(letters: str, match: re.Match[str]) -> bool:
    if letters in _BY_CONTEXT:
        return _BY_CONTEXT[letters](word_before(match).lower(), next_word(match), match)
    if letters in SPELLED:
        return True
    if len(letters) == 2:
        return letters.lower() not in _TWO_LETTERS
    if is_word(letters) or len(letters) > _LONGEST:
        return False
    return len(letters) < _SHORTEST_NAME or not is_pronounceable(letters)


def _us(before: str, after: str, match: re.Match[str]) -> bool:
    """told US, for US all; but the US, US dollars."""
    if after == "and" and _PLACE_BEHIND.match(match.string, match.end()):  # between US and Iran
        return True
    return not (before in _BEFORE_US and (not after or after in _FUNCTION))


def _am(before: str, after: str, match: re.Match[str]) -> bool:
    """I AM; but 5 AM."""
    return (
        after in ("radio", "FM", "PM", "frequency", "station") or _TIME.search(text_before(match).lower()) is not None
    )


def _it(before: str, after: str, match: re.Match[str]) -> bool:
    return after.lower() in _IT_NOUNS or before in ("in", "our", "your") and not after


def _who(before: str, after: str, match: re.Match[str]) -> bool:
    return before == "the"


_BY_CONTEXT = {
    "US": _us,
    "AM": _am,
    "IT": _it,
    "WHO": _who,
    "OR": lambda before, after, match: False,
    "ID": lambda before, after, match: True,
    "OK": lambda before, after, match: False,
}
"""Words that are letters only in some surroundings."""


def _among_capitals(match: re.Match[str]) -> str:
    """In a text of capitals only what cannot be a word is spelled."""
    word = match.group(1)
    if word in _WORDS_TOO or is_word(word) and word not in SPELLED:
        return match.group()
    if len(word) >= _SHORTEST_NAME and word not in SPELLED and (is_pronounceable(word) or len(word) > _LONGEST):
        return match.group()
    return _initialism(match)


def _mixed_case(match: re.Match[str]) -> str:
    """JavaScript -> Java Script, iPhone -> i Phone, iOS -> letters, where no dictionary knows the whole."""
    word = match.group()
    if is_word(word) or word.isupper() or (word.istitle() and len(word) > 1) or word.rstrip("s").isupper():
        return word
    parts = _PART.findall(word)
    if len(parts) < 2 or (parts[0] in ("Mc", "Mac", "O", "De", "Di", "La", "Le", "Van") and len(parts) == 2):
        return word
    if all(len(part) <= 2 for part in parts):
        return spell(word)
    return " ".join(spell(part) if len(part) == 1 or (part.isupper() and not is_word(part)) else part for part in parts)
