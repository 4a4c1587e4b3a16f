"""English words to CMU phonemes: the dictionary, regular endings, letter names and user readings.

The dictionary is CMUdict (Carnegie Mellon University, BSD licence, see data/CMUDICT-LICENSE); only the first
pronunciation of every word is kept.
"""

from __future__ import annotations

import functools
import lzma
import re
from importlib import resources

CONSONANTS = tuple("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split())
VOWELS = tuple("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
STRESSES = ("0", "1", "2")
PHONES = (*CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in STRESSES))
"""The 69 phone symbols of CMUdict: vowels carry a stress digit."""

_DICTIONARY_FILE = "cmudict.txt.xz"
_VOICELESS = frozenset(("P", "T", "K", "F", "TH"))
_SIBILANTS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
_ALIASES = {  # spellings of other ARPAbet dialects
    "AX": "AH0", "AXR": "ER0", "IX": "IH0", "UX": "UW0", "DX": "T", "NX": "N", "WH": "W", "H": "HH", "J": "JH",
    "PH": "F", "EL": "AH0 L", "EM": "AH0 M", "EN": "AH0 N",
}  # fmt: skip
_COMMON = {  # the commoner reading, where the dictionary lists the rarer one first
    "live": "L IH1 V",
    "lives": "L IH1 V Z",
    "use": "Y UW1 Z",
    "am": "AE1 M",
    "us": "AH1 S",
    "cit": "S IH1 T",
}
_LETTER_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            "EY1,B IY1,S IY1,D IY1,IY1,EH1 F,JH IY1,EY1 CH,AY1,JH EY1,K EY1,EH1 L,EH1 M,EH1 N,OW1,P IY1,K Y UW1,AA1 R,"
            "EH1 S,T IY1,Y UW1,V IY1,D AH1 B AH0 L Y UW0,EH1 K S,W AY1,Z IY1"
        ).split(","),
        strict=True,
    )
)
_ENDINGS = (  # spelling of the ending, spelling that replaces it, phones it adds
    ("n't", "", ("AH0", "N", "T")),
    ("'ll", "", ("AH0", "L")),
    ("'ve", "", ("AH0", "V")),
    ("'re", "", ("ER0",)),
    ("'d", "", ("D",)),
    ("'m", "", ("M",)),
    ("ingly", "", ("IH0", "NG", "L", "IY0")),
    ("ing", "", ("IH0", "NG")),
    ("ing", "e", ("IH0", "NG")),
    ("eth", "", ("IH0", "TH")),
    ("eth", "e", ("IH0", "TH")),
    ("er", "", ("ER0",)),
    ("er", "e", ("ER0",)),
    ("ness", "", ("N", "AH0", "S")),
    ("less", "", ("L", "AH0", "S")),
    ("ful", "", ("F", "AH0", "L")),
    ("ly", "", ("L", "IY0")),
    ("in'", "", ("IH0", "N")),
)
_PREFIXES = {"un": ("AH0", "N"), "re": ("R", "IY0"), "non": ("N", "AA0", "N"), "over": ("OW2", "V", "ER0")}
_SHORTEST_STEM = 3
_SHORTEST_HALF = 4
_LONGEST_COMPOUND = 24  # letters
_DOUBLED = re.compile(r"([bdgklmnprt])\1$")


@functools.cache
def dictionary() -> dict[str, str]:
    """Word to phones separated by spaces. Read once, on first use."""
    packed = resources.files(__package__).joinpath("data", _DICTIONARY_FILE).read_bytes()
    lines = lzma.decompress(packed).decode("ascii").splitlines()
    return {**dict(line.split(" ", 1) for line in lines), **_COMMON}


def letter_names(letters: str) -> tuple[str, ...]:
    """Phones of letters spoken one by one; other characters are skipped."""
    return tuple(
        phone for letter in letters.lower() if letter in _LETTER_NAMES for phone in _LETTER_NAMES[letter].split()
    )


