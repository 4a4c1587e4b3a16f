"""The steps that turn a text into what the vocabulary of IndexTTS-2.5 reads (docs/spec/v25.md#text-front-end-of-25).

Each step rewrites a `TrackedText` in place. In compatible mode the order and the faults of the released program are
kept: characters are mapped before numbers are expanded, so that the colon of 20:30 is lost before it is read, special
tokens typed by a user change their case, and Japanese annotations of mixed kana are cut to pieces. Otherwise numbers
are expanded first, and special tokens and annotations stay whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

from .annotations import ANNOTATION
from .japanese import morphemes
from .normalise import Glossary, OfficialNormaliser, map_characters
from .spelled_numbers import reader_of
from .tracked import TrackedText

NORMALISED = ("zh", "zhen", "en")
"""Languages whose numbers, dates and names the released program writes out."""

CASES: dict[str, Callable[[str], str]] = {
    "zh": str.lower,
    "zhen": str.lower,
    "en": str.lower,
    "ja": str.lower,
    "es": str.upper,
}
"""Letter case that a language is written in; others stay as they are."""

SPECIAL_WORD = "<|SPECIAL_TOKEN_1|>"
SPECIAL_HAN = "<|SPECIAL_TOKEN_2|>"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_ONE_KANA = re.compile(r"[\u3040-\u309f]+|[\u30a0-\u30ff]+")
_MARKED = re.compile(r"<\|([^|]+)\|>")
ANNOTATED_SPAN = re.compile(r"<\|SPECIAL_TOKEN_\d+\|>.*?<\|SPECIAL_TOKEN_\d+\|>", re.DOTALL)
"""A reading between its two marks; it is never cut."""

_SPAN_OR_MARK = re.compile(rf"{ANNOTATED_SPAN.pattern}|<\|[^|]+\|>", re.DOTALL)
_READING_OR_MARK = re.compile(rf"<\|[^|<>\n]*\|>|{ANNOTATION.pattern}")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"\S+")


NamedStep = tuple[str, Callable[[TrackedText], "tuple[str, ...] | None"]]
"""Name of a step, and the function that rewrites a text and may return warnings."""


class MultilingualStages:
    """The steps in their order. special_tokens: names that stay as typed unless compatible.

    plain: Unicode NFKC and the characters of the vocabulary, and nothing else is changed.
    """

    def __init__(
        self,
        normaliser: OfficialNormaliser,
        special_tokens: Collection[str] = (),
        *,
        compatible: bool = False,
        plain: bool = False,
    ) -> None:
        self._normaliser = normaliser
        self._special_tokens = special_tokens
        self._compatible = compatible
        self._plain = plain

    def apply(
        self, tracked: TrackedText, language: str, glossary: Glossary | None = None, *, normalise: bool = True
    ) -> tuple[str, ...]:
        """All steps; returns warnings. normalise: False leaves numbers and names as they are."""
        warnings: list[str] = []
        for _, step in self.steps(language, glossary, normalise=normalise):
            warnings += step(tracked) or ()
        return tuple(warnings)

    def steps(self, language: str, glossary: Glossary | None = None, *, normalise: bool = True) -> list[NamedStep]:
        """The steps that a language takes, in order."""
        if self._plain:
            return [*self._written_as_it_is(language, glossary), ("final", self._raise_marks)]
        read = self._read_as_released if self._compatible else self._read
        steps = read(language, glossary, normalise)
        if language in CASES:
            steps += [("cased", lambda tracked: self._recase(tracked, CASES[language]))]
        steps += [("annotated", annotate)]
        if language == "ja":
            steps += [("ja_spaced", self._space_japanese)]
        return [*steps, ("final", self._raise_marks)]

    def _read_as_released(self, language: str, glossary: Glossary | None, normalise: bool) -> list[NamedStep]:
        """Characters are mapped first, which loses the colons of times and ratios."""
        steps: list[NamedStep] = [("mapped", map_characters)]
        if normalise and language in NORMALISED:
            steps += [("normalised", lambda tracked: self._normaliser.normalise(tracked, glossary))]
        return steps

    def _read(self, language: str, glossary: Glossary | None, normalise: bool) -> list[NamedStep]:
        if normalise and language in NORMALISED:
            read_as = "" if language == "zhen" else language
            return [("normalised", lambda tracked: self._normaliser.normalise(tracked, glossary, read_as))]
        reader = reader_of(language) if normalise else None
        steps: list[NamedStep] = [("glossary", lambda tracked: self._apply_glossary(tracked, language, glossary))]
        if reader is not None:
            steps += [("normalised", lambda tracked: self._outside_marks(tracked, reader))]
        return [*steps, ("mapped", map_characters)]

    def _written_as_it_is(self, language: str, glossary: Glossary | None) -> list[NamedStep]:
        return [
            ("glossary", lambda tracked: self._apply_glossary(tracked, language, glossary)),
            ("composed", lambda tracked: self._outside_marks(tracked, _compose)),
            ("mapped", map_characters),
            ("annotated", annotate),
        ]

    def _apply_glossary(self, tracked: TrackedText, language: str, glossary: Glossary | None) -> tuple[str, ...]:
        def apply(part: TrackedText) -> tuple[str, ...]:
            self._normaliser.apply_glossary(part, glossary or {}, language)
            return ()

        return self._outside_marks(tracked, apply) if glossary else ()

    def _outside_marks(self, tracked: TrackedText, change: Callable[[TrackedText], tuple[str, ...]]) -> tuple[str, ...]:
        """Rewrite what is no annotation and no special token; returns the warnings of all parts."""
        warnings: list[str] = []
        for begin, end in reversed(self._outside(tracked.text, _READING_OR_MARK, lambda match: True)):
            part = tracked.part(begin, end)
            warnings += change(part)
            tracked.put(begin, end, part)
        return tuple(dict.fromkeys(warnings))

    def unread_digits(self, text: str) -> tuple[str, ...]:
        """The numbers of a finished text that are still digits, outside annotations and special tokens."""
        parts = [text[begin:end] for begin, end in self._outside(text, _SPAN_OR_MARK, lambda match: True)]
        return tuple(dict.fromkeys(number for part in parts for number in _DIGITS.findall(part)))

    def _recase(self, tracked: TrackedText, change: Callable[[str], str]) -> None:
        if self._compatible:
            tracked.recase(change)
            return
        for begin, end in reversed(self._outside(tracked.text, _MARKED, self._is_special)):
            part = tracked.part(begin, end)
            part.recase(change)
            tracked.put(begin, end, part)

    def _space_japanese(self, tracked: TrackedText) -> tuple[str, ...]:
        if self._compatible:
            return _spaced(tracked)
        warnings: tuple[str, ...] = ()
        for begin, end in reversed(self._outside(tracked.text, _SPAN_OR_MARK, self._is_marked)):
            part = tracked.part(begin, end)
            warnings = _spaced(part)
            tracked.put(begin, end, part)
        return warnings

    def _raise_marks(self, tracked: TrackedText) -> None:
        tracked.sub(_MARKED, lambda match: match.group() if self._is_special(match) else match.group().upper())

    def _is_special(self, match: re.Match[str]) -> bool:
        return not self._compatible and match.group() in self._special_tokens

    def _is_marked(self, match: re.Match[str]) -> bool:
        return match.group() in self._special_tokens or ANNOTATED_SPAN.fullmatch(match.group()) is not None

    @staticmethod
    def _outside(text: str, pattern: re.Pattern[str], kept: Callable[[re.Match[str]], bool]) -> list[tuple[int, int]]:
        """Spans of the text between the matches that are kept whole."""
        bounds = [0]
        for match in pattern.finditer(text):
            if kept(match):
                bounds += match.span()
        bounds.append(len(text))
        return [(begin, end) for begin, end in zip(bounds[::2], bounds[1::2], strict=True) if begin < end]


def _compose(tracked: TrackedText) -> tuple[str, ...]:
    """Unicode NFKC, word by word."""
    tracked.sub(_WORD, lambda match: unicodedata.normalize("NFKC", match.group()))
    return ()


def annotate(tracked: TrackedText) -> None:
    """`<word|reading>` to what the model was taught: kana between spaces, other readings between marks."""
    tracked.sub(ANNOTATION, _marked_reading)


def _marked_reading(match: re.Match[str]) -> str:
    word, reading = match.group(1), match.group(2).upper()
    if _ONE_KANA.fullmatch(reading):
        return f" {reading} "
    mark = SPECIAL_HAN if _HAN.search(word) else SPECIAL_WORD
    return mark + reading + mark


def _spaced(tracked: TrackedText) -> tuple[str, ...]:
    """Single spaces between the morphemes of every part between spaces."""
    words: list[str] = []
    warnings: tuple[str, ...] = ()
    for part in tracked.text.split(" "):
        cut, warnings = morphemes(part)
        words += cut
    spaced = " ".join(words)
    if tracked.text.replace(" ", "") == spaced.replace(" ", ""):
        _move_blanks(tracked, spaced)
    else:  # a dictionary that writes a word otherwise
        tracked.replace(0, len(tracked.text), spaced)
    return warnings


def _move_blanks(tracked: TrackedText, spaced: str) -> None:
    """Write `spaced`, which differs from the text in its blanks only; every other character keeps its span."""
    kept = [index for index, character in enumerate(tracked.text) if character != " "]
    starts = [tracked.starts[index] for index in kept]
    ends = [tracked.ends[index] for index in kept]
    tracked.text, tracked.starts, tracked.ends = spaced, [], []
    position = 0
    for character in spaced:
        if character == " ":
            place = tracked.ends[-1] if tracked.ends else (starts[0] if starts else 0)
            tracked.starts.append(place)
            tracked.ends.append(place)
        else:
            tracked.starts.append(starts[position])
            tracked.ends.append(ends[position])
            position += 1
