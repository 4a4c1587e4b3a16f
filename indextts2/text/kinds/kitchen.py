"""Kitchens: spoons of one letter, where something to eat follows."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .find import Kind, kind
from .fractions import fraction_in_words

_FOOD = (
    "sugar|salt|oil|butter|sesame|olive|soy|vinegar|honey|flour|water|milk|vanilla|baking|lemon|lime|cream|cornstarch|cinnamon|"
    "pepper|paprika|cumin|garlic|ginger|ground|brown|white|fresh|chopped|minced|dried|yeast|oregano|basil|mustard|ketchup|mayo|"
    "syrup|powder|powdered|cocoa|curry|chili|parsley|thyme|grated|melted|unsalted|kosher|sea|vegetable|canola|coconut|peanut|"
    "fish|worcestershire|dijon|apple|balsamic|rice|maple|nutmeg|turmeric|tomato|sour"
)
_SPOONS = {"T": "tablespoon", "t": "teaspoon"}


def _spoon(match: re.Match[str]) -> str:
    """1T sesame oil -> one tablespoon; 1/2 t salt -> half a teaspoon."""
    whole, above, below, sign = match.groups()
    spoon = _SPOONS[sign]
    if above is None:
        return f"{numbers.spoken(whole)} {spoon}{'' if whole == '1' else 's'}"
    if whole:
        return f"{fraction_in_words(whole, int(above), int(below))} {spoon}s"
    return (
        f"half a {spoon}"
        if (above, below) == ("1", "2")
        else f"{numbers.fraction(int(above), int(below))} of a {spoon}"
    )


KITCHEN: tuple[Kind, ...] = (
    kind(
        "spoon",
        rf"(?<![\w.,/$-])(?:(\d{{1,2}})(?![\d/]))?\s?(?:(\d)/(\d))?\s?(?<=\d|\s)([Tt])\b\.?(?= (?:{_FOOD})\b)",
        lambda match: _spoon(match) if match.group(1) or match.group(2) else None,
        hint=r"\d ?[Tt]\b",
    ),
)
"""Before measures, where a t is a ton."""
