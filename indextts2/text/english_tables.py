"""Word lists of the English expander."""

from __future__ import annotations

FOLDED = {  # characters that plain compatibility folding leaves alone
    "‘": "'", "’": "'", "‛": "'", "ʼ": "'", "`": "'", "´": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "–", "—": "—", "―": "—", "‐": "-", "‑": "-", "‒": "-", "−": "-", "\u00ad": "",
    "⁄": "/", "∕": "/", "…": "…", "。": ".", "，": ",", "、": ",", "！": "!", "？": "?", "：": ":", "；": ";",
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "þ": "th", "Þ": "Th", "Ð": "Th", "ð": "th", "ı": "i", "\ufeff": "", "\u200b": "", "\u2060": "",
    "№": "No. ", "º": "°", "˚": "°", "′": "'", "″": '"', "\u00a0": " ", "\u202f": " ", "™": "™", "®": "®", "µ": "µ",
    "μ": "µ",
    "Ω": "Ω", "ª": "a", "℃": "°C", "\ufe0f": "", "℉": "°F", "≠": "≠",
}  # fmt: skip
SYMBOLS = {
    "&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "#": "hash", "°": "degrees", "×": "times",
    "÷": "divided by", "±": "plus or minus", "<": "less than", ">": "greater than", "$": "dollars", "£": "pounds",
    "€": "euros", "¥": "yen", "₹": "rupees", "©": "copyright", "§": "section",
    "√": "square root of", "≈": "approximately", "≤": "at most", "≥": "at least", "→": "to", "π": "pi",
    "∞": "infinity", "≠": "is not equal to", "µ": "micro",
    "μ": "micro", "Ω": "ohms", "\\": "backslash", "²": "squared", "³": "cubed",
    "₿": "bitcoin", "★": "star", "☆": "star", "¢": "cents",
}  # fmt: skip
