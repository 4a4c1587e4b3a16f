"""The text kind of IndexTTS-2.5: vocabulary file, languages, and what is better here than in the released program."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import one_of as text_of

from indextts2.config import TextConfig
from indextts2.errors import CheckpointError
from indextts2.stages.prepare_text import prepare_text
from indextts2.text import spelled_numbers
from indextts2.text.byte_pairs import BytePairVocabulary
from indextts2.text.expander import plain_digits
from indextts2.text.languages import LANGUAGE_CODES, WITHOUT_ALPHABET, detected_language
from indextts2.text.multilingual import MultilingualFrontEnd, special_tokens

TINY = Path(__file__).parents[1] / "parity" / "data" / "v25_tiny.tiktoken"
EXCLAMATION = 0


@pytest.fixture(scope="module")
def vocabulary():
    return BytePairVocabulary(TINY, special_tokens())


@pytest.fixture
def front_end(vocabulary):
    return MultilingualFrontEnd(vocabulary, TextConfig(), expander=plain_digits)


@pytest.fixture
def compatible(vocabulary):
    return MultilingualFrontEnd(vocabulary, TextConfig(), expander=plain_digits, compatible=True)


def read(front_end, text, language):
    return front_end.pieces(text, language=language).normalised


def write(folder, lines):
    path = folder / "some.tiktoken"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def single_bytes():
    return [base64.b64encode(bytes([value])) + b" " + str(value).encode() for value in range(256)]


# ---- the vocabulary file --------------------------------------------------------------------------------------------


def test_an_empty_row_keeps_its_rank_and_never_matches(tmp_path):
    tokens = BytePairVocabulary(write(tmp_path, [*single_bytes(), b"= 256", b"YWI= 257"]), ["<|x|>"])
    assert tokens.encode("ab<|x|>c") == [257, 258, ord("c")]
    assert len(tokens) == 259


def test_every_text_comes_back_from_its_ids(vocabulary):
    for text in ("Hello, world!", "你好，世界", "مرحبا", "e\u0301 🙂\n\t x", "<|HAPPY|> a"):
        assert vocabulary.decode(vocabulary.encode(text)) == text


def test_the_ids_are_those_of_the_tiktoken_library(vocabulary):
    tiktoken = pytest.importorskip("tiktoken")
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    ranks = {}
    for line in TINY.read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    theirs = tiktoken.Encoding("tiny", pat_str=pattern, mergeable_ranks=ranks, special_tokens=vocabulary.special_ids)

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(text_of(st.text(st.characters(codec="utf-8")), st.text("a'stvelmrd  \t\n\u3000\u00a0\x1c²Ⅷ_1!<|en|>")))
    def agree(text):
        assert vocabulary.encode(text) == theirs.encode(text, allowed_special="all")

    agree()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*single_bytes(), b"!!! 256"], "Line 257"),
        ([*single_bytes(), b"YWI= many"], "Line 257"),
        ([*single_bytes(), b"YWI="], "Line 257"),
        (single_bytes()[:-1], "every single byte"),
        ([*single_bytes(), b"YWI= 300"], "ranks 0 to 256"),
    ],
)
def test_a_damaged_vocabulary_says_what_is_wrong(tmp_path, lines, said):
    with pytest.raises(CheckpointError, match=said):
        BytePairVocabulary(write(tmp_path, lines))


def test_a_missing_vocabulary_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.tiktoken is missing"):
        BytePairVocabulary(tmp_path / "gone.tiktoken")


# ---- the language ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Good morning.", "en"),
        ("今天天气很好。", "zh"),
        ("我在用 AI 写一个很长的报告。", "zh"),
        ("我们用 machine learning and deep learning 做。", "zhen"),
        ("今日は良い天気です。", "ja"),
        ("안녕하세요", "ko"),
        ("مرحبا", "ar"),
        ("Привет", "ru"),
        ("Київ", "uk"),
        ("¿Qué tal?", "es"),
        ("Straße", "de"),
        ("[happy 0.5] <行|XING2> go <pause 1s>", "en"),
        ("123", "en"),
    ],
)
def test_the_characters_tell_the_language(front_end, text, code):
    assert detected_language(text) == code
    assert front_end.pieces(text).language == code


def test_a_regional_tag_means_its_language_and_an_unknown_one_is_reported(front_end):
    assert front_end.pieces("好", language="zh-TW").language == "zh"
    assert front_end.pieces("hi", language="EN").language == "en"
    strange = front_end.pieces("hi", language="xx")
    assert strange.language == "xx" and "'xx' has no row" in strange.warnings[0]


def test_segments_of_alphabetic_languages_are_shorter_by_default(front_end):
    lengths = {code: front_end.segment_tokens(code) for code in LANGUAGE_CODES}
    assert {lengths[code] for code in WITHOUT_ALPHABET if code in lengths} == {TextConfig().segment_tokens}
    assert {lengths[code] for code in ("en", "es", "ar", "de", "fr")} == {TextConfig().segment_tokens_alphabetic}
    text = "the river runs past the old mill and the children play by the water. " * 6
    prepared = prepare_text(front_end, text)
    assert max(len(segment.ids) for segment in prepared.segments) <= TextConfig().segment_tokens_alphabetic
    assert {segment.language for segment in prepared.segments} == {"en"}


# ---- better than the released program -------------------------------------------------------------------------------


def test_numbers_are_read_before_their_colons_are_mapped(vocabulary):
    asked = []

    def expander(text, chinese):
        asked.append(text)
        return text

    readings = [
        MultilingualFrontEnd(vocabulary, TextConfig(), expander=expander, compatible=is_compatible)
        .pieces("At 8:00 we left.", language="en")
        .normalised
        for is_compatible in (True, False)
    ]
    assert [":" in text for text in asked] == [False]
    assert "8,00" in readings[0] and "eight o'clock" in readings[1].lower()


def test_a_lone_exclamation_mark_is_spoken(front_end, compatible, vocabulary):
    assert EXCLAMATION in vocabulary.encode("stop!")
    mark = vocabulary.rank(" !")
    pieces = tuple("stop!")
    ids, lost = (one.known_ids(pieces, language="en") for one in (front_end, compatible))
    if mark is None:  # a vocabulary without it: nothing better is known
        assert ids[-1] == EXCLAMATION
    else:
        assert ids == [*lost, mark]


def test_special_tokens_keep_the_case_they_were_typed_in(front_end, compatible):
    text = "Hello <|Laughter|> World"
    assert read(front_end, text, "en") == "hello <|Laughter|> world"
    assert read(compatible, text, "en") == "hello <|LAUGHTER|> world"


def test_a_japanese_annotation_of_mixed_kana_stays_whole(front_end):
    text = read(front_end, "<寿司|スシすし>を食べる", "ja")
    assert text.startswith("<|SPECIAL_TOKEN_2|>スシすし<|SPECIAL_TOKEN_2|>")


def test_japanese_without_a_dictionary_is_read_as_it_is_with_one_warning(front_end, monkeypatch):
    monkeypatch.setattr("indextts2.text.japanese._cutter", lambda: None)
    found = front_end.pieces("今日は良い 天気です。", language="ja")
    assert found.normalised == "今日は良い 天気です."
    assert [warning for warning in found.warnings if "fugashi" in warning] == list(found.warnings)


def test_a_text_without_a_word_is_not_spoken(front_end):
    assert front_end.known_ids(tuple(" ... "), language="en") == []


def test_positions_point_into_the_text_as_given(front_end):
    text = "Well, <minute|M IH1 . N AH0 T> is 25 long. And more of it follows here!"
    prepared = prepare_text(front_end, text, segment_tokens=30)
    assert len(prepared.segments) > 1
    assert "".join(text[segment.start : segment.end] for segment in prepared.segments).replace(" ", "") == text.replace(
        " ", ""
    )


@pytest.mark.parametrize(("text", "language"), [("今日は20日です", "ja"), ("Aloha 20", "haw"), ("20", "common")])
def test_digits_of_a_language_that_is_not_written_out_are_reported(front_end, text, language):
    assert f"Not written out in '{language}': 20" in " ".join(front_end.pieces(text, language=language).warnings)


def test_spanish_numbers_are_read_before_their_signs_are_mapped(front_end):
    assert read(front_end, "Son las 20:30; cuesta 5,20 €.", "es") == (
        "SON LAS VEINTE TREINTA, CUESTA CINCO EUROS CON VEINTE CÉNTIMOS."
    )


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "21 Tage, 1.000 Euro, 3,5", "einundzwanzig Tage, eintausend Euro, drei Komma fünf"),
        ("de", "Kode 007", "Kode null null sieben"),
        ("fr", "Il a 21 ans", "Il a vingt-et-un ans"),
        ("ar", "لدي ٢٥ كتابا", "لدي خمسة وعشرون كتابا"),
        ("ru", "В 2024 году", "В две тысячи двадцать четыре году"),
        ("th", "มี 25", "มี ยี่สิบห้า"),
        ("pl", "1,5", "jeden , pięć"),
    ],
)  # fmt: skip
def test_numbers_of_other_alphabetic_languages_are_written_out(front_end, language, text, spoken):
    pytest.importorskip("unicode_rbnf")
    prepared = front_end.pieces(text, language=language)
    assert (prepared.normalised, prepared.warnings) == (spoken, ())


def test_what_is_more_than_a_plain_number_is_reported_where_only_those_are_read(front_end):
    pytest.importorskip("unicode_rbnf")
    told = " ".join(front_end.pieces("Am 12.05.2024 um 8:30 für 3 €", language="de").warnings)
    assert all(f"'{written}'" in told for written in ("12.05.2024", "8:30", "3 €"))


def test_without_the_package_the_digits_stay_and_the_package_is_named(front_end, monkeypatch):
    spelled_numbers._spelling.cache_clear()
    monkeypatch.setattr(spelled_numbers, "_engine_class", lambda: None)
    prepared = front_end.pieces("21 Tage", language="de")
    spelled_numbers._spelling.cache_clear()
    assert prepared.normalised == "21 Tage" and prepared.warnings == (spelled_numbers.MISSING_RBNF.format("de"),)


@pytest.mark.parametrize("language", [*LANGUAGE_CODES, "zhen"])
def test_no_digit_reaches_the_vocabulary_without_a_warning(front_end, language):
    prepared = front_end.pieces("a 12 b 3.5 c 007", language=language)
    assert not any(character.isdigit() for character in prepared.normalised) or prepared.warnings


def test_annotations_and_special_tokens_keep_their_digits_without_a_warning(front_end):
    prepared = front_end.pieces("El <banco|B1> y <|0.00|> ya", language="es")
    assert "B1" in prepared.normalised and "<|0.00|>" in prepared.normalised and not prepared.warnings


@pytest.mark.parametrize(("language", "spoken"), [("es", "EL EME DOS"), ("ja", "el eme dos"), ("de", "el eme dos")])
def test_a_glossary_holds_in_every_language(front_end, language, spoken):
    prepared = front_end.pieces("el M.2", {"M.2": {language: "eme dos"}}, language=language)
    assert prepared.normalised == spoken


def test_half_a_character_is_read_as_a_question_mark(front_end):
    assert read(front_end, "a \ud83d b", "en") == "a ? b"
