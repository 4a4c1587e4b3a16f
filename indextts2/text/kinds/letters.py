"""Names of letters: private signs that stand for them while a text is rewritten, so that no rule takes them for "
"words."""

from __future__ import annotations

import re

from ..pronounce import dictionary

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_FIRST_LETTER_NAME = 0xE000
PLURAL = chr(_FIRST_LETTER_NAME + len(_ALPHABET))
"""Stands for the s of "CEOs" behind letter names."""
POSSESSIVE = chr(_FIRST_LETTER_NAME + len(_ALPHABET) + 1)
"""Stands for the 's of "the FBI's"."""
ENDINGS = {PLURAL: "s", POSSESSIVE: "'s"}
LETTER_NAMES = f"[{chr(_FIRST_LETTER_NAME)}-{POSSESSIVE}]"
"""Pattern of one private sign."""

_LONGEST_SPELLED = 3  # letters of a lower-case part of an address that no dictionary knows


def spell(text: str) -> str:
    """Letters to the private signs that stand for their names; other characters are left out."""
    return "".join(chr(_FIRST_LETTER_NAME + ord(letter) - ord("a")) for letter in text.lower() if letter in _ALPHABET)


def spelled_letters(text: str) -> str:
    """The letters behind the private signs of a text, in capitals; endings in small letters."""
    return "".join(ENDINGS.get(sign) or chr(ord(sign) - _FIRST_LETTER_NAME + ord("A")) for sign in text)


def is_word(word: str) -> bool:
    """Whether the dictionary knows a word."""
    return word.lower() in dictionary()


def word_or_letters(word: str) -> str:
    """A word as it is; a short one that no dictionary knows by the names of its letters."""
    return word if is_word(word) or len(word) > _LONGEST_SPELLED else spell(word)


_ONSETS = frozenset(
    "b bl br c ch chr cl cr d dr dw f fl fr g gh gl gn gr h j k kl kn kr l m n p ph pl pr ps qu r rh s sc sch scr "
    "sh shr "
    "sk sl sm sn sp spl spr squ st str sv sw t th thr tr tw v vl w wh wr x y z zh".split()
)
_CODAS = frozenset(
    "b c ch ck ct d f ff ft g gh ght gn h j k l lb ld lf lk ll lm ln lp ls lt m mb mp ms n nc nch nd ng nk nn ns nt "
    "nth p "
    "ph ps pt q r rb rc rch rd rf rg rk rl rm rn rp rs rsh rst rt rth s sh sk sm sp ss st t tch th ts tt v w wn wl "
    "x y z "
    "zz ks ds bs gs".split()
)
_SYLLABLES = re.compile(r"([^aeiouy]*)[aeiouy]{1,3}(?:([^aeiou]{1,4})[aeiouy]{1,2})*?([^aeiouy]*)")


def is_pronounceable(word: str) -> bool:
    """Whether an unknown word begins, goes on and ends as English words do, so that it is read and not spelled."""
    found = _SYLLABLES.fullmatch(word.lower())
    if found is None:
        return False
    onset, coda = found.group(1), found.group(3)
    return (not onset or onset in _ONSETS) and (not coda or coda in _CODAS)
