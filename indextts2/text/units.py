"""Units that the length of speech is estimated from: syllables, letters, words, and the signs at which a voice pauses.

Counted in the words as they will be said (numbers written out), so that they mean the same for every tokenizer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SYLLABIC = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # kana, Han, Hangul: a syllable or mora each
_WORDS = re.compile(rf"[{_SYLLABIC}]|[^\W\d_{_SYLLABIC}]+(?:['’][^\W\d_{_SYLLABIC}]+)*|\d")
_IS_SYLLABIC = re.compile(rf"[{_SYLLABIC}]")
_KANA, _HAN = re.compile(r"[\u3040-\u30ff]"), re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
MORAE_PER_KANJI = 1.8
_SMALL_KANA = frozenset("ぁぃぅぇぉゃゅょゎァィゥェォャュョヮ")  # part of the mora before them
_VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýÿœаеёиоуыэюяіїєαεηιουω]+")
_SILENT_END = re.compile(
    r"[^aeiouyl]e$|[^aeioudt]ed$|[^aeiouyscxzgh]es$"
)  # made, asked, times; not table, wanted, faces
_COMMAS = re.compile(r"[,;:—–、，；：]")
_STOPS = re.compile(r"[.!?…。！？](?=\s*[^\s.!?…。！？])")
LETTERS_PER_SYLLABLE = 2.2  # of words without a known vowel: abjads, abbreviations


@dataclass(frozen=True, slots=True)
class TextUnits:
    """Counts of a text; its last stop is not among the stops, since no speech follows it."""

    syllables: float = 0.0  # Han characters and morae of kana among them
    letters: int = 0  # of words that are spelled with letters
    characters: int = 0  # that are a syllable or mora each
    words: int = 0  # spelled with letters
    commas: int = 0
    stops: int = 0


def units_of(text: str) -> TextUnits:
    """The units of a text in plain spelling, of any language."""
    folded = unicodedata.normalize("NFC", text).lower()
    words = [word for word in _WORDS.findall(folded) if word not in _SMALL_KANA]
    spelled = [word for word in words if not _IS_SYLLABIC.match(word)]
    syllabic = len(words) - len(spelled)
    if _KANA.search(folded):
        syllabic += round((MORAE_PER_KANJI - 1.0) * len(_HAN.findall(folded)))
    return TextUnits(
        syllables=syllabic + sum(syllables_of(word) for word in spelled),
        letters=sum(len(word) for word in spelled),
        characters=syllabic,
        words=len(spelled),
        commas=len(_COMMAS.findall(folded)),
        stops=len(_STOPS.findall(folded)),
    )


def syllables_of(word: str) -> float:
    """Syllables of a word in lower case, by its groups of vowels; at least one."""
    groups = len(_VOWELS.findall(word))
    if groups == 0:
        return max(1.0, len(word) / LETTERS_PER_SYLLABLE)
    return float(max(1, groups - bool(_SILENT_END.search(word))))
