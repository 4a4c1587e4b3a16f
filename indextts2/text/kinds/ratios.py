"""Numbers around a slash, a colon or a sign of calculation: fractions, ratios, scores, sizes, comparisons."""

from __future__ import annotations

import re
from decimal import Decimal

from .. import english_numbers as numbers
from .context import rest_of, text_before
from .find import Kind, kind
from .fractions import fraction_in_words
from .letters import spell
from .measures import PER_UNITS, unit_behind
from .money import NUMBER

_FIXED = {
    "24/7": "twenty four seven",
    "24/7/365": "twenty four seven, three sixty five",
    "9/11": "nine eleven",
    "50/50": "fifty fifty",
    "20/20": "twenty twenty",
    "7/7": "seven seven",
    "50-50": "fifty fifty",
    "20-20": "twenty twenty",
    "7-11": "seven eleven",
    "9-11": "nine eleven",
    "10/31": "october thirty first",
    "12/25": "december twenty fifth",
    "12/31": "december thirty first",
}
_SHAPES = frozenset("16:9 9:16 4:3 21:9 16:10 18:9 32:9 2.35:1 2.39:1 1.85:1".split())
_DIVIDED = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 32, 64))
"""Denominators of fractions; of others so many are counted out of them."""

_STARS = re.compile(r"\s*(?:stars?|points?|people|doctors|dentists|correct|times|of the|votes)\b")
_BEAT = re.compile(r"\s(?:time|beat|met(?:er|re)|(?:time )?signature|bars?|waltz)\b")
_WHOLE = 100
"""Shares that make a whole are said without more: an 80/20 split."""

_FEWEST_RUNS, _WICKETS = 40, 10
"""Of cricket: 326/5 is three hundred twenty six for five."""

_LARGEST_DENOMINATOR = 100
_HIGHEST_PRESSURE, _LOWEST_PRESSURE = range(70, 251), range(30, 151)


def _fraction(match: re.Match[str]) -> str | None:
    whole, above, below = match.group(1), int(match.group(2)), int(match.group(3))
    text = f"{match.group(2)}/{match.group(3)}"
    lead = f"{numbers.spoken(whole.strip(' -'))} " if whole else ""
    if text in _FIXED:
        return lead + _FIXED[text]
    if not whole and above > _FEWEST_RUNS and 0 < below <= _WICKETS and not rest_of(match).startswith(","):
        return f"{numbers.cardinal(above)} for {numbers.cardinal(below)}"
    if above in _HIGHEST_PRESSURE and below in _LOWEST_PRESSURE and above > below and below % 10 != 1 and above != 100:
        return f"{lead}{numbers.pairs(str(above))} over {numbers.cardinal(below)}"
    if _BEAT.match(rest_of(match)) or (above + below == _WHOLE and above > below > 1 and not whole):
        return f"{lead}{numbers.cardinal(above)} {numbers.cardinal(below)}"
    if above == below:
        return f"{lead}{numbers.cardinal(above)} out of {numbers.cardinal(below)}"
    if not whole and above != 1 and above <= below and (below not in _DIVIDED or _STARS.match(rest_of(match))):
        return f"{numbers.cardinal(above)} out of {numbers.cardinal(below)}"
    if not (above > 0 and (1 < below <= _LARGEST_DENOMINATOR or (above == 1 and below % 1000 == 0 < below))):
        return f"{lead}{numbers.cardinal(above)} over {numbers.cardinal(below)}"
    if (
        not whole
        and (above, below) == (1, 2)
        and re.match(r"\s+(?:an?|the|of|my|your|his|her|their|our)\b", rest_of(match))
    ):
        return "half"
    return fraction_in_words(whole, above, below)


def _fixed(match: re.Match[str]) -> str:
    """50-50, 20-20, 9-11, and the 9/11 of "post-9/11"."""
    return _FIXED[match.group()]


def _rating(match: re.Match[str]) -> str:
    return f"{numbers.spoken(match.group(1))} out of {numbers.spoken(match.group(2))}"


def _share(match: re.Match[str]) -> str | None:
    """12,000/15,000; more of less is no share."""
    above, below = (int(group.replace(",", "")) for group in match.groups())
    return _rating(match) if above <= below else None


def _ratio(match: re.Match[str]) -> str:
    joint = "by" if match.group() in _SHAPES else "to"
    return f" {joint} ".join(numbers.spoken(part.replace(",", "")) for part in match.group().split(":"))


def _sizes(match: re.Match[str]) -> str:
    """1920x1080 -> nineteen twenty by ten eighty, 3x4x5 -> three by four by five."""
    parts = re.split(r"\s?[x×*]\s?", match.group())
    pixels = len(parts) == 2 and all(len(part) in (3, 4) and part.isdecimal() for part in parts)
    joint = " times " if parts[1:] == ["10"] and rest_of(match).startswith(" to the") else " by "
    return joint.join(numbers.pairs(part) if pixels else numbers.spoken(part) for part in parts)


