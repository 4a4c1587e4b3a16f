"""Numbers, dates and money to words for the official kind: wetext when installed, plain digits otherwise.

An expander is called as expander(text, chinese) and returns the text in words (docs/spec/text.md#number-expansion).
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable

from . import english_numbers

logger = logging.getLogger(__name__)

Expander = Callable[[str, bool], str]

MISSING_WETEXT = (
    "The package wetext is not installed: dates, times, money, units, fractions and traditional Chinese characters are "
    "not normalised, only plain numbers are read. Install it with: pip install wetext"
)
_ENGLISH_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_CACHED = 1024  # sentences whose expansion is remembered
_CHINESE_DIGITS = "零一二三四五六七八九"
_CHINESE_UNITS = ("", "十", "百", "千")
_CHINESE_SCALES = ("", "万", "亿", "万亿")
_LONGEST_CHINESE_NUMBER = 16
_CHINESE_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?(%)?")
_ESCAPED = re.compile(r"\\([\"\\])")


def identity(text: str, chinese: bool) -> str:
    """Expands nothing."""
    return text


def default_expander() -> tuple[Expander, tuple[str, ...]]:
    """The best expander that is installed, and what to tell the user about it."""
    expander = wetext_expander()
    if expander is not None:
        return expander, ()
    _warn_once()
    return plain_digits, (MISSING_WETEXT,)


@functools.cache
def _warn_once() -> None:
    logger.warning(MISSING_WETEXT)


def wetext_expander(*, as_reference: bool = False) -> Expander | None:
    """The wetext package as an expander, or None when it is not installed.

    Traditional characters become simplified, as with the reference's Linux back end. as_reference: call wetext exactly
    as the reference does, which leaves traditional characters alone, and backslashes before quotation marks.
    """
    try:
        import wetext
    except ImportError:
        return None
    english = wetext.Normalizer(lang="en", operator="tn")
    switches = {} if as_reference else {"traditional_to_simple": True, "full_to_half": True}
    chinese_normalizer = wetext.Normalizer(lang="zh", operator="tn", remove_erhua=False, **switches)

    @functools.lru_cache(maxsize=_CACHED)
    def expand(text: str, chinese: bool) -> str:
        spoken = str(chinese_normalizer.normalize(text) if chinese else english.normalize(text))
        return spoken if as_reference else _ESCAPED.sub(r"\1", spoken)

    return expand


def plain_digits(text: str, chinese: bool) -> str:
    """Reads plain numbers and leaves everything else as it is."""
    if chinese:
        return _CHINESE_NUMBER.sub(_chinese_number, text)
    return _ENGLISH_NUMBER.sub(lambda match: english_numbers.spoken(match.group()), text)


def _chinese_number(match: re.Match[str]) -> str:
    whole, part, percent = match.groups()
    spoken = "百分之" if percent else ""
    spoken += chinese_integer(whole)
    if part:
        spoken += "点" + digit_by_digit(part)
    return spoken


def chinese_number(text: str) -> str:
    """3.5 -> three, point, five, in Chinese."""
    return _CHINESE_NUMBER.sub(_chinese_number, text)


def digit_by_digit(digits: str) -> str:
    """Chinese digits one by one."""
    return "".join(_CHINESE_DIGITS[int(digit)] for digit in digits)


def chinese_integer(digits: str) -> str:
    """3052 -> three thousand, zero, five ten, two, in Chinese; phone numbers and the like digit by digit."""
    if len(digits) > _LONGEST_CHINESE_NUMBER or (digits[0] == "0" and len(digits) > 1):
        return digit_by_digit(digits)
    if int(digits) == 0:
        return _CHINESE_DIGITS[0]
    groups: list[str] = []
    width = len(_CHINESE_UNITS)
    padded = digits.zfill(-(-len(digits) // width) * width)
    count = len(padded) // width
    skipped = False  # whether the group before is empty
    for index in range(count):
        group = padded[index * width : (index + 1) * width]
        spoken = _below_ten_thousand(group)
        if spoken:
            gap = groups and (skipped or group.startswith("0"))
            groups.append((_CHINESE_DIGITS[0] if gap else "") + spoken + _CHINESE_SCALES[count - index - 1])
        skipped = not spoken
    spoken = "".join(groups)
    return spoken[1:] if spoken.startswith("一十") else spoken


def _below_ten_thousand(group: str) -> str:
    spoken = ""
    for place, digit in enumerate(group):
        if digit != "0":
            if spoken and group[place - 1] == "0":
                spoken += _CHINESE_DIGITS[0]
            spoken += _CHINESE_DIGITS[int(digit)] + _CHINESE_UNITS[len(group) - place - 1]
    return spoken
