"""Written English to words that can be spoken: numbers, money, times, dates, abbreviations, symbols.

A list of rules is applied in order to a `TrackedText`, so that every spoken word still knows its place in the text as
given. Sequences of capitals spoken as letters become pronunciation annotations.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from . import english_numbers as numbers
from .english_tables import (
    ABBREVIATIONS,
    CURRENCIES,
    ENDS_SENTENCE,
    FOLDED,
    MONTHS,
    ONE_LETTER_UNITS,
    RULERS,
    SPELLED,
    SYMBOLS,
    UNITS,
)
from .pronounce import dictionary
from .tracked import TrackedText

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str]"]

_MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)"
_FULL_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_LONGEST_INITIALISM = 5
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_FIRST_LETTER_NAME = 0xE000  # private-use characters stand for the names of A to Z while rules are applied
PLURAL = chr(_FIRST_LETTER_NAME + len(_ALPHABET))
"""Stands for the s of "CEOs" and "the FBI's" behind letter names."""
LETTER_NAMES = f"[{chr(_FIRST_LETTER_NAME)}-{PLURAL}]"
"""Pattern of one private sign."""
_LARGEST_YEAR = 2099
_LARGEST_DENOMINATOR = 100
_ALWAYS = (24, 7)
_SMALLEST_YEAR = 1100
_SHORT_SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "tn": "trillion"}
_SCALE = r"(?:\s?(thousand|million|billion|trillion|[mbt]n|(?<=\d)[kmb])\b)"
"""Behind an amount of money. A single letter stands right behind it."""


def expand(tracked: TrackedText) -> None:
    """Rewrite the text in place into words, punctuation and annotations."""
    _fold(tracked)
    shouting = _is_shouting(tracked.text)
    for pattern, replacement in _RULES:
        tracked.sub(pattern, replacement)
    tracked.sub(_CAPITALS, _initialism_among_capitals if shouting else _initialism)
    tracked.sub(_POSSESSIVE, PLURAL)


def _fold(tracked: TrackedText) -> None:
    """Compatibility folding and accents off, one character at a time; other scripts stay as they are."""
    tracked.sub(_PRIVATE, "\ufffd")
    tracked.sub(_NOT_ASCII, lambda match: "".join(_fold_character(character) for character in match.group()))


def _fold_character(character: str) -> str:
    if character in FOLDED:
        return FOLDED[character]
    plain = unicodedata.normalize("NFKD", character)
    plain = "".join(part for part in plain if not unicodedata.combining(part))
    return plain if plain.isascii() else character


def _is_shouting(text: str) -> bool:
    """Whether a text is written in capitals throughout, so that capitals mean nothing."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) > 1 and sum(word.isupper() for word in words) > len(words) / 2


def _spell(text: str) -> str:
    """Letters to the private signs that stand for letter names until the text is complete."""
    return "".join(chr(_FIRST_LETTER_NAME + ord(letter) - ord("a")) for letter in text.lower() if letter in _ALPHABET)


def spelled_letters(text: str) -> str:
    """The letters behind the private signs of a text, in capitals; a final plural or possessive as 's."""
    letters = (chr(ord(sign) - _FIRST_LETTER_NAME + ord("a")) for sign in text if sign != PLURAL)
    return "".join(letters).upper() + ("'s" if text.endswith(PLURAL) else "")


def _initialism(match: re.Match[str]) -> str:
    letters, ending = match.group(1), match.group(2)
    known = letters.lower() in dictionary()
    if letters not in SPELLED and (known or len(letters) > _LONGEST_INITIALISM):
        return match.group()
    return _spell(letters) + (PLURAL if ending else "")


def _initialism_among_capitals(match: re.Match[str]) -> str:
    """In a text of capitals only what cannot be a word is spelled."""
    if any(vowel in match.group(1) for vowel in "AEIOUY") or match.group(1) in SPELLED:
        return match.group()
    return _initialism(match)


def _dotted(match: re.Match[str]) -> str:
    """U.S. -> letter names."""
    letters = match.group().replace(".", "")
    words = {"eg": "for example", "ie": "that is"}.get(letters.lower())
    if words:
        return words
    return _spell(letters) + (_full_stop(match) if match.group().endswith(".") else "")


