"""Syllables are counted low rather than high, and no text is said faster than they can be."""

from __future__ import annotations

import pytest

from indextts2.text.syllables import BEGINNING, FASTEST_SYLLABLE, shortest_seconds, syllable_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Hi.", 1),
        ("fine", 1),
        ("table", 2),
        ("tomorrow", 3),
        ("queue", 1),
        ("rhythm", 1),
        ("Hmm", 1),
        ("don't stop", 2),
        ("你好", 2),
        ("東京", 2),
        ("きゃっと", 2),
        ("안녕", 2),
        ("привет", 2),
        ("café", 2),
        ("42", 2),
        ("", 0),
        ("… - !", 0),
    ],
)
def test_syllables_of_words_in_several_scripts(text, count):
    assert syllable_count(text) == count


def test_the_shortest_time_grows_with_the_syllables_and_is_none_without_words():
    assert shortest_seconds("Hi.") == pytest.approx(BEGINNING + FASTEST_SYLLABLE)
    assert shortest_seconds("Impossible!") > shortest_seconds("Hello.") > shortest_seconds("Hi.")
    assert shortest_seconds("...") == 0.0
