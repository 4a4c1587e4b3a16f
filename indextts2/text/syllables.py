"""Syllables of a text, and the shortest time in which a voice can say them.

A floor, not an estimate: where a spelling leaves it open, the fewer syllables are counted.
"""

from __future__ import annotations

import re
import unicodedata

FASTEST_SYLLABLE = 0.08  # seconds; fluent speech takes 0.15 to 0.25, the fastest talkers some 0.1
BEGINNING = 0.1  # seconds that the first syllable takes more than the others

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d")
_WHOLE = re.compile(
    "[\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]|[\u3041-\u30f6]"
)  # characters of a syllable each
_PART_OF_ONE = frozenset("ぁぃぅぇぉっゃゅょゎんァィゥェォッャュョヮン")
_VOWELS = re.compile("[aeiouyαεηιουωаеёиоуыэюя]+")
_SILENT_E = re.compile(r"(?<=[^aeiouyl])e(?:s|d)?$")


def syllable_count(text: str) -> int:
    """Syllables of a text in any script, at least one for each of its words."""
    return sum(_of_word(word) for word in _WORD.findall(text))


def _of_word(word: str) -> int:
    whole = [character for character in _WHOLE.findall(word) if character not in _PART_OF_ONE]
    if whole:
        return len(whole)
    said = unicodedata.normalize("NFKD", _SILENT_E.sub("", word.casefold()))
    return max(1, len(_VOWELS.findall("".join(sign for sign in said if not unicodedata.combining(sign)))))


def shortest_seconds(text: str) -> float:
    """Seconds below which nobody can have said a text; 0 for one without words."""
    count = syllable_count(text)
    return BEGINNING + FASTEST_SYLLABLE * count if count else 0.0
