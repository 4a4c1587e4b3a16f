"""Captions: cues broken by width, punctuation, silence and reading speed; files that other readers read back."""

from __future__ import annotations

import json

import pytest

from indextts2.contracts import SpokenWord, SpokenWords
from indextts2.errors import InputError
from indextts2.script.caption_cues import CaptionSettings, captions_of, describe_captions
from indextts2.script.caption_files import caption_kind, write_caption_file, write_captions
from indextts2.script.read import read_script

RATE = 1000
TEXT = "When the boats come home, the harbour wakes up. Nobody there has slept well since the {storm} took the roof."


def spoken(text=TEXT, seconds=0.3, group=0, speaker="", begin=0):
    step = round(seconds * RATE)
    words = tuple(
        SpokenWord(word, begin + index * step, begin + (index + 1) * step, group, speaker)
        for index, word in enumerate(text.split())
    )
    return SpokenWords(words, RATE, words[-1].end)


def together(*parts):
    words = tuple(word for part in parts for word in part.words)
    return SpokenWords(words, RATE, max(word.end for word in words))


DIALOGUE = together(
    spoken("Did you hear that?", group=0, speaker="Anna", begin=500),
    spoken("I heard nothing.", group=1, speaker="Ben", begin=2500),
)


def test_captions_keep_every_word_in_order_and_to_their_width():
    captions = captions_of(spoken())
    assert " ".join(text for one in captions for text in one.texts) == TEXT
    assert all(len(text) <= 42 for one in captions for text in one.texts) and all(
        len(one.rows) <= 2 for one in captions
    )


def test_a_caption_ends_where_a_sentence_does():
    assert captions_of(spoken())[0].texts[-1].endswith("wakes up.")


def test_the_rows_of_a_caption_are_about_as_long_as_each_other():
    first, second = captions_of(spoken("one two three four five six seven eight nine ten eleven"))[0].texts
    assert abs(len(first) - len(second)) <= 7


def test_a_silence_and_another_speaker_end_a_caption():
    assert [one.speaker for one in captions_of(DIALOGUE)] == ["Anna", "Ben"]
    apart = together(spoken("one two"), spoken("three four", begin=2000))
    assert [one.texts for one in captions_of(apart)] == [("one two",), ("three four",)]


def test_a_caption_stays_as_long_as_it_takes_to_read_but_never_over_the_next():
    quick = together(spoken("An extraordinarily long", 0.1), spoken("next", begin=2000, group=1))
    captions = captions_of(quick, CaptionSettings(reading_speed=10.0))
    assert captions[0].end_ms == 2000 and captions[0].too_fast == 11.5
    assert "takes 11.5 characters per second" in describe_captions(captions, CaptionSettings(reading_speed=10.0))
    assert captions_of(quick)[0].end_ms == round(1000 * 23 / 20)


def test_a_word_wider_than_a_row_has_a_row_of_its_own():
    assert captions_of(spoken("a incomprehensibilities b"), CaptionSettings(width=10, rows=3))[0].texts == (
        "a", "incomprehensibilities", "b",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["srt", "vtt", "ass"])
@pytest.mark.parametrize("words", [spoken(TEXT.replace("{storm}", "storm")), DIALOGUE], ids=["one", "dialogue"])
def test_files_are_read_back_by_pysubs2_and_by_our_own_reader(kind, words):
    import pysubs2

    captions = captions_of(words)
    text = write_captions(words, kind)
    theirs = [one for one in pysubs2.SSAFile.from_string(text, format_=kind)]
    assert len(theirs) == len(captions)
    ours = read_script(text, kind)
    for one, event, line in zip(captions, theirs, ours.lines, strict=True):
        accuracy = 5 if kind == "ass" else 0
        assert abs(event.start - one.start_ms) <= accuracy and abs(event.end - one.end_ms) <= accuracy
        assert abs((line.start_ms or 0) - one.start_ms) <= accuracy
        assert event.plaintext.split("\n")[-1].endswith(one.texts[-1])
        assert (line.speaker, line.text) == (one.speaker, " ".join(one.texts))


def test_karaoke_fills_every_word_while_it_is_spoken():
    row = write_captions(DIALOGUE, "ass").splitlines()[-2]
    assert row.endswith(r"{\k30}Did{\k0} {\k30}you{\k0} {\k30}hear{\k0} {\k30}that?") and "Anna" in row


def test_braces_cannot_become_commands_of_a_karaoke_file():
    assert "(storm)" in write_captions(spoken(), "ass")


def test_webvtt_holds_the_time_of_each_word_and_json_all_of_it():
    timed = write_captions(DIALOGUE, "vtt", CaptionSettings(word_times=True))
    assert "Did <00:00:00.800>you <00:00:01.100>hear" in timed and read_script(timed, "vtt").lines[0].speaker == "Anna"
    content = json.loads(write_captions(DIALOGUE, "json"))
    assert content["words"][1] == {"text": "you", "start": 0.8, "end": 1.1, "speaker": "Anna", "group": 0}
    assert content["captions"][1] == {"start": 2.5, "end": 3.5, "speaker": "Ben", "rows": ["I heard nothing."]}


def test_signs_of_a_markup_are_text():
    words = spoken("Is 3 < 4 --> & so?")
    assert "3 &lt; 4 --&gt; &amp;" in write_captions(words, "vtt")
    assert write_captions(words, "srt").count("-->") == 1


def test_impossible_captions_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="no words"):
        captions_of(SpokenWords((), RATE, 0))
    with pytest.raises(InputError, match=r"'a\.txt'"):
        caption_kind(tmp_path / "a.txt")
    with pytest.raises(InputError, match="rows of 8 characters"):
        CaptionSettings(width=3)
    write_caption_file(DIALOGUE, tmp_path / "a.srt")
    assert (tmp_path / "a.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,500 --> ")
