"""Amounts of money, alone and as ranges."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .context import rest_of, stop_before_capital, text_before, word_before
from .find import Kind, kind
from .letters import spell

NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}(?:,\d\d)+,\d{3}(?!\d)|\d+(?:\.\d+)?|\.\d+"
_AMOUNT = rf"(?:\d{{1,3}}(?:\.\d{{3}})+|\d+),\d\d(?![\d,])|{NUMBER}"
Names = tuple[str, str, str, str]
CURRENCIES: dict[str, Names] = {  # one, many, a hundredth, many of those
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "", ""),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", "", ""),
    "₿": ("bitcoin", "bitcoin", "", ""),
    "฿": ("baht", "baht", "", ""),
    "₫": ("dong", "dong", "", ""),
    "₪": ("shekel", "shekels", "", ""),
    "₴": ("hryvnia", "hryvnias", "", ""),
    "₱": ("peso", "pesos", "", ""),
    "₦": ("naira", "naira", "", ""),
    "¢": ("cent", "cents", "", ""),
    "kr": ("krona", "kronor", "", ""),
    "zł": ("zloty", "zlotys", "", ""),
}
CODES: dict[str, str | Names] = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "RS": "₹", "KRW": "₩", "RUB": "₽", "BTC": "₿",
    "CNY": ("yuan", "yuan", "", ""), "RMB": ("yuan", "yuan", "", ""), "CHF": ("franc", "francs", "centime", "centimes"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
}  # fmt: skip
COUNTRIES = {
    "US": spell("US") + " ", "A": "Australian ", "AU": "Australian ", "C": "Canadian ", "CA": "Canadian ",
    "NZ": "New Zealand ", "HK": "Hong Kong ", "S": "Singapore ", "R": "Brazilian ",
}  # fmt: skip
SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mm": "million", "mil": "million", "b": "billion",
    "bn": "billion",
    "t": "trillion", "tn": "trillion", "trn": "trillion", "mln": "million", "bln": "billion",
    "thousand": "thousand", "million": "million", "billion": "billion",
    "trillion": "trillion", "hundred": "hundred", "grand": "grand", "lakh": "lakh", "crore": "crore",
}  # fmt: skip
SCALE = (
    r"(?:[\s-]?(thousand|hundred|million|billion|trillion|lakh|crore|(?:mil|ml?n|mm|bl?n|tr?n|(?<=\d)[kmbt])(?![\w'])))"
)
DASH = r"\s?(?:[-–—]|to)\s?"
SYMBOL = r"[$£€¥₹₩₽₺₿฿₫₪₴₱₦]"
_COUNTRY = r"(?:(?<![A-Za-z])(US|AU|A|CA|C|NZ|HK|S|R))?"
_MINUS = r"(?:(?<![\w)\]%.])[-–](?=[A-Z]{0,2}[$£€¥₹₩₽₺₿฿₫₪₴₱₦]))"
_PER = (
    r"(?:\s?/\s?(hr|hour|h|day|week|wk|mo|month|yr|year|lb|kg|oz|gal|night|person|piece|ea|unit|sq ft|mile|"
    r"min|bbl|share|head)\b(?:\.(?=\s+[a-z]|,))?)?"
)
_PER_WORDS = {
    "hr": "hour", "h": "hour", "wk": "week", "mo": "month", "yr": "year", "lb": "pound", "kg": "kilogram",
    "oz": "ounce",
    "gal": "gallon", "bbl": "barrel", "ea": "piece", "sq ft": "square foot", "min": "minute",
}  # fmt: skip


def _names(sign: str) -> Names:
    found = CODES.get(sign.upper().rstrip("."), sign)
    return found if isinstance(found, tuple) else CURRENCIES[found]


def _count(amount: str, one: str, many: str) -> str:
    return f"{numbers.spoken(amount)} {one if amount == '1' else many}"


def amount_in_words(amount: str, scale: str, names: Names, country: str = "", *, one: bool = False) -> str:
    """12.50 -> twelve dollars and fifty cents; 3.5 billion -> three point five billion dollars. one: as an "
    "adjective."""
    single, many, cent, cents = names
    if re.fullmatch(r"[\d.]+,\d\d", amount):  # 1.000,50 as on the continent
        amount = amount.replace(".", "").replace(",", ".")
    if scale:
        return f"{numbers.spoken(amount)} {SCALES[scale.lower()]} {country}{single if one else many}"
    whole, point, part = amount.partition(".")
    if len(part) == 1 and cent and not whole.strip("0,"):
        part += "0"  # $.5 is fifty cents
    if not point or len(part) != 2 or not cent:
        return _count(amount, country + single, country + (single if one else many))
    if not int(part):
        return _count(whole, country + single, country + (single if one else many))
    if not whole.strip("0,"):
        return _count(str(int(part)), cent, cents)
    return f"{_count(whole, country + single, country + many)} and {_count(str(int(part)), cent, cents)}"


