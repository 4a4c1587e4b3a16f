"""The words of the project are those of docs/glossary.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from indextts2.cli.main import COMMANDS, build_parser

from .glossary import PAGE, first_column, replaced, units, unused

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("The chain", "Counting", "Decoding", "Loading and training", "Scripts")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "web" / "docs").glob("*.md"))]
CODE = [*(ROOT / "indextts2").rglob("*.py"), *(ROOT / "nodes").rglob("*.py"), *(ROOT / "recipes").glob("*.yaml")]
TEXTS = "corpus"  # sentences to speak are nobody's vocabulary


def test_a_word_has_one_meaning():
    words = [word for section in SECTIONS for word in first_column(section)]
    assert len(words) == len(set(words)) > 40


@pytest.mark.parametrize(
    ("pattern", "words"),
    [(units, "10 takes at once."), (unused, "Its Timbre"), (unused, "it goes on"), (replaced, "class RowPool:")],
)
def test_a_pattern_of_the_glossary_finds_its_words(pattern, words):
    assert pattern().search(words)


@pytest.mark.parametrize("words", ["An encoder decodes.", "Sparks of emotion."])
def test_longer_words_are_left_alone(words):
    assert not unused().search(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_uses_no_word_that_is_not_used(path):
    found = [] if path == PAGE else unused().findall(re.sub(r"`[^`\n]*`", "", path.read_text(encoding="utf-8")))
    assert not found


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_uses_no_word_that_is_not_used(command, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    assert not unused().findall(capsys.readouterr().out)


def test_no_name_that_was_replaced_is_left_in_the_code():
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in CODE
        if TEXTS not in path.parts
        for found in replaced().findall(path.read_text(encoding="utf-8"))
    ]
    assert not wrong
