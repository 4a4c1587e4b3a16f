"""Spanish numbers, money, times, dates and ordinals in words, for the languages that IndexTTS-2.5 speaks.

A kind of writing is a row of `KINDS`: a pattern, and what its match says. The first row that fits a place has it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable

from .english_numbers import roman
from .spanish_numbers import ALONE, FEMININE, MASCULINE, cardinal, digits, ordinal
from .tracked import TrackedText

_WHOLE = r"\d{1,3}(?:[.\u202f\u00a0 ]\d{3})+(?![\d])|\d{1,3}(?:,\d{3}){2,}(?!\d)|\d+"
NUMBER = rf"(?:{_WHOLE})(?:[.,]\d+)?"
_NOT_INSIDE = r"(?<!\d)(?<!\d[.,])"
_LONGEST = 8  # digits without marks between them that are read as one number; a longer run is a code
_SMALL_FRACTION = 2  # digits after the point that are read as one number
YEAR = 4  # digits
NOON, EVENING = 12, 8  # hours of the afternoon: noon, and the first that is called night
MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
MONEY = {
    "€": ("euro", "euros", "céntimo", "céntimos", MASCULINE),
    "EUR": ("euro", "euros", "céntimo", "céntimos", MASCULINE),
    "$": ("dólar", "dólares", "centavo", "centavos", MASCULINE),
    "US$": ("dólar", "dólares", "centavo", "centavos", MASCULINE),
    "USD": ("dólar", "dólares", "centavo", "centavos", MASCULINE),
    "MXN": ("peso", "pesos", "centavo", "centavos", MASCULINE),
    "£": ("libra", "libras", "penique", "peniques", FEMININE),
    "GBP": ("libra", "libras", "penique", "peniques", FEMININE),
    "¥": ("yen", "yenes", "sen", "sen", MASCULINE),
}
"""Sign or code -> one and many of the whole and of its hundredth, and the gender."""

UNITS = {
    "km/h": ("kilómetro por hora", "kilómetros por hora", MASCULINE),
    "km²": ("kilómetro cuadrado", "kilómetros cuadrados", MASCULINE),
    "m²": ("metro cuadrado", "metros cuadrados", MASCULINE),
    "m³": ("metro cúbico", "metros cúbicos", MASCULINE),
    "km": ("kilómetro", "kilómetros", MASCULINE),
    "cm": ("centímetro", "centímetros", MASCULINE),
    "mm": ("milímetro", "milímetros", MASCULINE),
    "m": ("metro", "metros", MASCULINE),
    "kg": ("kilo", "kilos", MASCULINE),
    "mg": ("miligramo", "miligramos", MASCULINE),
    "g": ("gramo", "gramos", MASCULINE),
    "ml": ("mililitro", "mililitros", MASCULINE),
    "l": ("litro", "litros", MASCULINE),
    "L": ("litro", "litros", MASCULINE),
    "kW": ("kilovatio", "kilovatios", MASCULINE),
    "W": ("vatio", "vatios", MASCULINE),
    "V": ("voltio", "voltios", MASCULINE),
    "Hz": ("hercio", "hercios", MASCULINE),
    "kB": ("kilobyte", "kilobytes", MASCULINE),
    "MB": ("megabyte", "megabytes", MASCULINE),
    "GB": ("gigabyte", "gigabytes", MASCULINE),
    "TB": ("terabyte", "terabytes", MASCULINE),
    "min": ("minuto", "minutos", MASCULINE),
    "h": ("hora", "horas", FEMININE),
    "s": ("segundo", "segundos", MASCULINE),
    "°C": ("grado", "grados", MASCULINE),
    "ºC": ("grado", "grados", MASCULINE),
    "℃": ("grado", "grados", MASCULINE),
    "°": ("grado", "grados", MASCULINE),
    "%": ("por ciento", "por ciento", ALONE),
    "‰": ("por mil", "por mil", ALONE),
}
FRACTIONS = {
    2: ("medio", "medios"),
    3: ("tercio", "tercios"),
    4: ("cuarto", "cuartos"),
    5: ("quinto", "quintos"),
    6: ("sexto", "sextos"),
    7: ("séptimo", "séptimos"),
    8: ("octavo", "octavos"),
    9: ("noveno", "novenos"),
    10: ("décimo", "décimos"),
}
_MASCULINE_IN_A = frozenset(
    "día días problema problemas programa programas sistema sistemas tema temas mapa mapas idioma idiomas clima climas "
    "planeta planetas poeta poetas kilograma drama dramas dilema dilemas diploma diplomas fantasma fantasmas".split()
)
_FEMININE_ENDINGS = ("a", "as", "ión", "iones", "dad", "dades", "tad", "tades", "tud", "tudes")
_FEMININE = frozenset("vez veces noche noches mujer mujeres calle calles clase clases mano manos parte partes".split())
_NO_NOUNS = frozenset(
    "a al ante bajo con contra de del desde e el en entre era eran es está están fue fueron ha han hasta hay la las le "
    "les lo los más menos ni no o para pero por que se según ser si sin sobre son su sus también u y ya veces".split()
)


def read_numbers(tracked: TrackedText) -> tuple[str, ...]:
    """Put words in place of everything that is written with digits."""
    for pattern, say in KINDS:
        matches = pattern.finditer(tracked.text)
        tracked.replace_all([(match.start(), match.end(), say(match)) for match in matches])
    return ()


def spoken(text: str, form: str = ALONE) -> str:
    """A number as it is written -> its words: 1.234,5 -> mil doscientos treinta y cuatro coma cinco."""
    match = re.fullmatch(rf"({_WHOLE})(?:([.,])(\d+))?", text)
    if match is None:
        return " ".join(spoken(run) for run in re.findall(r"\d+", text))
    written, mark, part = match.groups()
    bare = re.sub(r"\D", "", written)
    code = (len(bare) > _LONGEST and bare == written) or (len(bare) > 1 and bare.startswith("0"))
    whole = digits(bare) if code else cardinal(int(bare), form if part is None else ALONE)
    if part is None:
        return whole
    exact = len(part) > _SMALL_FRACTION or part.startswith("0")
    return f"{whole} {'coma' if mark == ',' else 'punto'} {digits(part) if exact else cardinal(int(part))}"


def _counted(text: str, one: str, many: str, form: str) -> str:
    """A number and what it counts: un kilo, dos kilos, un millón de kilos."""
    number = spoken(text, form)
    is_one = text.lstrip("0") == "1"
    between = " de " if number.endswith(("llón", "llones")) and form != ALONE else " "
    return f"{number}{between}{one if is_one else many}"


def _money(match: re.Match[str]) -> str:
    one, many, hundredth, hundredths, form = MONEY[match["sign"]]
    amount, scale = match["amount"], match["scale"]
    if scale:
        return f"{spoken(amount, MASCULINE)} {scale} de {many}"
    cents = re.fullmatch(r"(.*\d)[.,](\d{2})", amount)
    if cents is None:
        return _counted(amount, one, many, form)
    count = int(cents[2])
    told = f" con {cardinal(count, MASCULINE)} {hundredth if count == 1 else hundredths}" if count else ""
    return _counted(cents[1], one, many, form) + told


def _date(year: str, month: str, day: str) -> str | None:
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        return None
    return f"{cardinal(int(day))} de {MONTHS[int(month) - 1]} de {cardinal(int(year))}"


def _written_date(match: re.Match[str]) -> str:
    """Day first; where that is no date, month first; where neither is, the numbers."""
    first, second, year = match["first"], match["second"], match["year"]
    read = _date(year, second, first) or _date(year, first, second)
    return read or " ".join(spoken(part) for part in (first, second, year))


def _iso_date(match: re.Match[str]) -> str:
    read = _date(match["year"], match["month"], match["day"])
    return read or " ".join(spoken(match[name]) for name in ("year", "month", "day"))


def _time(match: re.Match[str]) -> str:
    given = match.groupdict(default="")
    hour, minute, second = (int(given.get(name) or 0) for name in ("hour", "minute", "second"))
    half = given.get("half", "").lower()[:1]
    words = [cardinal(hour, FEMININE)]
    if minute:
        words.append(digits(given["minute"]) if minute < 10 else cardinal(minute))
    if second:
        words += ["con", _counted(str(second), "segundo", "segundos", MASCULINE)]
    if half:
        afternoon = "de la tarde" if hour == NOON or hour < EVENING else "de la noche"
        words.append("de la mañana" if half == "a" else afternoon)
    elif given.get("hours"):
        words.append("hora" if hour == 1 and not minute else "horas")
    return " ".join(words)


def _ordinal(match: re.Match[str]) -> str:
    number, ending = int(match["number"]), match["ending"].lower()
    feminine = ending in ("ª", "a", "as")
    before_noun = _form_before(match["noun"] or "") != ALONE  # el primer piso
    found = ordinal(number, feminine=feminine, short=before_noun or ending in ("er", "ᵉʳ"))
    return found or cardinal(number, FEMININE if feminine else ALONE)


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match["above"]), int(match["below"])
    if below not in FRACTIONS or not 0 < above < below:
        return f"{spoken(match['above'])} barra {spoken(match['below'])}"
    return f"{cardinal(above, MASCULINE)} {FRACTIONS[below][above != 1]}"


def _ratio(match: re.Match[str]) -> str:
    return f"{spoken(match['above'])} a {spoken(match['below'])}"


def _range(match: re.Match[str]) -> str:
    low, high = match["low"], match["high"]
    if high.startswith("0") or int(low) >= int(high) or (len(high) == YEAR != len(low)):
        return f"{spoken(low)} {spoken(high)}"
    return f"{spoken(low)} a {spoken(high)}"


def _century(match: re.Match[str]) -> str:
    return f"{match['word']} {cardinal(roman(match['roman']))}"


def _number(match: re.Match[str]) -> str:
    sign = "menos " if match["sign"] else ""
    return sign + spoken(match["number"], _form_before(match["noun"] or ""))


def _form_before(noun: str) -> str:
    """Form of a number before a word: that of its gender, where it is a noun."""
    word = noun.lower()
    if not word or word in _NO_NOUNS and word not in _FEMININE:
        return ALONE
    if word in _MASCULINE_IN_A:
        return MASCULINE
    return FEMININE if word in _FEMININE or word.endswith(_FEMININE_ENDINGS) else MASCULINE


def _measure(match: re.Match[str]) -> str:
    one, many, form = UNITS[match["unit"]]
    sign = "menos " if match["sign"] else ""
    return sign + _counted(match["amount"], one, many, form)


def _one_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_CLOCK = r"(?P<hour>[01]?\d|2[0-4])"
_MINUTE = r"(?P<minute>[0-5]\d)"
_HALF = r"(?P<half>[AaPp]\.\s?[Mm]\.(?!\s*$)|[AaPp]\.?\s?[Mm]\b)"  # the point that ends the text stays
_ROWS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"\b(?P<word>[Ss]iglos?) (?P<roman>[IVXLC]+)\b", _century),
    (r"\b[Nn](?:\.\s?[º°o]|[º°]\.?|úm\.)\s?(?=\d)", lambda match: "número"),
    (r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)", _iso_date),
    (r"(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})(?!\d)", _written_date),
    (rf"{_CLOCK}[:.]{_MINUTE}(?::(?P<second>[0-5]\d))?(?:\s?{_HALF}|(?P<hours>\s?(?:horas?|hrs?|h)\b))", _time),
    (rf"{_CLOCK}:{_MINUTE}(?::(?P<second>[0-5]\d))?(?![\d:])", _time),
    (rf"(?P<hour>1[0-2]|[1-9])\s?{_HALF}", _time),
    (rf"(?P<sign>US\$|[$€£¥])\s?(?P<amount>{NUMBER})(?:\s(?P<scale>mil|millones|millón|billones)\b)?", _money),
    (rf"(?P<amount>{NUMBER})(?:\s(?P<scale>mil|millones|millón|billones))?(?:\sde)?\s?(?P<sign>{_one_of(MONEY)})"
     r"(?![A-Za-z])", _money),
    (r"(?P<number>\d+)\.?(?P<ending>[ºª°]|ᵉʳ|er\b|r?[oa]\b)(?!C)(?=(?:\s(?P<noun>[^\W\d_]+))?)", _ordinal),
    (rf"(?:(?:(?<=\s)|^)(?P<sign>[-−]))?(?P<amount>{NUMBER})\s?(?P<unit>{_one_of(UNITS)})(?![^\W\d_]|[²³/])",
     _measure),
    (r"(?<!/)(?P<above>\d{1,3})/(?P<below>\d{1,3})(?![\d/])", _fraction),
    (r"(?P<above>\d{1,3}):(?P<below>\d{1,3})(?![\d:])", _ratio),
    (r"(?<![-–])(?P<low>\d{1,4})[-–](?P<high>\d{1,4})(?![\d–-])", _range),
)  # fmt: skip
_ANY_NUMBER = rf"(?:(?:(?<=\s)|^)(?P<sign>[-−]))?(?P<number>{NUMBER})(?=(?:\s(?P<noun>[^\W\d_]+))?)"
KINDS = (
    *((re.compile(_NOT_INSIDE + pattern), say) for pattern, say in _ROWS),
    (re.compile(_ANY_NUMBER), _number),
)
"""A kind of writing -> what it says. The first that fits has it; words that were put in hold no digits."""
