"""What the manager and the registry ask of the pack."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.host.load import ROOT


def ignored() -> set[str]:
    """Names at the top that the registry leaves out of the archive."""
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    return {line.strip("/") for line in lines if line and not line.startswith("#")}


def shipped() -> list[Path]:
    """Every Python file of the archive."""
    kept = [path for path in sorted(ROOT.iterdir()) if path.name not in ignored() and not path.name.startswith(".")]
    return [file for path in kept for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
            if file.suffix == ".py"]  # fmt: skip


SHIPPED = shipped()
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {
    ("os", "system"), ("os", "popen"), ("os", "startfile"), ("builtins", "eval"), ("builtins", "exec"),
    ("pickle", "load"), ("pickle", "loads"), ("pickle", "Unpickler"),
}  # fmt: skip
FORBIDDEN_MODULES = {"subprocess", "pty", "ctypes", "pip", "marshal"}
NETWORK = {"urllib", "requests", "httpx", "http", "socket", "huggingface_hub", "aiohttp"}
HARMLESS = {"urllib.parse"}  # text only


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
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found - HARMLESS}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def own_imports(path: Path) -> set[Path]:
    """The files of the pack that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1]
            base = folder.joinpath(*(node.module or "").split(".")) if node.module else folder
            for place in (base, *(base / alias.name for alias in node.names)):
                found |= {file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()}
    return found


def reachable(start: list[Path]) -> set[Path]:
    """What can be imported from some files, directly or through others."""
    found, waiting = set(start), list(start)
    while waiting:
        new = own_imports(waiting.pop()) - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_runs_text_as_code_or_starts_programs(path: Path):
    tree = parsed(path)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not {call.func.id for call in calls if isinstance(call.func, ast.Name)} & FORBIDDEN_CALLS
    methods = {
        (call.func.value.id, call.func.attr)
        for call in calls
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    }
    assert not methods & FORBIDDEN_METHODS
    assert not imported(tree) & FORBIDDEN_MODULES
    loads = [call for call in calls if ast.unparse(call.func) == "torch.load"]
    assert all("weights_only=True" in ast.unparse(call) for call in loads), "a pickle could run foreign code"


def test_nothing_that_a_node_can_call_reaches_the_network_or_installs_anything():
    """Downloads belong to the command line: no file that nodes import, however far, has what they need."""
    files = reachable([ROOT / "__init__.py", *sorted((ROOT / "nodes").rglob("*.py"))])
    assert ROOT / "indextts2" / "stages" / "t2s" / "text_to_semantic.py" in files, "the search goes through functions"
    online = {path.relative_to(ROOT).as_posix() for path in files if imported(parsed(path)) & NETWORK}
    assert not online
    assert imported(parsed(ROOT / "indextts2" / "loading" / "download" / "web.py")) & NETWORK, (
        "the search knows what it looks for"
    )


def test_models_of_transformers_are_read_from_files_alone():
    for path in SHIPPED:
        for call in (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)):
            written = ast.unparse(call)
            if ast.unparse(call.func).startswith("Auto") and "from_pretrained" in written:
                assert "local_files_only=True" in written and "trust_remote_code=False" in written, path


def test_requirements_leave_torch_to_the_host_and_pin_nothing():
    lines = [line for line in requirement_lines() if line and not line.startswith("#")]
    assert not names(lines) & {"torch", "torchaudio", "torchvision", "comfyui"}
    assert all("==" not in line and "@" not in line and "://" not in line for line in lines)


def test_requirements_name_what_the_project_depends_on():
    assert names(tables()["project"]["dependencies"]) - {"torch"} <= names(requirement_lines())


def test_the_environment_of_the_tests_has_every_package_that_a_test_imports_without_a_way_round():
    """A package that is there by accident on one machine is missing on the next."""
    dev = names((ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines())
    extras = tables()["project"]["optional-dependencies"]
    assert names(extras["test"]) <= dev
    provided = {name.replace("-", "_") for name in names(requirement_lines()) | dev | {"torch", "bigvgan"}}
    provided |= {"yaml", "PIL", "_pytest", "tomli"} | {"comfy", "comfy_api", "folder_paths"}  # the last three: the host
    foreign = {
        name: path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        for name in imported(parsed(path)) - sys.stdlib_module_names - {"indextts2", "nodes", "tests", "tools"}
        if not {name, name.lower()} & provided and f'importorskip("{name}"' not in path.read_text(encoding="utf-8")
    }
    assert foreign == {}


def test_the_registry_finds_its_table():
    comfy = tables()["tool"]["comfy"]
    assert comfy["DisplayName"] == "IndexTTS2"
    assert comfy["requires-comfyui"] == ">=0.3.64"
    name = tables()["project"]["name"]
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,99}", name) and "comfy" not in name


def test_the_project_is_described_in_the_form_that_the_registry_reads():
    project = tables()["project"]
    assert project["license"] == {"file": "LICENSE"} and (ROOT / "LICENSE").is_file()
    assert re.fullmatch(r"https://[^/]+/\S+", project["urls"]["Repository"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])


def test_what_a_publisher_still_sets_stands_in_the_docs():
    """Every value that is empty or a placeholder, and no other."""
    text = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
    comfy, urls = tables()["tool"]["comfy"], tables()["project"]["urls"]
    open_values = {key for key, value in (comfy | urls).items() if value == "" or ".invalid/" in str(value)}
    assert {key for key in (*comfy, *urls) if f"| `{key}` |" in text or f"` `{key}` |" in text} == open_values


def test_example_graphs_name_the_project_and_its_version():
    from tools.workflows.canvas import PACK_PROPERTIES

    project = tables()["project"]
    assert {"cnr_id": project["name"], "ver": project["version"]} == PACK_PROPERTIES


def test_the_icon_is_square_and_small_enough_for_the_registry():
    with Image.open(ROOT / "docs" / "icon.png") as icon:
        assert icon.width == icon.height <= 400
    assert (ROOT / "docs" / "icon.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_archive_leaves_out_tests_but_keeps_what_users_need():
    assert "tests" in ignored()
    needed = {"nodes", "indextts2", "locales", "web", "workflows", "docs", "LICENSE", "requirements.txt"}
    assert not ignored() & needed
    assert {path.relative_to(ROOT).parts[0] for path in SHIPPED} == {"__init__.py", "nodes", "indextts2"}
