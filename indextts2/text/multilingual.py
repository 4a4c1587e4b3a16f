"""Front end of IndexTTS-2.5: many languages, byte-level byte pairs (docs/spec/v25.md#text-front-end-of-25).

Pieces are the characters of the normalised text: every segment is encoded together with its language prefix, so that
ids depend on where a text is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..config import TextConfig
from .byte_pairs import BytePairVocabulary
from .expander import Expander, default_expander
from .languages import COMMON_ROW, VOCABULARY_CODES, WITHOUT_ALPHABET, detected_language, language_row
from .multilingual_segments import breaks_of, reference_segments
from .multilingual_stages import ANNOTATED_SPAN, NORMALISED, MultilingualStages
from .normalise import Glossary, OfficialNormaliser
from .pieces import TextPieces, unread_digits_warning
from .segment import Break, even_segments
from .spelled_numbers import MISSING_RBNF
from .tracked import TrackedText

_EVENTS = "ASR AED SER Speech /Speech BGM /BGM Laughter /Laughter Applause /Applause"
_EMOTIONS = "HAPPY SAD ANGRY NEUTRAL"
_TASKS = "translate transcribe startoflm startofprev nospeech notimestamps"
_SPEECH = "TTS/B TTS/O TTS/Q TTS/A TTS/CO TTS/CL TTS/H"
_MARKS = 30
_SPEECH_SPANS = 13
_TIMESTAMPS = 1501  # 0.00 to 30.00 seconds in steps of 0.02
_TIMESTAMP_STEP = 0.02

EXCLAMATION = "!"
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"\d")


def special_tokens() -> tuple[str, ...]:
    """The 1,673 special tokens of the released vocabulary, in the order of their ids."""
    names = ["endoftext", "startoftranscript", *VOCABULARY_CODES]
    names += f"{_EVENTS} {_EMOTIONS} {_TASKS}".split()
    names += [f"SPECIAL_TOKEN_{number}" for number in range(1, _MARKS + 1)]
    names += [*_SPEECH.split(), *(f"TTS/SP{number:02d}" for number in range(1, _SPEECH_SPANS + 1))]
    names += [f"{_TIMESTAMP_STEP * number:.2f}" for number in range(_TIMESTAMPS)]
    return tuple(f"<|{name}|>" for name in names)


class MultilingualFrontEnd:
    """Text to pieces and ids for checkpoints of text kind "multilingual".

    compatible: reproduce the released program, its faults included. expander: how numbers become words; None for the
    best one installed. plain: the text as it is written, for fine-tunes that were trained so: nothing is written out
    and no letter changes its case.
    """

    kind = "multilingual"

    def __init__(
        self,
        vocabulary: BytePairVocabulary,
        config: TextConfig,
        *,
        expander: Expander | None = None,
        compatible: bool = False,
        plain: bool = False,
    ) -> None:
        self.vocabulary = vocabulary
        self.config = config
        self.compatible = compatible
        self._notes: tuple[str, ...] = ()
        if expander is None:
            expander, self._notes = default_expander()
        normaliser = OfficialNormaliser(expander, compatible=compatible, keep_annotations=True)
        special = frozenset(vocabulary.special_ids)
        self.is_plain = plain
        self.stages = MultilingualStages(normaliser, special, compatible=compatible, plain=plain)

    @property
    def fingerprint(self) -> str:
        return self.vocabulary.fingerprint

    def segment_tokens(self, language: str) -> int:
        """Longest segment by default. An alphabetic text collapses in its last sentence well before 120 tokens."""
        short = self.config.segment_tokens_alphabetic
        return self.config.segment_tokens if language in WITHOUT_ALPHABET else min(short, self.config.segment_tokens)

    def pieces(self, text: str, glossary: Glossary | None = None, *, language: str = "") -> TextPieces:
        """The characters of a whole text as it is read; an empty text has none.

        language: a code such as en, ja or zhen; "" is judged by the characters.
        """
        code, warnings = self._language(text, language)
        tracked = TrackedText(text.encode("utf-8", "replace").decode("utf-8"))  # half characters become "?"
        warnings += self.stages.apply(tracked, code, glossary)
        if _DIGIT.search(text) and code in NORMALISED and not self.is_plain:
            warnings += self._notes
        if not self.compatible:
            warnings += self._unread(tracked.text, code, warnings)
        return TextPieces(
            pieces=tuple(tracked.text),
            normalised=tracked.text,
            starts=tuple(tracked.starts),
            ends=tuple(tracked.ends),
            warnings=tuple(dict.fromkeys(warnings)),
            language=code,
        )

    def _unread(self, text: str, code: str, warnings: tuple[str, ...]) -> tuple[str, ...]:
        """A warning that names the digits which the model will read as they are, unless one says so already."""
        said = MISSING_RBNF.format(code) in warnings
        return () if said else unread_digits_warning(self.stages.unread_digits(text), code)

    def _language(self, text: str, tag: str) -> tuple[str, tuple[str, ...]]:
        """The code of a text, and a warning where the language table has no row for the one it is marked with."""
        if not tag:
            return detected_language(text), ()
        code = tag.lower()
        for candidate in (code, code.partition("-")[0]):  # zh-TW is zh
            if candidate == "zhen" or language_row(candidate) != COMMON_ROW or candidate == "common":
                return candidate, ()
        if self.compatible:
            return code, ()
        return code, (f"The language '{tag}' has no row of its own; it is spoken with the row 'common'.",)

    def prefix(self, language: str) -> str:
        """Text before every segment."""
        return f"<|{language}|> "

    def ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Ids of a segment with its prefix."""
        return self.vocabulary.encode(self.prefix(language) + "".join(pieces))

    def known_ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Ids to feed to T2S; none when nothing in the pieces can be spoken.

        Ids 0 and 1 mean start and stop of the text to the model; the vocabulary has "!" and '"' there. The released
        program drops them. So does compatible mode; otherwise the "!" is written with a blank, which has an id of its
        own.
        """
        text = "".join(pieces)
        if self.compatible:
            return [number for number in self.ids(pieces, language=language) if number > 1]
        if not _LETTER_OR_DIGIT.search(text):
            return []
        spaced = self.vocabulary.rank(" " + EXCLAMATION)
        lone = self.vocabulary.rank(EXCLAMATION)
        ids = self.ids(text.strip(), language=language)
        return [spaced if number == lone and spaced is not None else number for number in ids]

    def piece_indices(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """For each of `known_ids` the character it begins in; -1 for those of the prefix and the blank behind it."""
        text = "".join(pieces)
        before = len(text) - len(text.lstrip())
        prefix = self.prefix(language)
        ends = [end - len(prefix) for end, _ in self._token_ends(prefix + text.strip())]
        starts = [0, *ends][: len(ends)]  # the blank of the prefix belongs to the first word
        return [before + max(0, start) if end > 0 else -1 for start, end in zip(starts, ends, strict=True)]

    def split(self, pieces: Sequence[str], limit: int, *, language: str = "") -> list[list[int]]:
        """Positions of the pieces of every segment; with its prefix a segment has at most `limit` text tokens."""
        text = "".join(pieces)
        budget = max(1, limit - len(self.vocabulary.encode(self.prefix(language))))
        if self.compatible:
            return _positions(reference_segments(text, lambda part: len(self.vocabulary.encode(part)), budget))
        ends, breaks, sizes = self._units(text)
        segments = []
        for segment in even_segments(breaks, budget, sizes):
            first = ends[segment.start - 1] if segment.start else 0
            segments.append(list(range(first, ends[segment.stop - 1])))
        return [segment for segment in segments if segment]

    def spoken(self, pieces: TextPieces, positions: Sequence[int]) -> str:
        """The characters of the pieces."""
        return "".join(pieces.pieces[index] for index in positions).strip()

    def _units(self, text: str) -> tuple[list[int], list[Break], list[int]]:
        """Units that are never cut: tokens, the tokens that make one character, and annotations.

        For each the number of characters up to its end, how well a segment may end there, and its text tokens.
        """
        at_character = breaks_of(text)
        inside = {
            place for span in ANNOTATED_SPAN.finditer(text) for place in range(span.start() + 1, span.end())
        }  # ends of tokens that a cut would part from their annotation
        ends: list[int] = []
        sizes: list[int] = []
        size = 0
        for end, is_whole in self._token_ends(text):
            size += 1
            if is_whole and end not in inside:
                ends.append(end)
                sizes.append(size)
                size = 0
        return ends, [at_character[end - 1] for end in ends], sizes

    def _token_ends(self, text: str) -> Iterator[tuple[int, bool]]:
        """For every token, the characters up to its end, and whether it ends with a whole character."""
        position = 0
        for ids, piece in self.vocabulary.pieces(text):
            data, done = piece.encode("utf-8"), 0
            for index, number in enumerate(ids):
                done = len(data) if index + 1 == len(ids) else done + self.vocabulary.byte_length(number)
                whole = len(data[:done].decode("utf-8", errors="ignore"))
                yield position + whole, len(piece[:whole].encode("utf-8")) == done
            position += len(piece)


def _positions(segments: Sequence[str]) -> list[list[int]]:
    positions, begin = [], 0
    for segment in segments:
        positions.append(list(range(begin, begin + len(segment))))
        begin += len(segment)
    return positions
