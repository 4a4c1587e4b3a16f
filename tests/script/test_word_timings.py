"""Times of words: from word-timed files, and into texts as tags."""

from __future__ import annotations

import pytest

from indextts2.errors import InputError
from indextts2.plots.words import draw_words
from indextts2.script.caption_cues import CaptionSettings
from indextts2.script.caption_files import write_captions
from indextts2.script.word_timings import read_word_timings, timed_text
from tests.script.test_captions import DIALOGUE

SRT = "1\n00:00:01,000 --> 00:00:01,400\nLook\n\n2\n00:00:02,000 --> 00:00:03,000\nthere now\n"


def times_of(text):
    return [(one.text, pytest.approx(one.start), pytest.approx(one.end)) for one in read_word_timings(text)]


def test_a_cue_of_one_word_is_exact_and_several_share_it_by_their_letters():
    assert times_of(SRT) == [("Look", 1.0, 1.4), ("there", 2.0, 2.625), ("now", 2.625, 3.0)]


@pytest.mark.parametrize("kind", ["json", "vtt"])
def test_what_captions_write_is_read_back(kind):
    found = read_word_timings(write_captions(DIALOGUE, kind, CaptionSettings(word_times=True)))
    assert [one.text for one in found] == [word.text for word in DIALOGUE.words]
    assert all(abs(one.start * 1000 - word.start) <= 1 for one, word in zip(found, DIALOGUE.words, strict=True))


def test_the_json_of_recognisers_is_read():
    text = '{"segments": [{"words": [{"word": " Look", "start": 0.5, "end": 0.9}]}]}'
    assert times_of(text) == [("Look", 0.5, 0.9)]


def test_phrases_begin_and_end_at_their_times():
    timings = read_word_timings(SRT)
    assert timed_text(timings) == ("<at 1.000s> Look <by 1.400s> <pause 0.05s> <at 2.000s> there now <by 3.000s>")
    assert "<at 2.625s> now" in timed_text(timings, anchored="words")


def test_words_spelled_alike_get_their_times_and_new_ones_none():
    text = timed_text(read_word_timings(SRT), "Look over THERE, please.")
    assert text == "<at 1.000s> Look over <by 1.400s> <pause 0.05s> <at 2.000s> THERE, please. <by 2.625s>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "No word with a time"),
        ('{"words": [{"text": "a"}]}', "no words with text, start and end"),
        ('[{"text": "a", "start": 2, "end": 1}]', "'a' should end after it starts"),
        ('[{"text": "a", "start": 2, "end": 3}, {"text": "b", "start": 1, "end": 2}]', "'b' should not begin before"),
    ],
)
def test_times_that_cannot_be_are_refused_by_name(text, message):
    with pytest.raises(InputError, match=message):
        read_word_timings(text)


def test_a_text_without_a_known_word_is_refused():
    with pytest.raises(InputError, match="No word of the text"):
        timed_text(read_word_timings(SRT), "Something else")


def test_a_picture_shows_the_words():
    picture = draw_words(DIALOGUE, width=256)
    assert picture.shape == (77, 256, 3) and float(picture.std()) > 0.0
