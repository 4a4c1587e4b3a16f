"""The English front end: what is said, in which phonemes, and what is reported."""

from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts2.text.english import SPACE, VOCABULARY
from indextts2.text.glossary import parse_glossary
from indextts2.text.pieces import NO_WORD
from indextts2.text.pronounce import PHONES, dictionary


def words(front_end, text, glossary=None):
    return " ".join(front_end.pieces(text, glossary).word_texts)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3 cats", "three cats"),
        ("1,204 people", "one thousand two hundred four people"),
        ("1,234,567.89", "one million two hundred thirty four thousand five hundred sixty seven point eight nine"),
        ("007", "zero zero seven"),
        ("-5 degrees", "minus five degrees"),
        ("the 1st, 22nd and 103rd", "the first twenty second and one hundred third"),
        ("3.14", "three point one four"),
        ("1999 2005 2010 1905 1900 2000", "nineteen ninety nine two thousand five twenty ten nineteen oh five "
         "nineteen hundred two thousand"),
        ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
        ("$5, $12.50, $0.99", "five dollars twelve dollars and fifty cents ninety nine cents"),
        ("$1 and £3 million", "one dollar and three million pounds"),
        ("45%", "forty five percent"),
        ("8:30 am, 20:00, 8:00, 8:05", "eight thirty am eight pm eight o'clock eight oh five"),
        ("at 5 p.m. on Monday", "at five pm on monday"),
        ("March 15, 2024", "march fifteenth twenty twenty four"),
        ("2024-03-15 or 3/15/2024", "march fifteenth twenty twenty four or march fifteenth twenty twenty four"),
        ("Jan. 5th, 4 July 1776", "january fifth the fourth of july seventeen seventy six"),
        ("1/2, 3/4, 2 1/4", "one half three quarters two and a quarter"),
        ("10-20 apples", "ten to twenty apples"),
        ("5 km, 1 kg, 80 km/h", "five kilometers one kilogram eighty kilometers per hour"),
        ("a 5-year-old at -5°C", "a five year old at minus five degrees celsius"),
        ("#5, No. 7", "number five number seven"),
        ("call 555-123-4567", "call five five five one two three four five six seven"),
        ("version v2.0.1", "version version two point zero point one"),
        ("World War II, Chapter IV", "world war two chapter four"),
        ("3x4", "three by four"),
        ("24/7, 50/50, 3/2", "twenty four seven fifty fifty three halves"),
        ("he is 5'10\" or 6 ft. tall", "he is five foot ten or six feet tall"),
        ("pp. 3-4", "pages three to four"),
        ("Louis XIV vs Henry V", "louis the fourteenth versus henry the fifth"),
        ("5G and GPT-4", "five g and gpt four"),
        ("£3.5m, $5bn and $20K", "three point five million pounds five billion dollars and twenty thousand dollars"),
        ("$5USD or £5each", "five dollars usd or five pounds each"),
        ("See fig.2 of M.2, p.3", "see figure two of m two page three"),
        ("approx.10 km", "approximately ten kilometers"),
        ("It ended.5 people left", "it ended five people left"),
        ("in 3D.5 people", "in three d five people"),
        ("GPT3.5 and .5", "gpt three point five and point five"),
    ],
)  # fmt: skip
def test_numbers_are_spoken(english, written, spoken):
    assert words(english, written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Mr. and Mrs. Smith, Dr. Who", "mister and missus smith doctor who"),
        ("Main St. in St. Louis", "main street in saint louis"),
        ("e.g. apples, i.e. fruit etc.", "for example apples that is fruit et cetera"),
        ("cats & dogs + birds @ home", "cats and dogs plus birds at home"),
        ("john.doe@example.com", "john dot doe at example dot com"),
        ("and/or, his/her", "and or his or her"),
        ("high-tailed", "high tailed"),
        ("café Zoë", "cafe zoe"),
    ],
)
def test_abbreviations_and_signs_are_spoken(english, written, spoken):
    assert words(english, written) == spoken


