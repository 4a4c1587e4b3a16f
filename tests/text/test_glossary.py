"""Glossaries as people write them."""

from __future__ import annotations

import pytest

from indextts2.errors import TextError
from indextts2.text.glossary import LONGEST_READING, check_glossary, joined_glossary, parse_glossary


def test_lines_become_readings_and_comments_are_left_out():
    text = "# names\nComfyUI = comfy U I\n\n  M.2=M dot two  \nM.2 [zh] = M 二"
    assert parse_glossary(text) == {"ComfyUI": "comfy U I", "M.2": {"en": "M dot two", "zh": "M 二"}}


def test_a_reading_of_one_language_leaves_the_other_alone():
    assert parse_glossary("行 [zh] = hang2") == {"行": {"zh": "hang2"}}


def test_a_reading_may_hold_an_equals_sign_and_the_later_line_wins():
    assert parse_glossary("a = b = c\nx = 1\nx = 2") == {"a": "b = c", "x": "2"}


@pytest.mark.parametrize("line", ["no sign", "= reading", "term =", "[en] = x"])
def test_a_line_that_cannot_be_read_is_named(line):
    with pytest.raises(TextError, match="Line 2"):
        parse_glossary(f"fine = yes\n{line}")


def test_the_second_of_two_joined_glossaries_wins():
    assert joined_glossary({"a": "1", "b": "2"}, {"b": "3"}) == {"a": "1", "b": "3"}


def test_a_reading_that_a_text_could_multiply_is_refused_with_its_line():
    at_most = "a" * LONGEST_READING
    assert parse_glossary(f"x = {at_most}") == {"x": at_most}
    with pytest.raises(TextError, match="Line 2 of the glossary reads 'x' with 201 characters"):
        parse_glossary(f"fine = yes\nx = {at_most}a")


@pytest.mark.parametrize("long", ["a" * 201, {"en": "fine", "zh": "a" * 20_000}])
def test_a_long_reading_given_from_python_is_refused_before_any_text_is_read(long):
    with pytest.raises(TextError, match="200 are allowed"):
        check_glossary({"fine": "yes", "x": long})
