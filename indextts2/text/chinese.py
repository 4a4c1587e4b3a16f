"""Chinese readings of our own, before the number expander: what it reads wrongly or not at all.

A table of rules: each gives Chinese words, or the same numbers with words between them, which the expander then reads.
"""

from __future__ import annotations

import re
import unicodedata

from .chinese_numbers import READ_FIRST, READ_LAST, Rule
from .expander import chinese_integer, chinese_number, digit_by_digit
from .pinyin import is_pinyin
from .tracked import TrackedText

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
          "W": "瓦",
          "kW": "千瓦", "KW": "千瓦", "V": "伏", "Hz": "赫兹", "kHz": "千赫", "MHz": "兆赫", "GHz": "吉赫",
          "mA": "毫安", "dB": "分贝", "TB": "T B", "mAh": "毫安时", "kWh": "千瓦时", "GB": "G B",
          "MB": "兆", "fps": "帧每秒"}  # fmt: skip
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
    """30元/kg -> 每千克, 100元/人/天 -> 每人每天."""
    return "".join("每" + _PER[one] for one in match.group().split("/")[1:])


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


_VERSIONED = frozenset("Python Java Node Go Ruby PHP Ubuntu Debian CUDA macOS iOS Android".split())


def _name_number(match: re.Match[str]) -> str:
    """A1, v2, Wan2.1, Win10: the number behind a name; three digits and more one by one, as of models."""
    number = match.group(2)
    whole, _, part = number.partition(".")
    if part and match.group(1) in _VERSIONED:  # Python3.11
        return f"{match.group(1)}{chinese_integer(whole)}点{chinese_integer(part)}"
    long = len(number) > 2 and "." not in number
    return match.group(1) + (digit_by_digit(number) if long else chinese_number(number))


_CODED = (
    "请拨|拨打|拨|致电|打|热线|尾号|验证码|密码|口令|邮编|房间|房|编号|学号|工号|"
    "QQ|身份证|卡号|车牌|订单|单号|账号|帐号|代码"
)
_CLASSIFIER = "[个次人天元块分秒年月日岁米公斤千万亿折倍局场下只条通多遍户栋间层行篇页本件单笔份台套把张]"
_WEAPONS = "歼|运|轰|直|强|武直|东风|长征|神舟|天宫|嫦娥|天舟|实践|红旗|鹰击|教|翼龙|问天|风云|北斗"
_WON = "获胜|战胜|击败|战平|险胜|完胜|大胜|负于|不敌|领先|落后|逆转|取胜|小胜|输给|惜败"
_MARKS = "，。！？；,.!?;"
_COMPARED = {"<": "小于", "＜": "小于", ">": "大于", "＞": "大于", "≤": "小于等于", "≥": "大于等于"}


def _code(match: re.Match[str]) -> str:
    """拨打12306, 验证码123456, 房间号1208: digit by digit."""
    digits = "".join(sign.upper() if sign in "xX" else digit_by_digit(sign) for sign in match.group(2))
    return match.group(1) + digits.replace("一", "幺")


def _by_digits(match: re.Match[str]) -> str:
    """1203室, 1080P, 318国道: digit by digit."""
    return digit_by_digit(match.group(1)).replace("一", "幺")


def _share(match: re.Match[str]) -> str:
    """约1/3 -> 三分之一; a number above as large as the one below it is no share."""
    above, below = match.groups()
    return f"{chinese_integer(below)}分之{chinese_integer(above)}" if int(above) < int(below) else match.group()


def _sides(match: re.Match[str]) -> str:
    """1920x1080, 3×4."""
    pixels = all(len(side) in (3, 4) for side in match.groups())
    return "乘".join(digit_by_digit(side) if pixels else chinese_integer(side) for side in match.groups())


def _plate(match: re.Match[str]) -> str:
    """沪B·88888."""
    return match.group(1) + "".join(digit_by_digit(sign) if sign.isdecimal() else sign for sign in match.group(2))


