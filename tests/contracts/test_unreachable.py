"""Nothing lies in the library that no node, no command, no export and no document reaches."""

from __future__ import annotations

import pytest

from tools.unreachable import EXCUSED, ROOT, documented, read, read_module, unreachable


def missed(*files: tuple[str, str], known: frozenset[str] = frozenset()) -> list[str]:
    return [one.shown for one in unreachable([read_module(*file) for file in files], set(known))]


START = ("indextts2/__init__.py", "EXPORTS = {'speak': '.stages'}")


def test_the_list_of_the_repository_is_empty_but_for_the_excused():
    found = {one.shown for one in unreachable(read(ROOT), documented(ROOT))}
    assert found - set(EXCUSED) == set()


def test_an_export_reaches_what_it_uses_and_nothing_else():
    library = "def speak(): return _part()\ndef _part(): ...\ndef lost(): return _own()\ndef _own(): ...\nUNUSED = 1"
    assert missed(START, ("indextts2/stages.py", library)) == [
        "indextts2/stages.py: lost",
        "indextts2/stages.py: _own",
        "indextts2/stages.py: UNUSED",
    ]


def test_a_method_is_reached_by_its_name_by_a_framework_or_not_at_all():
    library = (
        "class Model:\n    def __init__(self): ...\n    def forward(self): ...\n    def run_it(self): ...\n"
        "    def lost(self): ...\ndef speak(): Model().run_it()"
    )
    assert missed(START, ("indextts2/models.py", library)) == ["indextts2/models.py: Model.lost"]


def test_a_class_that_nothing_reaches_is_listed_once():
    assert missed(START, ("indextts2/a.py", "class Lost:\n    def one(self): ...")) == ["indextts2/a.py: Lost"]


@pytest.mark.parametrize("use", ["from .a import lost", "from . import a", '"""Says lost."""'])
def test_an_import_or_a_docstring_of_a_module_is_no_use(use):
    assert missed((START[0], f"{use}"), ("indextts2/a.py", "def lost(): ...")) == ["indextts2/a.py: lost"]


def test_the_name_of_a_function_in_a_table_of_words_is_a_use():
    assert missed((START[0], "PARTS = {'t2s': ('a', 'train')}"), ("indextts2/a.py", "def train(): ...")) == []


def test_a_name_in_the_documents_is_a_use():
    library = ("indextts2/a.py", "def lost(): ...")
    assert missed(START, library, known=frozenset({"lost"})) == []
    assert "speak" in documented(ROOT)
