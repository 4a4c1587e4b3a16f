"""Numbers with units: lengths, weights, temperatures, shares, powers; alone, as fractions and as ranges."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .context import next_word, rest_of, text_before, word_before
from .find import Kind, kind
from .fractions import BEHIND_INCHES, FRACTIONS
from .letters import spell
from .money import NUMBER, SCALES
from .units import UNIT, WORDS, unit_words

PER_UNITS = "|".join(re.escape(sign) for sign in sorted(WORDS, key=len, reverse=True) if "/" in sign)
_DASH = r"\s?(?:[-–—]|to|or)\s?"
_MINUS = r"((?<![\w)\]%°\"'])[-–](?=\.?\d))?"
_FREE = r"(?<![\w.,$£€¥^])(?<!\d[-–/])"
_END = r"(?![\w'^]|-\d)(?:\.(?=\s+[a-z(,]|,|\s+\d+ ?(?:in|oz|min|sec|lbs?)\b))?"
_PEOPLE = re.compile(
    r"\s+(?:people|men|women|children|Americans|[a-z]+ (?:people|users|views|viewers|jobs)|(?!(?:across|miles|"
    "meters|yards|"
    r"hurdles|butterfly|medley|sprints|this|is|was|plus|times|class|always|less|races|towards|upwards|downwards|backwards|sideways)\b)[a-z]{3,}s)\b"
)
_RESOLUTION = re.compile(
    r"(?:[458]|10)(?:\s+(?:video|tv|resolution|display|monitor|uhd|hdr|cameras?|footage|quality|screens?|blu|ultra|run|race|at|"
    r"and)\b|\s*(?:$|[,.;:!?)]))",
    re.I,
)
_NOUNS = re.compile(
    r"\s+(?:battery|batteries|camera|drive|sprint|race|dash|screen|monitor|engine|motor|bulb|cable|bag|box|bottle|tank|pan|dish|"
    r"film|lens|walk|hike|swim|radius|wall|fence|ladder|cord|lens|disk|card|adapter|charger|supply|outlet|circuit|freestyle|relay|hurdles|"
    r"roll|tin|pack|chip|process|node|barrel|shell|bullet|cannon|gun|glass|tree|tower|run|ride|commute|strip|gap|packet|bar|block|tub|tube|carton|loaf|fillet|jug|jar|can|cup|steak|burger|weight|fish|drone|wave|laser|telescope|nail|screw|bolt|pipe|hole|sensor|SSD|TDP|HDD|GPU|"
    r"shift|delay|window|fast|course|cycle|notice|period|clock|marathon|stream|trip|flight|journey|session|class|video|limit|"
    r"timer|break|nap|wait|warranty|subscription|contract|lease|trial|plan|gap|culture|incubation|exposure|treatment)s?\b"
)
"""Nouns that a measure describes: a 12V battery is a twelve volt battery."""


def counted(amount: str, one: str, many: str) -> str:
    """1 pound, 2 pounds, 0.5 pounds."""
    return f"{numbers.spoken(amount)} {one if amount.strip() == '1' else many}"


def _units(match: re.Match[str], sign: str, amount: str, before: str) -> tuple[str, str] | None:
    """The words of a unit, where it is one here: "5 in the morning" has no inches, "1.2m people" no meters."""
    rest = rest_of(match)
    if sign == "in" and not (match.group().endswith(".") or BEHIND_INCHES.match(rest)):
        return None
    if (
        sign in ("K", "t", "h", "A", "N", "B", "pt", "st", "mo", "ac", "ct", "pts", "MP", "bar")
        and not before
        and sign not in ("t", "h", "MP", "mo")
    ):
        return None
    if sign in ("d", "y", "ov", "reb", "ast") and (
        not before or re.match(r"\s?(?:[=+*^<>]|/\d)| (?:print|model|render|graph|scan|anim|movie|game)", rest)
    ):
        return None
    if sign == "m" and not before and _PEOPLE.match(rest):
        return None
    return unit_words(sign)


def _measure(match: re.Match[str]) -> str | None:
    minus, low, low_unit, amount, blank, sign = match.groups()
    words = _units(match, sign, amount, blank)
    if words is None or (low_unit and low_unit != sign):
        return None
    lead = ("minus " if minus else "") + (f"{numbers.spoken(low)} to " if low else "")
    single = _NOUNS.match(rest_of(match)) or (sign in _AGES and re.match(r"\s?old\b", rest_of(match)))
    if single or (word_before(match) in ("a", "an") and _THING.match(rest_of(match))):
        return f"{lead}{numbers.spoken(amount)} {words[0]}"
    return lead + (f"{numbers.spoken(amount)} {words[1]}" if low else counted(amount, *words))


_AGES = ("yr", "mo", "wk", "year", "month")


def _adjective(match: re.Match[str]) -> str | None:
    """5-mm, 10-ft, 300-km: one unit, as in front of a noun."""
    amount, sign = match.groups()
    words = unit_words(sign)
    return None if words is None else f"{numbers.spoken(amount)} {words[0]}"


def _feet_inches(match: re.Match[str]) -> str:
    """5'10" -> five foot ten."""
    feet, inches, mark = match.group(1), match.group(2), match.group(3)
    if float(inches) >= _INCHES_OF_A_FOOT:  # 5'30" of a run
        return f"{counted(feet, 'minute', 'minutes')} {counted(inches, 'second', 'seconds')}"
    return f"{numbers.cardinal(int(feet))} foot {numbers.spoken(inches)}" if mark or inches else ""