def _abbreviation(match: re.Match[str]) -> str:
    word = match.group(1).lower()
    return ABBREVIATIONS[word] + (_full_stop(match) if word in ENDS_SENTENCE else "")


def _saint_or_street(match: re.Match[str]) -> str:
    rest = match.string[match.end() :]
    before = match.string[: match.start()].rstrip()
    named = re.match(r"\s+[A-Z]", rest) is not None and not re.search(r"[A-Z][\w']*$", before)
    if named:
        return "saint"
    return "street" + _full_stop(match)


def _integer(text: str) -> int:
    return int(text.replace(",", ""))


def _plain_number(match: re.Match[str]) -> str:
    text = match.group()
    if len(text) == 4 and text.isdigit() and _SMALLEST_YEAR <= int(text) <= _LARGEST_YEAR:
        return numbers.year(int(text))
    return numbers.spoken(text)


def _count(amount: str, unit: str) -> str:
    words = f"{numbers.spoken(amount)} {unit}"
    if unit in ("yen", "") or amount == "1":
        return words
    return f"{numbers.spoken(amount)} pence" if unit == "penny" else words + "s"


def _money(match: re.Match[str]) -> str:
    symbol, amount, scale = match.group(1), match.group(2), match.group(3)
    major, minor = CURRENCIES[symbol]
    gap = " " if match.string[match.end() : match.end() + 1].isalnum() else ""
    if scale:
        scale = _SHORT_SCALES.get(scale.lower(), scale.lower())
        return f" {numbers.spoken(amount)} {scale} {major}{'' if major == 'yen' else 's'}"
    whole, point, part = amount.partition(".")
    if not point or len(part) != 2 or not minor:
        return f" {_count(amount, major)}{gap}"
    cents = str(int(part))
    if not whole.strip("0,") and cents != "0":
        return f" {_count(cents, minor)}{gap}"
    return f" {_count(whole, major)}{f' and {_count(cents, minor)}' if cents != '0' else ''}{gap}"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match.group(1)), int(match.group(2)), match.group(3)
    spoken = numbers.cardinal(hour)
    if minute == 0:
        spoken += "" if half else " o'clock" if 0 < hour <= 12 else " hundred"
    else:
        spoken += (" oh " if minute < 10 else " ") + numbers.cardinal(minute)
    return f"{spoken} {_half_of_day(match, half)}" if half else spoken


def _hour(match: re.Match[str]) -> str:
    return f"{numbers.cardinal(int(match.group(1)))} {_half_of_day(match, match.group(2))}"


def _half_of_day(match: re.Match[str], text: str) -> str:
    return _spell(text) + (_full_stop(match) if text.endswith(".") else "")


def _full_stop(match: re.Match[str]) -> str:
    """A point, when the abbreviation matched seems to end its sentence as well."""
    rest = match.string[match.end() :]
    return "." if not rest.strip() or re.match(r"\s+[A-Z][a-z]", rest) else ""


def _date(year: str, month: str, day: str) -> str:
    if not (1 <= int(month) <= len(MONTHS) and 1 <= int(day) <= 31):
        return f"{numbers.spoken(month)} {numbers.spoken(day)} {numbers.spoken(year)}"
    return f"{MONTHS[int(month) - 1]} {numbers.ordinal(int(day))} {_year(year)}"


def _year(text: str) -> str:
    return numbers.year(int(text)) if len(text) == 4 else numbers.spoken(text)


def _month_name(match: re.Match[str]) -> str:
    short = match.group(1).lower()[:3]
    return next(month for month in MONTHS if month.startswith(short)) + " "


def _decade(match: re.Match[str]) -> str:
    text = match.group(1) or match.group(2)
    return numbers.plural(numbers.year(int(text)) if len(text) == 4 else numbers.cardinal(int(text)))


def _degrees(match: re.Match[str]) -> str:
    scale = "celsius" if match.group(2) == "C" else "fahrenheit"
    return f"{numbers.spoken(match.group(1))} degrees {scale}"


def _unit(match: re.Match[str]) -> str:
    amount, sign = match.group(1), match.group(2)
    if len(sign) == 1 and sign not in ONE_LETTER_UNITS:
        return match.group()
    unit = UNITS[sign.lower()]
    if amount == "1":
        first, _, rest = unit.partition(" ")
        first = {"feet": "foot", "hertz": "hertz", "kilohertz": first, "megahertz": first, "gigahertz": first}.get(
            first, first.removesuffix("s")
        )
        unit = f"{first} {rest}".strip()
    return f"{numbers.spoken(amount)} {unit}"


