"""Spanish words for numbers. Integers in, plain lower-case words out."""

from __future__ import annotations

_SMALL = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
).split()
_TENS = ("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_HUNDREDS = (
    "", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos",
    "ochocientos", "novecientos",
)  # fmt: skip
_MILLIONS = (("millón", "millones"), ("billón", "billones"), ("trillón", "trillones"))
_LONGEST = 6 * (1 + len(_MILLIONS))  # digits; longer numbers are read digit by digit
_ORDINALS = (
    "", "primero", "segundo", "tercero", "cuarto", "quinto", "sexto", "séptimo", "octavo", "noveno", "décimo",
    "undécimo", "duodécimo",
)  # fmt: skip
_ORDINAL_TENS = (
    "", "décimo", "vigésimo", "trigésimo", "cuadragésimo", "quincuagésimo", "sexagésimo", "septuagésimo",
    "octogésimo", "nonagésimo",
)  # fmt: skip
ALONE, MASCULINE, FEMININE = "alone", "masculine", "feminine"
"""Forms of a number: by itself, or before a noun: veintiuno, veintiún años, veintiuna horas."""


def cardinal(number: int, form: str = ALONE) -> str:
    """1234 -> mil doscientos treinta y cuatro."""
    if number < 0:
        return "menos " + cardinal(-number, form)
    if number == 0:
        return _SMALL[0]
    if number >= 10**_LONGEST:
        return digits(str(number))
    words = []
    for power in range(len(_MILLIONS), 0, -1):
        count, number = divmod(number, 10 ** (6 * power))
        if count:
            single, many = _MILLIONS[power - 1]
            words += [_below_million(count, MASCULINE), single if count == 1 else many]
    if number:
        words.append(_below_million(number, form))
    return " ".join(words)


def digits(text: str) -> str:
    """007 -> cero cero siete."""
    return " ".join(_SMALL[int(digit)] for digit in text)


def ordinal(number: int, *, feminine: bool = False, short: bool = False) -> str | None:
    """21 -> vigésimo primero. short: before a noun, primer and tercer. None from a hundred on."""
    if not 0 < number < 100:
        return None
    if number < len(_ORDINALS):
        words = [_ORDINALS[number]]
    else:
        words = list(filter(None, (_ORDINAL_TENS[number // 10], _ORDINALS[number % 10])))
    if short and words[-1] in ("primero", "tercero"):
        words[-1] = words[-1][:-1]
    return " ".join(word[:-1] + "a" if feminine else word for word in words)


def _below_million(number: int, form: str) -> str:
    thousands, rest = divmod(number, 1000)
    words = []
    if thousands > 1:  # mil, never un mil
        words.append(_below_thousand(thousands, MASCULINE if form == ALONE else form))
    if thousands:
        words.append("mil")
    if rest:
        words.append(_below_thousand(rest, form))
    return " ".join(words)


def _below_thousand(number: int, form: str) -> str:
    if number == 100:
        return "cien"
    hundreds, rest = divmod(number, 100)
    words = [_HUNDREDS[hundreds]] if hundreds else []
    if hundreds > 1 and form == FEMININE:
        words[0] = words[0][:-2] + "as"
    if rest:
        words.append(_below_hundred(rest, form))
    return " ".join(words)


def _below_hundred(number: int, form: str) -> str:
    tens, ones = divmod(number, 10)
    before = f"{_TENS[tens]} y " if ones and number >= len(_SMALL) else ""
    last = _SMALL[number] if number < len(_SMALL) else _SMALL[ones] if ones else _TENS[tens]
    if last.endswith("uno") and form != ALONE:
        last = last[:-1] if form == MASCULINE else last[:-1] + "a"
        last = "veintiún" if last == "veintiun" else last
    return before + last