def _score(match: re.Match[str]) -> str:
    return f"{numbers.spoken(match.group(1))} to {numbers.spoken(match.group(2))}"


def _range(match: re.Match[str]) -> str:
    """5-7 -> five to seven; 7 - 3 alone, or before an equals sign -> seven minus three."""
    low, mark, high = match.groups()
    before, behind = text_before(match), rest_of(match)
    if high[0] == "0" and len(high) > 1 and "." not in high:  # invoice 2024-001
        return f"{_number(low)}, {numbers.digits(high)}"
    if re.match(r"\s?=\s?-?\d", behind) and "–" not in mark:
        return f"{_number(low)} minus {_number(high)}"
    if Decimal(low.replace(",", "")) + Decimal(high.replace(",", "")) == _WHOLE and _SPLIT.match(behind):
        return f"{_number(low)} {_number(high)}"
    taken_off = mark.isspace() is False and mark[:1] == mark[-1:] == " " and "-" in mark
    if taken_off and (re.match(r"\s*(?:=|[-+*×÷]\s)", behind) or _CALCULATES.search(before) and _is_alone(behind)):
        return f"{_number(low)} minus {_number(high)}"
    return f"{_number(low)} to {_number(high)}"


_SPLIT = re.compile(r"\s(?:split|rule|chance|chances|odds|mix|deal|share|partnership|ownership)\b")
_CALCULATES = re.compile(r"(?:^|\n|[:=(]|\b(?:is|are|what's|equals|calculate|compute|evaluate|solve|do))\s*$", re.I)


def _is_alone(behind: str) -> bool:
    """Whether nothing of the same row follows but the end of a sentence."""
    row = behind.partition("\n")[0].lstrip()
    return not row or row[0] in ".?!)"


def _number(text: str) -> str:
    from .dates import is_year

    return numbers.year(int(text)) if is_year(text) else numbers.spoken(text)


_SIGNS = {
    "+": "plus", "-": "minus", "−": "minus", "–": "minus", "*": "times", "×": "times", "÷": "divided by",
    "/": "divided by",
    "=": "equals", "<": "is less than", ">": "is greater than", "≤": "is at most", "≥": "is at least",
    "<=": "is at most",
    ">=": "is at least", "==": "equals", "!=": "is not equal to", "≠": "is not equal to", "±": "plus or minus",
    "≈": "is about", "^": "to the power of", "~": "about",
}  # fmt: skip


def _operator(match: re.Match[str]) -> str:
    if match.group().strip() == "x":
        return " by "
    return f" {_SIGNS[match.group().strip()]} "


def _bound(match: re.Match[str]) -> str:
    """<5 -> less than five, ~30 -> about thirty, >= 3 -> at least three, +5 -> plus five."""
    plain = {"<": "less than ", ">": "more than ", "~": "about ", "≈": "about ", "<=": "at most ", ">=": "at least ",
             "≤": "at most ", "≥": "at least ", "+": "plus ", "±": "plus or minus ", "=": "equals "}  # fmt: skip
    return plain[match.group(1)]


def _row(match: re.Match[str]) -> str:
    """4-4-2, 4–3–3: said without more."""
    return " ".join(numbers.spoken(part) for part in re.split(r"[-–]", match.group()))


def _lettered(match: re.Match[str]) -> str:
    """Seats 12A-12F."""
    first, letter, last, other = match.groups()
    return f"{numbers.spoken(first)} {spell(letter)} to {numbers.spoken(last)} {spell(other)}"


