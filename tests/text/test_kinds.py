"""What makes the search for kinds of writing quick hides none of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from indextts2.text.kinds.find import number_starts
from indextts2.text.kinds.one_of import one_of
from indextts2.text.kinds.starts import begins_with_number
from indextts2.text.kinds.table import KINDS

TABLE = Path(__file__).with_name("readings_english.txt")
TEXTS = [row.partition(" => ")[0] for row in TABLE.read_text(encoding="utf-8").splitlines() if " => " in row]


def test_a_kind_that_is_tried_at_numbers_only_begins_nowhere_else():
    tried = [one for one in KINDS if one.at_numbers]
    assert len(tried) > 40
    for text in TEXTS:
        starts = number_starts(text)
        for one in tried:
            began = [match.start() for match in one.pattern.finditer(text)]
            assert set(began) <= set(starts), (one.name, text)


def test_a_text_without_the_hint_of_a_kind_holds_nothing_of_that_kind():
    for text in TEXTS:
        for one in KINDS:
            hinted = one.hint is None or one.hint.search(text)
            needed = not one.needs or not one.needs.isdisjoint(text)
            assert (hinted and needed) or not one.pattern.search(text), (one.name, text)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"(?<![\w.])(\d{1,2})h", True),
        (r"([-–](?=\d))?(?<![\w.])(\d+) km", True),
        (r"(?<![\w.])(?:(\d+) to )?(\d+|\.\d+)%", True),
        (r"\d+ km", False),  # a 5 within 15 as well
        (r"(?<![\w.])(?:about )?(\d+)", False),
        (r"(?<!\w)\d+|km", False),
        (r"\b[A-Z]\d", False),
    ],
)
def test_where_a_pattern_may_begin_is_told_with_care(pattern, told):
    assert begins_with_number(pattern) is told


def test_numbers_begin_at_their_digits_their_point_and_their_minus():
    assert number_starts("at -.5 or 12, a3") == [3, 4, 5, 10, 15]
    assert not number_starts("none")


def test_a_pattern_of_words_matches_the_longest_of_them():
    pattern = re.compile(one_of(["m", "mm", "mph", "km/h", "fl oz", "fl. oz"]))
    for word in ("m", "mm", "mph", "km/h", "fl oz", "fl. oz"):
        assert pattern.match(word + "!").group() == word
    assert pattern.match("mp").group() == "m" and not pattern.match("k") and not pattern.match("fl.")
