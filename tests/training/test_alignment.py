"""Where each text token sounds: spans from the teacher's timing, and what attention is asked to look at."""

from __future__ import annotations

import pytest

from indextts2.errors import TrainingError
from indextts2.training.data.alignment import (
    UNIT_SECONDS,
    align,
    attention_targets,
    spelled,
    spread_letters,
    timed_symbols,
)

RATE = 25.0


def seconds(*units):
    return pytest.approx(tuple(unit * UNIT_SECONDS for unit in units))


def test_a_stress_mark_joins_the_next_character_and_a_length_mark_the_one_before():
    symbols = timed_symbols("ˈiːt", [4, 1, 3, 2, 5, 6])
    assert [(symbol.text, symbol.start, symbol.end) for symbol in symbols] == [("i", 4, 10), ("t", 10, 15)]


def test_durations_that_do_not_fit_the_phonemes_are_refused():
    with pytest.raises(TrainingError, match="2 phoneme characters and 3 durations; 4"):
        timed_symbols("ab", [1, 1, 1])


def test_the_same_spelling_gives_every_token_its_own_time():
    spans = align(["K", "AE1", "T"], "kˈæt", [2, 3, 1, 4, 5, 6])
    assert spans[0] == seconds(2, 5)
    assert spans[1] == seconds(5, 10)
    assert spans[2] == seconds(10, 15)


def test_a_phoneme_of_two_characters_takes_the_time_of_both():
    assert align(["CH", "IY1"], "tʃiː", [1, 2, 3, 4, 5, 1])[0] == seconds(1, 6)


@pytest.mark.parametrize(
    ("pieces", "phonemes"),
    [
        (["AH0", "V", " ", "DH", "AH0"], "ʌvðə"),  # the teacher merged two words
        (["K", "AE1", "T", ",", " ", "D", "AO1", "G", "."], "kˈæt dˈɔɡ."),  # the comma is not in its spelling
        (["c", "a", "t"], "kˈæt"),  # letters against phonemes
        (["HH", "AH0", "L", "OW1"], "halˈoʊ ðˈɛɹ"),  # it says more than the text has
        (["S", "T", "R", "IY1", "T", "S"], "stɹˈiːt"),  # and less
    ],
)
def test_spans_are_in_order_and_do_not_overlap(pieces, phonemes):
    durations = [2] + [3] * len(phonemes) + [2]
    spans = align(pieces, phonemes, durations)
    assert len(spans) == len(pieces)
    clock = 0.0
    for start, end in spans:
        assert clock - 1e-9 <= start <= end
        clock = end
    assert clock <= sum(durations) * UNIT_SECONDS


def test_the_space_between_merged_words_takes_no_time_and_the_words_keep_theirs():
    spans = align(["AH0", "V", " ", "DH", "AH0"], "ʌvðə", [0, 4, 4, 4, 4, 0])
    assert spans[2] == seconds(8, 8)
    assert [span for index, span in enumerate(spans) if index != 2] == [
        seconds(0, 4), seconds(4, 8), seconds(8, 12), seconds(12, 16),
    ]  # fmt: skip


def test_letters_share_the_time_of_their_word_evenly():
    spans = spread_letters((1.0, 2.0), 4)
    assert spans == [pytest.approx(span) for span in ((1.0, 1.25), (1.25, 1.5), (1.5, 1.75), (1.75, 2.0))]


def test_attention_follows_the_token_that_sounds_at_the_middle_of_each_semantic_token():
    spans = [(0.0, 0.08), (0.08, 0.08), (0.08, 0.2)]
    assert attention_targets(spans, 5, RATE) == [0, 0, 2, 2, 2]  # token 1 takes no time, so it is never looked at


def test_attention_stays_in_a_silence_and_waits_before_the_first_sound():
    spans = [(0.1, 0.14), (0.3, 0.34)]
    assert attention_targets(spans, 10, RATE) == [0] * 7 + [1] * 3


def test_a_text_without_any_timing_points_at_its_first_token():
    assert attention_targets([(0.0, 0.0), (0.0, 0.0)], 3, RATE) == [0, 0, 0]


def test_phonemes_are_spelled_without_their_stress():
    assert [spelled(piece) for piece in ("OW1", "K", "k", " ", "?")] == ["oʊ", "k", "k", " ", "?"]
