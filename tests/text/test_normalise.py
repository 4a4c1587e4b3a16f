"""Where the default mode differs from the reference: one test per fault that it corrects."""

from __future__ import annotations

import time

import pytest

from indextts2.text.expander import identity, plain_digits
from indextts2.text.normalise import OfficialNormaliser
from indextts2.text.official import OfficialFrontEnd
from indextts2.text.pinyin import official_spelling
from indextts2.text.tracked import TrackedText


@pytest.fixture(scope="module")
def normalise():
    return OfficialNormaliser(identity)


@pytest.fixture(scope="module")
def reference():
    return OfficialNormaliser(identity, compatible=True)


def test_a_possessive_that_ends_like_a_pronoun_is_not_expanded(normalise, reference):
    assert reference("the rabbit's tail") == "the rabbit is tail"
    assert normalise("the rabbit's tail") == "the rabbit's tail"
    assert normalise("it's fine, 他说that's ok") == "it is fine, 他说that is ok"


def test_a_backslash_in_a_glossary_reading_is_an_ordinary_character(normalise):
    assert normalise("say foo", {"foo": r"a\b \g"}) == r"say a\b \g"


def test_a_glossary_reading_is_not_replaced_a_second_time(normalise):
    assert normalise("ab", {"ab": "c d", "d": "x"}) == "c d"


def test_overlapping_pinyin_does_not_depend_on_the_order_of_placeholders(normalise):
    assert normalise("an1和juan1和an1") == "an1和JVAN1和an1"


def test_overlapping_names_do_not_depend_on_the_order_of_placeholders(normalise):
    assert normalise("让·吕克,让·吕克·戈达尔") == "让-吕克,让-吕克-戈达尔"


def test_more_than_26_pinyin_syllables_are_all_restored(normalise):
    text = "".join(f"{syllable}{tone}字" for syllable in ("ba", "ma", "ta", "la", "da", "na") for tone in range(1, 6))
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("typed", "spelled"), [("nü3", "nv3"), ("lüe4", "lve4"), ("lue4", "lve4"), ("LÜ4", "Lv4"), ("lu4", "lu4")]
)
def test_umlaut_after_n_and_l_is_spelled_as_the_vocabulary_has_it(typed, spelled):
    assert official_spelling(typed) == spelled
    assert official_spelling(typed, compatible=True) == typed


def test_a_single_character_is_normalised_like_any_other_text(official):
    assert "".join(official.pieces("a").pieces) == "▁A"
    assert "".join(official.pieces("。").pieces) == "▁."


def test_an_error_of_the_expander_loses_no_text():
    def broken(text, chinese):
        raise RuntimeError("no path")

    tracked = TrackedText("我有3个苹果")
    assert OfficialNormaliser(broken).normalise(tracked)
    assert tracked.text == "我有三个苹果"
    assert OfficialNormaliser(broken, compatible=True)("我有3个苹果") == ""


@pytest.mark.parametrize("error", [AssertionError, RuntimeError, KeyError, MemoryError, ZeroDivisionError])
def test_no_error_of_an_expander_ends_a_run_and_the_number_beside_the_sign_is_read(error):
    def picky(text, chinese):
        if set(text) & set("#[]+"):
            raise error
        return plain_digits(text, chinese)

    for text, spoken in {"我是[1]": "我是'一'", "看[5, 6]页": "看'五, 六'页", "18+岁": "十八+岁"}.items():
        tracked = TrackedText(text)
        assert not OfficialNormaliser(picky).normalise(tracked)
        assert tracked.text == spoken


def test_a_pinyin_annotation_becomes_pinyin(normalise):
    assert normalise("他<行|XING2>走,<银行|YIN2 HANG2>") == "他XING2走,YIN2 HANG2"


def test_an_annotation_in_phonemes_keeps_the_word_and_warns(official):
    found = official.pieces("I <read|R EH D> it")
    assert found.normalised == "I read it"
    assert "read" in found.warnings[0]


def test_control_characters_become_spaces(normalise):
    assert normalise("一\t二\r三\x00四") == "一 二 三 四"


def test_emoji_are_reported(official):
    assert "😀" in official.pieces("你好😀").warnings[0]


def test_every_piece_knows_its_place_in_the_text(official):
    text = "我们IT'S去ju4院"
    found = official.pieces(text)
    by_piece = {
        piece: text[start:end] for piece, start, end in zip(found.pieces, found.starts, found.ends, strict=True)
    }
    assert by_piece["▁我"] == "我" and by_piece["▁去"] == "去"
    assert found.starts[0] == 0 and found.ends[-1] == len(text)
    assert list(found.starts) == sorted(found.starts)


def test_a_very_long_word_takes_no_quadratic_time(normalise):
    began = time.process_time()
    normalise("a" * 20_000)
    assert time.process_time() - began < 1.0


def test_a_marked_language_says_how_numbers_are_read(official):
    counting = OfficialFrontEnd(official.tokenizer, expander=plain_digits)
    assert counting.pieces("3").normalised == counting.pieces("3", language="zh-TW").normalised == "三"
    assert counting.pieces("3", language="en-GB").normalised == "three"


def test_a_language_the_checkpoint_does_not_speak_is_warned_of(official, english):
    assert "marked as 'fr'" in official.pieces("Bonjour", language="fr").warnings[0]
    assert "English only" in english.pieces("Bonjour", language="zh").warnings[0]
    assert not english.pieces("Hello", language="en-GB").warnings