_INCHES_OF_A_FOOT = 12
_THING = re.compile(
    r"\s(?!(?:tall|wide|long|high|deep|thick|and|or|by|from|in|is|to|of|at|on|for|with|was)\b)[a-z]{3,}"
)


def _sides(match: re.Match[str]) -> str:
    """4' x 8' -> four by eight feet."""
    first, mark, second = match.groups()
    one, many = ("foot", "feet") if mark == "'" else ("inch", "inches")
    return f"{numbers.spoken(first)} by {numbers.spoken(second)} {one if _THING.match(rest_of(match)) else many}"


def _pointed_degrees(match: re.Match[str]) -> str:
    """62°.5, as old tables have it."""
    return counted(f"{match.group(1)}.{match.group(2)}", "degree", "degrees")


def _arc(match: re.Match[str]) -> str:
    """51° 30' N -> fifty one degrees thirty minutes north."""
    degrees, minutes, seconds, scale = match.groups()
    words = f"{counted(degrees, 'degree', 'degrees')} {counted(minutes, 'minute', 'minutes')}"
    words += f" {counted(seconds, 'second', 'seconds')}" if seconds else ""
    return words + _SCALES[(scale or "").rstrip(".")]


def _both(match: re.Match[str]) -> str | None:
    """115g/4oz: the same measure twice."""
    first, one, second, other = match.groups()
    if one == "K":  # 4K/120Hz
        return None
    words, others = unit_words(one), unit_words(other)
    return words and others and f"{counted(first, *words)}, {counted(second, *others)}"


def _oven(match: re.Match[str]) -> str:
    """180C/350F/gas 4."""
    warm, scale, hot, other, fan = match.groups()
    first, second = (counted(amount, "degree", "degrees") for amount in (warm, hot))
    return f"{first}{_SCALES[scale]}, {second}{_SCALES[other]}{' fan' if fan else ''}, "


def _minute(match: re.Match[str]) -> str | None:
    """Salah 90', and 45+2' Yellow card, of a match report."""
    minute, more = match.groups()
    heads = match.start() == 0 or match.string[match.start() - 1] == "\n"
    capital = bool(next_word(match)[:1].isupper())
    if not (capital if heads else word_before(match)[:1].isupper() and not capital):
        return None
    return f"{numbers.spoken(minute)}{f' plus {numbers.spoken(more)}' if more else ''} minutes"


_LOOKED_THROUGH = 1000  # characters of a row that are looked through for an open quotation


def _closes(match: re.Match[str], mark: str) -> bool:
    """Whether a quotation is open before the match, which its mark then closes."""
    line = text_before(match, _LOOKED_THROUGH).rpartition("\n")[2]
    if mark == '"':
        return len(re.findall(r'(?<!\d)"', line)) % 2 == 1
    return len(re.findall(r"(?<!\w)'(?=\w)", line)) > len(re.findall(r"(?<=[\w.,!?])'(?!\w)", line))


