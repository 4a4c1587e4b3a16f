"""Inline tags: which are recognised, and what stays text."""

from __future__ import annotations

import pytest

from indextts2.config import EMOTIONS
from indextts2.text.tags import DEFAULT_WEIGHT, find_tags, without_tags


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("<pause 0.4s>", 0.4), ("[pause 400ms]", 0.4), ("[pause .4]", 0.4), ("< PAUSE 2 >", 2.0), ("[pause 0]", 0.0)],
)
def test_pauses_are_seconds(text, seconds):
    (tag,), warnings = find_tags(f"a {text} b")
    assert (tag.kind, tag.values) == ("pause", (pytest.approx(seconds),))
    assert (tag.start, tag.end) == (2, 2 + len(text))
    assert not warnings


@pytest.mark.parametrize("kind", ["seconds", "tokens", "frames", "speed"])
def test_lengths_are_numbers(kind):
    (tag,), _ = find_tags(f"[{kind} 2.5] a")
    assert (tag.kind, tag.values) == (kind, (2.5,))


@pytest.mark.parametrize("text", ["[happy .6 sad 0.2]", "[happy: .6, sad 0.2]", "[Sad=0.2; Happy 0.6]"])
def test_emotions_are_eight_weights(text):
    (tag,), _ = find_tags(text)
    assert dict(zip(EMOTIONS, tag.values, strict=True)) == dict.fromkeys(EMOTIONS, 0.0) | {"happy": 0.6, "sad": 0.2}


def test_an_emotion_without_a_number_has_the_default_weight():
    (tag,), _ = find_tags("[calm]")
    assert max(tag.values) == DEFAULT_WEIGHT


def test_neutral_is_all_zero():
    assert find_tags("[neutral]")[0][0].values == (0.0,) * len(EMOTIONS)


@pytest.mark.parametrize("text", ["[left]", "<word|W ER1 D>", "[1]", "a < b > c", "[the happy few]", "[]", "<b>"])
def test_other_brackets_are_text(text):
    assert find_tags(text) == ([], ())


@pytest.mark.parametrize("text", ["[pause soon]", "[happy birthday]", "[seconds]", "[speed 0]", "[pause 9999]"])
def test_what_only_looks_like_a_tag_is_reported(text):
    tags, warnings = find_tags(text)
    assert tags == []
    assert text in warnings[0]


@pytest.mark.parametrize(
    ("text", "kind", "seconds"), [("<at 2.4s> a", "at", 2.4), ("a <by 800ms>", "by", 0.8), ("<at 1>", "at", 1.0)]
)
def test_times_of_words_are_tags(text, kind, seconds):
    (tag,) = find_tags(text)[0]
    assert (tag.kind, tag.values) == (kind, (pytest.approx(seconds),))


def test_a_text_without_its_tags_keeps_its_characters_in_place():
    text = "Look <at 2s> there [happy] now"
    assert without_tags(text) == "Look " + " " * 7 + " there " + " " * 7 + " now"
    assert without_tags(text, ("at", "by")) == "Look " + " " * 7 + " there [happy] now"
    assert find_tags("look <at me> there")[0] == []
