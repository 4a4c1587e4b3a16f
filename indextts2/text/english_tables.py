"""Word lists of the English expander."""

from __future__ import annotations

FOLDED = {  # characters that plain compatibility folding leaves alone
    "‘": "'", "’": "'", "‛": "'", "ʼ": "'", "`": "'", "´": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "–", "—": "—", "―": "—", "‐": "-", "‑": "-", "‒": "-", "−": "-", "\u00ad": "",
    "⁄": "/", "∕": "/", "…": "…", "。": ".", "，": ",", "、": ",", "！": "!", "？": "?", "：": ":", "；": ";",
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "þ": "th", "ð": "th", "ı": "i", "²": " squared", "³": " cubed", "\ufeff": "", "\u200b": "", "\u2060": "",
    "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "№": "No. ", "°": "°",
}  # fmt: skip
ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "prof": "professor", "jr": "junior", "sr": "senior",
    "vs": "versus", "etc": "et cetera", "approx": "approximately", "dept": "department", "mt": "mount",
    "lt": "lieutenant", "col": "colonel", "gen": "general", "capt": "captain", "sgt": "sergeant", "rev": "reverend",
    "gov": "governor", "sen": "senator", "rep": "representative", "pres": "president", "inc": "incorporated",
    "corp": "corporation", "ltd": "limited", "co": "company", "ave": "avenue", "rd": "road", "blvd": "boulevard",
    "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday", "thurs": "thursday", "fri": "friday",
    "ca": "circa", "messrs": "messers", "est": "established", "vol": "volume", "fig": "figure", "ch": "chapter",
}  # fmt: skip
ENDS_SENTENCE = frozenset(("etc", "inc", "corp", "ltd", "co", "jr", "sr", "ave", "rd", "blvd"))
MONTHS = (
    "january february march april may june july august september october november december".split()
)  # fmt: skip
CURRENCIES = {
    "$": ("dollar", "cent"),
    "£": ("pound", "penny"),
    "€": ("euro", "cent"),
    "¥": ("yen", ""),
    "₹": ("rupee", "paisa"),
}
UNITS = {
    "km/h": "kilometers per hour", "mph": "miles per hour", "kph": "kilometers per hour", "m/s": "meters per second",
    "km": "kilometers", "cm": "centimeters", "mm": "millimeters", "nm": "nanometers", "m": "meters", "ft": "feet",
    "kg": "kilograms", "mg": "milligrams", "g": "grams", "lbs": "pounds", "lb": "pounds", "oz": "ounces",
    "tsp": "teaspoons", "tbsp": "tablespoons", "ml": "milliliters", "l": "liters",
    "khz": "kilohertz", "mhz": "megahertz", "ghz": "gigahertz", "hz": "hertz",
    "kb": "kilobytes", "mb": "megabytes", "gb": "gigabytes", "tb": "terabytes", "kw": "kilowatts",
    "kwh": "kilowatt hours",
    "mw": "megawatts", "w": "watts", "v": "volts", "db": "decibels", "ms": "milliseconds", "sec": "seconds",
    "secs": "seconds", "min": "minutes", "mins": "minutes", "hr": "hours", "hrs": "hours",
    "s": "seconds", "px": "pixels",
}  # fmt: skip
ONE_LETTER_UNITS = frozenset("mgslLVW")
SYMBOLS = {
    "&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "#": "hash", "°": "degrees", "×": "times",
    "÷": "divided by", "±": "plus or minus", "<": "less than", ">": "greater than", "$": "dollars", "£": "pounds",
    "€": "euros", "¥": "yen", "₹": "rupees", "©": "copyright", "®": "registered", "™": "trademark", "§": "section",
    "√": "square root of", "≈": "approximately", "≤": "at most", "≥": "at least", "→": "to", "π": "pi", "µ": "micro",
    "μ": "micro", "Ω": "ohms", "\\": "backslash", "^": "to the power of", "₿": "bitcoin", "¢": "cents",
}  # fmt: skip
SPELLED = frozenset("US UK UN EU UAE PC TV AI ID AM PM CEO CPU GPU DJ VIP UFO HIV ATM IQ HR PR NYC LA DC".split())
RULERS = (
    "Henry Louis Edward George Charles William James Richard Elizabeth Philip Paul Pius John Benedict Leo Napoleon "
    "Catherine Peter Nicholas Frederick Gregory Alexander Ramses"
).split()
