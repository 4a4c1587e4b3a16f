"""Prepare text: from what a user types to segments of ids."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from indextts2.contracts import EmotionWeights
from indextts2.errors import InputError, TextError
from indextts2.stages.duration import Clock, target_of
from indextts2.stages.prepare_text import prepare_text, report
from indextts2.text.english import EnglishFrontEnd
from indextts2.text.official import OfficialFrontEnd
from indextts2.text.tokenizer import TextTokenizer
from indextts2.training.data.tokenizer import train_english_tokenizer

TINY_BPE = Path(__file__).parents[1] / "parity" / "data" / "tiny_bpe.model"

CLOCK = Clock(22_050, 256, 1.72)


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    return EnglishFrontEnd(TextTokenizer(train_english_tokenizer(tmp_path_factory.mktemp("tokenizer") / "t.model")))


@pytest.fixture(scope="module")
def official():
    return OfficialFrontEnd(TextTokenizer(TINY_BPE))


@pytest.fixture(params=["english", "official"])
def front_end(request):
    return request.getfixturevalue(request.param)


def test_segments_hold_the_ids_of_the_whole_text(front_end):
    text = "The ship left the port. Nobody had waited for it!"
    prepared = prepare_text(front_end, text)
    assert [number for segment in prepared.segments for number in segment.ids] == front_end.ids(
        front_end.pieces(text).pieces
    )
    assert prepared.original == text
    assert prepared.tokenizer_fingerprint == front_end.fingerprint


def test_no_segment_exceeds_the_limit(front_end):
    prepared = prepare_text(front_end, "One sentence of words. " * 20, segment_tokens=25)
    assert len(prepared.segments) > 5
    assert all(len(segment.ids) <= 25 for segment in prepared.segments)


def test_segments_know_their_place_in_the_text(front_end):
    text = "[calm] The first one is here. [sad 0.5] The second one is there."
    for segment in prepare_text(front_end, text).segments:
        assert text[segment.start : segment.end] == segment.text
    assert [segment.text for segment in prepare_text(front_end, text).segments] == [
        "The first one is here.",
        "The second one is there.",
    ]


def test_empty_text_is_refused(front_end):
    for text in ("", "   ", "\n\t"):
        with pytest.raises(TextError, match="empty"):
            prepare_text(front_end, text)


@pytest.mark.parametrize("text", ["😀😀", "...", "[happy 0.5]", "<pause 1s>"])
def test_text_in_which_nothing_can_be_spoken_is_refused(front_end, text):
    with pytest.raises(TextError, match="Nothing in the text can be spoken"):
        prepare_text(front_end, text)


def test_emoji_are_reported_and_the_rest_is_spoken(front_end):
    prepared = prepare_text(front_end, "HELLO 😀 WORLD")
    assert prepared.segments
    assert any("😀" in warning for warning in prepared.warnings)
    assert front_end.tokenizer.unknown_id not in prepared.segments[0].ids


def test_control_characters_do_no_harm(front_end):
    assert prepare_text(front_end, "good\x00 \x1bday\r\nagain\u200b").segments[0].ids == (
        prepare_text(front_end, "good day again").segments[0].ids
    )


def test_a_pause_tag_sets_the_silence_behind_its_segment(front_end):
    prepared = prepare_text(front_end, "Wait here. <pause 0.4s> Then go on. [pause 400ms][pause 0.1] Stop.")
    assert [segment.pause_seconds for segment in prepared.segments] == pytest.approx([0.4, 0.5, 0.0])


def test_a_pause_of_zero_removes_the_usual_silence(front_end):
    assert prepare_text(front_end, "Wait here. [pause 0] Go.").segments[0].pause_seconds == 0.0


def test_a_pause_at_the_end_is_kept_and_one_at_the_start_is_reported(front_end):
    prepared = prepare_text(front_end, "[pause 1] Wait here. [pause 2]")
    assert prepared.segments[-1].pause_seconds == 2.0
    assert any("before the first word" in warning for warning in prepared.warnings)


def test_segments_are_parted_by_the_usual_silence_or_the_one_asked_for(front_end):
    text = "One sentence of words. " * 10
    usual = prepare_text(front_end, text, segment_tokens=25).segments
    assert {segment.pause_seconds for segment in usual[:-1]} == {front_end.config.pause_seconds}
    assert usual[-1].pause_seconds == 0.0
    asked = prepare_text(front_end, text, segment_tokens=25, pause_seconds=0.5).segments
    assert asked[0].pause_seconds == 0.5


def test_silence_may_depend_on_the_punctuation(front_end):
    text = "Who are you? [speed 1] I am here, [speed 1] and you. [speed 1] So be it"
    pauses = {"?": 0.6, ",": 0.1, "": 0.3}
    prepared = prepare_text(front_end, text, pause_seconds=pauses)
    assert [segment.pause_seconds for segment in prepared.segments] == [0.6, 0.1, 0.3, 0.0]


def test_an_emotion_tag_holds_until_the_next_one(front_end):
    prepared = prepare_text(front_end, "As ever. [happy .6] Good day. <pause 1> And you? [neutral] Well.")
    weights = [segment.emotion_weights for segment in prepared.segments]
    assert weights == [None, EmotionWeights.of(happy=0.6), EmotionWeights.of(happy=0.6), EmotionWeights.of()]


def test_a_length_in_seconds_is_met_to_the_sample_with_the_pauses_inside_it(front_end):
    text = "[seconds 6] " + "One sentence of words. " * 6 + "<pause 1s> And more."
    *segments, more = prepare_text(front_end, text, segment_tokens=25).segments
    assert len(segments) > 1 and more.duration is None
    assert all(segment.duration.unit == "seconds" for segment in segments)
    spoken = sum(target_of(segment.duration, CLOCK).samples for segment in segments)
    assert spoken + sum(CLOCK.pause_samples(segment.pause_seconds) for segment in segments[:-1]) == 6 * 22_050


@pytest.mark.parametrize("unit", ["tokens", "frames"])
@pytest.mark.parametrize("value", [61, 200, 201])
def test_a_length_in_tokens_or_frames_is_shared_without_a_rest(front_end, unit, value):
    text = f"[{unit} {value}] " + "One sentence of words. " * 6
    segments = prepare_text(front_end, text, segment_tokens=25, pause_seconds=0.1).segments
    parts = [segment.duration.value for segment in segments]
    inside = round((len(parts) - 1) * CLOCK.pause_samples(0.1) / CLOCK.hop) if unit == "frames" else 0
    assert len(parts) > 1 and all(part == int(part) for part in parts)
    assert sum(parts) == value - inside


@pytest.mark.parametrize("length", ["seconds 0.2", "frames 2", "tokens 1"])
def test_a_length_shorter_than_the_pauses_inside_it_is_left_out_and_reported(front_end, length):
    prepared = prepare_text(front_end, f"[{length}] " + "One sentence of words. " * 6, segment_tokens=25)
    assert all(segment.duration is None for segment in prepared.segments)
    assert any("too short for" in warning for warning in prepared.warnings)


def test_a_length_tag_ends_at_the_next_tag_but_speed_goes_on(front_end):
    prepared = prepare_text(front_end, "[speed 0.8] Slow. [seconds 2] Two. [calm] Slow again. [speed 1] Free.")
    slow, two, again, free = [segment.duration for segment in prepared.segments]
    assert (slow.unit, slow.value) == ("factor", pytest.approx(1.25))
    assert (two.unit, two.value) == ("seconds", 2.0)
    assert again == slow
    assert free is None


def test_tags_can_be_switched_off(front_end):
    prepared = prepare_text(front_end, "It was [happy] then.", tags=False)
    assert len(prepared.segments) == 1
    assert "happy" in prepared.normalised.lower()


def test_pronunciation_annotations_are_no_tags(english):
    prepared = prepare_text(english, "my <gizmo|G IH1 Z M OW0> [happy 0.5] works")
    assert english.tokenizer.pieces(prepared.segments[0].ids)[-5:] == ["G", "IH1", "Z", "M", "OW0"]


def test_a_glossary_reaches_the_front_end(front_end):
    with_glossary = prepare_text(front_end, "the foo", glossary={"foo": "red book"})
    assert with_glossary.segments[0].ids == prepare_text(front_end, "the red book").segments[0].ids


def test_a_limit_below_one_is_refused(front_end):
    with pytest.raises(InputError, match="at least 1"):
        prepare_text(front_end, "text", segment_tokens=0)


def test_the_report_names_segments_emotions_lengths_and_warnings(front_end):
    text = report(prepare_text(front_end, "[sad 0.4] Good day 😀. [seconds 2] Go on."))
    for expected in ("2 segments", "sad 0.4", "2 seconds", "😀", "Good day"):
        assert expected in text
    assert "length 1234 tokens" in report(prepare_text(front_end, "[tokens 1234] Good day."))


@pytest.mark.parametrize(
    "text",
    ["It was a fine day, and nobody said a word. " * 233, "今天天气不错，我们去公园散步吧。" * 625, "a" * 10_000],
)
def test_ten_thousand_characters_take_less_than_two_seconds(front_end, text):
    try:
        prepare_text(front_end, text[:50] + " warm up")
    except TextError:
        pytest.skip("this front end speaks no Chinese")
    began = time.process_time()
    try:
        assert prepare_text(front_end, text[:10_000]).token_count > 1000
    except TextError:
        assert front_end.kind == "english"
    assert time.process_time() - began < 2.0