_DETERMINERS = frozenset(
    "the this that its his her their our my your another each every new whole massive huge".split()
)
_DEALS = (
    "fund|deal|bill|package|loan|budget|project|plan|house|home|prize|fine|contract|investment|company|business|industry|"
    "market|offer|debt|gift|grant|tax|cheque|check|note|coin|lawsuit|settlement|bailout|deficit|surplus|programme|program|"
    "tower|bridge|building|factory|stadium|question|bonus|fee|bid|sale|merger|takeover|ticket|coupon|voucher|discount"
)


def _is_adjective(match: re.Match[str]) -> bool:
    """Whether an amount stands before a noun: a $5 bill, $10-a-month."""
    rest, before = rest_of(match), word_before(match).lower()
    if re.match(r"-[a-z]", rest) or (before in ("a", "an") and re.match(r"\s[a-z]{3,}", rest)):
        return True
    return before in _DETERMINERS and re.match(rf"\s(?:{_DEALS})s?\b", rest) is not None


def _money(match: re.Match[str]) -> str:
    minus, country, sign, amount, scale, per = match.groups()
    words = amount_in_words(
        amount, scale or "", _names(sign), COUNTRIES.get(country or "", ""), one=_is_adjective(match)
    )
    words += f" per {_PER_WORDS.get(per.lower(), per)}" if per else ""
    return ("minus " if minus else "") + words


def _range(match: re.Match[str]) -> str:
    country, sign, low, low_scale, high, high_scale = match.groups()
    names = _names(sign)
    country = COUNTRIES.get(country or "", "")
    if low_scale and low_scale != high_scale:
        first = amount_in_words(low, low_scale, names, country)
        return f"{first} to {amount_in_words(high, high_scale or '', names, country)}"
    cents = any(len(amount.partition(".")[2]) == 2 for amount in (low, high)) and not high_scale
    first = amount_in_words(low, "", names, country) if cents else numbers.spoken(low)
    return f"{first} to {amount_in_words(high, high_scale or '', names, country)}"


def _behind(match: re.Match[str]) -> str:
    """5€, 3.5 billion USD, 20-30 €, 50¢."""
    low, amount, scale, sign = match.groups()
    lead = f"{numbers.spoken(low)} to " if low else ""
    return lead + amount_in_words(amount, scale or "", _names(sign))


def _shillings(match: re.Match[str]) -> str | None:
    """7s. 6d. -> seven shillings and six pence, of old British money."""
    shillings, pence = match.groups()
    parts = [_count(shillings, "shilling", "shillings")] if shillings else []
    parts += [_count(pence, "penny", "pence")] if pence and int(pence) else []
    stop = stop_before_capital(match) if match.group().endswith(".") else ""
    return " and ".join(parts) + stop if parts else None


def _pence(match: re.Match[str]) -> str:
    """50p, 20-30p."""
    low, amount = match.groups()
    lead = f"{numbers.spoken(low)} to " if low else ""
    return lead + _count(amount, "penny", "pence")


def _code_first(match: re.Match[str]) -> str:
    sign, amount, scale = match.groups()
    return amount_in_words(amount, scale or "", _names(sign))


PAIRED = {
    "EUR": "euro", "USD": "dollar", "JPY": "yen", "GBP": "pound", "CHF": "franc", "AUD": "aussie",
    "CAD": "canadian", "NZD": "kiwi", "CNY": "yuan", "CNH": "offshore yuan", "HKD": "hong kong dollar",
    "SGD": "singapore dollar", "SEK": "krona", "NOK": "norwegian krone", "DKK": "danish krone", "MXN": "mexican peso",
    "ZAR": "rand", "TRY": "lira", "INR": "rupee", "KRW": "won", "PLN": "zloty", "HUF": "forint", "BRL": "real",
    "BTC": "bitcoin", "ETH": "ether", "USDT": "tether", "SOL": "solana", "XRP": spell("xrp"), "XAU": "gold",
    "XAG": "silver", "RUB": "ruble", "CZK": "koruna", "ILS": "shekel", "THB": "baht",
}  # fmt: skip
_PAIRED = "|".join(sorted(PAIRED, key=len, reverse=True))


def _pair(match: re.Match[str]) -> str:
    """EURUSD, EUR/USD -> euro dollar."""
    return f"{PAIRED[match.group(1)]} {PAIRED[match.group(2)]}"


