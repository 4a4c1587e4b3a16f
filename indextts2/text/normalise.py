"""Normaliser of the official text kind (docs/spec/text.md#normalisation).

In compatible mode it does exactly what the reference does. Otherwise it corrects what the reference gets wrong; every
such place says so, and tests/text/test_normalise.py has one test for each.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping

from .annotations import ANNOTATION
from .chinese import fold_accents, is_meant_as_pinyin, read_chinese, takes_chinese
from .english_expand import LETTER_NAMES, expand, spelled_letters
from .expander import Expander, plain_digits
from .kinds.marks import left_out_warning
from .pinyin import PINYIN, is_pinyin, official_spelling
from .pronounce import parse_reading
from .tracked import TrackedText

logger = logging.getLogger(__name__)

Glossary = Mapping[str, "str | Mapping[str, str]"]
"""Term to its reading, or to readings by language: {"M.2": {"en": "M dot two", "zh": "M 二"}}."""

_HAN = "\u4e00-\u9fff"
_HAS_HAN = re.compile(f"[{_HAN}]")
_HAS_LETTER = re.compile("[a-zA-Z]")
_EMAIL = re.compile(r"[a-zA-Z0-9]+@[a-zA-Z0-9]+\.[a-zA-Z]+")
_CONTRACTION = r"(what|where|who|which|how|there|here|it|she|he|that|this)'s"
_CONTRACTION_REFERENCE = re.compile(_CONTRACTION, re.IGNORECASE)
_CONTRACTION_WORD = re.compile(rf"(?<![a-zA-Z]){_CONTRACTION}(?![a-zA-Z])", re.IGNORECASE)
_TECHNICAL = re.compile(r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]-)((?:\d+-)*\d*)([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+)")
_HYPHEN_MARK = "<H>"
_HYPHEN_RESTORED = re.compile(r"(?<!\s)\s*<H>\s*")
_NAME = re.compile(f"(?<![{_HAN}])[{_HAN}]+(?:[-·—]{{1,2}}[{_HAN}]+){{1,2}}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\ufeff]")
_MAP = {
    "：": ",", "；": ",", ";": ",", "，": ",", "、": ",", ":": ",", "。": ".", "！": "!", "？": "?", "\n": " ",
    "·": "-", "—": "-", "～": "-", "~": "-", "...": "…", ",,,": "…", "……": "…", "“": "'", "”": "'", "‘": "'", "’": "'",
    '"': "'", "(": "'", ")": "'", "（": "'", "）": "'", "《": "'", "》": "'", "【": "'", "】": "'", "[": "'", "]": "'",
    "「": "'", "」": "'",
}  # fmt: skip
_CHARACTERS = re.compile("|".join(re.escape(key) for key in _MAP))
_CHINESE_MAP = {"$": ".", **_MAP}
_CHINESE_CHARACTERS = re.compile("|".join(re.escape(key) for key in _CHINESE_MAP))
_CHUNK_END = re.compile(
    r"[。！？；\n]+|(?<![!?])[!?]+(?=\s)|(?:(?<=[a-z]{3})|(?<=\d))\.(?=\s+[A-Z])|[，、](?!\d)|(?<=[A-Za-z]),(?=\s+[A-Za-z])"
)
"""Places where a text may be cut before its numbers are expanded: expanders are slow on long texts."""

_TAKEN = re.compile(r"(?:[$£€¥]\s?)?\d+(?:[.,:/]\d+)*\s?(?:%|℃|°C|[A-Za-z]+|[年月日点分秒元块度号])?")
"""A number with what belongs to it, which every expander takes."""

_NOTHING_TO_EXPAND = re.compile(r"[A-Za-z\s,!?;'<>_-]*\.?\s*")
_MARKS = re.compile(r"<\|[^|<>\n]*\|>")  # of vocabularies that have them
_LETTERS = re.compile(f"{LETTER_NAMES}+")
_SHOWN = 60  # characters of a text quoted in a warning
_TRAILING_BLANK = re.compile(r"(?<!\s)\s+$")


def map_characters(tracked: TrackedText) -> None:
    """Punctuation that a vocabulary lacks becomes punctuation that it has."""
    tracked.sub(_CHARACTERS, lambda match: _MAP[match.group()])


def takes_chinese_path(text: str) -> bool:
    """Whether a text, its annotations hidden, is normalised as Chinese (docs/spec/text.md#language-decision)."""
    return bool(_HAS_HAN.search(text) or not _HAS_LETTER.search(text) or _EMAIL.fullmatch(text) or PINYIN.search(text))


class Protected:
    """Pieces of text that hide behind placeholders while numbers are expanded."""

    def __init__(self, prefix: str, suffix: str) -> None:
        self._prefix = prefix
        self._suffix = suffix
        self._hidden: dict[str, str] = {}

    def hide(self, content: str) -> str:
        """The placeholder of a content; the same content has the same placeholder."""
        if content not in self._hidden:
            self._hidden[content] = self._prefix + _letters(len(self._hidden)) + self._suffix
        return self._hidden[content]

    def restore(self, tracked: TrackedText) -> None:
        """Put the contents back."""
        if self._hidden:
            contents = {placeholder: content for content, placeholder in self._hidden.items()}
            longest_first = sorted(contents, key=len, reverse=True)
            pattern = re.compile("|".join(re.escape(placeholder) for placeholder in longest_first))
            tracked.sub(pattern, lambda match: contents[match.group()])


def _letters(number: int) -> str:
    """0 -> a, 25 -> z, 26 -> aa."""
    text = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def _template(reading: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match.expand(reading)


class OfficialNormaliser:
    """Text to the punctuation, case and number forms the official vocabulary was trained on.

    keep_annotations: leave `<word|reading>` to a later step, for a vocabulary that reads phonemes.
    """

    def __init__(self, expander: Expander, *, compatible: bool = False, keep_annotations: bool = False) -> None:
        self._expander = expander
        self._compatible = compatible
        self._keep_annotations = keep_annotations

    def __call__(self, text: str, glossary: Glossary | None = None) -> str:
        """The normalised text."""
        tracked = TrackedText(text)
        self.normalise(tracked, glossary)
        return tracked.text

    def normalise(self, tracked: TrackedText, glossary: Glossary | None = None, language: str = "") -> tuple[str, ...]:
        """Rewrite in place; returns warnings. language: "en" or "zh"; "" is seen in the text."""
        warnings: list[str] = []
        if not self._compatible:
            tracked.sub(_CONTROL, lambda match: "\n" if match.group() == "\n" else " ")
            if not self._keep_annotations:
                tracked.sub(ANNOTATION, lambda match: self._reading(match, warnings))
        annotations = Protected("QZXANNOT", "QZX")
        tracked.sub(ANNOTATION, lambda match: annotations.hide(match.group()))
        path = takes_chinese_path if self._compatible else takes_chinese
        chinese = language == "zh" if language else path(tracked.text)
        # The reference has no word boundary and makes "rabbit's" of every "...it's" a "rabbit is".
        contraction = _CONTRACTION_REFERENCE if self._compatible else _CONTRACTION_WORD
        tracked.sub(contraction, lambda match: match.group(1) + " is")
        self.apply_glossary(tracked, glossary or {}, "zh" if chinese else "en")
        if chinese or self._compatible:
            tracked.sub(_TECHNICAL, lambda match: match.group(1) + match.group(2).replace("-", _HYPHEN_MARK))
        names, pinyin = Protected("<n_", ">"), Protected("<pinyin_", ">")
        if chinese:
            tracked.sub(_TRAILING_BLANK, "")
            tracked.sub(PINYIN, lambda match: self._hidden_pinyin(match, pinyin))
            tracked.sub(_NAME, lambda match: names.hide(match.group()))
        self._expand(tracked, chinese, warnings)
        names.restore(tracked)
        pinyin.restore(tracked)
        tracked.sub(_HYPHEN_RESTORED, "-")
        if chinese:
            tracked.sub(_CHINESE_CHARACTERS, lambda match: _CHINESE_MAP[match.group()])
        else:
            map_characters(tracked)
        annotations.restore(tracked)
        return tuple(warnings)

    def _hidden_pinyin(self, match: re.Match[str], pinyin: Protected) -> str:
        if not (self._compatible or is_meant_as_pinyin(match)):
            return match.group()
        return pinyin.hide(official_spelling(match.group(), compatible=self._compatible))

    def _reading(self, match: re.Match[str], warnings: list[str]) -> str:
        """Reading of an annotation that the 2.0 vocabulary has: pinyin, or a respelling in words."""
        word, reading = match.group(1), match.group(2).strip()
        if is_pinyin(reading):
            return reading
        if parse_reading(reading):
            warnings.append(f"This checkpoint has no CMU phonemes; '{word}' is read as it is written.")
            return word
        return reading

    def apply_glossary(self, tracked: TrackedText, glossary: Glossary, language: str) -> None:
        """Longest terms first, upper or lower case alike."""
        readings: dict[str, str] = {}
        for term in sorted(glossary, key=len, reverse=True):
            value = glossary[term]
            reading = value if isinstance(value, str) else value.get(language, term)
            if self._compatible:
                # The reference uses the reading as a template, in which a backslash is special.
                tracked.sub(re.compile(re.escape(term), re.IGNORECASE), _template(reading))
            else:
                readings.setdefault(term.lower(), reading)
        if readings:
            pattern = re.compile("|".join(re.escape(term) for term in readings), re.IGNORECASE)
            tracked.sub(pattern, lambda match: readings.get(match.group().lower(), match.group()))

    def _expand(self, tracked: TrackedText, chinese: bool, warnings: list[str]) -> None:
        """Numbers to words: the whole text at once as the reference does, or sentence by sentence."""
        if self._compatible:
            lost = "" if chinese else tracked.text  # what the reference makes of an expander's error
            tracked.replace(0, len(tracked.text), self._expanded(tracked.text, chinese, lost, warnings))
            return
        if not chinese:  # by our own kinds; the reference's expander leaves much of ordinary English alone
            left_out: list[str] = []
            marks = Protected("QZXMARK", "QZX")
            tracked.sub(_MARKS, lambda match: marks.hide(match.group()))
            expand(tracked, left_out, capitals=False)
            marks.restore(tracked)
            tracked.sub(_LETTERS, lambda match: spelled_letters(match.group()))
            warnings += left_out_warning(left_out)
            return
        read_chinese(tracked)
        fold_accents(tracked)
        ends = [match.end() for match in _CHUNK_END.finditer(tracked.text)]
        bounds = sorted({0, *ends, len(tracked.text)})
        for begin, end in reversed(list(zip(bounds, bounds[1:], strict=False))):
            chunk = tracked.text[begin:end]
            core = chunk.strip()
            if core and not _NOTHING_TO_EXPAND.fullmatch(core):
                begin += len(chunk) - len(chunk.lstrip())
                tracked.replace(begin, begin + len(core), self._expanded(core, chinese, core, warnings))

    def _expanded(self, text: str, chinese: bool, otherwise: str, warnings: list[str]) -> str:
        try:
            return self._expander(text, chinese)
        except Exception as error:  # any package may stand behind an expander, and raise what it likes
            logger.debug("number expansion failed on %r", text, exc_info=error)
        if self._compatible:
            warnings.append(f"Numbers and dates could not be read out in: {text[:_SHOWN]}")
            return otherwise
        return _TAKEN.sub(lambda match: self._one_by_one(match.group(), chinese, warnings), text)

    def _one_by_one(self, run: str, chinese: bool, warnings: list[str]) -> str:
        """A number alone, away from the signs the expander cannot take; by plain digits where it still fails."""
        try:
            return self._expander(run, chinese)
        except Exception as error:
            logger.debug("number expansion failed on %r", run, exc_info=error)
        warnings.append(f"Read as a plain number, as the number expander failed on it: {run[:_SHOWN]}")
        return plain_digits(run, chinese)
