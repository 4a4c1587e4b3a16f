"""English front end of the mini: text -> CMU phonemes for known words, letters for the others.

One vocabulary holds both kinds of piece, as the official one holds characters and pinyin. Words are parted by a space
piece, or by punctuation, which is a piece itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from ..config import TextConfig
from .annotations import ANNOTATION
from .english_expand import ENDINGS, LETTER_NAMES, expand, name_of_symbol, spelled_letters
from .kinds.marks import left_out_warning
from .normalise import Glossary
from .pieces import NO_WORD, TextPieces, chosen_language, unknown_character_warning
from .pronounce import PHONES, dictionary, letter_names, parse_reading, phones_of, starts_with_vowel
from .segment import english_breaks, even_segments
from .tracked import TrackedText

if TYPE_CHECKING:
    from .tokenizer import TextTokenizer

_CONFIG = TextConfig(kind="english", tokenizer="tokenizer.model")
LANGUAGES = {"en": "English"}
SPACE = "▁"
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz'")
PUNCTUATION = (",", ".", "?", "!", ";", ":", "…", "-")
VOCABULARY = (SPACE, *LETTERS, *PUNCTUATION, *PHONES)
"""Every piece of the English kind besides start, stop and unknown."""

_STRENGTH = "?!….;:,-"  # of a run of punctuation the first of these is kept
_WORD = r"'?[a-z]+(?:'[a-z]+)*'?"
_SCAN = re.compile(
    rf"(?P<annotation>{ANNOTATION.pattern})|(?P<word>{_WORD})|(?P<letters>{LETTER_NAMES}+)|(?P<dash>[-–—~]+)|\s+|(?P<other>.)",
    re.I | re.S,
)
_PAUSING_BRACKETS = frozenset("()[]{}|")
_IGNORED = frozenset("\"'*_/¿¡")  # quotation marks, and signs that mean nothing when left alone


@dataclass(frozen=True, slots=True)
class _Unit:
    """A word (with its phones, when known) or one punctuation piece, and its span in the text as given."""

    text: str
    phones: tuple[str, ...] | None
    is_word: bool
    forced: bool
    start: int
    end: int


class EnglishFrontEnd:
    """Text to pieces and ids for checkpoints of text kind "english"."""

    kind = "english"

    def __init__(self, tokenizer: TextTokenizer, config: TextConfig = _CONFIG) -> None:
        self.tokenizer = tokenizer
        self.config = config

    @property
    def fingerprint(self) -> str:
        return self.tokenizer.fingerprint

    def pieces(
        self,
        text: str,
        glossary: Glossary | None = None,
        *,
        language: str = "",
        letters_probability: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> TextPieces:
        """Pieces of a whole text. Never raises; an empty text has no pieces.

        glossary: words to readings, which may be CMU phonemes or other words. language: any but English is warned of.
        letters_probability: chance of every known word to be written in letters all the same, drawn from `generator`;
        training mixes both so that unknown words can be read.
        """
        units, normalised, warnings = self._units(text, glossary or {})
        warnings = chosen_language(language, LANGUAGES)[1] + warnings
        if letters_probability > 0.0:
            draws = torch.rand(len(units), generator=generator).tolist()
            spelled = [unit.is_word and not unit.forced and draw < letters_probability
                       for unit, draw in zip(units, draws, strict=True)]  # fmt: skip
        else:
            spelled = [False] * len(units)
        return _assemble(units, spelled, normalised, warnings)

    def segment_tokens(self, language: str) -> int:
        """Longest segment by default, the same in every language."""
        return self.config.segment_tokens

    def ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Pieces to ids."""
        return self.tokenizer.ids(pieces)

    def known_ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """The same as `ids`: this front end makes no piece that has none."""
        return self.ids(pieces)

    def piece_indices(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Every piece has one id."""
        return list(range(len(pieces)))

    def split(self, pieces: Sequence[str], limit: int, *, language: str = "") -> list[list[int]]:
        """Positions of the pieces of every segment, at most `limit` each; a space at a cut belongs to none."""
        segments = [list(segment) for segment in even_segments(english_breaks(pieces), limit)]
        return [segment[:-1] if pieces[segment[-1]] == SPACE else segment for segment in segments]

    def spoken(self, pieces: TextPieces, positions: Sequence[int]) -> str:
        """Words in lower case, those spelled by the names of their letters in capitals, and punctuation.

        What is left of a word that began in an earlier segment is three points.
        """
        said: list[str] = []
        for word, group in groupby(positions, key=pieces.words.__getitem__):
            indices = list(group)
            own = tuple(pieces.pieces[index] for index in indices)
            if word != NO_WORD:
                begun = indices[0] > 0 and pieces.words[indices[0] - 1] == word
                said.append("…" if begun else _shown(pieces.word_texts[word], own))
            elif own != (SPACE,):
                said[-1:] = ["".join(said[-1:]) + "".join(own).replace(SPACE, "")]
        return " ".join(said)

    def _units(self, text: str, glossary: Glossary) -> tuple[list[_Unit], str, tuple[str, ...]]:
        """Words and punctuation of a text; the normalised text; warnings."""
        left_out: list[str] = []
        unknown: list[str] = []
        tracked = _expanded(text, glossary, left_out)
        units = _one_punctuation_each(_scanned(tracked, unknown))
        warnings = unknown_character_warning(unknown) + left_out_warning(left_out)
        normalised = re.sub(f"{LETTER_NAMES}+", lambda match: spelled_letters(match.group()), tracked.text)
        return _vowel_after_the(units), normalised.strip(), warnings


@functools.lru_cache(maxsize=4096)
def _shown(word: str, phones: tuple[str, ...]) -> str:
    """A word in capitals where it is spelled letter by letter."""
    for ending in ("", *ENDINGS.values()):
        if not word.endswith(ending):
            continue
        letters = word.removesuffix(ending)
        names = letter_names(letters)
        own = tuple(phone.rstrip("012") for phone in phones[: len(phones) - bool(ending)])
        if names and own == tuple(name.rstrip("012") for name in names):
            return letters.upper() + ending
    return word


def _scanned(tracked: TrackedText, unknown: list[str]) -> list[_Unit]:
    """Words and punctuation of an expanded text; characters that nobody can read are noted in `unknown`."""
    units: list[_Unit] = []
    for match in _SCAN.finditer(tracked.text):
        start, end = tracked.span(*match.span())
        if match["annotation"]:
            units += _annotated(match.group(2), match.group(3), start, end, unknown)
        elif match["word"]:
            word = match.group().lower()
            phones, word = _lookup(word)
            units.append(_Unit(word, phones, True, False, start, end))
        elif match["letters"]:
            units.append(_letter_by_letter(match.group(), start, end))
        elif match["dash"]:
            units += _dash(match, tracked.text, start, end)
            unknown += [sign for sign in match.group() if sign == "~"]
        elif match["other"]:
            units += _sign(match.group(), start, end, unknown)
    return units


def _expanded(text: str, glossary: Glossary, left_out: list[str]) -> TrackedText:
    """The text with everything but its annotations written out in words. left_out: gets what is no speech."""
    whole = TrackedText("")
    source = TrackedText(text)
    _annotate(source, glossary)
    position = 0
    for match in [*ANNOTATION.finditer(source.text), None]:
        end = match.start() if match else len(source.text)
        plain = source.part(position, end)
        expand(plain, left_out)
        whole.append(plain)
        position = end
        if match:
            position = match.end()
            whole.append(source.part(match.start(), match.end()))
    return whole


def _annotate(source: TrackedText, glossary: Glossary) -> None:
    """Write the readings of glossary words into the text as annotations. Words without an English one stay."""
    readings: dict[str, str] = {}
    for term, given in sorted(glossary.items(), key=lambda item: -len(item[0])):
        reading = given if isinstance(given, str) else given.get("en")
        if reading:
            readings[term.lower()] = reading
    if not readings:
        return
    terms = "|".join(re.escape(term) for term in readings)
    pattern = re.compile(rf"{ANNOTATION.pattern}|(?<!\w)({terms})(?!\w)", re.IGNORECASE)

    def annotated(match: re.Match[str]) -> str:
        reading = readings.get((match[3] or "").lower())  # a few letters match others that lower() keeps apart: ſ and s
        return f"<{match[3]}|{reading}>" if reading else match.group()

    source.sub(pattern, annotated)


@functools.lru_cache(maxsize=4096)
def _lookup(word: str) -> tuple[tuple[str, ...] | None, str]:
    """Phones and spelling of a word that may carry quotation marks; phones are None when it is unknown."""
    for candidate in dict.fromkeys((word, word.lstrip("'"), word.rstrip("'"), word.strip("'"))):
        if candidate in dictionary():
            return phones_of(candidate), candidate
    word = word.lstrip("'")
    bare = word.rstrip("'")
    return phones_of(word) or phones_of(bare), bare


def _annotated(word: str, reading: str, start: int, end: int, unknown: list[str]) -> list[_Unit]:
    """The word of an annotation with the phones the user gave, or read as the words and numbers given instead."""
    phones = parse_reading(reading.strip())
    if phones:
        return [_Unit(word.lower(), phones, True, True, start, end)]
    spoken = TrackedText(reading)
    expand(spoken)
    return [replace(unit, start=start, end=end) for unit in _scanned(spoken, unknown) if unit.is_word]


def _letter_by_letter(signs: str, start: int, end: int) -> _Unit:
    """One word made of letter names, with an s behind it where it has one."""
    letters = spelled_letters("".join(sign for sign in signs if sign not in ENDINGS))
    phones = letter_names(letters) + (("Z",) if signs[-1] in ENDINGS else ())
    return _Unit(spelled_letters(signs).lower(), phones, True, True, start, end)


def _is_letter(character: str) -> bool:
    return character.isalnum() or re.match(LETTER_NAMES, character) is not None


def _dash(match: re.Match[str], text: str, start: int, end: int) -> list[_Unit]:
    """A dash between words is a pause; a hyphen inside a compound only parts its words."""
    before = text[match.start() - 1 : match.start()]
    after = text[match.end() : match.end() + 1]
    if match.group() == "-" and _is_letter(before) and _is_letter(after):
        return []
    if set(match.group()) == {"~"}:
        return []
    return [_Unit("-", None, False, False, start, end)]


def _sign(character: str, start: int, end: int, unknown: list[str]) -> list[_Unit]:
    """Punctuation, a sign that has a name, or nothing; characters that nobody can read are noted in `unknown`."""
    if character in PUNCTUATION:
        return [_Unit(character, None, False, False, start, end)]
    if character in _PAUSING_BRACKETS:
        return [_Unit(",", None, False, False, start, end)]
    name = name_of_symbol(character)
    if name:
        return [_Unit(word, phones_of(word), True, False, start, end) for word in name.split()]
    if character not in _IGNORED:
        unknown.append(character)
    return []


def _one_punctuation_each(units: list[_Unit]) -> list[_Unit]:
    """Keep the strongest of every run of punctuation; none at the start of the text."""
    kept: list[_Unit] = []
    for unit in units:
        if unit.is_word:
            kept.append(unit)
        elif kept and kept[-1].is_word:
            kept.append(unit)
        elif kept and _STRENGTH.index(unit.text) < _STRENGTH.index(kept[-1].text):
            kept[-1] = unit
    return kept


def _vowel_after_the(units: list[_Unit]) -> list[_Unit]:
    """'the' is DH IY0 before a vowel."""
    result = list(units)
    for index, (unit, following) in enumerate(zip(units, units[1:], strict=False)):
        if unit.text == "the" and not unit.forced and following.phones and starts_with_vowel(following.phones):
            result[index] = _Unit(unit.text, ("DH", "IY0"), True, False, unit.start, unit.end)
    return result


def _assemble(units: list[_Unit], spelled: list[bool], normalised: str, warnings: tuple[str, ...]) -> TextPieces:
    """Pieces of the units in order, with a space piece wherever two words meet."""
    pieces: list[str] = []
    words: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    word_texts: list[str] = []
    previous_is_word = False
    for unit, in_letters in zip(units, spelled, strict=True):
        new = list(unit.phones) if unit.phones and not in_letters else [c for c in unit.text if c in LETTERS]
        index = NO_WORD
        if unit.is_word:
            index = len(word_texts)
            word_texts.append(unit.text)
            if previous_is_word:
                pieces.append(SPACE)
                words.append(NO_WORD)
                starts.append(unit.start)
                ends.append(unit.start)
        else:
            new = [unit.text]
        pieces += new
        words += [index] * len(new)
        starts += [unit.start] * len(new)
        ends += [unit.end] * len(new)
        previous_is_word = unit.is_word
    return TextPieces(
        pieces=tuple(pieces),
        words=tuple(words),
        word_texts=tuple(word_texts),
        starts=tuple(starts),
        ends=tuple(ends),
        normalised=normalised,
        warnings=warnings,
    )
