"""What the manager and the registry ask of the pack."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.host.load import ROOT

SHIPPED = [ROOT / "__init__.py", *sorted((ROOT / "nodes").rglob("*.py")), *sorted((ROOT / "indextts2").rglob("*.py"))]
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"subprocess", "pty", "ctypes", "pip"}
NETWORK = {"urllib", "requests", "httpx", "socket", "huggingface_hub", "aiohttp"}


def tables() -> dict:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(lines) -> set[str]:
    return {
        re.split(r"[<>=!~\[ ;]", line, maxsplit=1)[0].lower() for line in lines if line and not line.startswith("#")
    }


def requirement_lines() -> list[str]:
    return (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_runs_text_as_code_or_starts_programs(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & FORBIDDEN_CALLS
    assert not imported(tree) & FORBIDDEN_MODULES


def test_no_node_can_reach_the_network():
    for path in (ROOT / "nodes").rglob("*.py"):
        assert not imported(ast.parse(path.read_text(encoding="utf-8"))) & NETWORK, path


def test_requirements_leave_torch_to_the_host_and_pin_nothing():
    lines = [line for line in requirement_lines() if line and not line.startswith("#")]
    assert not names(lines) & {"torch", "torchaudio", "torchvision", "comfyui"}
    assert all("==" not in line and "@" not in line and "://" not in line for line in lines)


def test_requirements_name_what_the_project_depends_on():
    assert names(tables()["project"]["dependencies"]) - {"torch"} <= names(requirement_lines())


def test_the_registry_finds_its_table():
    comfy = tables()["tool"]["comfy"]
    assert comfy["DisplayName"] == "IndexTTS2"
    assert comfy["requires-comfyui"] == ">=0.3.64"
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,99}", tables()["project"]["name"])


def test_the_icon_is_square_and_small_enough_for_the_registry():
    with Image.open(ROOT / "docs" / "icon.png") as icon:
        assert icon.width == icon.height <= 400
    assert (ROOT / "docs" / "icon.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_archive_leaves_out_tests_but_keeps_what_users_need():
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    ignored = {line.strip("/") for line in lines if line and not line.startswith("#")}
    assert "tests" in ignored
    assert not ignored & {"nodes", "indextts2", "locales", "web", "workflows", "docs", "LICENSE", "requirements.txt"}
