"""Word errors: what counts as one, and what must not."""

import pytest

from indextts2.evaluation.words import Edits, edits, error_rates, scoring_words, word_error_rate


@pytest.mark.parametrize(
    ("asked", "heard"),
    [
        ("It costs twenty five dollars.", "it costs $25"),
        ("It costs four dollars and fifty cents".replace(" and", ""), "It costs $4.50."),
        ("We won't go, and they can't.", "We will not go and they cannot"),
        ("I'm sure you've heard it's hers.", "I am sure you have heard it is hers"),
        ("The twenty first of May", "The 21st of May"),
        ("one thousand two hundred thirty four", "1,234"),
        ("Two hundred and six bones", "206 bones"),
        ("in nineteen ninety nine", "In 1999"),
        ("at eight thirty", "at 8:30"),
        ("at eight oh five", "at 8:05"),
        ("three point one four", "3.14"),
        ("ten percent", "10%"),
        ("a well-kept gray postbox", "A well kept grey post box!"),
        ("Mister Smith said okay", "Mr. Smith said: 'OK'"),
        ("It\u2019s here", "it's here"),
        ("agent zero zero seven", "agent 007"),
    ],
)
def test_ways_of_writing_the_same_words_are_no_errors(asked, heard):
    assert word_error_rate([(asked, heard)]) == 0.0


def test_one_wrong_word_of_four_is_a_quarter():
    assert word_error_rate([("the dog barks loudly", "the fog barks loudly")]) == 0.25


def test_substitutions_deletions_and_insertions_are_told_apart():
    assert edits("a b c d".split(), "a x c d".split()) == Edits(1, 0, 0, 4)
    assert edits("a b c d".split(), "a c d".split()) == Edits(0, 1, 0, 4)
    assert edits("a b c d".split(), "a b b c d".split()) == Edits(0, 0, 1, 4)
    assert edits([], ["a"]) == Edits(0, 0, 1, 0)


def test_errors_are_pooled_over_utterances_not_averaged():
    rates = error_rates([("one word", "one bird"), ("a sentence of six good words", "a sentence of six good words")])
    assert rates.word_error_rate == pytest.approx(1 / 8)
    assert rates.utterances == 2 and 0.0 < rates.character_error_rate < rates.word_error_rate


def test_nothing_heard_counts_every_word_as_lost():
    assert word_error_rate([("all of it is lost", "")]) == 1.0


def test_something_heard_where_nothing_was_asked_is_an_error():
    assert word_error_rate([("", "hello")]) == 1.0 and word_error_rate([("", "")]) == 0.0


def test_a_word_written_as_two_is_no_error_beside_a_real_one():
    rates = error_rates([("a postman came today", "the post man came to-day")])
    assert rates.words == Edits(1, 0, 0, 4)
    assert rates.characters.errors > 0


def test_a_pair_that_both_sides_write_apart_stays_apart():
    assert word_error_rate([("to day and today", "to day and today")]) == 0.0


def test_and_is_dropped_in_numbers_only():
    assert scoring_words("bread and butter") == ["bread", "and", "butter"]
