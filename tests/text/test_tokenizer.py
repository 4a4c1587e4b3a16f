"""The tokenizer wrapper, and the tokenizer of the mini that `train tokenizer` writes."""

from __future__ import annotations

import pytest

from indextts2.config import TextConfig
from indextts2.errors import CheckpointError, ConfigError, TrainingError
from indextts2.text.english import VOCABULARY
from indextts2.text.expander import identity
from indextts2.text.front_end import front_end_for
from indextts2.text.official import OfficialFrontEnd
from indextts2.text.tokenizer import TextTokenizer
from indextts2.training.data.tokenizer import train_english_tokenizer, train_official_tokenizer
from indextts2.training.mini import MINI


def test_the_english_tokenizer_knows_its_whole_vocabulary_and_no_more(english):
    tokenizer = english.tokenizer
    assert tokenizer.unknown(VOCABULARY) == []
    assert len(tokenizer) == len(VOCABULARY) + 3
    assert len(set(tokenizer.ids(VOCABULARY))) == len(VOCABULARY)


def test_start_stop_and_unknown_have_the_ids_that_t2s_expects(english):
    assert english.tokenizer.ids(["<s>", "</s>", "<unk>"]) == [MINI.t2s.start_text, MINI.t2s.stop_text, 2]
    assert len(english.tokenizer) <= MINI.t2s.text_tokens


def test_training_the_english_tokenizer_twice_gives_the_same_ids(english, tmp_path):
    again = TextTokenizer(train_english_tokenizer(tmp_path / "again.model"))
    assert again.ids(VOCABULARY) == english.tokenizer.ids(VOCABULARY)


def test_pieces_and_ids_are_inverse(english):
    pieces = list(english.pieces("Hello, blorp!").pieces)
    assert english.tokenizer.pieces(english.ids(pieces)) == pieces


def test_unknown_pieces_are_named_once(official):
    assert official.tokenizer.unknown(official.tokenizer.encode("你😀好😀")) == ["😀"]


def test_decoding_gives_readable_text(official):
    ids = official.ids(official.tokenizer.encode("HELLO WORLD"))
    assert official.tokenizer.decode(ids) == "HELLO WORLD"


def test_a_missing_tokenizer_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="bpe.model"):
        TextTokenizer(tmp_path / "bpe.model")


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path):
    (tmp_path / "bpe.model").write_bytes(b"not a model")
    with pytest.raises(CheckpointError, match="SentencePiece"):
        TextTokenizer(tmp_path / "bpe.model")


def test_different_files_have_different_fingerprints(english, official):
    assert english.fingerprint != official.fingerprint


def test_the_factory_knows_both_kinds(english, official):
    assert front_end_for(MINI.text, english.tokenizer.path).kind == "english"
    assert front_end_for(TextConfig(), official.tokenizer.path).kind == "official"


def test_the_factory_refuses_an_unknown_kind(english):
    with pytest.raises(ConfigError, match="klingon"):
        front_end_for(TextConfig(kind="klingon"), english.tokenizer.path)


def test_an_official_tokenizer_can_be_learned_from_texts(tmp_path):
    texts = [f"Word{letter} follows word{letter}. 我们走" for letter in "abcdefghijklmnop"]
    path = train_official_tokenizer(texts, tmp_path / "bpe.model", vocabulary_size=60, expander=identity)
    front_end = OfficialFrontEnd(TextTokenizer(path), expander=identity)
    assert len(front_end.tokenizer) == 60
    assert front_end.tokenizer.unknown(front_end.pieces("worda follows 我们").pieces) == []


def test_too_few_texts_for_a_vocabulary_are_refused_and_leave_no_file(tmp_path):
    with pytest.raises(TrainingError, match="fewer pieces"):
        train_official_tokenizer(["a"], tmp_path / "bpe.model", vocabulary_size=500, expander=identity)
    assert not (tmp_path / "bpe.model").exists()