def test_initialisms_are_spoken_letter_by_letter(english):
    assert english.pieces("the BBCX").pieces[-9:] == tuple("B IY1 B IY1 S IY1 EH1 K S".split())
    assert english.pieces("the US").pieces[-4:] == ("Y", "UW1", "EH1", "S")
    assert english.pieces("the U.K.'s").pieces[-3:] == ("K", "EY1", "Z")
    assert english.pieces("two GPUs").pieces[-2:] == ("UW1", "Z")


def test_a_text_all_in_capitals_is_read_as_words(english):
    assert english.pieces("TELL US NOW").pieces == english.pieces("tell us now").pieces


def test_case_does_not_matter_for_ordinary_words(english):
    assert english.pieces("Hello World").pieces == english.pieces("hello world").pieces


def test_a_point_of_an_abbreviation_at_the_end_of_a_sentence_still_ends_it(english):
    assert english.pieces("They met in the U.S. They left.").pieces.count(".") == 2
    assert english.pieces("He came at 5 p.m. Nobody saw him.").pieces.count(".") == 2
    assert english.pieces("Mr. Smith left.").pieces.count(".") == 1


def test_a_point_between_a_word_and_a_number_ends_a_sentence_but_not_behind_a_single_letter(english):
    assert english.pieces("It ended.5 people left").pieces == english.pieces("It ended. 5 people left").pieces
    assert "." not in english.pieces("An M.2 drive").pieces


def test_known_words_become_phonemes_and_unknown_ones_stay_letters(english):
    assert english.pieces("hello blorptax").pieces == ("HH", "AH0", "L", "OW1", SPACE, *"blorptax")


def test_the_dictionary_holds_nothing_but_known_phonemes():
    words = dictionary()
    assert len(words) > 100_000
    assert {phone for phones in words.values() for phone in phones.split()} == set(PHONES)


def test_regular_endings_of_known_words_are_pronounced(english):
    assert english.pieces("frisbees").pieces == (*english.pieces("frisbee").pieces, "Z")
    assert english.pieces("matchsticks").pieces[-1] == "S"


def test_contractions_are_words(english):
    assert words(english, "I can't, they’re, it's") == "i can't they're it's"


def test_the_is_spoken_differently_before_a_vowel(english):
    assert english.pieces("the apple").pieces[:2] == ("DH", "IY0")
    assert english.pieces("the pear").pieces[:2] == ("DH", "AH0")


def test_an_annotation_forces_phonemes(english):
    assert english.pieces("my <gizmo|G IH1 Z . M OW0>.").pieces[-6:] == ("G", "IH1", "Z", "M", "OW0", ".")


def test_an_annotation_without_stress_gets_one(english):
    assert english.pieces("<x|B AA N AA>").pieces == ("B", "AA1", "N", "AA0")


def test_an_annotation_in_letters_is_a_respelling(english):
    assert english.pieces("<lead|led>").pieces == english.pieces("led").pieces


def test_a_glossary_gives_readings(english):
    found = english.pieces("Read the ABC of foobar.", {"foobar": "F UW1 B AA2 R", "abc": "alphabet"})
    assert found.word_texts == ("read", "the", "alphabet", "of", "foobar")
    assert found.pieces[-6:] == ("F", "UW1", "B", "AA2", "R", ".")


@pytest.mark.parametrize(
    ("line", "written", "spoken"),
    [
        ("M.2 = M dot 2", "An M.2 drive.", "an m dot two drive"),
        ("v2 = version 2", "Use v2 now.", "use version two now"),
        ("R&D = R & D, 100%", "Our R&D team", "our r and d one hundred percent team"),
    ],
)
def test_numbers_and_signs_of_a_reading_are_spoken(english, line, written, spoken):
    assert words(english, written, parse_glossary(line)) == spoken


def test_an_annotation_may_hold_numbers(english):
    found = english.pieces("<v2|version 2> now")
    assert found.word_texts == ("version", "two", "now")
    places = zip(found.words, found.starts, found.ends, strict=True)
    assert {place for place in places if place[0] in (0, 1)} == {(0, 0, 14), (1, 0, 14)}


