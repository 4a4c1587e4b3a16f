"""Word and character errors between what was asked and what a recogniser heard, after a fair normalisation.

Both sides are normalised alike, so that spelling habits of the recogniser (digits, contractions, hyphens, British
spelling) are not counted as mistakes of the speech.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..text.english_numbers import cardinal, digits, ordinal, year

_CONTRACTIONS = {
    "won't": "will not",
    "can't": "can not",
    "cannot": "can not",
    "shan't": "shall not",
    "ain't": "is not",
    "let's": "let us",
    "it's": "it is",
    "that's": "that is",
    "what's": "what is",
    "there's": "there is",
    "here's": "here is",
    "where's": "where is",
    "who's": "who is",
    "how's": "how is",
    "he's": "he is",
    "she's": "she is",
    "gonna": "going to",
    "gotta": "got to",
    "wanna": "want to",
    "o'clock": "oclock",
    "ma'am": "madam",
    "y'all": "you all",
}
_ENDINGS = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'m", " am"), ("'d", " would"))
_SPELLINGS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "st": "saint",
    "ok": "okay",
    "alright": "all right",
    "grey": "gray",
    "colour": "color",
    "favour": "favor",
    "neighbour": "neighbor",
    "neighbours": "neighbors",
    "harbour": "harbor",
    "honour": "honor",
    "labour": "labor",
    "theatre": "theater",
    "centre": "center",
    "travelled": "traveled",
    "travelling": "traveling",
    "realise": "realize",
    "realised": "realized",
    "towards": "toward",
    "pyjamas": "pajamas",
    "tonne": "ton",
    "cheque": "check",
    "programme": "program",
    "storey": "story",
    "anytime": "any time",
    "everyday": "every day",
}
_YEARS = range(1100, 2100)  # four bare digits in this range are read as a year
_MONEY = re.compile(r"([$£€])(\d[\d,]*)(?:\.(\d\d))?")
_CURRENCY = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
_CLOCK = re.compile(r"\b(\d{1,2}):(\d\d)\b")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_DECIMAL = re.compile(r"\b(\d+)\.(\d+)\b")
_THOUSANDS = re.compile(r"\b\d{1,3}(?:,\d{3})+\b")
_NUMBER = re.compile(r"\d+")


def _plural(count: int, word: str) -> str:
    return word if count == 1 else {"penny": "pence"}.get(word, word + "s")


def _money(match: re.Match[str]) -> str:
    whole, part = int(match.group(2).replace(",", "")), int(match.group(3) or 0)
    large, small = _CURRENCY[match.group(1)]
    words = f"{cardinal(whole)} {_plural(whole, large)}"
    return f" {words} {cardinal(part)} {_plural(part, small)} " if part else f" {words} "


def _clock(match: re.Match[str]) -> str:
    hour, minute = int(match.group(1)), int(match.group(2))
    rest = "" if minute == 0 else f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
    return f" {cardinal(hour)}{rest} "


def _number(match: re.Match[str]) -> str:
    text = match.group()
    if len(text) == 4 and int(text) in _YEARS:
        return f" {year(int(text))} "
    if text.startswith("0") and len(text) > 1:
        return f" {digits(text)} "
    return f" {cardinal(int(text))} "


def _expand_word(word: str) -> str:
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word]
    for ending, words in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return word[: -len(ending)] + words
    return _SPELLINGS.get(word, word)


def scoring_words(text: str) -> list[str]:
    """The words of an English text as they are compared: lower case, numbers and contractions written out."""
    text = text.lower().replace("\u2019", "'").replace("\u2018", "'").replace("%", " percent ").replace("&", " and ")
    text = _MONEY.sub(_money, text)
    text = _THOUSANDS.sub(lambda match: f" {cardinal(int(match.group().replace(',', '')))} ", text)
    text = _ORDINAL.sub(lambda match: f" {ordinal(int(match.group(1)))} ", _CLOCK.sub(_clock, text))
    text = _DECIMAL.sub(lambda match: f" {cardinal(int(match.group(1)))} point {digits(match.group(2))} ", text)
    text = re.sub(r"[^a-z' ]", " ", _NUMBER.sub(_number, text))
    words = (word.strip("'") for word in text.split())
    expanded = " ".join(_expand_word(word) for word in words if word)
    kept = [word.replace("'", "") for word in expanded.split()]
    return [word for place, word in enumerate(kept) if not _is_number_and(kept, place)]


def _is_number_and(words: Sequence[str], place: int) -> bool:
    """The "and" of "two hundred and six", which some speakers leave out."""
    return (
        words[place] == "and" and place > 0 and words[place - 1] in ("hundred", "thousand") and place + 1 < len(words)
    )


@dataclass(frozen=True, slots=True)
class Edits:
    """Edit counts of one alignment; they add up with `+`."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference: int = 0

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference + other.reference,
        )

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per reference symbol; 0 for two empty texts, 1 when something was heard where nothing was asked."""
        if self.reference == 0:
            return float(self.errors > 0)
        return self.errors / self.reference


def edits(reference: Sequence[str], heard: Sequence[str]) -> Edits:
    """The cheapest edits from reference to heard, each costing one (Levenshtein)."""
    row = [(count, 0, 0, count) for count in range(len(heard) + 1)]  # (cost, substitutions, deletions, insertions)
    for wanted in reference:
        previous, row = row, [(row[0][0] + 1, row[0][1], row[0][2] + 1, row[0][3])]
        for place, got in enumerate(heard):
            cost, changed, lost, added = previous[place]
            if wanted == got:
                row.append((cost, changed, lost, added))
                continue
            above, left = previous[place + 1], row[place]
            row.append(
                min(
                    (cost + 1, changed + 1, lost, added),
                    (above[0] + 1, above[1], above[2] + 1, above[3]),
                    (left[0] + 1, left[1], left[2], left[3] + 1),
                )
            )
    _, changed, lost, added = row[-1]
    return Edits(changed, lost, added, len(reference))


def joined_like(words: Sequence[str], other: Sequence[str]) -> list[str]:
    """Two neighbours that the other side writes as one word become that word: "post man" and "postman" are the same."""
    known, pairs = set(other), set(pairwise(other))
    joined: list[str] = []
    place = 0
    while place < len(words):
        pair = tuple(words[place : place + 2])
        if len(pair) == 2 and "".join(pair) in known and pair not in pairs:
            joined.append("".join(pair))
            place += 2
        else:
            joined.append(words[place])
            place += 1
    return joined


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Over a set of utterances: all errors divided by all reference symbols."""

    words: Edits
    characters: Edits
    utterances: int

    @property
    def word_error_rate(self) -> float:
        return self.words.rate

    @property
    def character_error_rate(self) -> float:
        return self.characters.rate


def error_rates(pairs: Iterable[tuple[str, str]]) -> ErrorRates:
    """Errors of (asked, heard) pairs, both normalised. Characters are compared without the blanks."""
    words, characters, utterances = Edits(), Edits(), 0
    for asked, heard in pairs:
        wanted, got = scoring_words(asked), scoring_words(heard)
        characters += edits("".join(wanted), "".join(got))
        words += edits(joined_like(wanted, got), joined_like(got, wanted))
        utterances += 1
    return ErrorRates(words, characters, utterances)


def word_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Word error rate over (asked, heard) pairs."""
    return error_rates(pairs).word_error_rate
