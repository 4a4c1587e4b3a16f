"""Both front ends, on tokenizers that are at hand in every checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from indextts2.text.english import EnglishFrontEnd
from indextts2.text.expander import identity
from indextts2.text.official import OfficialFrontEnd
from indextts2.text.tokenizer import TextTokenizer
from indextts2.training.data.tokenizer import train_english_tokenizer

TINY_BPE = Path(__file__).parents[1] / "parity" / "data" / "tiny_bpe.model"


@pytest.fixture(scope="session")
def english(tmp_path_factory):
    return EnglishFrontEnd(TextTokenizer(train_english_tokenizer(tmp_path_factory.mktemp("tokenizer") / "t.model")))


@pytest.fixture(scope="session")
def official():
    return OfficialFrontEnd(TextTokenizer(TINY_BPE), expander=identity)
