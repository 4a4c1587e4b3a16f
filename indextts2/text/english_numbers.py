"""English words for numbers. Integers in, plain lower-case words out."""

from __future__ import annotations

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_LONGEST = 3 * len(_SCALES)  # digits; longer numbers are read digit by digit
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


def _below_thousand(number: int) -> list[str]:
    words: list[str] = []
    if number >= 100:
        words += [_SMALL[number // 100], "hundred"]
        number %= 100
    if number >= 20:
        words.append(_TENS[number // 10])
        number %= 10
        if number == 0:
            return words
    if number > 0:
        words.append(_SMALL[number])
    return words


def cardinal(number: int) -> str:
    """1234 -> one thousand two hundred thirty four."""
    if number < 0:
        return "minus " + cardinal(-number)
    if number == 0:
        return _SMALL[0]
    if number >= 10**_LONGEST:
        return digits(str(number))
    groups: list[str] = []
    for scale in _SCALES:
        number, below = divmod(number, 1000)
        if below:
            groups.append(" ".join([*_below_thousand(below), scale]).strip())
        if number == 0:
            break
    return " ".join(reversed(groups))


def ordinal(number: int) -> str:
    """21 -> twenty first."""
    *front, last = cardinal(number).split(" ")
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return " ".join([*front, last])


def digits(text: str) -> str:
    """007 -> zero zero seven."""
    return " ".join(_SMALL[int(character)] for character in text)


def spoken(text: str) -> str:
    """3.14 -> three point one four; .5 -> point five; 1,204 -> one thousand ...; 007 -> zero zero seven."""
    whole, _, part = text.partition(".")
    if not whole:
        return f"point {digits(part)}"
    whole = whole.replace(",", "")
    read_out = len(whole) > _LONGEST or (len(whole) > 1 and whole.startswith("0"))
    words = digits(whole) if read_out else cardinal(int(whole))
    return f"{words} point {digits(part)}" if part else words


def year(number: int) -> str:
    """1999 -> nineteen ninety nine, 2005 -> two thousand five, 1900 -> nineteen hundred."""
    century, rest = divmod(number, 100)
    if number % 1000 < 10 or number < 1000:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    if rest < 10:
        return f"{cardinal(century)} oh {cardinal(rest)}"
    return f"{cardinal(century)} {cardinal(rest)}"


def plural(words: str) -> str:
    """nineteen ninety -> nineteen nineties, for decades and fractions."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")


def fraction(above: int, below: int) -> str:
    """3, 4 -> three quarters."""
    if below == 2:
        part = "half" if above == 1 else "halves"
    else:
        part = "quarter" if below == 4 else ordinal(below)
        part = part.removeprefix("one ") if above == 1 else part  # one hundredth
        part = part if above == 1 else plural(part)
    return f"{cardinal(above)} {part}"


def roman(text: str) -> int:
    """XIV -> 14; 0 when the text is not a Roman numeral."""
    values = [_ROMAN.get(letter, 0) for letter in text.lower()]
    if not values or 0 in values:
        return 0
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def pairs(text: str) -> str:
    """As names are read: 380 -> three eighty, 101 -> one oh one, 1984 -> nineteen eighty four, 2490 -> twenty four "
    "ninety."""
    if not 1 < len(text) <= 4 or text.startswith("0"):
        return digits(text) if len(text) > 1 else cardinal(int(text))
    head, tail = text[:-2], text[-2:]
    if not head:
        return cardinal(int(tail))
    if text.endswith("000"):
        return f"{cardinal(int(text[0]))} thousand"
    if tail == "00":
        return f"{cardinal(int(head))} hundred"
    return f"{cardinal(int(head))} {'oh ' if tail[0] == '0' else ''}{cardinal(int(tail))}"
