"""Text functions take time in proportion to the text: twice the input is at most 2.5 times the work.

Work is counted, not timed: calls of functions by the profiler of Python, and the steps of every regular expression of
the text and script readers by a matcher that counts them (`regex_steps.py`).
"""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import indextts2
from indextts2.errors import IndexTTS2Error
from indextts2.loading.checkpoint import load_front_end, open_checkpoint
from indextts2.script.captions import spoken_text, staged_text
from indextts2.script.header import read_header, read_settings
from indextts2.script.model import plain_text
from indextts2.script.read import READERS, read_script
from indextts2.stages.prepare_text import prepare_text
from indextts2.text.tags import find_tags

from .regex_steps import Counter, steps_of

ROOT = Path(indextts2.__file__).parent
GROWTH = 2.5
MARKS = [*" \n\t.,;:!?-–'\"()[]{}<>|/\\@#$%&*_~`^+=", "a", "A", "1", "é", "中", "\u00a0", "\0"]
UNITS = [
    *MARKS, "<pause ", "1,", "1 ", "a ", "A ", "a.", "A.", "1.", "1-", "1/", "1:", "a'", "a-", "[a", "<a", "<a|", "(a",
    "a/", "./", "x@", "*a", "_a", "<b ", "<b a=b ", "http://a", "www.", "- ", "| a ", "|-", "--", "\n ", ". ", "Aa",
    "A1", "$1 ", "1 000 ", "<!--", "[x](", "{\\p1", "<v ", "[happy ", "<speaker ", "00:00:01,000 --> ", "Anna: ",
]  # fmt: skip
USUAL_UNITS = [" ", "1", "<", "a", "(", "1,"]


def modules() -> list[Path]:
    """Every module that reads texts, scripts or foreign data."""
    folders = ("text", "script", "stages", "loading", "evaluation")
    return sorted([*(path for name in folders for path in (ROOT / name).rglob("*.py")), ROOT / "foreign.py"])


def patterns() -> dict[str, re.Pattern[str]]:
    """Every regular expression that such a module holds, in tables too."""
    found: dict[tuple[str, int], str] = {}

    def walk(value: Any, name: str, depth: int = 0) -> None:
        if isinstance(value, re.Pattern):
            found.setdefault((value.pattern, value.flags), name)
        elif isinstance(value, tuple | list) and depth < 4:
            for index, item in enumerate(value):
                walk(item, f"{name}[{index}]", depth + 1)
        elif isinstance(value, dict) and depth < 4:
            for key, item in value.items():
                walk(item, f"{name}[{key!r}]", depth + 1)
        elif isinstance(getattr(value, "pattern", None), re.Pattern):
            walk(value.pattern, f"{name}.{getattr(value, 'name', '')}", depth + 1)

    for path in modules():
        module = importlib.import_module(".".join(("indextts2", *path.relative_to(ROOT).with_suffix("").parts)))
        for name, value in vars(module).items():
            walk(value, f"{path.stem}.{name}")
    return {name: re.compile(*key) for key, name in found.items()}


BOUNDED = {
    "context._BEFORE": "searched in 30 characters",
    "ratios._CALCULATES": "searched in 60 characters",
    "starts._PART": "reads the patterns of this package, once",
    "times._PART": "searched in a match of at most a few numbers",
    "transcripts._HUNDREDTHS": "searched in a match of a time",
}
"""Patterns that see short texts alone."""


