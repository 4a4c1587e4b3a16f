"""The official front end, in compatible mode, equals the reference on every text of the fixture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indextts2.text.annotations import ANNOTATION
from indextts2.text.expander import identity, wetext_expander
from indextts2.text.normalise import OfficialNormaliser, takes_chinese_path
from indextts2.text.official import OfficialFrontEnd, space_and_raise
from indextts2.text.pinyin import official_spelling
from indextts2.text.segment import reference_segments
from indextts2.text.tokenizer import TextTokenizer
from indextts2.text.tracked import TrackedText

DATA = Path(__file__).parent / "data"
GOLDEN = json.loads((DATA / "frontend.json").read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=case["name"]) for case in GOLDEN["cases"]]
SEGMENT_CASES = [pytest.param(case, id=case["name"]) for case in GOLDEN["segment_cases"]]
GLOSSARY_CASES = [pytest.param(case, id=case["text"]) for case in GOLDEN["glossary"]["cases"]]


@pytest.fixture(scope="module")
def front_end():
    return OfficialFrontEnd(TextTokenizer(DATA / GOLDEN["tokenizer"]["file"]), expander=identity, compatible=True)


@pytest.fixture(scope="module")
def wetext():
    pytest.importorskip("wetext", reason="the package wetext is not installed")
    return OfficialNormaliser(wetext_expander(as_reference=True), compatible=True)


def test_tokenizer_has_the_ids_the_fixture_names(front_end):
    named = GOLDEN["tokenizer"]
    assert len(front_end.tokenizer) == named["vocab_size"]
    assert front_end.tokenizer.unknown_id == named["unk"]
    assert front_end.ids(["<s>", "</s>"]) == [named["bos"], named["eos"]]


@pytest.mark.parametrize("case", CASES)
def test_language_decision_equals_the_reference(case):
    without_annotations = ANNOTATION.sub("annotation", case["text"])
    assert takes_chinese_path(without_annotations) == case["chinese_path"]


@pytest.mark.parametrize("case", CASES)
def test_normalised_text_without_expansion_equals_the_reference(case):
    assert OfficialNormaliser(identity, compatible=True)(case["text"]) == case["normalized_no_tn"]


@pytest.mark.parametrize("case", CASES)
def test_normalised_text_with_wetext_equals_a_reference_with_wetext(case, wetext):
    known = case["normalized_tn"]
    assert wetext(case["text"]) in {known["wetext018"], known["wetext010"]}


@pytest.mark.parametrize("case", CASES)
def test_cjk_spacing_equals_the_reference(case):
    tracked = TrackedText(case["normalized_no_tn"])
    space_and_raise(tracked)
    assert tracked.text == case["cjk_spaced"]


@pytest.mark.parametrize("case", CASES)
def test_pieces_and_ids_equal_the_reference(case, front_end):
    found = front_end.pieces(case["text"]).pieces
    assert list(found) == case["tokens"]
    assert front_end.ids(found) == case["ids"]


@pytest.mark.parametrize("case", CASES)
def test_segments_of_every_text_equal_the_reference(case):
    for limits, lengths in case["segments"].items():
        limit, quick = (int(number) for number in limits.split(","))
        segments, _ = reference_segments(case["tokens"], limit, quick)
        assert [len(segment) for segment in segments] == lengths
        if "segments_full" in case:
            spelled = [[case["tokens"][index] for index in segment] for segment in segments]
            assert spelled == case["segments_full"][limits]


@pytest.mark.parametrize("case", SEGMENT_CASES)
def test_segments_of_made_up_pieces_equal_the_reference(case):
    segments, was_cut = reference_segments(case["tokens"], case["max"], case["quick"])
    assert [[case["tokens"][index] for index in segment] for segment in segments] == case["segments"]
    assert was_cut == case["warned"]


@pytest.mark.parametrize("case", GLOSSARY_CASES)
def test_glossary_equals_the_reference(case, wetext):
    table = GOLDEN["glossary"]["table"]
    assert OfficialNormaliser(identity, compatible=True)(case["text"], table) == case["normalized_no_tn"]
    assert wetext(case["text"], table) == case["wtp120"]


@pytest.mark.parametrize(("typed", "spelled"), GOLDEN["correct_pinyin"].items())
def test_pinyin_spelling_equals_the_reference(typed, spelled):
    assert official_spelling(typed, compatible=True) == spelled
