"""Readers of foreign data: bounded in size, depth and number, and every fault one sentence."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from itertools import pairwise

import pytest

from indextts2.foreign import (
    ForeignDataError,
    Limits,
    parse_json,
    parse_yaml,
    read_foreign_text,
    read_json,
    read_json_lines,
    read_yaml,
    record,
    shown,
)

BOMB = "a: &a [1, 1, 1, 1]\n" + "".join(f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}]\n" for p, n in pairwise("abcdefghi"))
HOSTILE_YAML = {
    "brackets": "[" * 100_000,
    "braces": "{a: " * 10_000,
    "dashes": "- " * 10_000 + "x",
    "an alias bomb": BOMB,
    "an alias inside its value": "a: &x [*x]",
    "an alias of nothing": "a: *x",
    "aliases that nest": "".join(f"{n}: &{n} [[[[[[[[[[*{p}]]]]]]]]]]\n" for p, n in pairwise("abcdefghi")).replace(
        "*a", "1"
    ),
    "a merge": "a: &x {b: 1}\nc:\n  <<: *x",
    "!!float x": "a: !!float x",
    "!!bool x": "a: !!bool x",
    "!!int": "a: !!int ''",
    "!!python": "a: !!python/object/apply:os.system [ls]",
    "!!timestamp": "a: !!timestamp 2001-13-45",
    "!!binary": "a: !!binary 'x'",
    "!!set": "a: !!set {b}",
    "infinity": "a: .inf",
    "not a number": "a: .nan",
    "1e999": "a: 1.0e+999",
    "400 digits": "a: " + "9" * 400,
    "5000 digits": "a: " + "9" * 5_000,
    "hexadecimal of 400 digits": "a: 0x" + "f" * 400,
    "a list as key": "? [1, 2]\n: 3",
    "a key twice": "a: 1\na: 2",
    "an unclosed quote": 'a: "b',
    "a tab": "a:\n\t- b",
    "a control character": "a: \x00",
    "two documents": "a: 1\n---\nb: 2",
    "many keys": "\n".join(f"k{n}: {n}" for n in range(30_000)),
    "!!map on a word": "a: !!map b",
    "!!seq on a word": "a: !!seq b",
    "!!str on a list": "a: !!str [b]",
}
HOSTILE_JSON = {
    "brackets": "[" * 200_000,
    "closed brackets": "[" * 1_000 + "]" * 1_000,
    "braces": '{"a":' * 1_000 + "1" + "}" * 1_000,
    "NaN": '{"a": NaN}',
    "Infinity": "[Infinity]",
    "-Infinity": "[-Infinity]",
    "1e999": "[1e999]",
    "400 digits": "[" + "9" * 400 + "]",
    "5000 digits": "[" + "9" * 5_000 + "]",
    "a key twice": '{"a": 1, "a": 2}',
    "cut": '{"a": [1, 2',
    "an unclosed text": '{"a": "b',
    "nothing": "",
    "not UTF-8": b'{"a": "\xff"}',
}


@pytest.mark.parametrize("text", HOSTILE_YAML.values(), ids=HOSTILE_YAML)
def test_hostile_yaml_is_refused_in_one_short_sentence(text):
    with pytest.raises(ForeignDataError) as caught:
        parse_yaml(text)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_hostile_json_is_refused_in_one_short_sentence(text):
    with pytest.raises(ForeignDataError) as caught:
        parse_json(text)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_plain_values_are_read_as_they_stand():
    text = (
        "word: yes it is\nnumber: 3\nshare: 0.25\nlist: [1, two]\nnothing:\nswitch: true\nday: 2001-12-14\nat: '1:30'"
    )
    assert parse_yaml(text) == {
        "word": "yes it is", "number": 3, "share": 0.25, "list": [1, "two"], "nothing": None, "switch": True,
        "day": "2001-12-14", "at": "1:30",
    }  # fmt: skip
    assert parse_json('{"a": [1, 2.5, null, true, "\\u00e9 [{,"]}') == {"a": [1, 2.5, None, True, "é [{,"]}
    assert parse_yaml("") is None
    assert parse_yaml("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_brackets_inside_a_text_do_not_count_as_depth():
    assert parse_json(json.dumps({"a": "[" * 10_000}))["a"] == "[" * 10_000


def test_a_fault_tells_its_place():
    with pytest.raises(ForeignDataError, match="line 2, column 4") as caught:
        parse_yaml("a: 1\nb: *c")
    assert (caught.value.line, caught.value.column) == (2, 4)
    with pytest.raises(ForeignDataError, match="line 2"):
        parse_json('{"a": 1,\n"b" 2}')


def test_files_are_bounded_and_decoded(tmp_path):
    large, broken, fine = tmp_path / "large", tmp_path / "broken", tmp_path / "fine.json"
    large.write_bytes(b" " * 101)
    broken.write_bytes(b"\xff\xfe\xff")
    fine.write_text('\ufeff{"a": 1}', encoding="utf-8")
    with pytest.raises(ForeignDataError, match="larger than 100 bytes"):
        read_foreign_text(large, Limits(size=100))
    with pytest.raises(ForeignDataError, match="UTF-8"):
        read_yaml(broken)
    for name in ("missing", "x" * 300, "a\0b", "\ud800"):
        with pytest.raises(ForeignDataError):
            read_json(tmp_path / name)
    assert read_json(fine) == read_yaml(fine) == {"a": 1}


def test_json_lines_name_the_line(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n', encoding="utf-8")
    lines = read_json_lines(path)
    assert next(lines) == (1, {"a": 1})
    with pytest.raises(ForeignDataError, match="line 3"):
        next(lines)
    path.write_text('{"a": 1}\n{"a"', encoding="utf-8")
    assert list(read_json_lines(path, complete=True)) == [(1, {"a": 1})]


def test_values_in_messages_stay_short():
    endless: list = []
    endless.append(endless)
    for value in ("x" * 10_000, 10**5_000, endless, {n: n for n in range(1_000)}, b"x" * 10_000, None, 1.5):
        assert len(shown(value)) < 120


def test_no_mutation_of_a_text_ends_in_a_traceback():
    """A thousand seeded cuts, doublings and swaps of characters."""
    dice = random.Random(14)
    seeds = ["a: {b: [1, 2.5, x], c: 'd'}\ne: |\n  text\n", '{"a": [1, {"b": "c"}], "d": 1e5}', *HOSTILE_YAML.values()]
    signs = "[]{}:,-&*!|>'\"%@`#\n\t \x00\x85é9.e"
    for _ in range(1_000):
        text = dice.choice(seeds)[:400]
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(text) + 1)
            text = text[:at] + dice.choice(signs) * dice.randrange(1, 4) + text[at + dice.randrange(3) :]
        for parse in (parse_yaml, parse_json):
            try:
                parse(text)
            except ForeignDataError as error:
                assert len(str(error)) < 400


@dataclass
class Made:
    name: str
    count: int = 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "a", "sum": 2}, "a Made has unknown field 'sum'"),
        ({"count": 2}, "a Made has no field 'name'"),
        ({"name": "a", "x" * 999: 2}, "a Made has unknown field 'x"),
        ([1], "a Made is a mapping of fields, but got a list of 1"),
        (None, "a Made is a mapping of fields, but got None"),
    ],
)
def test_the_fields_of_a_file_are_named_where_they_are_unknown_or_missing(values, said):
    with pytest.raises(ForeignDataError, match=re.escape(said)) as refused:
        record(Made, values)
    assert len(str(refused.value)) < 200
    assert record(Made, {"name": "a"}) == Made("a", 1)