def _fraction(match: re.Match[str]) -> str:
    whole, above, below = match.group(1), int(match.group(2)), int(match.group(3))
    if above == below or (above, below) == _ALWAYS:
        return f"{whole or ''} {numbers.cardinal(above)} {numbers.cardinal(below)}"
    if not (above > 0 and 1 < below <= _LARGEST_DENOMINATOR):
        return f"{whole or ''} {numbers.cardinal(above)} slash {numbers.cardinal(below)}"
    if not whole:
        return numbers.fraction(above, below)
    words = numbers.fraction(above, below)
    return f"{numbers.spoken(whole.strip())} and " + (words if above > 1 else "a " + words.removeprefix("one "))


def _letters_and_digits(match: re.Match[str]) -> str:
    """MP3 -> M P three, GPT3.5 -> G P T three point five: capitals beside digits are letters."""
    parts = re.findall(r"[A-Za-z]+|\d+(?:\.\d+)?", match.group())
    spoken: list[str] = []
    for part in parts:
        if part[0].isdigit():
            spoken.append(numbers.digits(part) if len(part) > 2 and part.isdigit() else numbers.spoken(part))
        elif part == "s" and spoken:
            spoken[-1] = numbers.plural(spoken[-1])
        else:
            spoken.append(_spell(part) if part.isupper() or len(part) == 1 else part)
    return " ".join(spoken)


def _address(match: re.Match[str]) -> str:
    """E-mail and web addresses, read sign by sign."""
    text = re.sub(r"^https?://|/$", "", match.group(), flags=re.IGNORECASE)
    text = re.sub(r"^www\.", f"{_spell('www')} dot ", text, flags=re.IGNORECASE)
    for sign, word in ((".", "dot"), ("@", "at"), ("/", "slash"), ("-", "dash"), ("_", "underscore"), (":", "colon")):
        text = text.replace(sign, f" {word} ")
    return text


def _numeral(match: re.Match[str]) -> str:
    value = numbers.roman(match.group(2))
    return f"{match.group(1)} {numbers.cardinal(value)}" if value else match.group()


def _regnal(match: re.Match[str]) -> str:
    value = numbers.roman(match.group(2))
    return f"{match.group(1)} the {numbers.ordinal(value)}" if value else match.group()


def _telephone(match: re.Match[str]) -> str:
    return ", ".join(numbers.digits(group) for group in re.findall(r"\d+", match.group()))