_EXPECTED = re.compile(
    r"(?:^|\n|[:=|\t]|\s{2}|\b(?:of|was|were|is|at|to|vs\.?|and|versus|totale?d|from|about|by|income|profit|earnings|EBITDA|"
    r"EBIT|cash flow|margin|loss|losses|equity|balance|[Tt]otal|[Nn]et|deficit))\s{0,2}$"
)
_LOST = re.compile(r"\b(?:loss|losses|deficit|shortfall|expenses?)\b[^.!?\n]{0,40}(?:\.\d[^.!?\n]{0,40})?$", re.I)


def _accounting(match: re.Match[str]) -> str | None:
    """$(1,200), and ($1,200) where an amount is expected: minus one thousand two hundred dollars."""
    before = text_before(match, 120)
    *_, behind = match.groups()
    country, sign, amount, scale = match.groups()[:4] if match.group(2) else match.groups()[4:8]
    if not match.group(2) and not _EXPECTED.search(before):
        return None
    words = amount_in_words(amount, scale or behind or "", _names(sign), COUNTRIES.get(country or "", ""))
    return words if _LOST.search(before) else f"minus {words}"


_CODE = "|".join(code for code in CODES if code != "RS")
_RANGE = rf"{_COUNTRY}({SYMBOL})\s?({NUMBER}){SCALE}?{DASH}(?:[A-Z]{{0,2}}\2)?({NUMBER}){SCALE}?(?![\w-]|[.,]\d)"
_AMOUNT_OF = rf"({NUMBER}){SCALE}?\)"
MONEY: tuple[Kind, ...] = (
    kind(
        "accounting",
        rf"(?:{_COUNTRY}({SYMBOL})\s?\({_AMOUNT_OF}|\({_COUNTRY}({SYMBOL})\s?{_AMOUNT_OF})"
        r"(?:\s?(thousand|million|billion|trillion|mn?|bn?|k|tn)(?!\w))?",
        _accounting,
        needs="(",
        hint=rf"{SYMBOL}\s?\(|\([A-Z]{{0,2}}{SYMBOL}",
    ),
    kind(
        "currency pair",
        rf"(?<![\w/.])({_PAIRED})/?(?!\1)({_PAIRED})(?![\w/])",
        _pair,
        needs_digit=False,
        hint=r"[A-Z]{3}/?[A-Z]{3}",
    ),
    kind("money range", _RANGE, _range, flags=re.I, needs="$£€¥₹₩₽₺฿₫₪₴₱₦₿"),
    kind(
        "money",
        rf"({_MINUS})?{_COUNTRY}({SYMBOL})\s?({_AMOUNT}){SCALE}?{_PER}",
        _money,
        flags=re.I,
        needs="$£€¥₹₩₽₺₿฿₫₪₴₱₦",
    ),
    kind("money", rf"\b({_CODE}|Rs\.?|kr)\s?({NUMBER}){SCALE}?(?!\w)", _code_first, hint=r"[A-Zsr]\.?\s?\d"),
    kind(
        "money",
        rf"(?<![\w.,])(?:({NUMBER})(?:{SYMBOL}|¢)?{DASH})?({_AMOUNT}){SCALE}?\s?({SYMBOL}|¢|(?:{_CODE}|kr|zł)\b)(?!\w)",
        _behind,
    ),
    kind("old money", r"(?<![\w.,£])(\d{1,3})s\.? ?(\d{1,2})(?:d\b\.?)(?!\w)", _shillings, needs="d"),
    kind(
        "old money",
        r"(?:(?<=pounds )|(?<=pounds, )|(?<=pound )|(?<=pound, )|(?<=\ufffc )|(?<=\ufffc, )|"
        r"(?<![\w.,£-])(?=\d{1,2}s\.(?:[,;'\"]| [a-z])))(\d{1,2})s\.()(?=\W|$)",
        _shillings,
        needs="s",
        hint=r"\ds\.",
    ),
    kind("pence", r"(?<![\w.,£])(?<!the )()(\d{1,2})d\.(?=[,;\"')]|\s+[a-z(]|$)", _shillings, needs="d"),
    kind(
        "old pounds",
        r"(?<![\w.,£])(\d{1,3}(?:,\d{3})*)l\.(?= [a-z])",
        lambda match: _count(match.group(1), "pound", "pounds"),
    ),
    kind("pence", rf"(?<![\w.,])(?:(\d\d?)p?{DASH})?(\d\d?(?:\.5)?)p(?!\w)", _pence, needs="p"),
)
"""Money with its sign before or behind the number, with a country, a scale, or a price per something."""