def _marked(match: re.Match[str]) -> str | None:
    """6' tall -> six feet tall, 27" monitor -> twenty seven inch monitor."""
    amount, mark = match.group(1), match.group(2)[:1]
    if _closes(match, mark):
        return None
    one, many = ("inch", "inches") if mark == '"' else ("foot", "feet")
    adjective = re.match(r"[\s-]*[A-Za-z][A-Za-z]+", rest_of(match)) and not re.match(
        r"\s*(?:tall|wide|long|high|deep|thick|and|or|by|from|above|below|across|off|apart|of|in|is|to)\b",
        rest_of(match),
    )
    return f"{numbers.spoken(amount)} {one if adjective or amount == '1' else many}"


_SCALES = {
    "C": " celsius",
    "F": " fahrenheit",
    "K": " kelvin",
    "N": " north",
    "S": " south",
    "E": " east",
    "W": " west",
    "": "",
}


def _lead(minus: str | None, low: str | None, high_minus: str | None) -> str:
    """Words before the last number of a range."""
    return (
        ("minus " if minus else "") + (f"{numbers.spoken(low)} to " if low else "") + ("minus " if high_minus else "")
    )


def _degrees(match: re.Match[str]) -> str:
    """10°-15°C -> ten to fifteen degrees celsius."""
    minus, low, high_minus, amount, scale = match.groups()
    lead = _lead(minus, low, high_minus)
    angle = not scale and re.match(r"\s?(?:angle|turn|view|heat|day|weather|oven)s?\b", rest_of(match))
    return (
        lead + counted(amount, "degree", "degree" if angle else "degrees") + _SCALES[(scale or "").upper().rstrip(".")]
    )


def _bare_degrees(match: re.Match[str]) -> str:
    """350F oven, at 180 C: degrees without their sign."""
    amount, scale = (group for group in match.groups() if group)
    thing = re.match(r"\s(?:oven|heat)\b", rest_of(match))
    return counted(amount, "degree", "degree" if thing else "degrees") + _SCALES[scale]


def _percent(match: re.Match[str]) -> str:
    minus, low, high_minus, amount, sign = match.groups()
    lead = _lead(minus, low, high_minus)
    return f"{lead}{numbers.spoken(amount)} {'per mille' if sign == '‰' else 'percent'}"


_POWERS = {"²": "2", "³": "3", "¹": "1", "⁰": "0", "⁻": "-", "⁺": "", **{chr(0x2070 + n): str(n) for n in range(4, 10)}}


def power_in_words(exponent: str) -> str:
    """2 -> squared, 4 -> to the fourth, -3 -> to the minus three."""
    if exponent in ("2", "3"):
        return "squared" if exponent == "2" else "cubed"
    if exponent.startswith("-"):
        return f"to the minus {numbers.spoken(exponent[1:])}"
    return f"to the {numbers.ordinal(int(exponent))}"


def _power(match: re.Match[str]) -> str | None:
    base, exponent = match.group(1), "".join(_POWERS.get(sign, sign) for sign in match.group(2).lstrip("^"))
    if not re.fullmatch(r"-?\d{1,6}", exponent):
        return None
    return f"{numbers.spoken(base) if base[0].isdecimal() else spell(base)} {power_in_words(exponent)}"


def _scaled(match: re.Match[str]) -> str | None:
    """1.2M views, 3.5k, 2bn, 1.2m people."""
    low, amount, scale = match.groups()
    if scale in ("m", "b", "B") and "." not in amount * (scale != "m") and not _PEOPLE.match(rest_of(match)):
        return None
    if scale in "kK" and re.match(r"\s(?:(?:white|yellow|rose) )?gold\b", rest_of(match)):
        return f"{numbers.spoken(amount)} karat"
    if scale in "kK" and _RESOLUTION.match(f"{amount}{rest_of(match)}"):
        return f"{numbers.spoken(amount)} {spell(scale)}"
    lead = f"{numbers.spoken(low)} to " if low else ""
    return f"{lead}{numbers.spoken(amount)} {SCALES[scale.lower()]}"


def _times(match: re.Match[str]) -> str:
    low = f"{numbers.spoken(match.group(1))} to " if match.group(1) else ""
    return f"{low}{numbers.spoken(match.group(2))} times"


