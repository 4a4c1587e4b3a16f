"""Plain numbers: ordinals, counts, years, numbers behind words such as Chapter and No."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .dates import is_year
from .find import Kind, kind
from .letters import spell
from .places import COMPASS, STREETS

_HEADS = (
    "Chapter|chapter|Part|part|Episode|episode|Season|season|Track|track|Level|level|Day|day|Lesson|lesson|Unit|unit|Step|"
    "step|Volume|volume|Section|section|Page|page|Act|Scene|Figure|Table|Round|Question|Exercise|Scene"
)
_NUMBERED = {"nos": "numbers", "no": "number", "pp": "pages", "p": "page", "vol": "volume", "vols": "volumes",
    "ch": "chapter",
             "chap": "chapter", "fig": "figure", "figs": "figures", "sec": "section", "ep": "episode", "art": "article",
             "pt": "part", "eq": "equation", "ex": "example", "par": "paragraph", "tab": "table", "apt": "apartment",
             "ste": "suite", "rm": "room", "bldg": "building", "ext": "extension", "lvl": "level", "lv": "level",
             "#": "number",
             "nr": "number", "op": "opus", "§": "section", "§§": "sections", "¶": "paragraph",
             "cf": "compare", "pg": "page", "sect": "section", "pgs": "pages", "chs": "chapters", "fl": "floor", ""
             "eqs": "equations",
             "vv": "verses", "ll": "lines", "bk": "book", "bks": "books", "app": "appendix", "cl": "clause",
             "nn": "notes", "pl": "plate", "pls": "plates", "ser": "series", "stn": "station", "qq": "questions",
             "wk": "week",
             "kv": "koechel", "sched": "schedule", "para": "paragraph", "paras": "paragraphs",
             "cat": "catalog", "reg": "regulation", "arts": "articles", "pts": "parts"}  # fmt: skip
_SIGN = "|".join(sorted((name for name in _NUMBERED if name.isalpha()), key=len, reverse=True))


_CODE_DIGITS = 5
_NAMED_LIKE = {"section": (3, 4), "sections": (3, 4), "room": (3, 4), "apartment": (3, 4), "suite": (3, 4),
               "number": (4,)}  # fmt: skip
"""What is numbered as rooms are, with the digits of a number that is read in pairs: room 204, unit 1983."""


def _headed(match: re.Match[str]) -> str:
    """Chapter 01 -> chapter one."""
    return f"{match.group(1)} {numbers.cardinal(int(match.group(2)))}"


def _flat(match: re.Match[str]) -> str:
    """Flat 3/2 -> flat three two."""
    return " ".join((match.group(1), *(numbers.spoken(number) for number in match.groups()[1:])))


def _numbered(match: re.Match[str]) -> str:
    """No. 5, Nos. 1-3, pp. 12-14, #5, § 3."""
    head = _NUMBERED[match.group(1).lower()]
    first, letter, last = match.group(2), match.group(3), match.group(4)
    if first.isdecimal() and len(first) >= _CODE_DIGITS and not last:  # order #12345
        return f"{head} {numbers.digits(first)}"
    named = first.isdecimal() and len(first) in _NAMED_LIKE.get(head, ())
    words = f"{head} {numbers.pairs(first) if named else _plain(first)}" + (f" {spell(letter)}" if letter else "")
    return words + (
        f" {'and' if match.group(0).count('&') else 'to'} {numbers.pairs(last) if named else _plain(last)}"
        if last
        else ""
    )


def _coded(match: re.Match[str]) -> str:
    """code 90210, PIN 0423: digit by digit."""
    return f"{match.group(1)}{match.group(2)}{numbers.digits(match.group(3))}"


_CODED = "code|Code|zip|ZIP|PIN|pin|ID|account|Account|serial|extension|passcode|password|ticket|confirmation|postcode"
_STREETS = "|".join((*map(str.capitalize, (*STREETS, *STREETS.values())), "Way"))


def _plain(text: str) -> str:
    return numbers.cardinal(int(text)) if text.isdecimal() and len(text) < 12 else numbers.spoken(text)


def _ordinal(match: re.Match[str]) -> str:
    number = next(group for group in match.groups() if group)
    return numbers.ordinal(int(number.replace(",", "")))


def _ordinals(match: re.Match[str]) -> str:
    return f"{numbers.ordinal(int(match.group(1)))} to {numbers.ordinal(int(match.group(2)))}"


def number_in_words(match: re.Match[str]) -> str:
    """A year of four digits, or a count."""
    text = match.group()
    return numbers.year(int(text)) if is_year(text) else numbers.spoken(text)


def _minus(match: re.Match[str]) -> str:
    return "minus " + numbers.spoken(match.group(1))


def _grouped(match: re.Match[str]) -> str:
    return numbers.spoken(re.sub(r"[\s'_]", "", match.group()))


def _pairs(match: re.Match[str]) -> str:
    """Batting .312 -> three twelve, a .45 pistol -> forty five."""
    return numbers.pairs(match.group(1))


def _dashed(match: re.Match[str]) -> str:
    """Table 3-1, Level 1-2."""
    return f"{match.group(1)} {_plain(match.group(2))} dash {_plain(match.group(3))}"


def _lettered(match: re.Match[str]) -> str:
    """B. 4, The Albany."""
    return f"{spell(match.group(1))} {numbers.pairs(match.group(2))}"


