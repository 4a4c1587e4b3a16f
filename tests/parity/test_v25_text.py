"""The text side of IndexTTS-2.5 against the reference: every stage, every segment, every id, two vocabularies."""

from __future__ import annotations

import hashlib
import json

import pytest

from indextts2.config import TextConfig
from indextts2.text.byte_pairs import BytePairVocabulary
from indextts2.text.expander import identity
from indextts2.text.languages import language_row
from indextts2.text.multilingual import MultilingualFrontEnd, special_tokens
from indextts2.text.tracked import TrackedText

from .conftest import find_or_skip

OFFICIAL_VOCABULARY = "multilingual_zh_ja_yue_char_del.tiktoken"
ROWS = 14  # of the small text position table in `rows14_budget120_segments`


@pytest.fixture(scope="module")
def fixture():
    return json.loads(find_or_skip("v25_text.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=["tiny", "official"])
def vocabulary(request, fixture):
    """(name, vocabulary). The official file is not carried: lay it into INDEXTTS2_PARITY_DIR."""
    path = find_or_skip("v25_tiny.tiktoken" if request.param == "tiny" else OFFICIAL_VOCABULARY)
    if request.param == "official":
        assert hashlib.sha256(path.read_bytes()).hexdigest() in fixture["notes"]["official"]
    return request.param, BytePairVocabulary(path, special_tokens())


def cases(fixture):
    for case in fixture["cases"]:
        if case["lang"].lower() == "ja":
            pytest.importorskip("fugashi")
            pytest.importorskip("unidic_lite")
        yield case


def compatible(vocabulary):
    return MultilingualFrontEnd(vocabulary, TextConfig(), expander=identity, compatible=True)


def test_special_ids_match(fixture, vocabulary):
    name, tokens = vocabulary
    assert len(tokens) == fixture["n_vocab"][name]
    for token, number in fixture["special_ids"][name].items():
        assert tokens.encode(token) == [number]
    for token in fixture["special_ids"]["not_special"]:
        assert token not in tokens.special_ids and len(tokens.encode(token)) > 1


def test_language_rows_match(fixture):
    assert {code: language_row(code) for code in fixture["lang_rows"]} == fixture["lang_rows"]


def test_every_stage_matches(fixture, vocabulary):
    front_end = compatible(vocabulary[1])
    for case in cases(fixture):
        tracked = TrackedText(case["text"])
        found = {"normalised": None}
        for name, step in front_end.stages.steps(case["lang"].lower()):
            step(tracked)
            found[name] = tracked.text
        for name, text in found.items():
            assert text is None or text == case[name], (case["lang"], name)
        assert len(tracked.starts) == len(tracked.ends) == len(tracked.text)


def test_texts_without_normalisation_match(fixture, vocabulary):
    front_end = compatible(vocabulary[1])
    for case in cases(fixture):
        tracked = TrackedText(case["text"])
        front_end.stages.apply(tracked, case["lang"].lower(), normalise=False)
        assert tracked.text == case["no_normalisation_final"]


def spoken(front_end, case, limit):
    """Segments and their ids as the front end gives them."""
    prepared = front_end.pieces(case["text"], language=case["lang"])
    groups = front_end.split(prepared.pieces, limit, language=prepared.language)
    parts = [[prepared.pieces[index] for index in group] for group in groups]
    return ["".join(part) for part in parts], [front_end.known_ids(part, language=prepared.language) for part in parts]


def test_segments_and_ids_match(fixture, vocabulary):
    name, tokens = vocabulary
    front_end = compatible(tokens)
    for case in cases(fixture):
        assert front_end.prefix(case["lang"].lower()) == case["prefix"]
        assert language_row(case["lang"]) == case["lang_row"]
        budgets = {key: value for key, value in case[name].items() if key.isdigit()}
        assert budgets
        for limit, wanted in budgets.items():
            segments, ids = spoken(front_end, case, int(limit))
            assert segments == wanted["segments"], (case["lang"], limit)
            assert ids == [[number for number in row if number > 1] for row in wanted["ids"]]
        segments, _ = spoken(front_end, case, ROWS - 2)
        assert segments == case[name]["rows14_budget120_segments"]


@pytest.mark.parametrize("limit", [9, 16, 40])
def test_no_segment_of_ours_cuts_an_annotation_or_a_word(fixture, limit):
    """What the released program destroys in its low-memory mode and at small budgets stays whole here."""
    tokens = BytePairVocabulary(find_or_skip("v25_tiny.tiktoken"), special_tokens())
    front_end = MultilingualFrontEnd(tokens, TextConfig(), expander=identity)
    for case in fixture["low_memory_split"]:
        prepared = front_end.pieces(case["text"], language="en")
        groups = front_end.split(prepared.pieces, limit, language="en")
        assert [index for group in groups for index in group] == list(range(len(prepared.pieces)))
        for group in groups:
            part = "".join(prepared.pieces[index] for index in group)
            if len(tokens.encode(part)) <= limit:
                assert part.count("<|SPECIAL_TOKEN") % 2 == 0
