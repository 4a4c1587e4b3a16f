"""Toned pinyin in the text: where it is, and how the official vocabulary spells it (docs/spec/text.md#pinyin)."""

from __future__ import annotations

import re

_INITIALS = "zh|ch|sh|[bpmfdtnlgkhjqxzcsryw]"
_FINALS = (
    "a|e|i|o|u|ü|v|ai|ei|ua|ui|uo|ao|ou|ia|iu|ie|ue|ve|üe|uang?|vang?|üang?|uai|an|en|in|un|vn|"
    "ang|eng|ing|ong|ian|iao|iang|iong"
)
_SYLLABLE = rf"(?:ng|er|(?:{_INITIALS})?(?:{_FINALS}))[1-5]"
PINYIN = re.compile(rf"(?<![a-zA-Z]){_SYLLABLE}", re.IGNORECASE)
"""One toned syllable that does not continue a word."""

_ONLY_PINYIN = re.compile(rf"(?:\s*{_SYLLABLE})+\s*", re.IGNORECASE)
_HIDDEN_UMLAUT = re.compile(r"([jqx])[uü](n|e|an)?(\d)", re.IGNORECASE)
_UMLAUT_AFTER_NL = re.compile(r"([nl])(?:ü(e?)|u(e))(\d)", re.IGNORECASE)


def is_pinyin(reading: str) -> bool:
    """Whether a reading consists of toned syllables only."""
    return _ONLY_PINYIN.fullmatch(reading) is not None


def official_spelling(syllable: str, *, compatible: bool = False) -> str:
    """A toned syllable as the official vocabulary has it: JV4 for ju4.

    Unless compatible, also NV3 for nü3 and LVE4 for lüe4 or lue4; the reference leaves these outside the vocabulary.
    """
    if syllable[0] in "jqxJQX":
        return _HIDDEN_UMLAUT.sub(r"\1V\2\3", syllable).upper()
    if not compatible:
        found = _UMLAUT_AFTER_NL.fullmatch(syllable)
        if found:
            return f"{found[1]}v{found[2] or found[3] or ''}{found[4]}"
    return syllable