HEADED: tuple[Kind, ...] = (
    kind(
        "calibre",
        r"(?<![\w.])\.(\d\d|357|308|223|243|270|338|300)(?=[- ](?:cal(?:ibers?|ibres?)?|pistols?|rifles?|BMG|"
        r"revolvers?|magnums?|handguns?|guns?|rounds?|bullets?|cartridges?|Magnum|ACP|Winchester|Colt|automatic|shells?)\b)",
        _pairs,
        hint=r"\.\d\d",
    ),
    kind(
        "lettered number",
        r"(?<![\w.])([A-Z])\. ?(\d{1,4})(?=[,;:)]|\.?\s*$|\.\s+[A-Z])",
        _lettered,
        hint=r"[A-Z]\. ?\d",
    ),
    kind("numbered", r"\b(Eq|Eqs|Fig|Figs|Sec|Tab|Art|Ex|No)\. \((\d+)([a-z])?\)()", _numbered, hint=r"\. \(\d"),
    kind(
        "ending",
        r"(?<=ending in )(\d{4})\b|(?<=ends in )(\d{4})\b",
        lambda match: numbers.digits(match.group()),
        hint=r"in \d\d\d\d",
    ),
    kind(
        "headed number",
        r"\b(Table|Figure|Fig\.|Level|World|Stage|Exercise) (\d{1,3})[-–](\d{1,3})(?![\w.,-]*\d)",
        _dashed,
        hint=r"\d[-–]\d",
    ),
    kind("headed number", rf"\b({_HEADS}) (0\d{{1,2}})\b(?![.,:]\d)", _headed, hint=r" 0\d"),
    kind(
        "numbered",
        rf"(?<![\w.])(?<!Civ\. )(?<!Crim\. )(?<!App\. "
        rf")({_SIGN})\.\s?(\d+(?:\.\d+)?)([A-Za-z])?(?:\s?[-–&]\s?(\d+))?(?![\w%]|[.,]\d)",
        _numbered,
        flags=re.I,
        hint=r"[A-Za-z]\.\s?\d",
    ),
    kind("flat", r"\b([Ff]lat) (\d{1,3})/(\d{1,3})(?![\w/]|[.,]\d)", _flat),
    kind("numbered", r"\b(Apt|[Rr]m|Bldg|Ste|[Ww]k)\s(\d+)([A-Za-z])?()(?![\w%]|[.,]\d)", _numbered),
    kind("numbered", r"(?<![\w&])(pp|[Nn]os?)\s?(\d+)()(?:\s?[-–&]\s?(\d+))?(?![\w%]|[.,]\d)", _numbered),
    kind(
        "house number",
        rf"(?<![\w.,$-])\d{{3,4}}(?= (?:[NSEW]\.? )?(?:[A-Z][\w']+ ){{1,3}}(?:{_STREETS})\b)",
        lambda match: numbers.pairs(match.group()),
    ),
    kind(
        "compass",
        rf"(?<=\d )[NSEW]\.?(?= (?:\d+(?:st|nd|rd|th)|(?:[A-Z][\w']+ ){{0,2}}[A-Z][\w']+) (?:{_STREETS})\b)",
        lambda match: COMPASS[match.group()[0]],
        hint=r" [NSEW]\b",
    ),
    kind("code", rf"\b({_CODED})(:? (?:is |no\.? |number )?)(\d{{4,}})\b(?![.,:%]\d)", _coded, hint=r"\d\d\d\d"),
    kind(
        "numbered",
        r"(#|§§?|¶)\s?(\d+(?:\.\d+)?)([A-Za-z])?(?:\s?[-–]\s?(\d+))?(?![\w%]|[.,]\d)",
        _numbered,
        needs="#§¶",
    ),
)
NUMBERS: tuple[Kind, ...] = (
    kind("old ordinal", r"\b(\d{0,2}[23])d(?= (?:of|day)\b)|(?<=[Tt]he )(\d{0,2}[23])d\b", _ordinal, hint=r"[23]d\b"),
    kind("ordinals", r"\b(\d{1,3})(?:st|nd|rd|th)?\s?[-–]\s?(\d{1,3})(?:st|nd|rd|th)\b", _ordinals),
    kind("ordinal", r"\b(\d[\d,]{0,14})(?:st|nd|rd|th)\b", _ordinal, flags=re.I),
)
LAST: tuple[Kind, ...] = (
    kind(
        "batting average",
        r"(?:(?<=batting )|(?<=batted )|(?<=hit )|(?<=hitting )|(?<=average of )|(?<=hits )|"
        r"(?<=avg\. to )|(?<=average to )|(?<=avg to ))\.(\d{3})\b",
        _pairs,
        hint=r"\.\d\d\d",
    ),
    kind("grouped number", r"(?<![\w.,'])\d{1,3}(?:['_]\d{3})+(?![\w'])", _grouped),
    kind("negative", r"(?<![\w)\]\ufffc.–-])[-–](\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?![\w-])", _minus),
    kind("grouped number", r"(?<![\d.,])(?<!\d )\d{1,3}(?: \d{3}){2,}(?! ?\d)", _grouped),
    kind("number", r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|(?<![A-Za-z\ufffc])\.\d+|\d+", number_in_words),
)
"""Whatever digits are left."""
