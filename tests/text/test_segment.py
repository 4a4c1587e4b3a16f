"""The splitter: nothing lost, nothing twice, nothing too long, and even lengths."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts2.text.segment import english_breaks, even_segments, official_breaks, reference_segments

PIECES = st.lists(
    st.sampled_from(["▁w", "x", "▁", ",", "▁,", "-", ".", "▁.", "!", "▁!", "?", "'", "▁'", "…"]), max_size=200
)
LIMITS = st.integers(min_value=1, max_value=60)


def cut(pieces, limit, breaks=official_breaks):
    return [list(segment) for segment in even_segments(breaks(pieces), limit)]


@settings(max_examples=300, deadline=None)
@given(PIECES, LIMITS)
@pytest.mark.parametrize("breaks", [official_breaks, english_breaks])
def test_segments_deserialize_equal_the_input_and_none_exceeds_the_limit(breaks, pieces, limit):
    segments = cut(pieces, limit, breaks)
    assert [index for segment in segments for index in segment] == list(range(len(pieces)))
    assert all(0 < len(segment) <= limit for segment in segments)


@settings(max_examples=300, deadline=None)
@given(PIECES, st.integers(min_value=3, max_value=60))
def test_reference_segments_lose_nothing_either(pieces, limit):
    segments, _ = reference_segments(pieces, limit)
    indices = [index for segment in segments for index in segment]
    assert list(dict.fromkeys(indices)) == list(range(len(pieces)))
    assert all(len(segment) <= limit + 1 for segment in segments)


def test_the_apostrophe_after_a_stop_is_not_doubled():
    pieces = ["▁A", "▁B", "▁C", ".", "'", "▁D", "▁E", "."]
    assert len(reference_segments(pieces, 30)[0][0]) == len(pieces) + 1
    assert cut(pieces, 30) == [list(range(len(pieces)))]


def test_a_closing_quotation_mark_stays_with_its_sentence():
    pieces = ["▁A"] * 10 + [".", "'"] + ["▁B"] * 10 + ["."]
    assert [len(segment) for segment in cut(pieces, 14)] == [12, 11]


def test_a_long_run_without_punctuation_gives_even_chunks_and_no_single_pieces():
    pieces = ["▁w"] * 300
    assert [len(segment) for segment in reference_segments(pieces, 120)[0]] == [120, 1, 120, 59]
    assert [len(segment) for segment in cut(pieces, 120)] == [100, 100, 100]


def test_one_word_more_than_the_limit_gives_no_one_word_tail():
    lengths = [len(segment) for segment in cut(["▁w"] * 121, 120)]
    assert len(lengths) == 2 and min(lengths) >= 60


def test_a_short_last_sentence_does_not_leave_a_tail_when_a_better_cut_exists():
    pieces = (["▁w"] * 39 + ["."]) * 3 + ["▁yes", "."]
    assert [len(segment) for segment in cut(pieces, 120)] == [80, 42]


def test_sentences_are_preferred_to_commas_and_commas_to_words():
    pieces = ["▁w"] * 20 + ["."] + ["▁w"] * 10 + [","] + ["▁w"] * 10 + ["."]
    assert [len(segment) for segment in cut(pieces, 30)] == [21, 22]
    pieces = ["▁w"] * 20 + [","] + ["▁w"] * 20
    assert [len(segment) for segment in cut(pieces, 30)] == [21, 20]


def test_words_are_only_cut_when_one_alone_exceeds_the_limit():
    pieces = ["▁a", "b", "c"] * 20
    assert all(pieces[segment[0]] == "▁a" for segment in cut(pieces, 10))
    assert [len(segment) for segment in cut(["▁a"] + ["b"] * 29, 10)] == [10, 10, 10]


def test_an_exclamation_mark_ends_a_sentence_as_well():
    pieces = ["▁w"] * 10 + ["▁!"] + ["▁w"] * 10
    assert [len(segment) for segment in cut(pieces, 15)] == [11, 10]


def test_english_segments_carry_no_space_at_a_cut(english):
    pieces = english.pieces("one two three four five six seven eight").pieces
    segments = english.split(pieces, 10)
    assert len(segments) > 1
    assert all(pieces[segment[0]] != "▁" and pieces[segment[-1]] != "▁" for segment in segments)
