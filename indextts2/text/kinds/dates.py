"""Dates, years, decades, days of the week, alone and as ranges."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .context import stop_after_initials, word_before
from .find import Kind, kind
from .letters import spell

MONTHS = (
    "january february march april may june july august september october november december".split()
)  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH = (
    r"(January|February|March|April|May|June|July|August|September|October|November|December|"
    r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th|(?<=[23])d)?"
_YEAR = r"(\d{4}|['’]\d\d)"
_MONTH_DAY = r"[JFMASOND][a-z]+\.?,?\s+['’\d]"
_DASH = r"\s?(?:[-–—]|to)\s?"
_WEEKDAY = r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_CENTURY_AHEAD = 50  # two digits below it are of this century
_FIRST_YEAR, _LAST_YEAR = 1100, 2099  # of a number of four digits that is read as a year without more
_BEFORE_YEAR = (
    "in|In|since|Since|by|By|from|From|until|till|before|Before|after|After|around|circa|year|of|during|early|late|mid|"
    "summer|winter|spring|autumn|fall|to|anno|AD|A\\. ?D\\.|\\bc\\."
)


def month_name(text: str) -> str:
    """Jan. -> january."""
    return next(month for month in MONTHS if month.startswith(text.lower()[:3]))


def year_in_words(text: str) -> str:
    """1884 -> eighteen eighty four, '41 -> forty one, 05 -> oh five."""
    bare = text.lstrip("'’")
    if len(bare) == 4:
        return numbers.year(int(bare))
    return f"oh {numbers.cardinal(int(bare))}" if bare.startswith("0") else numbers.cardinal(int(bare))


def _month_day(match: re.Match[str]) -> str | None:
    """May 8, 1884; May 3rd-5th, 1884."""
    month, day, last, year = match.groups()
    if not 1 <= int(day) <= 31 or (last and not 1 <= int(last) <= 31):
        return None
    words = f"{month_name(month)} {numbers.ordinal(int(day))}"
    words += f" to {numbers.ordinal(int(last))}" if last else ""
    return words + (f", {year_in_words(year)}" if year else "")


_BEFORE_DAY = frozenset(("the", "this", "that", "every", "each", "last", "next", "his", "her", "our", "my", "their"))


def _day_month(match: re.Match[str]) -> str | None:
    """5 May 1884, the 3rd of May, 3-5 May: the day is said with its "the" and "of" where they are not written."""
    day, last, month, year = match.groups()
    if not 1 <= int(day) <= 31 or (last and not 1 <= int(last) <= 31):
        return None
    words = numbers.ordinal(int(day)) + (f" to {numbers.ordinal(int(last))}" if last else "")
    words = words if word_before(match).lower() in _BEFORE_DAY else f"the {words}"
    stop = stop_after_initials(match) if match.group().endswith(".") else ""
    return f"{words} of {month_name(month)}{stop}" + (f" {year_in_words(year)}" if year else "")


_SHARES = frozenset("1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8 1/10".split())
_NO_DAY = frozenset("by from after before through since thru".split())


def _short_date(match: re.Match[str]) -> str | None:
    """on 10/5, Wed. 10/5, ends 31/12; but reduced by 1/3."""
    lead, month, day = match.groups()
    if lead.lower() in _NO_DAY and f"{month}/{day}" in _SHARES:
        return None
    if int(month) > len(MONTHS):
        month, day = day, month
    if not (1 <= int(month) <= len(MONTHS) and 1 <= int(day) <= 31):
        return None
    lead = weekday(lead) if re.match(_WEEKDAY, lead) else lead
    return f"{lead} {MONTHS[int(month) - 1]} {numbers.ordinal(int(day))}"


def _either_day(match: re.Match[str]) -> str | None:
    """Dec 24/25, 24/25 Dec."""
    groups = match.groups()
    first, last, month = groups[1], groups[2], groups[0] or groups[3]
    if not 1 <= int(first) < int(last) <= 31:
        return None
    days = f"{numbers.ordinal(int(first))} and {numbers.ordinal(int(last))}"
    year = f", {year_in_words(groups[4])}" if groups[4] else ""
    return f"{month_name(month)} {days}{year}" if groups[0] else f"the {days} of {month_name(month)}{year}"