RATIOS: tuple[Kind, ...] = (
    kind(
        "function",
        r"(?<![\w.])([fghFGH])\(([a-z])\)",
        lambda match: f"{spell(match.group(1))} of {spell(match.group(2))}",
        needs_digit=False,
        hint=r"\b[fghFGH]\([a-z]\)",
    ),
    kind(
        "central time",
        r"(?<![\w/.])(\d{1,2})/(\d{1,2})(?:c\b| [Cc]entral\b)",
        lambda match: f"{numbers.spoken(match.group(1))}, {numbers.spoken(match.group(2))} central",
        hint=r"/\d\d?(?:c| [Cc])",
    ),
    kind(
        "place in a file",
        r"(?<=[Ll]ine )(\d{1,6}):(\d{1,4})(?![\w:])",
        lambda match: f"{numbers.spoken(match.group(1))}, {numbers.spoken(match.group(2))}",
        hint="ine ",
    ),
    kind("fixed", r"(?<![\w/.])24/7/365(?![\w/])", _fixed, needs="/"),
    kind("row", r"(?<![\w.,/:-])\d(?:[-–]\d){2,4}(?![\w%/:]|[-–]\d|[.,]\d)", _row, hint=r"\d[-–]\d[-–]\d"),
    kind("seats", r"(?<![\w.,/-])(\d{1,3})([A-Z])\s?[-–]\s?(\d{1,3})([A-Z])(?!\w)", _lettered, hint=r"\d[A-Z]\s?[-–]"),
    kind(
        "times",
        r"(?<![\w.,-])x(\d{1,4})(?![\w.,]|\s?[=+*/^-])",
        lambda match: f"times {numbers.spoken(match.group(1))}",
        needs="x",
    ),
    kind(
        "fixed",
        r"(?<![\w$-])(?:50-50|20-20|7-11|9-11)(?![\w-]|[.,%/]\d)|(?<=[a-z]-)9/11(?!\d)",
        _fixed,
        hint=r"\d[-/]\d",
    ),
    kind("rating", r"(?<![\w.,/])(\d{1,3}\.\d{1,2})/(\d{1,3})(?![\w/]|\.\d)", _rating),
    kind("share", r"(?<![\w/.,$-])(\d{1,3}(?:,\d{3})+)/(\d{1,3}(?:,\d{3})+)(?![\w/]|[.,]\d)", _share, needs="/"),
    kind(
        "share",
        r"(?:(?<=Quest )|(?<=Part )|(?<=Step )|(?<=Slide )|(?<=Score: )|(?<=score of )|(?<=Page )|"
        r"(?<=Level )|(?<=Phase )|(?<=Wave )|(?<=Round )|(?<=Stage )|(?<=Chapter )|(?<=Lesson )|"
        r"(?<=Episode )|(?<=Game ))(\d{1,3})/(\d{1,3})(?![\w/]|\.\d)",
        _rating,
        needs="/",
    ),
    kind("fraction", r"(?<![\w/.,$-])(\d{1,9}[ -]+)?(\d{1,9})/(\d{1,9})(?![\w/]|\.\d)", _fraction),
    kind("ratio", r"(?<![\w:.])\d{1,4}(?:\.\d+)?(?::(?:\d{1,3}(?:,\d{3})+|\d{1,7})(?:\.\d+)?){1,3}(?![\w:])", _ratio),
    kind("size", rf"(?<![\w.,$])(?:{NUMBER})(?:\s?[x×]\s?(?:{NUMBER})){{1,3}}(?!\w)", _sizes),
    kind("range", rf"(?<![\w.,/:-])({NUMBER})(\s?[-–—]\s?)({NUMBER})(?![\w%/:]|[-–]\d|[.,]\d)", _range),
)
"""Ratios, after times and dates had their turn."""

SIGNS: tuple[Kind, ...] = (
    kind(
        "calculation",
        r"(?<=[A-Za-z\d)\ufffc])(?:<=|>=|==|!=)(?=[\d\ufffc])|(?<=[\d)\ufffc]) ?(?:<=|>=|==|!=|x(?= ?[\d\ufffc])|"
        r"[+*×÷=<>≤≥≠±≈^]| [-−–/]) ?(?=[\d(\ufffc]|-\d)|"
        r"(?<=\b[a-z]) (?:[+*×÷=<>≤≥≠±≈-]) (?=[\da-z]\b)",
        _operator,
    ),
    kind("bound", r"(?<![\w)<>=-])(<=|>=|[<>~≈≤≥+±=])(?=\s?[\d.\ufffc$£€])", _bound),
)
"""Signs between and before numbers; they look at numbers that are already found."""

_ZONES = "[ECMPA][SD]?T|GMT|UTC|BST|CES?T|IST|JST|KST|AES?T|AE[SD]T|HKT|SGT|MSK|NZ[SD]?T"
HYPHENS: tuple[Kind, ...] = (
    kind("zones", rf"\b({_ZONES})\s?/\s?(?=\ufffc)", lambda match: f"{match.group(1)}, ", needs="/"),
    kind("slash", r"(?<=\ufffc)/(?=\ufffc)", ", ", needs="/"),
    kind(
        "unit",
        rf"(?<=\ufffc )(?:{PER_UNITS}|mmHg|J·s|N·m)(?![\w/])|(?<![\w/.])(?:km/h|m/s|ft/s|mg/dL)(?![\w/])",
        unit_behind,
        needs_digit=False,
        needs="/m·",
    ),
    kind("range", r"(?<=[a-z\ufffc])–(?=\ufffc)", " to "),
    kind("range", r"(?<=\ufffc)\s?[-–—]\s?(?=(?:present|today|now|noon|midnight|date|onwards?)\b)", " to "),
    kind("range", r"(?<=\b(?:BC|AD|CE))\s?[-–]\s?(?=AD\b|\ufffc)|(?<=\bBCE)\s?[-–]\s?(?=\ufffc)", " to "),
    kind("letter", r"\b[A-Z](?=-\ufffc)", lambda match: spell(match.group()), needs="-"),
    kind("hyphen", r"(?<=\ufffc)-(?=[\w\ufffc])|(?<=\w)-(?=\ufffc)", " "),
)
"""The hyphens of R2-D2 and of a 5-year-old; what is beside them is found by now."""
