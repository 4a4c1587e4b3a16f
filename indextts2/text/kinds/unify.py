"""Other ways of writing the same, put into the one that the kinds know, before they are looked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..tracked import TrackedText
from .context import rest_of, text_before, word_before
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


def _apart(formula: str) -> str:
    """(X-Y) -> (X minus Y)."""
    return re.sub(r"(?<=\w)[-−+*/](?=\w)", lambda sign: f" {_CALCULATED[sign.group()]} ", formula)


_CALCULATED = {"-": "minus", "−": "minus", "+": "plus", "*": "times", "/": "over"}


def _without(signs: str) -> Callable[[re.Match[str]], str]:
    return lambda match: re.sub(f"[{signs}]", "", match.group())


def _decimal_comma(match: re.Match[str]) -> str:
    """3,14 -> 3.14, where no list of numbers stands."""
    if _LIST_BEFORE.search(text_before(match)) or _LIST_BEHIND.match(match.string, match.end()):
        return match.group()
    return match.group().replace(",", ".")


def _stars(match: re.Match[str]) -> str:
    """★★★★☆ -> 4/5 stars."""
    full, all_of_them = match.group().count("★"), len(match.group())
    return f" {full}/{all_of_them} stars " if full < all_of_them else f" {full} stars "


_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_SURE_MONTH = (
    "january|february|april|june|july|august|september|october|november|december|jan|feb|apr|jun|jul|aug|sept?|oct|"
    "nov|dec"
)
_BEFORE_DATE = frozenset(
    "on by until till til since from before after due last next this of every during early late mid between thru "
    "through starting starts ends ending expires dated monday tuesday wednesday thursday friday saturday sunday mon "
    "tue tues wed thu thurs fri sat sun".split()
)
_BEFORE_VERB = frozenset("i you he she it we they who that which to must will can should would and or".split())
_DATE_BEFORE = re.compile(r"\d(?:st|nd|rd|th)?,?\s?(?:[-–—]|to|and|through|thru|or)\s?$")
_CLAUSE = re.compile(r"(?:^|[\n.!?,;:(\[–—•]|\s-)[\s\"'(]{0,3}$")
_DATE_ENDS = re.compile(r"\s?(?:$|[\n,.;:!?)\]–—/-]|(?:at|we|i|is|was|to|and|through|thru|@|from)\b)")
_COUNTED_THING = re.compile(r" (?!this|is|was|as|his|always)[a-z]+s\b")


def _capital(match: re.Match[str]) -> str:
    return match.group().capitalize()


def _small_month(match: re.Match[str]) -> str:
    """december 5 -> December 5; may and march only where no verb stands: on may 3, march 5th, but "he may 3 times"."""
    name = match.group(1)
    if name not in ("may", "march", "mar"):
        return name.capitalize()
    before, lead = word_before(match).lower(), match.string[max(0, match.start() - 12) : match.start()]
    day = re.match(rf" ({_DAY}|\d{{4}})", rest_of(match))
    behind = rest_of(match)[day.end() :] if day else ""
    if before in _BEFORE_DATE and not _CLAUSE.search(lead) or _DATE_BEFORE.search(lead):
        return name.capitalize()
    ordinal = day is not None and day[1][-1].isalpha()
    if ordinal and before not in _BEFORE_VERB and not _COUNTED_THING.match(behind):
        return name.capitalize()
    if day and len(day[1]) == 4:
        return name.capitalize() if before == "in" else name
    return name.capitalize() if _CLAUSE.search(lead) and _DATE_ENDS.match(behind) else name


RULES: tuple[Rule, ...] = (
    (
        _DIGITS,
        re.compile(
            rf"\b({_SURE_MONTH}|may|march|mar)(?=\.?,? (?:{_DAY}|\d{{4}}|'\d\d)(?![\w%]|[.,:]\d|\s?[ap]\.?m\b))"
        ),
        _small_month,
    ),
    (_DIGITS, re.compile(rf"(?:(?<=\d )|(?<=\d[a-z][a-z] ))(?:{_SURE_MONTH})\b"), _capital),  # 5 dec, 1st april
    (_DIGITS, re.compile(r"(?:(?<=\d of )|(?<=\d[a-z][a-z] of ))(?:may|march)\b"), _capital),
    (_DIGITS, re.compile(r"(?m)(?:(?<=^\d )|(?<=^\d\d ))(?:may|march)$"), _capital),
    ("²³⁴⁵⁶⁷⁸⁹ⁿ", re.compile(r"(?<=[²³⁴-⁹ⁿ])[-−–](?=[A-Za-z(\d])"), " minus "),  # X²-Y²
    ("=^", re.compile(r"(?<=[=(])\s?\(?[A-Za-z][-−+*/][A-Za-z\d](?![\w-])"), lambda match: _apart(match.group())),
    ("=", re.compile(r"(?<![\w-])\(?[A-Za-z\d][-−+*/][A-Za-z](?=\)?\s?=)"), lambda match: _apart(match.group())),
    ("^", re.compile(r"(?<=[\w)])\^\("), " to the power of ("),
    ("²³", re.compile(r"(?<=\d/\d)(?=[a-z]{1,2}[²³])"), " "),  # ½mv²
    ("&", re.compile(r"&&"), "&"),
    ("★", re.compile("★{2,}☆*|★☆+"), _stars),
    ("(", re.compile(r"(?<=[a-z][a-z])\((e?s)\)"), lambda match: match.group(1)),  # person(s)
    (".…", re.compile(r"(?:(?<![A-Z])|(?=\.\.))\.(?: ?\.){2,}|…+"), "…"),
    (".", re.compile(r"(?<=[A-Za-z]{2})\.(?=\d)"), ". "),  # fig.2
    ("1", re.compile(r"(?<=(?<![\d/.-])1) c\.?(?= [a-z]{3}| \(| AP )"), " cup"),
    (_DIGITS, re.compile(r"(?<=\d) c\.?(?= [a-z]{3}| \(| AP )"), " cups"),
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
    (",", re.compile(r"(?<![\w.,:/$£€¥=-])\d{1,3},\d{1,2}(?![\d,/:-]|\.\d)"), _decimal_comma),
)  # fmt: skip
"""One of the characters that a text must hold, a pattern, and the one way of writing. Tried in this order."""


def unify(tracked: TrackedText) -> None:
    """Rewrite a text in place."""
    held = set(tracked.text)
    for characters, pattern, replacement in RULES:
        if not held.isdisjoint(characters):
            tracked.sub(pattern, replacement)