def _two_days(match: re.Match[str]) -> str | None:
    """Jan 3 - Feb 5."""
    first, day, second, other, year = match.groups()
    if not (1 <= int(day) <= 31 and 1 <= int(other) <= 31):
        return None
    words = f"{month_name(first)} {numbers.ordinal(int(day))} to {month_name(second)} {numbers.ordinal(int(other))}"
    return words + (f", {year_in_words(year)}" if year else "")


def _month_year(match: re.Match[str]) -> str:
    return f"{month_name(match.group(1))} {year_in_words(match.group(2))}"


def _in_words(year: str, month: int, day: int) -> str | None:
    if not (1 <= month <= len(MONTHS) and 1 <= day <= 31):
        return None
    if len(year) == 2:
        year = f"{20 if int(year) < _CENTURY_AHEAD else 19}{year}"
    return f"{MONTHS[month - 1]} {numbers.ordinal(day)}, {numbers.year(int(year))}"


def _year_first(match: re.Match[str]) -> str | None:
    return _in_words(match.group(1), int(match.group(3)), int(match.group(4)))


def _slashed(match: re.Match[str]) -> str | None:
    """12/31/1999 as in America, 31/12/1999 where that cannot be."""
    first, second, year = int(match.group(1)), int(match.group(3)), match.group(4)
    return _in_words(year, first, second) or _in_words(year, second, first)


def _dotted(match: re.Match[str]) -> str | None:
    """12.05.2023, the day first as it is where dots are used."""
    first, second, year = int(match.group(1)), int(match.group(2)), match.group(3)
    return _in_words(year, second, first) or _in_words(year, first, second)


def _padded(match: re.Match[str]) -> str | None:
    """07/11 -> july eleventh: a zero in front makes a date of it. 31/07 -> july thirty first."""
    first, second = match.groups()
    if not (first.startswith("0") or second.startswith("0")):
        return None
    month, day = (int(first), int(second)) if int(first) <= len(MONTHS) else (int(second), int(first))
    return f"{MONTHS[month - 1]} {numbers.ordinal(day)}"


def _blank_year(match: re.Match[str]) -> str | None:
    """18-- of old novels, where a year may stand."""
    before = match.string[max(0, match.start() - 20) : match.start()]
    if not re.search(
        rf"(?:\b(?:in|of|year|years|from|to|since|until|till|before|after|about|and)|{MONTH},?|[\d\ufffc],?|[a-z],)\s+$",
        before,
    ):
        return None
    return f"{numbers.cardinal(int(match.group(1)))} hundred and something"


def _short_year(match: re.Match[str]) -> str:
    """'68, class of '05."""
    return year_in_words(match.group(1))


def _decade(match: re.Match[str]) -> str:
    text = next(group for group in match.groups() if group)
    words = numbers.year(int(text)) if len(text) == 4 else numbers.cardinal(int(text))
    return numbers.plural(words)


def _year_range(match: re.Match[str]) -> str | None:
    """1914-1918 and 1914-18; 2019/20 without the to."""
    first, mark, second = match.groups()
    whole = second if len(second) == 4 else first[:2] + second
    if not (_FIRST_YEAR <= int(first) <= _LAST_YEAR and int(first) < int(whole) <= _LAST_YEAR):
        return None
    joined = " " if mark.strip() == "/" else " to "
    return f"{numbers.year(int(first))}{joined}{year_in_words(second)}"


def _century(match: re.Match[str]) -> str:
    """the 18th c."""
    return f"{numbers.ordinal(int(match.group(1)))} century" + stop_after_initials(match)


def _month_of_year(match: re.Match[str]) -> str:
    """11/2023."""
    return f"{MONTHS[int(match.group(1)) - 1]} {numbers.year(int(match.group(2)))}"


def _old_year(match: re.Match[str]) -> str:
    lead = spell("ad") if match.group(1).startswith("A.") else match.group(1)
    return f"{lead} {numbers.pairs(match.group(2))}"


def _weekdays(match: re.Match[str]) -> str:
    """Mon-Fri, Mon/Wed/Fri, Sat & Sun."""
    words = re.sub(r"\s?[-–—]\s?", " to ", match.group().replace(".", ""))
    words = re.sub(_WEEKDAY, lambda found: weekday(found.group()), words)
    words = re.sub(r"\s?&\s?", " and ", re.sub(r"\s?/\s?", ", ", words))
    return words + (stop_after_initials(match) if match.group().endswith(".") else "")