def test_a_reading_of_another_language_leaves_the_word_as_it_is(english):
    glossary = parse_glossary("GPT-4 [zh] = G P T 四")
    assert english.pieces("GPT-4 is here.", glossary) == english.pieces("GPT-4 is here.")


def test_characters_of_a_reading_that_nobody_can_read_are_reported(english):
    assert "四" in english.pieces("GPT-4 is here.", {"GPT-4": "G P T 四"}).warnings[0]


def test_a_letter_that_only_resembles_one_of_a_term_is_read_without_an_error(english):
    assert english.pieces("kiſſ me", {"kiss": "K IH1 S"}).word_texts == ("kiss", "me")


def test_runs_of_punctuation_keep_their_strongest_sign(english):
    assert english.pieces("Really?!").pieces[-1] == "?"
    assert english.pieces("Well... yes").pieces.count("…") == 1
    assert english.pieces("a, - b").pieces.count(",") == 1


def test_emoji_and_other_scripts_are_reported_not_silently_dropped(english):
    found = english.pieces("Hi 😀 你好 there")
    assert found.word_texts == ("hi", "there")
    assert all(character in found.warnings[0] for character in "😀你好")


def test_private_use_characters_of_a_user_are_not_mistaken_for_letter_names(english):
    found = english.pieces("a \ue001 b")
    assert found.word_texts == ("a", "b")
    assert found.warnings


def test_every_piece_knows_its_word_and_its_place_in_the_text(english):
    text = "It cost $5, Bob."
    found = english.pieces(text)
    assert len(found.words) == len(found.starts) == len(found.ends) == len(found.pieces)
    spans = {
        found.word_texts[word]: text[start:end]
        for word, start, end in zip(found.words, found.starts, found.ends, strict=True)
        if word != NO_WORD
    }
    assert spans == {"it": "It", "cost": "cost", "five": "$5", "dollars": "$5", "bob": "Bob"}


def test_mixed_training_writes_about_the_asked_share_of_words_in_letters(english):
    text = "plain words are here " * 100
    found = english.pieces(text, letters_probability=0.3, generator=torch.Generator().manual_seed(0))
    spelled = {word for piece, word in zip(found.pieces, found.words, strict=True) if piece.islower()}
    assert 80 <= len(spelled) <= 160
    assert all(piece.islower() or piece == SPACE for piece in english.pieces(text, letters_probability=1.0).pieces)


def test_mixed_training_repeats_with_the_same_generator(english):
    draws = [
        english.pieces("one of many words", letters_probability=0.5, generator=torch.Generator().manual_seed(7)).pieces
        for _ in range(2)
    ]
    assert draws[0] == draws[1]


def test_mixed_training_keeps_forced_phonemes(english):
    found = english.pieces("<word|W AH1 N>", letters_probability=1.0, generator=torch.Generator().manual_seed(0))
    assert found.pieces == ("W", "AH1", "N")


def test_ten_thousand_characters_take_less_than_two_seconds(english):
    text = ("On March 3, 1998 she paid $19.99 for 12 apples, didn't she? " * 170)[:10_000]
    english.pieces("warm up")
    began = time.process_time()
    assert len(english.pieces(text)) > 5000
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    "text", ["{}", "${}.50", "{}st", "{}/2", "{} km", "{}.5", "{}:30", "-{}%", "{}-5", "5-{} split"]
)
def test_numbers_of_thousands_of_digits_are_read_without_an_error(english, text):
    assert len(english.pieces(text.format("1" * 6000)).word_texts) >= 6000


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_only_known_pieces(english, text):
    found = english.pieces(text)
    assert set(found.pieces) <= set(VOCABULARY)
    assert english.tokenizer.unknown_id not in english.ids(found.pieces)
    assert all(0 <= start <= end <= len(text) for start, end in zip(found.starts, found.ends, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789.,:/-$%#aApm °CksthIVxX'()<>|[]@&\n", max_size=40))
def test_any_number_like_text_is_read_without_an_error(english, text):
    assert set(english.pieces(text).pieces) <= set(VOCABULARY)