def _scientific(match: re.Match[str]) -> str:
    """6.02e23 -> six point zero two times ten to the twenty third."""
    return f"{numbers.spoken(match.group(1))} times ten {power_in_words(match.group(2).lstrip('+'))}"


def unit_behind(match: re.Match[str]) -> str:
    """A unit behind a number that was found before, as in 10^8 m/s."""
    return WORDS[match.group()][1]


_WEIGHED = frozenset("g kg mg ml mL l L cl oz lb lbs GB MB TB".split())


def _sized(match: re.Match[str]) -> str | None:
    """10x12 ft -> ten by twelve feet."""
    words = unit_words(match.group(2))
    parts = re.split(r"\s?[x×]\s?", match.group(1))
    if words is None:
        return None
    if len(parts) == 2 and match.group(2) in _WEIGHED:  # 1 x 400g can, 2x16GB
        thing = _THING.match(rest_of(match))
        joint = "" if thing else "times "
        return f"{numbers.spoken(parts[0])} {joint}{numbers.spoken(parts[1])} {words[0 if thing else 1]}"
    return f"{' by '.join(map(numbers.spoken, parts))} {words[0 if _NOUNS.match(rest_of(match)) else 1]}"


def _either(match: re.Match[str]) -> str | None:
    """120/240 V, 50/60 Hz: one or the other."""
    first, second, sign = match.groups()
    words = unit_words(sign)
    return words and f"{numbers.spoken(first)} or {numbers.spoken(second)} {words[1]}"


def _lettered_power(match: re.Match[str]) -> str:
    """2^n -> two to the N."""
    base, exponent = match.groups()
    return f"{numbers.spoken(base) if base.isdecimal() else spell(base)} to the {spell(exponent)}"


def _ten_to(match: re.Match[str]) -> str | None:
    """1.5 x 10^6 -> one point five times ten to the sixth."""
    exponent = "".join(_POWERS.get(sign, sign) for sign in match.group(2).lstrip("^"))
    if not re.fullmatch(r"-?\d{1,6}", exponent):
        return None
    return f"{numbers.spoken(match.group(1))} times ten {power_in_words(exponent)}"


_SCORED = "(?:pen|og|goal|red|yellow|assist|sub|header|free)"


def _more_than(match: re.Match[str]) -> str | None:
    """2+ hrs -> two plus hours; 45k mi -> forty five thousand miles."""
    amount, scale, sign = match.groups()
    words = unit_words(sign)
    return words and f"{numbers.spoken(amount)} {'plus' if scale == '+' else 'thousand'} {words[1]}"


