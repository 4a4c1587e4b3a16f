"""Numbers to words, with and without wetext."""

from __future__ import annotations

import sys

import pytest

from indextts2.text import expander
from indextts2.text.official import OfficialFrontEnd


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3052件", "三千零五十二件"),
        ("10和15", "十和十五"),
        ("100205", "十万零二百零五"),
        ("100000000", "一亿"),
        ("100001000", "一亿零一千"),
        ("1000010000000", "一万亿零一千万"),
        ("20000", "二万"),
        ("3.1416", "三点一四一六"),
        ("0", "零"),
        ("007", "零零七"),
        ("12.5%", "百分之十二点五"),
    ],
)
def test_plain_chinese_numbers_are_read_without_wetext(written, spoken):
    assert expander.plain_digits(written, True) == spoken


def test_plain_english_numbers_are_read_without_wetext():
    assert expander.plain_digits("1,204 people, 3.5 each", False) == (
        "one thousand two hundred four people, three point five each"
    )


def test_missing_wetext_is_told_once_in_the_log_and_in_every_text_it_matters_for(official, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "wetext", None)
    expander._warn_once.cache_clear()
    for _ in range(2):
        front_end = OfficialFrontEnd(official.tokenizer)
    expander._warn_once.cache_clear()
    assert [record.message for record in caplog.records].count(expander.MISSING_WETEXT) == 1
    assert expander.MISSING_WETEXT in front_end.pieces("我有3个").warnings
    assert expander.MISSING_WETEXT not in front_end.pieces("我有书").warnings
    assert front_end.pieces("我有3个").normalised == "我有三个"


def test_backslashes_that_wetext_introduces_are_removed():
    pytest.importorskip("wetext")
    expand = expander.wetext_expander()
    assert expand('He said "stop" 2 times', False) == 'He said "stop" two times'


def test_traditional_characters_become_simplified_with_wetext():
    pytest.importorskip("wetext")
    assert expander.wetext_expander()("這個問題", True) == "这个问题"
