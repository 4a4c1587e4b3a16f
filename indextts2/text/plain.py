"""Front end without a language: Unicode NFKC and a SentencePiece model, for fine-tunes in languages of their own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .languages import detected_language
from .normalise import Glossary
from .official import OfficialFrontEnd, spans_of
from .pieces import TextPieces, unknown_character_warning, unread_digits_warning
from .segment import Break, even_segments, official_breaks
from .tokenizer import TextTokenizer
from .tracked import TrackedText

_WORD = re.compile(r"\S+")
_DIGITS = re.compile(r"\d+")
_BLANKS = re.compile(r"\s+")
_OUTER_BLANKS = re.compile(r"^\s+|(?<!\s)\s+$")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_WORD_MARK = "▁"
_FULL_STOPS = tuple("。！？…!?।۔؟")
_FULL_PAUSES = tuple("、，；：،؛")
_CLOSING = frozenset("」』】）》”’'\"")
PINYIN = ("NI3", "HAO3", "SHI4", "DE5")
"""Syllables that only the vocabulary of the released IndexTTS-2, and those that extend it, have as pieces."""


def is_plain(tokenizer: TextTokenizer) -> bool:
    """Whether the pieces of a vocabulary show that the Chinese and English normaliser was not made for it."""
    return not any(tokenizer.knows(syllable) for syllable in PINYIN)


class PlainFrontEnd(OfficialFrontEnd):
    """Text to pieces and ids for checkpoints of text kind "plain".

    Nothing is written out and nothing is spaced. Letters become upper case where the vocabulary has no lower case.
    tells_language: whether the model is told the language of a text, as IndexTTS-2.5 is.
    """

    kind = "plain"
    tells_language = False

    def pieces(self, text: str, glossary: Glossary | None = None, *, language: str = "") -> TextPieces:
        """Pieces of a whole text; an empty text has none. language: which readings of the glossary apply."""
        tracked = TrackedText(text)
        tracked.sub(_INVISIBLE, " ")
        self.normaliser.apply_glossary(tracked, glossary or {}, language.partition("-")[0].lower())
        tracked.sub(_WORD, lambda match: unicodedata.normalize("NFKC", match.group()))
        if self.raises_case:
            tracked.recase(str.upper)
        tracked.sub(_BLANKS, " ")
        tracked.sub(_OUTER_BLANKS, "")
        pieces = self.tokenizer.encode(tracked.text)
        starts, ends = spans_of(tracked, pieces)
        unknown = "".join(self.tokenizer.unknown(pieces)).replace(_WORD_MARK, "")
        return TextPieces(
            pieces=tuple(pieces),
            normalised=tracked.text,
            starts=starts,
            ends=ends,
            language=self._language(text, language),
            warnings=unknown_character_warning(unknown) + unread_digits_warning(_DIGITS.findall(tracked.text)),
        )

    def _language(self, text: str, tag: str) -> str:
        return (tag.lower() or detected_language(text)) if self.tells_language else ""

    @property
    def raises_case(self) -> bool:
        """Whether the vocabulary has letters in upper case alone."""
        return self.tokenizer.knows("A") and not self.tokenizer.knows("a")

    def split(self, pieces: Sequence[str], limit: int, *, language: str = "") -> list[list[int]]:
        """Positions of the pieces of every segment, at most `limit` each."""
        return [list(segment) for segment in even_segments(plain_breaks(pieces), limit)]


def plain_breaks(pieces: Sequence[str]) -> list[Break]:
    """For every piece, how well a segment may end after it, in scripts with and without blanks between words."""
    breaks = official_breaks(pieces)
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if index + 1 < len(pieces) else _WORD_MARK
        if following[:1] in _CLOSING:
            continue
        bare = piece.rstrip("".join(_CLOSING))
        found = Break.SENTENCE if bare.endswith(_FULL_STOPS) else Break.CLAUSE if bare.endswith(_FULL_PAUSES) else None
        if found is not None:
            breaks[index] = min(breaks[index], found)
    return breaks