def phones_of(word: str) -> tuple[str, ...] | None:
    """Phones of a lower-case word, from the dictionary or by a regular ending or prefix; None when unknown."""
    found = dictionary().get(word)
    if found is not None:
        return tuple(found.split())
    return _by_s_or_d(word) or _by_ending(word) or _by_prefix(word) or _by_halves(word)


def _known(stem: str) -> tuple[str, ...] | None:
    if len(stem) < _SHORTEST_STEM:
        return None
    found = dictionary().get(stem)
    return tuple(found.split()) if found is not None else None


def _by_s_or_d(word: str) -> tuple[str, ...] | None:
    """Plural, possessive, third person and past tense: the sound depends on the last phone."""
    for spelling, stems in (("'s", ("",)), ("s'", ("s",)), ("ies", ("y",)), ("es", ("", "e")), ("s", ("",))):
        for stem in (_known(word[: -len(spelling)] + new) for new in stems if word.endswith(spelling)):
            if stem:
                return (*stem, *_sound_of_s(stem[-1])) if spelling != "s'" else stem
    for spelling, new in (("ied", "y"), ("ed", ""), ("ed", "e")):
        stem = _known(_undouble(word[: -len(spelling)], new)) if word.endswith(spelling) else None
        if stem:
            return (*stem, *_sound_of_d(stem[-1]))
    return None


def _undouble(stem: str, new: str) -> str:
    """stopped -> stop, but called -> call: the doubled letter goes when only the short stem is a word."""
    if not new and _DOUBLED.search(stem) and stem not in dictionary():
        return stem[:-1]
    return stem + new


def _sound_of_s(last: str) -> tuple[str, ...]:
    if last in _SIBILANTS:
        return ("IH0", "Z")
    return ("S",) if last in _VOICELESS else ("Z",)


def _sound_of_d(last: str) -> tuple[str, ...]:
    if last in ("T", "D"):
        return ("IH0", "D")
    return ("T",) if last in _VOICELESS or last in ("S", "SH", "CH") else ("D",)


def _by_ending(word: str) -> tuple[str, ...] | None:
    for spelling, new, sound in _ENDINGS:
        stem = _known(_undouble(word[: -len(spelling)], new)) if word.endswith(spelling) else None
        if stem:
            return (*stem, *sound)
    return None


def _by_prefix(word: str) -> tuple[str, ...] | None:
    for spelling, sound in _PREFIXES.items():
        stem = _known(word[len(spelling) :]) if word.startswith(spelling) else None
        if stem and len(word) > len(spelling) + _SHORTEST_STEM:
            return (*sound, *stem)
    return None


def _by_halves(word: str) -> tuple[str, ...] | None:
    """sackcloth -> sack, cloth: a compound of two words, stressed on the first."""
    if len(word) > _LONGEST_COMPOUND:
        return None
    for cut in range(len(word) - _SHORTEST_HALF, _SHORTEST_HALF - 1, -1):
        first, second = dictionary().get(word[:cut]), _known_or_plural(word[cut:])
        if first and second:
            return (*first.split(), *(phone.replace("1", "2") for phone in second))
    return None


def _known_or_plural(word: str) -> tuple[str, ...] | None:
    return _known(word) or (_by_s_or_d(word) if len(word) > _SHORTEST_HALF else None)


def starts_with_vowel(phones: tuple[str, ...]) -> bool:
    """Whether the first phone is a vowel."""
    return bool(phones) and phones[0][:2] in VOWELS


def parse_reading(reading: str) -> tuple[str, ...] | None:
    """Upper-case CMU phonemes as typed by a user; None when the reading is not written in phonemes.

    Vowels without a stress digit get one: the first of the word is stressed if no other is. Dots that separate
    syllables are allowed.
    """
    symbols = [symbol for symbol in reading.split() if symbol != "."]
    has_stress = any(symbol.endswith(("1", "2")) for symbol in symbols)
    phones: list[str] = []
    for symbol in symbols:
        if symbol in VOWELS:
            symbol += "0" if has_stress else "1"
            has_stress = True
        phones += _ALIASES.get(symbol, symbol).split()
    if not phones or any(phone not in PHONES for phone in phones):
        return None
    return tuple(phones)