MEASURES: tuple[Kind, ...] = (
    *FRACTIONS,
    kind(
        "scientific",
        rf"(?<![\w.,])({NUMBER})\s?[x×*·]\s?10(\^-?\d{{1,3}}|[⁰¹²³⁴-⁹⁺⁻]+)(?![\w.]*\d)",
        _ten_to,
        needs="x×*·",
    ),
    kind(
        "size",
        rf"(?<![\w.,$])((?:{NUMBER})(?:\s?[x×]\s?(?:{NUMBER})){{1,2}})\s?(?!s\b)({UNIT}){_END}",
        _sized,
        needs="x×",
    ),
    kind("either", r"(?<![\w.,/])(\d{2,3})/(\d{2,3})\s?(V|VAC|VDC|Hz|W)(?![\w/])", _either, needs="/"),
    kind("power", r"(?<![\w.,])(\d+|[a-z])\^([a-z])(?!\w)", _lettered_power, needs_digit=False, needs="^"),
    kind("scientific", rf"(?<![\w.,])({NUMBER})[eE]([+-]?\d{{1,3}})(?![\w.])", _scientific),
    kind("degrees", r"(?<![\w.,])(\d{1,3})°\.(\d{1,2})(?![\w.])", _pointed_degrees, needs="°"),
    kind(
        "oven",
        r"(?<![\w.,])(\d{2,3})\s?°?([CF])\s?[/(]\s?(\d{2,3})\s?°?([CF])\b\)?( fan)?(?:/(?=gas\b))?",
        _oven,
        needs="CF",
    ),
    kind(
        "measures", rf"(?<![\w.,/])({NUMBER})\s?({UNIT})/(?!100\s?km)({NUMBER})\s?({UNIT})(?![\w/])", _both, needs="/"
    ),
    kind(
        "minute",
        rf"(?:(?<=[a-z,] )|(?m:^))(\d{{1,3}})(?:\+(\d{{1,2}}))?'(?=[,;.)]|\s*$|\s(?:[A-Z]|{_SCORED}\b))",
        _minute,
        needs="'",
    ),
    kind(
        "arc",
        r"(?<![\w.,])(\d{1,3})°\s?(\d{1,2}(?:\.\d+)?)'\s?(?:(\d{1,2}(?:\.\d+)?)(?:\"|"
        r"'')\s?)?([NSEW]\b(?:\.(?=,? [a-z\d]))?)?",
        _arc,
        needs="°",
    ),
    kind("sides", r"(?<![\w.,])(\d{1,4}(?:\.\d+)?)(['\"])\s?[x×]\s?(\d{1,4}(?:\.\d+)?)\2", _sides, needs="'\""),
    kind("feet and inches", r"(?<![\w.,])(\d{1,2})'\s?(\d{1,2}(?:\.\d)?)(\"|'')", _feet_inches, needs="'"),
    kind("feet and inches", r"(?<![\w.,])(\d)'(\d{1,2})()(?![\w'\"])", _feet_inches, needs="'"),
    kind(
        "percent",
        rf"{_MINUS}{_FREE}(?:({NUMBER})\s?[%‰]?{_DASH})?((?<=[ –-])[-–])?({NUMBER})\s?([%‰])",
        _percent,
        needs="%‰",
    ),
    kind(
        "degrees",
        rf"{_MINUS}{_FREE}(?:({NUMBER})\s?°?\s?[CF]?{_DASH})?((?<=[ –-])[-–])?({NUMBER})\s?°\s?"
        r"([CFKNSEW]\b(?:\.(?=,? [a-z\d]))?)?",
        _degrees,
        needs="°",
    ),
    kind(
        "degrees",
        r"(?:(?<=\b(?:at|to|of|is|or) )|(?<=\b(?:hit|was) )|(?<=\b(?:about|below|above|reach) )|(?<=\boven ))"
        r"(\d{2,3}(?:\.\d)?)\s?([CF])\b(?![-'/]|\s?\d)|\b(\d{2,3}(?:\.\d)?)\s?([CF])(?= (?:oven|heat|outside|today)\b)",
        _bare_degrees,
        hint=r"\d\s?[CF]\b",
    ),
    kind(
        "measure",
        rf"{_FREE}({NUMBER})([kK+])\s?(mi|km|ft|lbs|kg|hrs?|mins?|yrs?|wks?|mos?|days?){_END}",
        _more_than,
        hint=r"\d[kK+]",
    ),
    kind(
        "scaled number",
        rf"(?<![\w.,$£€-])(?:({NUMBER})(?:[kKM]|bn)?{_DASH})?({NUMBER})\s?((?<=\d)[kKmM]|(?<=\d)[bB]|mn|mln|bn|tn)(?![\w'/²³]|-[\dA-Z])",
        _scaled,
    ),
    kind("measure", rf"{_MINUS}{_FREE}(?:({NUMBER})\s?({UNIT})?{_DASH})?({NUMBER})(\s)?({UNIT}){_END}", _measure),
    kind("measure", rf"(?<![\w.,/$-])({NUMBER})-({UNIT})(?![\w']|-\d)(?:\.(?=\s+[a-z]|\)))?", _adjective),
    kind(
        "power",
        rf"(?<![\w.,])({NUMBER}|[a-zA-Z]{{1,2}})(\^-?\d{{1,3}}|[⁰¹²³⁴-⁹⁺⁻]+)(?![\w.]*\d)",
        _power,
        needs_digit=False,
        needs="^⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻",
    ),
    kind("feet or inches", r"(?<![\w.,])(\d{1,4}(?:\.\d+)?)(\"|''|'(?=[\s,.;:)-]|$))", _marked, needs="'\""),
    kind("times", rf"(?<![\w.,$])(?:({NUMBER})[x×]?{_DASH})?({NUMBER})[x×](?![\w])(?!\s?[\d+*=^])", _times),
)
"""Measures. Units are rows of `units.py`."""
