"""Front end of the released IndexTTS-2: normaliser, CJK spacing, SentencePiece (docs/spec/text.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..config import TextConfig
from .expander import Expander, default_expander
from .normalise import Glossary, OfficialNormaliser
from .pieces import TextPieces, chosen_language, unknown_character_warning
from .segment import even_segments, official_breaks, reference_segments
from .tokenizer import TextTokenizer
from .tracked import TrackedText

_CONFIG = TextConfig()
LANGUAGES = {"en": "English", "zh": "Chinese"}
_CJK_RANGES = "\u1100-\u11ff\u2e80-\ua4cf\ua840-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff65-\uffdc\U00020000-\U0002ffff"
_CJK = re.compile(f"[{_CJK_RANGES}]")
_BLANKS_AT_CJK = re.compile(rf"(?<=[{_CJK_RANGES}])\s{{2,}}|(?<!\s)\s{{2,}}(?=[{_CJK_RANGES}])")
_BLANKS_BETWEEN_CJK = re.compile(rf"(?<=[{_CJK_RANGES}]) +(?=[{_CJK_RANGES},.?!])|(?<! ) +(?=[,.?!])")
_OUTER_BLANKS = re.compile(r"^\s+|(?<!\s)\s+$")
_LOWER = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"\S+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_▁]")
_WORD_MARK = "▁"
_EXPANDABLE = re.compile(r"[\d$€£¥%℃°]")


def space_and_raise(tracked: TrackedText) -> None:
    """A space around every CJK character and everything in upper case (docs/spec/text.md#pieces)."""
    tracked.sub(_CJK, lambda match: f" {match.group()} ")
    tracked.sub(_BLANKS_AT_CJK, " ")
    tracked.sub(_LOWER, lambda match: match.group().upper())
    tracked.sub(_OUTER_BLANKS, "")


class OfficialFrontEnd:
    """Text to pieces and ids for checkpoints of text kind "official".

    compatible: reproduce the reference, its faults included. expander: how numbers become words; None for the best one
    installed.
    """

    kind = "official"

    def __init__(
        self,
        tokenizer: TextTokenizer,
        config: TextConfig = _CONFIG,
        *,
        expander: Expander | None = None,
        compatible: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.config = config
        self.compatible = compatible
        self._notes: tuple[str, ...] = ()
        if expander is None:
            expander, self._notes = default_expander()
        self.normaliser = OfficialNormaliser(expander, compatible=compatible)

    @property
    def fingerprint(self) -> str:
        return self.tokenizer.fingerprint

    def pieces(self, text: str, glossary: Glossary | None = None, *, language: str = "") -> TextPieces:
        """Pieces of a whole text; an empty text has none.

        language: a tag such as en or zh-TW, which says how numbers are read; "" is seen in the text.
        """
        tracked = TrackedText(text)
        spoken, warnings = chosen_language(language, LANGUAGES)
        # The reference leaves a text of one character alone, so that it is often unknown.
        if not (self.compatible and len(text.strip()) == 1):
            warnings += self.normaliser.normalise(tracked, glossary, spoken)
            normalised = tracked.text
            space_and_raise(tracked)
        else:
            normalised = text
        if _EXPANDABLE.search(text):
            warnings += self._notes
        pieces = self.tokenizer.encode(tracked.text)
        warnings += unknown_character_warning("".join(self.tokenizer.unknown(pieces)).replace(_WORD_MARK, ""))
        starts, ends = spans_of(tracked, pieces)
        return TextPieces(
            pieces=tuple(pieces),
            normalised=normalised,
            starts=starts,
            ends=ends,
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def segment_tokens(self, language: str) -> int:
        """Longest segment by default, the same in every language."""
        return self.config.segment_tokens

    def ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Pieces to ids; pieces the vocabulary lacks get the unknown id."""
        return self.tokenizer.ids(pieces)

    def known_ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Ids without those of unknown pieces. The reference keeps these, and so does compatible mode."""
        ids = self.ids(pieces)
        if self.compatible:
            return ids
        known = [number for number in ids if number != self.tokenizer.unknown_id]
        return known if any(_LETTER_OR_DIGIT.search(piece) for piece in self.tokenizer.pieces(known)) else []

    def piece_indices(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """For each of `known_ids` the index of its piece."""
        unknown = None if self.compatible else self.tokenizer.unknown_id
        return [index for index, number in enumerate(self.ids(pieces)) if number != unknown]

    def split(self, pieces: Sequence[str], limit: int, *, language: str = "") -> list[list[int]]:
        """Positions of the pieces of every segment, at most `limit` each."""
        if self.compatible:
            return reference_segments(pieces, limit)[0]
        return [list(segment) for segment in even_segments(official_breaks(pieces), limit)]

    def spoken(self, pieces: TextPieces, positions: Sequence[int]) -> str:
        """The text of the pieces, in lower case; Chinese without the blanks between its characters."""
        whole = "".join(pieces.pieces[index] for index in positions).replace(_WORD_MARK, " ").lower()
        return _BLANKS_BETWEEN_CJK.sub("", whole).strip()


def spans_of(tracked: TrackedText, pieces: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Origin of every piece in the text as given: exact for words, shared out evenly inside a word."""
    words = [match.span() for match in _WORD.finditer(tracked.text)]
    heads = [index for index, piece in enumerate(pieces) if piece.startswith(_WORD_MARK)]
    if not pieces:
        return (), ()
    if len(words) != len(heads):  # the tokenizer's own normalisation moved a blank
        words, heads = [(0, len(tracked.text))], [0]
    starts: list[int] = []
    ends: list[int] = []
    for (begin, end), head, following in zip(words, heads, [*heads[1:], len(pieces)], strict=True):
        lengths = [len(piece.removeprefix(_WORD_MARK)) for piece in pieces[head:following]]
        total = max(1, sum(lengths))
        done = 0
        for length in lengths:
            first = begin + (end - begin) * done // total
            done += length
            last = begin + (end - begin) * done // total
            start, stop = tracked.span(first, last)
            starts.append(start)
            ends.append(stop)
    return tuple(starts), tuple(ends)
