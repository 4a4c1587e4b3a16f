"""Other ways of writing the same, put into the one that the kinds know, before they are looked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..tracked import TrackedText
from .money import CURRENCIES, SYMBOL
from .units import SPELLED_OUT, WORDS

Rule = tuple[str, re.Pattern[str], "str | Callable[[re.Match[str]], str]"]

_SIGNS = "|".join(re.escape(sign) for sign in sorted(WORDS, key=len, reverse=True) if len(sign) > 1)
_COUNTED = rf"(?:{_SIGNS}|{SPELLED_OUT}|people|[%€£°])"
_LISTED = (
    "pages|pp\\.|verses|vv\\.|chapters|chs\\.|rooms|numbers|nos\\.|lines|players|questions|steps|days|items|figures|figs\\.|"
    "sections|parts|rows|columns|levels|volumes|vols\\.|articles|exercises|problems|lanes|gates"
)
_LIST_BEFORE = re.compile(rf"\b(?:{_LISTED})\s$", re.I)
_LIST_BEHIND = re.compile(r"\s?(?:,|and|or|&)\s?\d")
_DIGITS = "0123456789"
_MONEY = "".join(sign for sign in CURRENCIES if len(sign) == 1)
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec"


GIVEN = {
    "Wm": "William", "Chas": "Charles", "Thos": "Thomas", "Jas": "James", "Geo": "George", "Jno": "John",
    "Robt": "Robert", "Edw": "Edward", "Saml": "Samuel", "Danl": "Daniel", "Benj": "Benjamin", "Jos": "Joseph",
    "Alex": "Alexander", "Alexr": "Alexander", "Richd": "Richard", "Hy": "Henry", "Hen": "Henry", "Fredk": "Frederick",
    "Rich": "Richard", "Eliz": "Elizabeth", "Nath": "Nathaniel", "Theo": "Theodore", "Archd": "Archibald",
}  # fmt: skip
"""Names that books shorten, before another name, a comma or a numeral."""


def _without(signs: str) -> Callable[[re.Match[str]], str]:
    return lambda match: re.sub(f"[{signs}]", "", match.group())


def _decimal_comma(match: re.Match[str]) -> str:
    """3,14 -> 3.14, where no list of numbers stands."""
    if _LIST_BEFORE.search(match.string[: match.start()]) or _LIST_BEHIND.match(match.string, match.end()):
        return match.group()
    return match.group().replace(",", ".")


def _stars(match: re.Match[str]) -> str:
    """★★★★☆ -> 4/5 stars."""
    full, all_of_them = match.group().count("★"), len(match.group())
    return f" {full}/{all_of_them} stars " if full < all_of_them else f" {full} stars "


RULES: tuple[Rule, ...] = (
    ("★", re.compile("★{2,}☆*|★☆+"), _stars),
    ("(", re.compile(r"(?<=[a-z][a-z])\((e?s)\)"), lambda match: match.group(1)),  # person(s)
    (".…", re.compile(r"(?:(?<![A-Z])|(?=\.\.))\.(?: ?\.){2,}|…+"), "…"),
    (".", re.compile(r"(?<=[A-Za-z]{2})\.(?=\d)"), ". "),  # fig.2
    ("1", re.compile(r"(?<=(?<![\d/.-])1) c\.?(?= [a-z]{3})"), " cup"),
    (_DIGITS, re.compile(r"(?<=\d) c\.?(?= [a-z]{3})"), " cups"),
    (".", re.compile(r"(?<![\w.'][A-Za-z])(?<![pPcC])(?<=[A-Za-z])\.(?=\d)"), " "),  # M.2
    (".", re.compile(rf"\b({'|'.join(GIVEN)})\.(?=,? [A-Z]|')"), lambda match: GIVEN[match.group(1)]),  # Wm. Smith
    (".", re.compile(r"(?<=\b[Pp]er cent)(s?)\.(?= [a-z(])"), lambda match: match.group(1)),
    ("&", re.compile(r"& ?c\b\.?"), "etc."),
    ("'", re.compile(r"(?<= )'n'?(?= )"), "and"),  # rock 'n' roll
    ("'", re.compile(r"\bth'(?= [a-z])"), "the"),  # th' expense
    ("'", re.compile(r"(?<=\bQ[1-4])'(?=\d\d\b)"), " "),  # Q1'24
    ("T", re.compile(r"(?<=\d\d\d\d-\d\d-\d\d)T(?=\d\d:\d\d)"), " at "),
    ("Z", re.compile(r"(?<=\d:\d\d:\d\d)Z\b"), " UTC"),
    (_DIGITS, re.compile(rf"\b(\d\d?)-({_MONTHS})-(?=\d\d)"), lambda match: f"{int(match.group(1))} {match.group(2)} "),
    ("'", re.compile(r"(?<![\w'.,])\d{1,3}(?:'\d{3})+(?![\w'])"), _without("'")),  # 1'000
    (_MONEY, re.compile(rf"(?:(?<={SYMBOL})|(?<={SYMBOL} ))\d{{1,3}}(?: \d{{3}})+(?![\d,])"), _without(" ")),  # $50 000
    # 10 000 km
    (_DIGITS, re.compile(rf"(?<![\d.,-])(?<!\d )\d{{1,3}}(?: \d{{3}})+(?=\s?{_COUNTED}(?!\w))"), _without(" ")),
    ("0", re.compile(r"(?<![\d.,-])(?<!\d )\d{1,3}(?: 000)+(?![\d,]| \d)"), _without(" ")),
    (",", re.compile(r"(?<![\w.,:/$£€¥-])\d{1,3},\d{1,2}(?![\d,/:-]|\.\d)"), _decimal_comma),
)  # fmt: skip
"""One of the characters that a text must hold, a pattern, and the one way of writing. Tried in this order."""


def unify(tracked: TrackedText) -> None:
    """Rewrite a text in place."""
    held = set(tracked.text)
    for characters, pattern, replacement in RULES:
        if not held.isdisjoint(characters):
            tracked.sub(pattern, replacement)