_ABBREVIATED = "|".join(sorted(ABBREVIATIONS, key=len, reverse=True))
_UNIT_NAMES = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_AMOUNT = r"(\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)"
_HALF = r"(a\.m\.|p\.m\.|am|pm|AM|PM|A\.M\.|P\.M\.)"
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+|`+")
_POSSESSIVE = re.compile(f"(?<={LETTER_NAMES})'s\\b")
_CAPITALS = re.compile(r"\b([A-Z]{2,})('?s)?\b")

_RULES: tuple[Rule, ...] = (
    (re.compile(r"\.{3,}|…+"), "…"),
    (re.compile(r"(?<![\w.])[vV](?=\d+\.\d)"), "version "),
    (
        re.compile(r"https?://[^\s<>\"]+[\w/]|www\.[^\s<>\"]+[\w/]|[\w.+-]{1,64}@[\w-]{1,63}(?:\.\w{1,63})+", re.I),
        _address,
    ),
    (re.compile(r"\b[\w-]{1,63}\.(?:com|org|net|io|edu|gov)\b(?!\.\w)"), _address),
    (re.compile(r"(?<=[A-Za-z]{2})\.(?=\d)"), ". "),  # fig.2
    (
        re.compile(r"\b\d+(?:\.\d+){2,}"),
        lambda m: " point ".join(numbers.spoken(part) for part in m.group().split(".")),
    ),
    (re.compile(rf"\b(\d{{1,2}}):([0-5]\d)\s*{_HALF}?(?!\w)(?!:\d)"), _time),
    (re.compile(rf"\b(\d{{1,2}})\s*{_HALF}(?!\w)"), _hour),
    (re.compile(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b(?!\.))?"), _dotted),
    (re.compile(r"\bPh\.?\s?D\b\.?"), _spell("PHD")),
    (re.compile(r"\bNo\.\s*(?=\d)|#(?=\d)"), "number "),
    (re.compile(r"\bSt\.(?=\s|$)"), _saint_or_street),
    (re.compile(rf"\b({_ABBREVIATED})\.(?=\s|,|$)(?<!\bno\.)", re.I), _abbreviation),
    (re.compile(r"\b(mr|mrs|dr|vs)\b(?!\.)", re.I), _abbreviation),
    (re.compile(r"\bpp\.?(?=\s*\d)"), "pages "),
    (re.compile(r"\bp\.(?=\s*\d)"), "page "),
    (re.compile(r"(?<![\w.'][A-Za-z])(?<=[A-Za-z])\.(?=\d)"), " "),  # M.2
    (re.compile(r"\b(\d{1,2})'\s?(\d{1,2})(?:\"|'')"), lambda m: f"{m.group(1)} foot {m.group(2)}"),
    (re.compile(rf"\b{_MONTH}\.?\s+(?=\d)"), _month_name),
    (re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"), lambda m: _date(m.group(1), m.group(2), m.group(3))),
    (re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b"), lambda m: _date(m.group(3), m.group(1), m.group(2))),
    (
        re.compile(rf"\b({_FULL_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?![\d:]|,\d)"),
        lambda m: f"{m.group(1)} {numbers.ordinal(int(m.group(2)))}",
    ),
    (
        re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({_FULL_MONTH})\b"),
        lambda m: f"{numbers.ordinal(int(m.group(1)))} {m.group(2)}",
    ),
    (re.compile(rf"([$£€¥₹])\s?(\d+(?:,\d{{3}})*(?:\.\d+)?){_SCALE}?", re.I), _money),
    (re.compile(r"(?<![\w-])\+?(?:1[ -])?\(?\d{3}\)?[ -]\d{3}-\d{4}\b|(?<![\w-])\d{3}-\d{4}\b"), _telephone),
    (re.compile(r"(?<!\w)'(\d0)s\b|\b(?=\d)((?:1[1-9]|20)\d0|\d0)'?s\b"), _decade),
    (re.compile(r"\b(\d[\d,]{0,14})(?:st|nd|rd|th)\b", re.I), lambda m: numbers.ordinal(_integer(m.group(1)))),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)|(?<=\d)-(?=[A-Za-z])"), " "),
    (re.compile(r"(?<![\w)–-])[-–](?=[$£€]?\.?\d)"), "minus "),
    (re.compile(rf"(?<![\w.]){_AMOUNT}\s?°\s?([CF])\b"), _degrees),
    (re.compile(r"(?<![\w/.])(\d{1,9} +)?(\d{1,9})/(\d{1,9})(?![\w/])"), _fraction),
    (re.compile(rf"(?<![\w.,]){_AMOUNT}\s?({_UNIT_NAMES})(?![\w'])(?:\.(?=\s+[a-z]))?", re.I), _unit),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), " by "),
    (re.compile(r"(?<![\w.-])(\d[\d,.]*\d|\d)\s?[-–]\s?(?=\$?\d)(?!\d+[-–]\d)"), lambda m: f"{m.group(1)} to "),
    (re.compile(r"\b(Chapter|Part|Act|Scene|Volume|Book|War|Section|Episode)\s+([IVXLC]+)\b"), _numeral),
    (re.compile(rf"\b({'|'.join(RULERS)})\s+([IVX]{{2,}}|V)\b"), _regnal),
    (re.compile(r"\b(?:[A-Za-z]+\d|\d+[A-Za-z])[A-Za-z\d]*(?:(?<=\d)\.\d+)?"), _letters_and_digits),
    (
        re.compile(rf"\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+\.\d+|(?<![A-Za-z])(?<!{LETTER_NAMES})\.\d+|\d+"),
        _plain_number,
    ),
    (re.compile(r"\band/or\b", re.I), "and or"),
    (re.compile(r"(?<=[A-Za-z])/(?=[A-Za-z])"), " slash "),
)


def name_of_symbol(character: str) -> str | None:
    """The spoken name of a sign left over after the rules; None for characters that have none."""
    return SYMBOLS.get(character)
