"""Spanish numbers, money, times, dates and ordinals are read as a person reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts2.text.spanish import read_numbers
from indextts2.text.spanish_numbers import FEMININE, MASCULINE, cardinal, ordinal
from indextts2.text.tracked import TrackedText

TABLE = Path(__file__).with_name("readings_spanish.txt")
MARK = " => "
ROWS = [line.split(MARK) for line in TABLE.read_text(encoding="utf-8").splitlines()]


def said(text: str) -> str:
    tracked = TrackedText(text)
    read_numbers(tracked)
    assert len(tracked.starts) == len(tracked.ends) == len(tracked.text)
    return tracked.text


@pytest.mark.parametrize(("written", "spoken"), ROWS, ids=[written for written, _ in ROWS])
def test_a_kind_of_writing_is_read_as_a_person_reads_it(written, spoken):
    assert said(written) == spoken
    assert said(f"Bueno, {written}.").startswith("Bueno, ")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text("0123456789.,:/-–€$%ºª kmhap´s\n"))
def test_no_digit_is_left_whatever_is_written(text):
    assert not any(character.isdigit() for character in said(text))


def test_a_long_row_of_digits_and_signs_is_read_in_time():
    assert said("1.234," * 5_000 + "x" + "12/" * 5_000)


@pytest.mark.parametrize(
    ("number", "form", "words"),
    [
        (21, MASCULINE, "veintiún"),
        (31, FEMININE, "treinta y una"),
        (200, FEMININE, "doscientas"),
        (21_000, FEMININE, "veintiuna mil"),
        (21_000_000, FEMININE, "veintiún millones"),
        (1_000, MASCULINE, "mil"),
        (100, FEMININE, "cien"),
    ],
)
def test_a_number_takes_the_form_of_what_it_counts(number, form, words):
    assert cardinal(number, form) == words


def test_ordinals_end_where_people_count_on_with_cardinals():
    assert ordinal(13, feminine=True) == "décima tercera" and ordinal(100) is None and ordinal(0) is None