def weekday(text: str) -> str:
    """Thurs -> thursday."""
    return next(day for day in DAYS if day.startswith(text.lower()[:3]))


_LIVED = {"c": "circa", "b": "born", "d": "died", "fl": "flourished", "r": "reigned"}


_LETTERED_DAYS = {"M": "monday", "Mo": "monday", "T": "tuesday", "Tu": "tuesday", "W": "wednesday", "Th": "thursday",
                  "F": "friday", "Fr": "friday", "Sa": "saturday", "Su": "sunday"}  # fmt: skip


def _months(match: re.Match[str]) -> str:
    """Jan-Mar 2020, Oct/Nov."""
    first, mark, last, year = match.groups()
    words = f"{month_name(first)} {'or' if mark == '/' else 'to'} {month_name(last)}"
    return words + (f" {year_in_words(year)}" if year else stop_after_initials(match) if last.endswith(".") else "")


_DATED = (
    "by|until|since|thru|through|[Ee]nds|ending|[Ee]xpires|expire|[Dd]ue|starting|[Ss]tarts|begins|till?|from|before|"
    "after|[Vv]alid|dated"
)
_OF_A_YEAR = (
    "was|saw|is|has|had|marked|brought|began|ended|witnessed|will|would|proved|became|came|changed|started|gave|"
    "turned|went|arrived|opened|closed|remains|and all that"
)


