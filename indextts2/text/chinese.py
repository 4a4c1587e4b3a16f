"""Chinese readings of our own, before the number expander: what it reads wrongly or not at all.

A table of rules: each gives Chinese words, or the same numbers with words between them, which the expander then reads.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from .expander import chinese_integer, chinese_number, digit_by_digit
from .pinyin import is_pinyin
from .tracked import TrackedText

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str]"]

_HAN = "\u4e00-\u9fff"
_HAS_HAN = re.compile(f"[{_HAN}]")
_TOKEN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ž][\w.]*")
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_CURRENCIES = {"$": "美元", "US$": "美元", "HK$": "港元", "NT$": "新台币", "A$": "澳元", "C$": "加元", "€": "欧元",
    "£": "英镑",
               "¥": "元", "￥": "元", "₩": "韩元", "₹": "卢比", "₽": "卢布", "฿": "泰铢"}  # fmt: skip
_SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
_UNITS = {"㎡": "平方米", "m²": "平方米", "km²": "平方公里", "cm²": "平方厘米", "㎥": "立方米", "m³": "立方米",
    "cm³": "立方厘米",
          "㎏": "千克", "㎞": "公里", "㎝": "厘米", "㎜": "毫米", "㏄": "毫升", "km/h": "公里每小时", "m/s": "米每秒",
          "‰": "千分之",
          "mAh": "毫安时", "kWh": "千瓦时", "GB": "G B", "MB": "兆", "fps": "帧每秒"}  # fmt: skip
_UNIT = "|".join(re.escape(sign) for sign in sorted(_UNITS, key=len, reverse=True) if sign != "‰")
_RANGE_UNIT = (
    "[%％℃°年月日号岁级个只名人次倍天周分秒点小米公千万亿元块层楼页章集回届期本条种类度斤克吨升寸尺"
    "里位段步杯片颗粒题道台部辆]"
)


def takes_chinese(text: str) -> bool:
    """Whether a text is read as Chinese: it holds Chinese characters, no letters at all, or nothing but pinyin.

    Differs from the reference, to which "A1" in an English sentence is pinyin and an e-mail address is Chinese.
    """
    if _HAS_HAN.search(text):
        return True
    tokens = _TOKEN.findall(text)
    if not tokens:
        return not any(character.isalpha() for character in text)
    return all(is_pinyin(token.rstrip(".")) for token in tokens) and (len(tokens) > 1 or len(tokens[0]) > 2)


def is_meant_as_pinyin(match: re.Match[str]) -> bool:
    """Whether what looks like a toned syllable is one, and no name with a number: Ben10, Wan2.1, v2, A1, Win10."""
    syllable, after = match.group(), match.string[match.end() : match.end() + 2]
    if re.match(r"[\dA-Za-z]|\.\d", after):
        return False
    letters = syllable.rstrip("12345")
    if len(letters) == 1 and (letters.isupper() or letters == "v"):
        return False
    return letters.islower() or letters.isupper()


def read_chinese(tracked: TrackedText) -> None:
    """Rewrite in place what the expander is not to see as it is written."""
    for pattern, replacement in _RULES:
        tracked.sub(pattern, replacement)


def fold_accents(tracked: TrackedText) -> None:
    """Letters without their accents, but ü, which pinyin needs, and toned vowels, which mean something."""
    tracked.sub(_ACCENTED, lambda match: _plain(match.group()))


_ACCENTED = re.compile(r"[À-ÖØ-öø-ÿŒœŠšŽžŁłŃńŚśŹźŻżĆćĄąĘęĞğİıŞşÇçÑñ]")
_KEPT = frozenset("üÜ")
_LIGATURES = {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "ı": "i",
              "ð": "d", "þ": "th", "Þ": "Th", "Ð": "D"}  # fmt: skip


def _plain(character: str) -> str:
    if character in _KEPT:
        return character
    if character in _LIGATURES:
        return _LIGATURES[character]
    plain = unicodedata.normalize("NFD", character)
    return "".join(part for part in plain if not unicodedata.combining(part))


def _spoken(number: str) -> str:
    """5,000.00 -> 五千, 3.5 -> 三点五."""
    number = number.replace(",", "")
    whole, point, part = number.partition(".")
    return chinese_integer(whole) if not part.strip("0") else chinese_number(f"{whole}{point}{part}")


def _amount(number: str) -> str:
    """128.50 -> 一百二十八点五: a nought behind the point is not said of money."""
    return _spoken(number.rstrip("0") if "." in number else number)


def _money(match: re.Match[str]) -> str:
    sign, amount, scale = match.group(1), match.group(2), match.group(3) or ""
    return _amount(amount) + scale + _CURRENCIES[sign]


def _money_behind(match: re.Match[str]) -> str:
    return _amount(match.group(1)) + _CURRENCIES[match.group(2)]


_PER = {
    "kg": "千克",
    "g": "克",
    "km": "公里",
    "m": "米",
    "L": "升",
    "l": "升",
    "h": "小时",
    **{one: one for one in "斤天月年人次个晚周"},
}


def _per(match: re.Match[str]) -> str:
    """30元/kg -> 每千克."""
    return "每" + _PER[match.group(1)]


def _version(match: re.Match[str]) -> str:
    """v2.0.1 -> v二点零点一."""
    return match.group(1) + "点".join(chinese_integer(part) for part in match.group(2).split("."))


def _telephone(match: re.Match[str]) -> str:
    """Digit by digit, one as yao."""
    plus = "加" if match.group().startswith("+") else ""
    return plus + digit_by_digit("".join(re.findall(r"\d", match.group()))).replace("一", "幺")


def _vulgar(match: re.Match[str]) -> str:
    """½ -> 二分之一, 2½ -> 二又二分之一."""
    above, _, below = unicodedata.normalize("NFKC", match.group(2)).partition("⁄")
    words = f"{chinese_integer(below)}分之{chinese_integer(above)}"
    return f"{chinese_integer(match.group(1))}又{words}" if match.group(1) else words


def _unit(match: re.Match[str]) -> str:
    return _spoken(match.group(1)) + _UNITS[match.group(2)]


def _to(match: re.Match[str]) -> str:
    return match.group(1) + "到"


def _name_number(match: re.Match[str]) -> str:
    """A1, v2, Wan2.1, Win10: the number behind a name; three digits and more one by one, as of models."""
    number = match.group(2)
    long = len(number) > 2 and "." not in number
    return match.group(1) + (digit_by_digit(number) if long else chinese_number(number))


_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?<![A-Za-z\d+-])\+?\d{1,4}[- ]1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)|"
                r"(?<!\d)1[3-9]\d(?:[- ]\d{4}[- ]\d{4}|\d{8})(?!\d)"), _telephone),
    (re.compile(r"(?<![\d-])(?:\(0\d{2,3}\)|0\d{2,3})[- ]?\d{7,8}(?!\d)|(?<![\d-])(?:400|"
        r"800)-?\d{3}-?\d{4}(?!\d)"), _telephone),
    (re.compile(r"(?<=电话)[:：]?\s?\d{3,4}-\d{4}(?!\d)|(?<![\d-])\d{3,4}-\d{3,4}-\d{4}(?!\d)"), _telephone),
    (re.compile(r"第(\d+)(?![\d.])"), lambda match: "第" + chinese_integer(match.group(1))),
    (re.compile(rf"({_SIGN})\s?({_NUMBER})(万|亿|千|百万)?元?"), _money),
    (re.compile(r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<!\d)\d+(?:\.\d+)?)\s?([€£₩₹₽฿])"), _money_behind),
    (re.compile(rf"(?<=元)/({'|'.join(_PER)})(?![A-Za-z])"), _per),
    (re.compile(r"(?<![A-Za-z\d.])([vV]?)(\d{1,3}(?:\.\d{1,3}){2})(?![\d.])"), _version),
    (re.compile(r"(?<![\d.-])7-11(?![\d.-])"), "七十一"),
    (re.compile(r"(?<![\d./])24/7(?![\d./])"), "二十四七"),
    (re.compile(r"(?<![\d.])(\d+)?([¼-¾⅐-⅞])"), _vulgar),
    (re.compile(rf"(?<![A-Za-z\d.])({_NUMBER})\s?({_UNIT})(?![A-Za-z²³])"), _unit),
    (re.compile(r"(?<=比分)(\d{1,3})[-–—:：](\d{1,3})(?![\d.])|"
                r"(?<=以)(\d{1,3})[-–—:：](\d{1,3})(?=[^\d.:]*(?:胜|赢|败|负|击败|领先|战))"),
     lambda match: "{}比{}".format(*(chinese_integer(group) for group in match.groups() if group))),
    (re.compile(rf"(?<![A-Za-z\d.–—-])(-?(?:{_NUMBER})[%％]?(?:°C|℃)?)\s?[-–—~～]\s?"
                rf"(?=(?:{_NUMBER})\s?{_RANGE_UNIT})"), _to),
    (re.compile(r"(?<![\d:])(\d{1,2}:\d{2})\s?[-–—~～]\s?(?=\d{1,2}:\d{2}(?![\d:]))"), _to),
    (re.compile(r"[#＃](\d+)(?!\w)"), lambda match: chinese_integer(match.group(1)) + "号"),
    (re.compile(r"(?<![A-Za-z])([A-Za-z]+)-?(\d+(?:\.\d+)?)(?![\d.]*\d|[A-Za-z%])"), _name_number),
    (re.compile(r"[–―‒]"), "—"),
)  # fmt: skip
"""Pattern to words. A range keeps its first number and gets a word for its dash."""
