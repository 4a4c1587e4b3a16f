"""Times of day and lengths of time, alone and as ranges; chapter and verse."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .. import english_numbers as numbers
from .context import rest_of, stop_before_capital
from .find import Kind, kind
from .letters import spell

HALF = r"([ap]\.m\.|[ap]\.m|[ap]m\b|[AP]\.M\.|[AP]M\b)"
_CLOCK = r"(\d{1,2})(?::([0-5]\d))?"
_DASH = r"\s?(?:[-–—]|to|until|till)\s?"
BOOKS = {
    "gen": "genesis", "ex": "exodus", "exod": "exodus", "lev": "leviticus", "num": "numbers", "deut": "deuteronomy",
    "josh": "joshua", "judg": "judges", "sam": "samuel", "kgs": "kings", "chron": "chronicles", "neh": "nehemiah",
    "ps": "psalm", "psa": "psalm", "pss": "psalms", "prov": "proverbs", "eccl": "ecclesiastes", "isa": "isaiah",
    "jer": "jeremiah", "lam": "lamentations", "ezek": "ezekiel", "dan": "daniel", "hos": "hosea", "mic": "micah",
    "hab": "habakkuk", "zeph": "zephaniah", "hag": "haggai", "zech": "zechariah", "mal": "malachi", "matt": "matthew",
    "mt": "matthew", "mk": "mark", "lk": "luke", "jn": "john", "rom": "romans", "cor": "corinthians",
    "gal": "galatians",
    "eph": "ephesians", "phil": "philippians", "col": "colossians", "thess": "thessalonians", "tim": "timothy",
    "philem": "philemon", "heb": "hebrews", "jas": "james", "pet": "peter", "rev": "revelation",
}  # fmt: skip
_FULL_BOOKS = (
    "Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles|Ezra|Nehemiah|Esther|Job|"
    "Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Lamentations|Ezekiel|Daniel|Hosea|Joel|Amos|Obadiah|Jonah|Micah|Nahum|"
    "Habakkuk|Zephaniah|Haggai|Zechariah|Malachi|Matthew|Mark|Luke|John|Acts|Romans|Corinthians|Galatians|Ephesians|"
    "Philippians|Surah|Quran|Qur'an|Colossians|Thessalonians|Timothy|Titus|Philemon|Hebrews|James|Peter|Jude|Revelation"
)
_NUMBERED = {"1": "first", "2": "second", "3": "third", "I": "first", "II": "second", "III": "third"}


_NOON = 12
_ZONE = re.compile(r"\s*(?:o'clock|hours|hrs|[ECMP][SD]?T|GMT|UTC|BST|CET|CEST|Z)\b")


def clock_in_words(hour: str, minute: str | None, half: str | None, *, o_clock: bool = True) -> str:
    """8:05 -> eight oh five; 8:00 -> eight o'clock; 20:00 -> eight P M; 5 pm -> five P M.

    o_clock: False where hours, o'clock or a zone follow: 20:00 UTC -> twenty hundred.
    """
    number, spoken = int(hour), numbers.cardinal(int(hour))
    if minute is not None and int(minute):
        spoken += (" oh " if int(minute) < 10 else " ") + numbers.cardinal(int(minute))
    elif minute is not None and not half and (number > _NOON or number == 0):
        if not o_clock:
            return f"{spoken} hundred"
        return "midnight" if number % (2 * _NOON) == 0 else f"{numbers.cardinal(number - _NOON)} {spell('pm')}"
    elif minute is not None and not half and o_clock:
        spoken += " o'clock"
    return f"{spoken} {spell(half)}" if half else spoken


def _stop(match: re.Match[str], half: str | None) -> str:
    return stop_before_capital(match) if half and half.endswith(".") else ""


def _is_hour(hour: str, minute: str | None = None) -> bool:
    return int(hour) <= 24 and (minute is None or len(minute) == 2)


def _range(match: re.Match[str]) -> str | None:
    """5-6pm, 9am-5:30pm, 10:30-12:00."""
    first, minute, half, last, last_minute, last_half = match.groups()
    if not (_is_hour(first) and _is_hour(last)) or not (minute or last_minute or last_half):
        return None
    whole = bool(last_half or half) or _ZONE.match(rest_of(match)) is not None
    words = clock_in_words(first, minute, half, o_clock=not whole)
    words += " to " + clock_in_words(last, last_minute, last_half, o_clock=not whole)
    return words + _stop(match, last_half)


def _time(match: re.Match[str]) -> str | None:
    hour, minute, half = match.groups()
    if not _is_hour(hour, minute):
        return None
    words = clock_in_words(hour, minute, half, o_clock=_ZONE.match(rest_of(match)) is None)
    return words + _stop(match, half)


def _hour(match: re.Match[str]) -> str | None:
    hour, half = match.groups()
    return clock_in_words(hour, None, half) + _stop(match, half) if _is_hour(hour) else None


def _military(match: re.Match[str]) -> str:
    """0800 hours."""
    hour, minute = match.groups()
    first = f"oh {numbers.cardinal(int(hour))}" if hour.startswith("0") else numbers.cardinal(int(hour))
    if minute == "00":
        return f"{first} hundred hours"
    return f"{first} {numbers.digits(minute) if minute.startswith('0') else numbers.cardinal(int(minute))} hours"


def _with_seconds(match: re.Match[str]) -> str:
    """1:02:33 -> one oh two thirty three; 1:30:00 -> one hour thirty minutes."""
    hour, *others, half = match.groups()
    if others[1] == "00" and not half:
        parts = [(str(int(part)), unit) for part, unit in ((hour, "hour"), (others[0], "minute")) if int(part)]
        return _in_units(parts) or "zero"
    words = [numbers.cardinal(int(hour))]
    words += [
        f"oh {numbers.cardinal(int(part))}" if part.startswith("0") else numbers.cardinal(int(part)) for part in others
    ]
    return " ".join(words) + (f" {spell(half)}{_stop(match, half)}" if half else "")


def _lap(match: re.Match[str]) -> str:
    """1:10.270 -> one ten point two seven zero."""
    minute, second, part = match.groups()
    oh = "oh " if second.startswith("0") else ""
    return f"{numbers.cardinal(int(minute))} {oh}{numbers.cardinal(int(second))} point {numbers.digits(part)}"


def _verse(match: re.Match[str]) -> str:
    """Matt. 5:3 -> matthew five three; 1 Cor. 13:4-7 -> first corinthians thirteen, four to seven."""
    number, book, chapter, verse, last = match.groups()
    name = BOOKS.get(book.rstrip(".").lower(), book.rstrip("."))
    words = f"{_NUMBERED.get(number or '', '')} {name} {numbers.cardinal(int(chapter))}".strip()
    words += f" {numbers.cardinal(int(verse))}" if verse else ""
    return words + (f" to {numbers.cardinal(int(last))}" if last else "")


def _old_verse(match: re.Match[str]) -> str | None:
    """Gen. xxii. 5; Ps. cxix. 105; 1 Cor. xiii."""
    number, book, chapter, verse, last = match.groups()
    value = numbers.roman(chapter)
    name = BOOKS.get(book.rstrip(".").lower(), book.rstrip("."))
    words = f"{_NUMBERED.get(number or '', '')} {name} {numbers.cardinal(value)}".strip()
    words += f" {numbers.cardinal(int(verse))}" if verse else ""
    words += f" to {numbers.cardinal(int(last))}" if last else ""
    return words + ("" if verse else stop_before_capital(match) if match.group().endswith(".") else "")


_UNITS = {"h": "hour", "hr": "hour", "hrs": "hour", "m": "minute", "min": "minute", "mins": "minute", "s": "second",
          "sec": "second", "secs": "second", "d": "day"}  # fmt: skip
_BEHIND_TIME = (
    "on|in|this|that|yesterday|tomorrow|today|sharp|for|and|if|I|he|she|we|they|the|precisely|exactly|every|when"
)
_DEPARTS = "train|bus|ferry|flight|express|boat|tram|coach|from|to (?=[A-Z])|showing|service|kick-off|start"
_PART = re.compile(r"(\d+)\s?([a-z]*)")


def _length(match: re.Match[str]) -> str:
    """1h 30m -> one hour thirty minutes."""
    parts = [(str(int(number)), _UNITS[unit or "m"]) for number, unit in _PART.findall(match.group())]
    return _in_units([(number, unit) for number, unit in parts if number != "0"] or parts)


def _in_units(parts: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{numbers.spoken(number)} {unit}{'' if number == '1' else 's'}" for number, unit in parts)


_ABBREVIATED = "|".join(sorted((name.capitalize() for name in BOOKS), key=len, reverse=True))
TIMES: tuple[Kind, ...] = (
    kind(
        "verse",
        rf"(?<!\w)(?:([123]|I{{1,3}})\s)?((?:{_FULL_BOOKS})|(?:{_ABBREVIATED})\b\.?)\s(\d{{1,3}}):(\d{{1,3}})"
        r"(?:[-–](\d{1,3}))?(?!\w|:)",
        _verse,
        hint=r"\d:\d",
    ),
    kind(
        "old verse",
        rf"(?<!\w)(?:([123]|I{{1,3}})\s)?((?:{_FULL_BOOKS})|(?:{_ABBREVIATED})\.)_?\s([ivxlc]{{1,8}})\b"
        r"(?:[.:,]\s?(\d{1,3})(?:[-–](\d{1,3}))?|\.)(?!\w)",
        _old_verse,
        needs_digit=False,
        hint=r"[a-z]\.?_? [ivxlc]+[.:,]",
    ),
    kind(
        "chapter",
        rf"(?<!\w)([123])\s((?:{_FULL_BOOKS})|(?:{_ABBREVIATED})\b\.?)\s(\d{{1,3}})()()(?![\w:])",
        _verse,
        hint=r"[123]\s[A-Z]",
    ),
    kind("time", rf"(?<![\w.:])(\d{{1,2}}):([0-5]\d):([0-5]\d)(?:\.\d+)?(?:\s?{HALF})?(?!\w|:\d)", _with_seconds),
    kind(
        "lap",
        r"(?<![\w.:])(\d{1,2}):([0-5]\d)\.(\d{1,3})(?![\w:]|\.\d|\s?[ap]\.?m\b)",
        _lap,
        hint=r"\d:\d\d\.\d",
    ),
    kind("time range", rf"(?<![\w.:/$-]){_CLOCK}\s?{HALF}?{_DASH}{_CLOCK}\s?{HALF}?(?![\w:%]|[-–/]\d|[.,]\d)", _range),
    kind(
        "time range",
        rf"(?<![\w.:$-])(\d{{1,2}})\.([0-5]\d)\s?{HALF}?{_DASH}(\d{{1,2}})(?:\.([0-5]\d))?\s?{HALF}(?!\w)",
        _range,
    ),
    kind("time", rf"(?<![\w.:$-])(\d{{1,2}})[:.]([0-5]\d)\s?{HALF}(?!\w)", _time),
    kind(
        "time",
        r"(?<![\w.:$-])(\d{1,2}):([0-5]\d)()(?:h\b|(?![\w:%]|\.\d|,\d\d\d| (?:aspect|ratio|display|monitor|screen|"
        r"odds|scale)))",
        _time,
    ),
    kind("time", rf"(?<=[Tt]he )(\d{{1,2}})\.([0-5]\d)()(?= (?:{_DEPARTS})\b)", _time),
    kind("zone", r"(?<=GMT|UTC)[-−–](?=\d)", " minus "),
    kind("countdown", r"\bT[-−–](?=\d+ (?:seconds?|minutes?|hours?|days?)\b)", spell("t") + " minus ", hint="T[-−–]"),
    kind("time", rf"(?<=\b[Aa]t )(\d{{1,2}})\.([0-5]\d)()(?=[,;:!?)\"]|\.(?!\d)|$|\s(?:{_BEHIND_TIME})\b)", _time),
    kind("hour", rf"(?<![\w.:$])(\d{{1,2}})\s?{HALF}(?!\w)", _hour),
    kind(
        "duration",
        r"(?<![\w.,])(?:\d{1,4}\s?d\s?)?\d{1,4}\s?(?:h|hrs?|d)\s?\d{1,2}\s?(?:m|mins?|h)?(?:\s?\d{1,2}\s?(?:s|secs?))?(?!\w)"
        r"(?<=[a-z])",
        _length,
    ),
    kind("duration", r"(?<![\w.,])\d{1,2}h[0-5]\d(?!\w)", _length),
    kind("noon", r"(?<=[Nn]oon)[-–](?=[\d\ufffc])|(?<=[Mm]idnight)[-–](?=[\d\ufffc])", " to "),
    kind(
        "military time",
        r"(?<![\w.,:-])(0\d|1\d|2[0-3])([0-5]\d)\s?(?:hours|hrs|h)\b",
        _military,
        hint=r"\d\d\d\d\s?h",
    ),
    kind("duration", r"(?<![\w.,])\d{1,4}\s?m(?:in)?\s?\d{1,2}\s?s(?:ec)?s?(?!\w)", _length),
    kind("duration", r"(?<![\w.,])\d{1,3}(?:h|hrs?)(?!\w)", _length),
    kind(
        "duration",
        r"\b([Pp]rep|[Cc]ook|[Tt]otal|[Rr]est|[Tt]ime|[Ww]ait|[Bb]ake|[Dd]uration|[Rr]untime)(:? )(\d{1,3})m\b",
        lambda match: match.group(1) + match.group(2) + _in_units([(match.group(3), "minute")]),
        hint=r"\dm\b",
    ),
    kind(
        "military time",
        r"(?<![\w.,:-])(0\d|1\d|2[0-3])([0-5]\d)(?= (?:GMT|UTC|Zulu|EST|EDT|CET|BST)\b)",
        lambda match: _military(match).removesuffix(" hours"),
        hint=r"\d\d\d\d [A-Z]",
    ),
)
"""Times before ratios: what has two digits of minutes behind a colon is a time."""
