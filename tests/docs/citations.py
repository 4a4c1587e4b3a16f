"""Reading Markdown: its headings as anchors, its links, and the citations of docs/spec/ in any text file."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "docs" / "spec"

CITATION = re.compile(r"docs/spec/[\w.-]+(?:#[\w-]+)?")
"""A citation of a reference page in code, recipes or documents: a path from the root, and the anchor of a heading."""

LINK = re.compile(r"\]\(([^()\s]+)\)")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".cfg"}


@cache
def anchors(path: Path) -> frozenset[str]:
    """Anchors of a Markdown page's headings, as GitHub makes them; a repeated heading gets -1, -2, ..."""
    seen: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE):
        words = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(slug if count == 0 else f"{slug}-{count}")
    return frozenset(found)


def without_code(text: str) -> str:
    """The text without its fenced blocks, whose brackets and hashes mean other things."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def tracked_files() -> list[Path]:
    """Text files that git knows or would add; without git, all that lie in the folders of the project."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        paths = [ROOT / name for name in listed]
    except (OSError, subprocess.CalledProcessError):
        folders = ("indextts2", "nodes", "docs", "tests", "tools", "recipes", "workflows", "web", "locales")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.glob("*"))
    return sorted(path for path in paths if path.suffix in TEXT and path.is_file())


def unresolved(path: Path, target: str) -> str:
    """Why a link or citation of a file leads nowhere; empty when it resolves. Web addresses are not looked at."""
    if target.startswith(("http://", "https://", "mailto:")):
        return ""
    name, _, anchor = target.partition("#")
    page = path if not name else (path.parent / name).resolve()
    if not page.exists():
        return f"{target}: no such file"
    if anchor and (page.suffix != ".md" or anchor not in anchors(page)):
        return f"{target}: no such heading"
    return ""
