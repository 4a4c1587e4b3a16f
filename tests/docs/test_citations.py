"""Every reference in code and documents leads to a file and a heading that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .citations import CITATION, LINK, ROOT, SPEC, anchors, tracked_files, unresolved, without_code

OWN = Path(__file__).resolve()
PRIVATE = re.compile(
    r"(?<!docs/)\bspec/\w+\.md[^\n]{0,20}|\b(?:design|style|speed|mini|house)\.md\b"
    r"|\b(?:design|speed) (?:notes|section)\b"
    r"|(?<!\d{5}, )\bsections? \d[\d.]*"
)
"""A page of notes outside the repository, or a section without its paper (arXiv 0000.00000, section 1)."""

MARKDOWN = [path for path in tracked_files() if path.suffix == ".md"]


def test_a_heading_becomes_the_anchor_that_github_makes(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `mel`, and its *use*\n## Twice\n## Twice\n```\n# no heading\n```\n", encoding="utf-8")
    assert anchors(page) == {"a-mel-and-its-use", "twice", "twice-1"}


def test_a_broken_reference_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n", encoding="utf-8")
    assert [unresolved(page, target) for target in ("#one", "page.md#one", "https://example.org/x")] == ["", "", ""]
    assert "no such heading" in unresolved(page, "page.md#two")
    assert "no such file" in unresolved(page, "other.md")


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_resolves(path):
    text = without_code(path.read_text(encoding="utf-8"))
    base = path if "web/docs/" not in path.as_posix() else ROOT / "web" / "docs" / path.name  # where the host serves it
    assert not [reason for target in LINK.findall(text) if (reason := unresolved(base, target))]


def test_every_citation_of_a_reference_page_resolves():
    wrong = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8")
        for citation in CITATION.findall(text):
            reason = unresolved(ROOT / "root", citation.rstrip("."))
            wrong += [f"{path.relative_to(ROOT)}: {reason}"] if reason else []
    assert not wrong


def test_nothing_cites_a_document_that_a_reader_cannot_have():
    """Notes outside the repository, or sections of a page that is not named."""
    wrong = []
    for path in tracked_files():
        if path != OWN and path.suffix in {".py", ".yaml", ".toml"}:
            wrong += [
                f"{path.relative_to(ROOT)}: {found}" for found in PRIVATE.findall(path.read_text(encoding="utf-8"))
            ]
    assert not wrong


@pytest.mark.parametrize(
    "words", ["spec/t2s.md 8", "see speed.md 5.1", "(section 6)", "Affine, section 4.", "design section 2"]
)
def test_a_private_citation_is_noticed(words):
    assert PRIVATE.search(words)


@pytest.mark.parametrize(
    "words", ["docs/spec/t2s.md#trunk", "arXiv 2010.05646, section 2.3", "git-lfs.github.com/spec/v1"]
)
def test_a_public_citation_is_not(words):
    assert not PRIVATE.search(words)


@pytest.mark.parametrize("page", sorted(SPEC.glob("*.md")), ids=lambda page: page.name)
def test_every_reference_page_is_in_their_index(page):
    assert page.name == "README.md" or f"]({page.name})" in (SPEC / "README.md").read_text(encoding="utf-8")


def test_the_index_lists_no_page_that_is_gone():
    listed = re.findall(r"^\| \[(\S+)\]", (SPEC / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {*listed, "README.md"} == {page.name for page in SPEC.glob("*.md")}
