"""The plain text profile: nothing is written out, and checkpoints that read phonemes say that they have none."""

from __future__ import annotations

import pytest

from indextts2.config import TextConfig
from indextts2.errors import InputError
from indextts2.stages.prepare_text import prepare_text
from indextts2.text.byte_pairs import BytePairVocabulary
from indextts2.text.front_end import FRONT_ENDS, with_profile
from indextts2.text.multilingual import MultilingualFrontEnd, special_tokens
from indextts2.text.official import OfficialFrontEnd
from indextts2.text.tokenizer import TextTokenizer

from ..conftest import TINY_VOCABULARY

TINY_PIECES = TINY_VOCABULARY.with_name("tiny_bpe.model")


@pytest.fixture(scope="module")
def multilingual():
    return MultilingualFrontEnd(BytePairVocabulary(TINY_VOCABULARY, special_tokens()), TextConfig(kind="multilingual"))


@pytest.fixture(scope="module")
def official():
    return OfficialFrontEnd(TextTokenizer(TINY_PIECES))


def test_auto_is_the_front_end_of_the_checkpoint(multilingual):
    assert with_profile(multilingual, "auto") is multilingual


@pytest.mark.parametrize(("language", "text"), [("es", "Hola Ana, 21"), ("en", "Dr. Who, 21"), ("ja", "今日は20日")])
def test_numbers_letters_and_words_stay_as_they_are_written(multilingual, language, text):
    prepared = with_profile(multilingual, "plain").pieces(text, language=language)
    assert prepared.normalised == text and prepared.language == language
    assert "Not written out" in " ".join(prepared.warnings)
    assert prepared.starts == tuple(range(len(text)))


def test_characters_are_composed_and_mapped_to_those_of_the_vocabulary(multilingual):
    plain = with_profile(multilingual, "plain")
    assert plain.pieces('e\u0301 ｆｕｌｌ ﬁ "a"', language="fr").normalised == "é full fi 'a'"


def test_annotations_and_special_tokens_are_kept(multilingual):
    read = with_profile(multilingual, "plain").pieces("<read|R EH1 D> <|HAPPY|> ok", language="en")
    assert read.normalised == "<|SPECIAL_TOKEN_1|>R EH1 D<|SPECIAL_TOKEN_1|> <|HAPPY|> ok" and not read.warnings


def test_a_sentencepiece_vocabulary_is_read_without_the_normaliser(official):
    assert "TWENTY" in official.pieces("A cat is 21").normalised.upper()
    assert with_profile(official, "plain").pieces("A cat is 21").normalised.upper() == "A CAT IS 21"


def test_a_plain_checkpoint_has_nothing_to_change(official):
    plain = with_profile(official, "plain")
    assert with_profile(plain, "plain") is plain


def test_a_checkpoint_that_reads_phonemes_says_so(english):
    with pytest.raises(InputError, match="reads phonemes.*Choose the profile 'auto'"):
        with_profile(english, "plain")


def test_an_unknown_profile_is_refused(multilingual):
    with pytest.raises(InputError, match="one of auto, plain"):
        with_profile(multilingual, "fancy")


def test_segments_are_prepared_in_the_profile(multilingual):
    text = prepare_text(with_profile(multilingual, "plain"), "Hola 21. " * 20, language="es", segment_tokens=40)
    assert len(text.segments) > 1 and all("21" in segment.spoken for segment in text.segments)
    assert text.tokenizer_fingerprint == multilingual.fingerprint


def test_every_kind_of_front_end_has_an_answer():
    from indextts2.text.front_end import _PLAIN_FRONT_ENDS

    assert set(_PLAIN_FRONT_ENDS) == set(FRONT_ENDS) - {"english"}
