"""Output of a text front end: pieces, and where each of them comes from."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NO_WORD = -1
"""Word index of pieces that belong to no word: spaces and punctuation."""

_VARIATION_SELECTORS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))
_LISTED = 12  # different unknown characters named in a warning


@dataclass(frozen=True, slots=True)
class TextPieces:
    """Pieces of a whole text, in order.

    words: index of the spoken word every piece belongs to, NO_WORD for spaces and punctuation. word_texts: the spoken
    words. starts, ends: span of characters in the text as given that every piece stands for. The middle four may
    be empty where a front end does not know them.
    """

    pieces: tuple[str, ...]
    normalised: str
    words: tuple[int, ...] = ()
    word_texts: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    language: str = ""  # code of the language it is read in; "" where a front end does not tell

    def __len__(self) -> int:
        return len(self.pieces)


def is_invisible(character: str) -> bool:
    """Control and format characters, and the selectors that only choose how another character looks."""
    return unicodedata.category(character) in ("Cc", "Cf") or character in _VARIATION_SELECTORS


def unknown_character_warning(characters: Sequence[str]) -> tuple[str, ...]:
    """One warning naming the different characters that are not spoken; none for no characters."""
    different = list(dict.fromkeys(character for character in characters if not is_invisible(character)))
    if not different:
        return ()
    named = " ".join(different[:_LISTED]) + (" and others" if len(different) > _LISTED else "")
    return (f"Not spoken, because this checkpoint does not know the characters: {named}",)


def unread_digits_warning(numbers: Sequence[str], language: str = "") -> tuple[str, ...]:
    """One warning naming the numbers that reach the model as digits; none for no numbers."""
    different = list(dict.fromkeys(numbers))
    if not different:
        return ()
    named = ", ".join(different[:_LISTED]) + (" and others" if len(different) > _LISTED else "")
    place = f" in '{language}'" if language else ""
    return (f"Not written out{place}: {named}. The model reads digits as it learned to; write them in words.",)


def chosen_language(tag: str, spoken: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The language a text is marked with, and a warning when the front end does not speak it.

    tag: such as en or zh-TW, "" for none. spoken: names by language. Returns "" where the text itself has to tell.
    """
    language = tag.lower().partition("-")[0]
    if not language or language in spoken:
        return language, ()
    names = " and ".join(spoken.values())
    return "", (f"The text is marked as '{tag}', but this checkpoint speaks {names} only; it is read as such.",)
