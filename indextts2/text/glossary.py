"""A pronunciation glossary as people write it: one term a line."""

from __future__ import annotations

from ..errors import TextError, shortened
from .normalise import Glossary

COMMENT = "#"
LANGUAGES = ("en", "zh")
LONGEST_READING = 200
"""Characters of a reading: a term may stand anywhere in a text, each time with all of its reading."""


def parse_glossary(text: str) -> dict[str, str | dict[str, str]]:
    """Lines of `term = reading`, or `term [zh] = reading` for one language; # begins a comment line.

    A reading is other words, pinyin, or CMU phonemes, as the checkpoint's text front end takes them. Later lines win.
    Raises TextError naming the line that cannot be read.
    """
    plain: dict[str, str] = {}
    by_language: dict[str, dict[str, str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        left, equals, reading = line.partition("=")
        term, language = _language_of(left.strip())
        if not (equals and term and reading.strip()):
            raise TextError(
                f"Line {number} of the glossary, '{line.strip()}', should read 'term = reading'. Correct or remove it."
            )
        check_reading(term, reading.strip(), f"Line {number} of the glossary")
        if language:
            by_language.setdefault(term, {})[language] = reading.strip()
        else:
            plain[term] = reading.strip()
    glossary: dict[str, str | dict[str, str]] = dict(plain)
    for term, readings in by_language.items():
        others = {language: plain[term] for language in LANGUAGES} if term in plain else {}
        glossary[term] = others | readings
    return glossary


def check_reading(term: str, reading: str, source: str = "The glossary") -> None:
    """Raises TextError where a reading has more than LONGEST_READING characters."""
    if len(reading) > LONGEST_READING:
        raise TextError(
            f"{source} reads '{shortened(term, 80)}' with {len(reading):,} characters; {LONGEST_READING} are allowed. "
            "Shorten the reading, or write its words into the text."
        )


def check_glossary(glossary: Glossary) -> None:
    """Check every reading of a glossary; raises TextError like `check_reading`."""
    for term, value in glossary.items():
        for reading in (value,) if isinstance(value, str) else value.values():
            check_reading(term, reading)


def joined_glossary(first: Glossary, second: Glossary) -> Glossary:
    """Both glossaries; the second wins where a term stands in both."""
    return {**first, **second}


def _language_of(left: str) -> tuple[str, str]:
    """The term, and the language in brackets behind it, or none."""
    for language in LANGUAGES:
        mark = f"[{language}]"
        if left.lower().endswith(mark):
            return left[: -len(mark)].strip(), language
    return left, ""
