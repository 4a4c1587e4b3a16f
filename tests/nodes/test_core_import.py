"""What importing the pack does: little, quickly, alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.load import ROOT

HEAVY = {"transformers", "librosa", "matplotlib", "peft", "accelerate", "sentencepiece", "soundfile", "scipy", "numba"}
HOST_SERVICES = {"comfy", "folder_paths", "server", "execution", "nodes"}
SECONDS = 1.0

PROBE = """
import socket, sys, time, tempfile
from pathlib import Path
import torch
def refuse(*arguments, **named):
    raise AssertionError("the pack used the network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from tests.host.load import install_surface, load_pack
install_surface()
import folder_paths, comfy.utils, comfy.model_management, comfy.model_patcher, comfy_api.latest
folder = Path(tempfile.mkdtemp())
folder_paths.reset(str(folder))
path, begin = list(sys.path), time.process_time()
pack = load_pack(folder / "custom_nodes")
print(time.process_time() - begin)
assert sys.path == path, "the pack changed sys.path"
assert "indextts2" not in sys.modules, "the library must live inside the pack, beside others of that name"
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def probed():
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds, modules = done.stdout.splitlines()
    return float(seconds), set(modules.split()), done.stderr


def test_importing_the_pack_takes_less_than_a_second_of_the_processor(probed):
    assert probed[0] < SECONDS


def test_importing_the_pack_loads_nothing_heavy_and_warns_of_nothing(probed):
    assert probed[1] & HEAVY == set()
    assert probed[2] == ""


HOST_FILES = {f"nodes/host/{name}.py" for name in ("audio", "folders", "services")}
"""The only files that may talk to the host's services."""


def node_files() -> list[Path]:
    return [ROOT / "__init__.py", *sorted((ROOT / "nodes").rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def top_names(path: Path) -> set[str]:
    """First parts of absolute imports."""
    names: set[str] = set()
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            names |= {alias.name.split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
            names.add(statement.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", node_files(), ids=name_of)
def test_the_library_is_imported_relatively(path):
    assert "indextts2" not in top_names(path)


def test_three_files_talk_to_the_host_and_the_architecture_page_names_them():
    talking = {name_of(path) for path in node_files() if top_names(path) & HOST_SERVICES}
    assert talking == HOST_FILES
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in HOST_FILES)


@pytest.mark.parametrize("path", node_files(), ids=name_of)
def test_nodes_are_thin(path):
    """The body of execute without its docstring and imports stays short."""
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.FunctionDef) and statement.name == "execute":
            body = [part for part in statement.body if not isinstance(part, ast.Import | ast.ImportFrom)]
            assert len(body) <= 12, f"{path.name}: {len(body)} statements belong into a stage"


def test_every_file_of_nodes_is_collected_or_has_none(pack):
    from importlib import import_module

    collected = set(pack.nodes.values())
    for path in (ROOT / "nodes").glob("*.py"):
        module = import_module(f"{pack.module.__name__}.nodes.{path.stem}") if path.stem != "__init__" else None
        assert set(getattr(module, "NODES", ())) <= collected, f"{path.name} is missing from nodes.FILES"


def test_a_node_looks_at_its_inputs_once_however_often_the_nodes_are_collected(pack):
    nodes = pack.part("nodes")
    first = [node.execute.__func__ for node in nodes.all_nodes()]
    assert [node.execute.__func__ for node in nodes.all_nodes()] == first
    assert all(function.looks_first for function in first)