def _circled(match: re.Match[str]) -> str:
    """① -> 一, with a pause before what it numbers."""
    return chinese_integer(str(ord(match.group(1)) - ord("①") + 1)) + ("、" if (match.group(2) or " ").strip() else "")


_RULES: tuple[Rule, ...] = (
    *READ_FIRST,
    (re.compile(r"(?<![A-Za-z\d+-])\+?\d{1,4}[- ]1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)|"
                r"(?<!\d)1[3-9]\d(?:[- ]\d{4}[- ]\d{4}|\d{8})(?!\d)"), _telephone),
    (re.compile(r"\+86[- ]?\d{2,3}[- ]\d{3,4}[- ]?\d{4}(?!\d)|(?<![\d-])(?:[(（]0\d{2,3}[)）]|0\d{2,3})[- ]?"
        r"\d{3,4}[- ]\d{4}(?!\d)"), _telephone),
    (re.compile(r"(?<![\d-])(?:\(0\d{2,3}\)|0\d{2,3})[- ]?\d{7,8}(?!\d)|(?<![\d-])(?:400|"
        r"800)-?\d{3}-?\d{4}(?!\d)"), _telephone),
    (re.compile(r"(?<=电话)[:：]?\s?\d{3,4}-\d{4}(?!\d)|(?<![\d-])\d{3,4}-\d{3,4}-\d{4}(?!\d)"), _telephone),
    (re.compile(rf"((?:{_CODED})(?:号码|号)?(?:[:：是为]\s?|\s)?)"
                rf"(\d{{3,20}}[Xx]?)(?![\d.,%％-]|\s?(?:{_CLASSIFIER}))"), _code),
    (re.compile(r"第(\d+)\s?[-–—~～至]\s?(\d+)(?![\d.])"),
     lambda match: f"第{chinese_integer(match.group(1))}到{chinese_integer(match.group(2))}"),
    (re.compile(r"第(\d+)(?![\d.])"), lambda match: "第" + chinese_integer(match.group(1))),
    (re.compile(rf"({_SIGN})\s?({_NUMBER})(万|亿|千|百万)?元?"), _money),
    (re.compile(r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<!\d)\d+(?:\.\d+)?)\s?([€£₩₹₽฿])"), _money_behind),
    (re.compile(rf"(?<=元)(?:/(?:{'|'.join(_PER)})(?![A-Za-z]))+"), _per),
    (re.compile(r"(?<![A-Za-z\d.])([vV]?)(\d{1,3}(?:\.\d{1,3}){2})(?![\d.])"), _version),
    (re.compile(r"(?<![\d.-])7-11(?![\d.-])"), "七十一"),
    (re.compile(r"(?<![\d./])24/7(?![\d./])"), "二十四七"),
    (re.compile(r"(?<![\d.])(\d+)?([¼-¾⅐-⅞])"), _vulgar),
    (re.compile(rf"(?<![A-Za-z\d.])({_NUMBER})\s?({_UNIT})(?![A-Za-z²³])"), _unit),
    (re.compile(rf"({_WEAPONS})[-–—](\d{{1,3}})(?![\d.])"),
     lambda match: match.group(1) + chinese_integer(match.group(2))),
    (re.compile(r"(?<![\d.])(\d\d?)\.(\d\d?)(?=假期|长假|小长假|黄金周)"),
     lambda match: "".join(chinese_integer(part) for part in match.groups())),
    (re.compile(r"(?<![\d/.])([1-9]\d?)/([1-9]\d{0,2})(?![\d/.])"), _share),
    (re.compile(rf"(?<=[\d{_HAN}])\s?=\s?(?=-?\d)"), "等于"),
    (re.compile(r"(?<![\d.])(\d+)\s?[x×*]\s?(\d+)(?![\d.])"), _sides),
    (re.compile(r"(?<!\d)(480|720|1080|1440|2160|4320)(?=[pPiI](?![A-Za-z]))"), _by_digits),
    (re.compile(r"(?<!\d)((?:19|20)\d\d)\s?[-–—~～]\s?((?:19|20)\d\d)(?=学年|财年|年度|赛季|年|届)"),
     lambda match: "到".join(map(digit_by_digit, match.groups()))),
    (re.compile(r"(?<=[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤川青藏琼宁])"
                r"([A-Z])[·•-]?([A-Z\d]{5,6})(?![A-Za-z\d])"), _plate),
    (re.compile(r"(?<!\d)(\d{1,2})['′](\d{1,2})[\"″]"),
     lambda match: f"{chinese_integer(match.group(1))}分{chinese_integer(match.group(2))}秒"),
    (re.compile(r"(?<![\d.])(\d{3,4})(?=室|教室|号?房间?(?!子)|国道|省道|县道|错误|报错|航班)"), _by_digits),
    (re.compile(r"(?<![\d.第])(\d{1,2})(?=单元|号楼|号线|栋|幢|楼|年级|车厢)"),
     lambda match: chinese_integer(match.group(1))),
    (re.compile(r"(?<=[A-Z])&(?=[A-Z])"), " and "),
    (re.compile(r"(?<=\d)\s?÷\s?(?=\d)"), "除以"),
    (re.compile(r"√(?=\d)"), "根号"),
    (re.compile(r"(?<=[A-Za-z])([²³])"), lambda match: "的平方" if match.group(1) == "²" else "的立方"),
    (re.compile(r"(?<![A-Za-z\d<>=-])([<>＜＞≤≥])\s?(?=\d)"), lambda match: _COMPARED[match.group(1)]),
    (re.compile(rf"(?<=[{_HAN}A-Za-z])\s?[&＆]\s?(?=[{_HAN}])|(?<=[{_HAN}])\s?[&＆]\s?(?=[{_HAN}A-Za-z])"), "和"),
    (re.compile(r"([①-⑳])(?=(.)?)"), _circled),
    (re.compile(r"[Ⅰ-Ⅻ]"), lambda match: chinese_integer(str(ord(match.group()) - ord("Ⅰ") + 1))),
    (re.compile(rf"(?<![\d.:])(\d{{1,3}})[-–—:：](\d{{1,3}})(?=[^\d{_MARKS}]{{0,4}}(?:{_WON}))"),
     lambda match: f"{chinese_integer(match.group(1))}比{chinese_integer(match.group(2))}"),
    (re.compile(r"(?<=比分)(\d{1,3})[-–—:：](\d{1,3})(?![\d.])|"
                r"(?<=以)(\d{1,3})[-–—:：](\d{1,3})(?=[^\d.:]*(?:胜|赢|败|负|击败|领先|战))"),
     lambda match: "{}比{}".format(*(chinese_integer(group) for group in match.groups() if group))),
    (re.compile(rf"(?<![A-Za-z\d.–—-])(-?(?:{_NUMBER})[%％]?(?:°C|℃)?)\s?[-–—~～]\s?"
                rf"(?=(?:{_NUMBER})\s?{_RANGE_UNIT})"), _to),
    (re.compile(r"(?<![\d:])(\d{1,2}:\d{2})\s?[-–—~～]\s?(?=\d{1,2}:\d{2}(?![\d:]))"), _to),
    (re.compile(r"[#＃](\d+)(?!\w)"), lambda match: chinese_integer(match.group(1)) + "号"),
    *READ_LAST,
    (re.compile(r"(?<![A-Za-z])([A-Za-z]+)-?(\d+(?:\.\d+)?)(?![\d.]*\d|[A-Za-z%])"), _name_number),
    (re.compile(r"[–―‒]"), "—"),
)  # fmt: skip
"""Pattern to words. A range keeps its first number and gets a word for its dash."""
