"""The tables of docs/glossary.md: words, units of numbers, words that are not used, names that were replaced."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"


@cache
def first_column(section: str) -> tuple[str, ...]:
    """Words of the first column of a section's table, without their marks."""
    (body,) = re.findall(
        rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    cells = re.findall(r"^\| (.+?) \|", body, re.MULTILINE)[1:]
    return tuple(word.strip('`" ') for cell in cells for word in re.split(r", (?![^(]*\))", cell))


@cache
def units() -> re.Pattern[str]:
    """Any of the units, in singular or plural, or an explained 0 or 1."""
    words = {form for word in first_column("Units") for form in (word, word.removesuffix("s"))}
    return re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, words)))}|0|1)\b", re.IGNORECASE)


@cache
def unused() -> re.Pattern[str]:
    """Any of the words that are not used."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, first_column('Words that are not used')))})\b", re.IGNORECASE)


@cache
def replaced() -> re.Pattern[str]:
    """Any of the names that were replaced."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, first_column('Names that were replaced')))})\b")
