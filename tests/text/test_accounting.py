"""Nothing of a text is lost without a word: every letter, number and symbol is spoken or named in a warning."""

from __future__ import annotations

import functools
import random
import unicodedata

import pytest

from indextts2.cli.text import describe
from indextts2.errors import TextError
from indextts2.loading.checkpoint import open_checkpoint
from indextts2.loading.find import mini_folder
from indextts2.stages.prepare_text import prepare_text
from indextts2.text.pieces import is_invisible

from .test_readings import ROWS

LINES = 1200  # a bounded part of the hundred thousand that were tried
SIGNS = "$£€¥%&@#*/\\+=<>~^|°²³½⅛⁴×÷±≤→©™_`'\"“”‘’–—-…·•!?.,;:()[]{}«» \n\t"
PARTS = [word for _, written, _ in ROWS for word in written.split(" ")]
WORDS = "the a I John Dr. St. U.S. p.m. May Sat. etc. vs. No. MIX IV US AM x m in km Rev. é 你好 😀".split()


@pytest.fixture(scope="module")
def mini():
    return open_checkpoint(mini_folder())


def made_line(dice: random.Random) -> str:
    """Words, numbers, signs and pieces of the tables in any order, and sometimes any characters at all."""
    parts = []
    for _ in range(dice.randint(1, 12)):
        kind = dice.randrange(6)
        if kind == 0:
            parts.append(dice.choice(PARTS))
        elif kind == 1:
            parts.append(dice.choice(WORDS))
        elif kind == 2:
            parts.append(str(dice.randrange(10 ** dice.randint(1, 9))))
        elif kind == 3:
            parts.append("".join(dice.choices(SIGNS, k=dice.randint(1, 3))))
        elif kind == 4:
            parts.append("".join(dice.choices("abcdefgXYZ0123456789.,:/-$%", k=dice.randint(1, 8))))
        else:
            parts.append("".join(chr(dice.choice((dice.randrange(32, 0x250), dice.randrange(0x2000, 0x3100))))
                                 for _ in range(dice.randint(1, 3))))  # fmt: skip
    return "".join(part + dice.choice(["", " ", " ", " "]) for part in parts)


def lost(text: str, pieces) -> str:
    """Letters, numbers and symbols that no piece stands for and no warning names."""
    heard = bytearray(len(text))
    for start, end in zip(pieces.starts, pieces.ends, strict=True):
        heard[start:end] = b"\x01" * (end - start)
    named = " ".join(pieces.warnings)
    if "and others" in named:
        return ""
    return "".join(
        character
        for index, character in enumerate(text)
        if not heard[index]
        and unicodedata.category(character)[0] in "LNS"
        and not is_invisible(character)
        and not {character, *unicodedata.normalize("NFKD", character)} & set(named)
        and character not in QUOTES
    )


QUOTES = frozenset("`´|⁄∕−")

"""Quotation marks, strokes and dashes in other writing, and a bar, which is a pause."""


@pytest.mark.parametrize("text", [written for _, written, _ in ROWS])
def test_no_character_of_a_reading_is_lost_without_a_warning(english, text):
    assert lost(text, english.pieces(text)) == ""


def test_no_character_of_many_made_lines_is_lost_and_none_gives_an_error(english):
    dice = random.Random(17)
    for _ in range(LINES):
        text = made_line(dice)
        pieces = english.pieces(text)
        assert lost(text, pieces) == "", (text, pieces.word_texts, pieces.warnings)


def test_the_text_command_describes_made_lines_without_a_traceback(english, mini):
    dice = random.Random(18)
    for _ in range(LINES // 10):
        text = made_line(dice)
        try:
            result = describe(prepare_text(english, text), mini)
        except TextError as error:
            assert len(str(error)) > 20
            continue
        assert set(result) == {"segments", "seconds", "warnings"}
        assert all(segment["tokens"] > 0 and segment["spoken"] for segment in result["segments"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_made_lines_lose_nothing_and_give_no_error(english, mini, seed, monkeypatch):
    """Each line is read once: what was counted is what is then described."""
    once = functools.lru_cache(maxsize=4)(english.pieces)
    monkeypatch.setattr(english, "pieces", lambda text, glossary=None, *, language="": once(text))
    dice = random.Random(1000 + seed)
    for _ in range(10_000):
        text = made_line(dice)
        assert lost(text, english.pieces(text)) == "", text
        try:
            result = describe(prepare_text(english, text), mini)
        except TextError as error:
            assert len(str(error)) > 20
            continue
        assert all(segment["tokens"] > 0 and segment["spoken"] for segment in result["segments"])
