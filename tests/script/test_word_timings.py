"""Times of words: from word-timed files, and into texts as tags."""

from __future__ import annotations

import pytest

from indextts2.errors import InputError
from indextts2.plots.words import draw_words
from indextts2.script.caption_cues import CaptionSettings
from indextts2.script.caption_files import write_captions
from indextts2.script.read import read_script
from indextts2.script.timed_words import timed_text
from indextts2.script.word_timings import read_word_timings
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


CUES = """WEBVTT

00:00:10.000 --> 00:00:12.000
<v Anna>[calm]: Look <00:00:10.800>there <00:00:11.200>now

00:00:20.000 --> 00:00:21.000
No stamps here.
"""
SEGMENTS = """{"segments": [{"start": 10, "end": 12, "text": "Look there now", "speaker": "Anna", "words": [
  {"word": "Look", "start": 10.1, "end": 10.4}, {"word": " there", "start": 10.8, "end": 11.2},
  {"word": " now", "start": 11.2, "end": 12}]}]}"""
PHRASES = "<at 0.000s> Look there now <by 2.000s>"


def test_word_timed_cues_become_tags_that_count_from_the_start_of_their_line():
    script = read_script(CUES, anchored="phrases")
    assert [line.text for line in script.lines] == [PHRASES, "No stamps here."]
    assert script.lines[0].speaker == "Anna" and script.lines[0].start_ms == 10_000
    assert "<at 0.800s> there <at 1.200s> now" in read_script(CUES, anchored="words").lines[0].text
    assert read_script(CUES).lines[0].text == "Look there now"


def test_word_timed_segments_of_a_recogniser_become_tags():
    (line,) = read_script(SEGMENTS, anchored="phrases").lines
    assert line.text == "<at 0.100s> Look <by 0.400s> <pause 0.05s> <at 0.800s> there now <by 2.000s>"
    assert read_script(SEGMENTS).lines[0].text == "Look there now"


def test_rolling_captions_keep_the_times_of_their_words():
    rolling = (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nLook<00:00:01.500><c> there</c>\n\n"
        "00:00:03.000 --> 00:00:05.000\nLook there\nnow<00:00:03.800><c> please</c>\n"
    )
    first, second = read_script(rolling, anchored="words").lines
    assert first.text == "<at 0.000s> Look <at 0.500s> there <by 2.000s>"
    assert second.text == "<at 0.000s> now <at 0.800s> please <by 2.000s>"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (CUES.replace("00:00:11.200", "00:00:10.100"), "should end after it starts"),
        (SEGMENTS.replace('"start": 11.2', '"start": "x"'), "The words of segment 1"),
        (CUES.replace("there", "[speaker Ben] there"), "Several speakers share a cue"),
    ],
)
def test_what_gives_words_no_times_is_told_and_the_words_are_spoken(text, note):
    script = read_script(text, anchored="phrases")
    assert any(note in one for one in script.notes)
    assert "there now" in " ".join(line.text for line in script.lines)


def test_what_is_anchored_has_a_name():
    with pytest.raises(InputError, match="Anchored are phrases or words, but got 'sentences'"):
        read_script(CUES, anchored="sentences")