DATES: tuple[Kind, ...] = (
    kind(
        "life",
        r"(?<![\w.])(c|b|d|fl|r)\. ?(?=\d{3,4}\b)",
        lambda match: _LIVED[match.group(1)] + " ",
        hint=r"[bcdlr]\. ?\d",
    ),
    kind(
        "months",
        rf"\b{MONTH}\s?([-–—/])\s?{MONTH}(?:(?:,? )(\d{{4}}))?(?![\w]|\s+\d)",
        _months,
        needs_digit=False,
        hint=r"[a-z]\.?\s?[-–—/]\s?[JFMASOND][a-z]",
    ),
    kind(
        "date",
        rf"\b{MONTH}\s+{_DAY}/{_DAY}()(?:\s*,?\s+{_YEAR})?(?![\w/]|[.,:]\d|\s?(?:in|inch|cup|mile|tsp|tbsp)\b)",
        _either_day,
        needs="/",
        hint=_MONTH_DAY,
    ),
    kind("date", rf"(?<![\w.,/:$-])(){_DAY}/{_DAY}\s+{MONTH}(?:\s*,?\s+{_YEAR})?(?![\w])", _either_day, needs="/"),
    kind("date", r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/-]|\.\d)", _year_first),
    kind(
        "date",
        r"(?<![\d/.-])(\d{1,2})-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?![\w-])",
        lambda match: f"the {numbers.ordinal(int(match.group(1)))} of {month_name(match.group(2))}",
        hint=r"\d-[JFMASOND]",
    ),
    kind(
        "date",
        r"(?<![\d/.-])(?!\d-\d{1,2}-\d\d(?!\d)|\d\d-\d-\d\d(?!\d))(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d\d)(?![\d/-]|\.\d)",
        _slashed,
    ),
    kind("date", r"(?<![\d/.-])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\d/-]|\.\d)", _dotted),
    kind(
        "date",
        rf"\b{MONTH}\s+{_DAY}{_DASH}{MONTH}\s+{_DAY}(?:\s*,?\s+{_YEAR})?(?!\w|[:,.]\d)",
        _two_days,
        hint=_MONTH_DAY,
    ),
    kind(
        "date",
        rf"\b{MONTH}\s+{_DAY}(?:{_DASH}{_DAY})?(?:\s*,?\s+{_YEAR})?(?!\w|[:,.]\d|\s?(?:%|[AaPp]\.?[Mm]\b))",
        _month_day,
        hint=_MONTH_DAY,
    ),
    kind("date", rf"\b{MONTH}\s+{_DAY}()()(?!\w|[:.]\d)", _month_day, hint=_MONTH_DAY),
    kind(
        "date",
        rf"(?<![\w.,:$-])(?<!\d/){_DAY}(?:{_DASH}{_DAY})?(?:\s+of)?\s+{MONTH}(?:\s*,?\s+{_YEAR})?(?![\w])",
        _day_month,
    ),
    kind("date", rf"\b{MONTH}\s*,?\s+{_YEAR}(?!\w|,\d)", _month_year, hint=_MONTH_DAY),
    kind(
        "date",
        rf"\b(on|{_DATED}|{_WEEKDAY}\.?,?) (\d{{1,2}})/(\d{{1,2}})(?![\d/%]|\.\d| of\b)",
        _short_date,
        hint=r"\d/\d",
    ),
    kind("date", r"(?<![\d/.-])(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])(?![\d/%-]|\.\d)", _padded, needs="/"),
    kind("date", r"(?<![\d/.-])([12]\d|0[1-9]|3[01])/(0[1-9]|1[0-2])(?![\d/%-]|\.\d)", _padded, needs="/"),
    kind("old year", r"\b(1[5-9])(?:--+|——?|––|-(?=[,.;:!?)]|$))(?![\w\d])", _blank_year, hint=r"\d[-—––]"),
    kind("year", r"(?<![\w'])['’](\d\d)(?![\w'’]|\s?[x×])", _short_year, needs="'’"),
    kind(
        "decade",
        r"(?<!\w)['’](\d0)['’]?s\b|\b((?:1[0-9]|20)\d0)['’]?s\b|(?:(?<=the )|(?<=his )|(?<=her )|(?<=my )|(?<=our )|"
        r"(?<=your )|(?<=their )|(?<=late )|(?<=early )|(?<=mid[ -])|(?<=roaring )|(?<=swinging ))([2-9]0)['’]?s\b|"
        r"\b([2-9]0)['’]?s(?= (?:music|"
        r"style|fashion|pop|rock|hits|films?|movies?|era|kids?|shows?|sitcoms?|nostalgia|songs?|were)\b)",
        _decade,
        needs="s",
        hint=r"0['’]?s",
    ),
    kind("years", r"(?<![\w$€£.,/-])(?<!§)(?<!§ )(\d{4})(\s?[-–—/]\s?)(\d{4}|\d\d)(?![\w%/-]|[.,]\d)", _year_range),
    kind("century", r"\b(\d{1,2})(?:st|nd|rd|th) c\.(?=\s|,|;|\)|$)", _century, hint=r"[a-z] c\."),
    kind(
        "year",
        rf"\b({_BEFORE_YEAR}) (10\d\d|[2-9]\d\d(?=\s?(?:AD|BC|BCE|CE)\b))(?![\w%-]|[.,:]\d)",
        _old_year,
        hint=r" \d\d\d",
    ),
    kind(
        "year",
        rf"(?:^|(?<=[.!?;] )|(?<=[\n\"(])|(?<=[a-z] )(?=10\d\d (?:came|saw|marked|brought|"
        rf"changed)))(?:10\d\d(?= (?:{_OF_A_YEAR})\b)|[1-9]\d\d(?= (?:saw|marked|witnessed|brought)\b))",
        lambda match: numbers.pairs(match.group()),
        hint=r"\d\d\d [a-z]",
    ),
    kind(
        "month",
        r"(?<![\w/.-])(0?[1-9]|1[0-2])/((?:19|20)\d\d)(?![\w/]|[.,]\d| ?(?:s|sec|of)\b)",
        _month_of_year,
        needs="/",
    ),
    kind(
        "weekdays",
        r"(?<![\w.])(M|T|W|Th|Tu|Mo)[-–](F|Th|Fr|W|Sa|Su)(?=[\s:,.;)]|$)",
        lambda match: f"{_LETTERED_DAYS[match.group(1)]} to {_LETTERED_DAYS[match.group(2)]}",
        needs_digit=True,
        hint=r"[MTW][hou]?[-–]",
    ),
    kind(
        "weekdays",
        rf"\b{_WEEKDAY}\b\.?(?:(?:\s?[-–—/&,]\s?|\s(?:and|or|to|thru|through)\s){_WEEKDAY}\b\.?)+(?!\w)",
        _weekdays,
        needs_digit=False,
        hint=r"[MTWFS][a-z]+\.?\s?(?:[-–—/&,]|and|or|t)",
    ),
)
"""Dates in every order. What cannot be a date is left to other kinds."""

_PLAIN_YEAR = re.compile(r"(?:1[1-9]|20)\d\d")


def is_year(text: str) -> bool:
    """Whether a plain number of four digits is read as a year."""
    return _PLAIN_YEAR.fullmatch(text) is not None
