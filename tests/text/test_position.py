"""Position of words in a text, as keyframes of an emotion schedule take it."""

from __future__ import annotations

import pytest

from indextts2.errors import InputError
from indextts2.text.position import position_of


def test_the_position_is_the_fraction_of_the_text_before_the_words():
    assert position_of("abcd efgh.", "efgh") == 0.5


def test_case_is_ignored_and_occurrences_are_counted_even_where_they_overlap():
    assert position_of("Stop! stop! STOP", "stop", 3) == 12 / 16
    assert position_of("aaaa", "aa", 3) == 2 / 4


def test_letters_whose_lower_case_is_longer_do_not_shift_the_position():
    assert position_of("İİİİ now", "now") == 5 / 8


def test_signs_of_a_pattern_are_plain_text():
    assert position_of("Is it (a.b)?", "(a.b)") == 6 / 12


@pytest.mark.parametrize(
    ("words", "occurrence", "message"),
    [
        (" ", 1, "No words to look for"),
        ("door", 1, "does not occur in the text"),
        ("stop", 3, "occurs 2 times.* 1 to 2, but got 3"),
        ("stop", 0, "1 to 2, but got 0"),
    ],
)
def test_words_that_are_not_there_are_refused_by_name(words, occurrence, message):
    with pytest.raises(InputError, match=message):
        position_of("Stop, please stop.", words, occurrence)