def searched() -> set[str]:
    """Names of patterns that are used for more than `match` and `fullmatch`, which try the start of a text alone."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py")))
    code = re.sub(r"(?m)^from .*$", "", code)
    used = re.findall(r"\b([A-Z_]{3,})\b(?!\.(?:match|fullmatch)\b|(?:: [^=\n]+)? = |,?\n)", code)
    return set(used)


def calls_of(function: Callable[[], object]) -> int:
    """Calls of functions, those of C included, that a piece of work makes."""
    count = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    except IndexTTS2Error:
        pass
    finally:
        sys.setprofile(before)
    return count


@pytest.fixture(scope="module")
def functions() -> dict[str, Callable[[str], object]]:
    front_end = load_front_end(open_checkpoint("mini"))
    prepare_text(front_end, "Warm. <pause 1s> 5%")  # tables that are read once
    return {
        "prepare_text": lambda text: prepare_text(front_end, text),
        "find_tags": find_tags,
        "plain_text": plain_text,
        "read_header": lambda text: read_header(text, lenient=True),
        "read_settings": read_settings,
        "spoken_text": lambda text: spoken_text(text.split("\n"), []),
        "staged_text": lambda text: staged_text(text, []),
        **{
            kind: lambda text, kind=kind: read_script(text, kind)
            for kind in READERS
            if kind not in ("sami", "microdvd")
        },
    }


def grown(work: Callable[[str], int], unit: str, count: int) -> Iterator[str]:
    """What is wrong with the growth from `count` to twice as many of a unit."""
    once, twice = work(unit * count), work(unit * (2 * count))
    if twice > GROWTH * once + 200:
        yield f"{unit!r}: {once} for {count}, {twice} for {2 * count}"


@pytest.mark.parametrize("units", [USUAL_UNITS, pytest.param(UNITS, marks=pytest.mark.slow)], ids=["few", "all"])
def test_no_text_function_calls_more_than_in_proportion(functions, units):
    faults = [
        f"{name} {fault}"
        for name, function in functions.items()
        for unit in units
        for fault in grown(lambda text, run=function: calls_of(lambda: run(text)), unit, 60)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("units", [USUAL_UNITS, pytest.param(UNITS, marks=pytest.mark.slow)], ids=["few", "all"])
def test_no_regular_expression_steps_more_than_in_proportion(units):
    faults, elsewhere = [], searched()
    for name, pattern in patterns().items():
        if name in BOUNDED:
            continue
        constant = name.rpartition(".")[2]
        anchored = constant.isidentifier() and constant.isupper() and constant not in elsewhere
        for unit in units:
            for before in ("", "a") if units is not USUAL_UNITS else ("",):
                count = max(4, 24 // len(unit))
                once, twice = (
                    steps_of(pattern, before + unit * n + "\ufffe", anchored=anchored) for n in (count, 2 * count)
                )
                if twice > GROWTH * once + 60:
                    faults.append(f"{name} {unit!r}: {once}, {twice}  {pattern.pattern[:80]!r}")
    assert not faults, "\n".join(faults)


def test_no_reader_copies_all_of_a_text_at_every_match():
    copied = re.compile(r"string\[: |string\[[^\]\n]*\.(?:end|start)\(\) :\]")
    found = {
        f"{path.name}: {row.strip()}"
        for path in sorted((ROOT / "text").rglob("*.py"))
        for row in path.read_text(encoding="utf-8").splitlines()
        if copied.search(row)
    }
    assert not found


def test_the_counting_matcher_finds_what_re_finds():
    texts = ["Dr. Smith paid $1,234.50 <pause 0.4s> at 7.30pm, [happy .6] a@b.co!", "a  b\n- x | y\n**bold** (x) '80s"]
    for name, pattern in patterns().items():
        if re.search(r"\{\d*,?\d\d", pattern.pattern) or re.search(r"\{[5-9]", pattern.pattern):
            continue  # longer bounds are cut by the counter
        for text in texts:
            counter, ends, at = Counter(pattern, text), [], 0
            while at <= len(text):
                end = counter.run(list(counter.tree), 0, at, lambda place: place)
                ends += [end] if end is not None and end > at else []
                at = at + 1 if end is None or end == at else end
            assert ends == [match.end() for match in pattern.finditer(text) if match.end() > match.start()], name


def test_a_pattern_that_is_not_linear_is_found():
    quadratic, linear = re.compile(r"a+b"), re.compile(r"(?<!a)a+b")
    assert steps_of(quadratic, "a" * 60) > 3 * steps_of(quadratic, "a" * 30)
    assert steps_of(linear, "a" * 60) < 2.5 * steps_of(linear, "a" * 30)


@pytest.mark.parametrize("text", ["1" * 3000, "9" * 1500 + " men", "Call " + "555-" * 600])
def test_a_number_over_many_segments_is_shown_once(functions, text):
    segments = functions["prepare_text"](text).segments
    assert len(segments) > 20 and sum(len(segment.text) for segment in segments) < len(text) + 3 * len(segments)
    assert segments[0].text and all(segment.text.startswith("…") for segment in segments[1:-1])


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["<pause ", "1,", " ", "[", "1", "a", ".", "<", "(", "a ", "<speaker ", "\n "])
def test_a_million_characters_end_within_a_minute(functions, unit):
    text = "a" + unit * (1_000_000 // len(unit))
    for name in ("prepare_text", "find_tags", "plain_text", "dialogue", "srt", "lrc"):
        begin = time.thread_time()
        try:
            functions[name](text)
        except IndexTTS2Error:
            pass
        assert time.thread_time() - begin < 60, name


@pytest.mark.parametrize("unit", ["a", "A", "xq"])
def test_a_word_over_many_segments_is_shown_once(functions, unit):
    once, twice = (unit * (count // len(unit)) for count in (4_000, 8_000))
    assert calls_of(lambda: functions["prepare_text"](twice)) < GROWTH * calls_of(
        lambda: functions["prepare_text"](once)
    )
    segments = functions["prepare_text"](twice).segments
    assert len(segments) > 20 and all(segment.spoken.strip(".") == "…" for segment in segments[1:])
    assert segments[0].spoken.lower() == twice.lower()
