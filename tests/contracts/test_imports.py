"""Who may import whom, read from the import statements; and what importing the library does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LIBRARY = ROOT / "indextts2"

BASIC = {"atomic", "checks", "config", "contracts", "errors", "folder_lock", "foreign", "surroundings"}
ALLOWED: dict[str, set[str]] = {
    "config": set(),
    "errors": set(),
    "atomic": {"errors", "foreign"},
    "folder_lock": {"atomic", "errors"},
    "foreign": {"errors"},
    "surroundings": set(),
    "checks": {"errors", "foreign"},
    "contracts": {"checks", "config", "errors", "foreign"},
    "sampling": BASIC,
    "models": BASIC,
    "audio": BASIC,
    "text": BASIC,
    "stages": BASIC | {"models", "sampling", "text", "audio"},
    "loading": BASIC | {"models", "text", "stages"},  # of stages only the handles it makes
    "training": BASIC | {"models", "sampling", "text", "audio", "stages", "loading"},
    "evaluation": BASIC | {"models", "sampling", "text", "audio", "stages", "loading", "training"},
    "script": BASIC | {"stages", "sampling", "text", "audio", "values"},
    "plots": BASIC | {"stages", "script", "text"},
    "values": BASIC,
    "runtime": BASIC | {"stages"},
    "bench": BASIC | {"stages", "loading", "sampling"},
    "cli": BASIC
    | {
        "stages",
        "loading",
        "audio",
        "text",
        "sampling",
        "training",
        "evaluation",
        "bench",
        "script",
        "plots",
        "values",
        "runtime",
    },
    "__main__": {"cli"},
    "__init__": {"stages", "loading", "audio", "contracts", "errors"},  # names that it exports, when they are used
}
"""A part of the library -> the parts it may import besides itself."""

HOST = {"comfy", "comfy_api", "comfy_extras", "comfy_execution", "folder_paths", "nodes", "server", "execution"}
HEAVY = {"transformers", "librosa", "matplotlib", "peft", "accelerate", "sentencepiece", "soundfile", "yaml"}
HEAVY_AT_TOP = HEAVY | {"tqdm", "safetensors", "huggingface_hub", "wetext", "bigvgan", "soxr"}


def library_files() -> list[Path]:
    return sorted(path for path in LIBRARY.rglob("*.py") if "__pycache__" not in path.parts)


def part_of(path: Path) -> str:
    inner = path.relative_to(LIBRARY)
    return inner.parts[0] if len(inner.parts) > 1 else inner.stem


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of every import; level 0 is absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.level, node.module
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, alias.name) for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """Parts of the library that a file imports."""
    package = ["indextts2", *path.relative_to(LIBRARY).parent.parts]
    found: set[str] = set()
    for level, name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        if level:
            full = [*package[: len(package) - level + 1], *name.split(".")]
            found.add(full[1] if len(full) > 1 else "__init__")
    return found


@pytest.mark.parametrize("path", library_files(), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_a_file_imports_only_what_its_part_may(path):
    part = part_of(path)
    assert part in ALLOWED, f"decide what {part} may import"
    assert own_imports(path) - ALLOWED[part] - {part} == set()


def test_the_architecture_document_says_who_may_import_whom():
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told: dict[str, set[str]] = {}
    for parts, allowed in re.findall(r"^\| (`indextts2/.*?) \|.*\| (.*?) \|$", document, re.MULTILINE):
        names = set(re.findall(r"\w+", re.sub(r"\(.*?\)|nothing.*", "", allowed)))
        told |= {part: names for part in re.findall(r"`indextts2/(\w+)", parts)}
    assert told == {part: allowed - BASIC for part, allowed in ALLOWED.items() if not part.startswith("__")}


@pytest.mark.parametrize("path", library_files(), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_a_file_imports_its_own_library_relatively_and_never_the_host(path):
    absolute = {
        name.split(".")[0] for level, name in imported(ast.parse(path.read_text(encoding="utf-8"))) if not level
    }
    assert "indextts2" not in absolute
    assert absolute & HOST == set()


def module_of(path: Path) -> list[str]:
    names = ["indextts2", *path.relative_to(LIBRARY).with_suffix("").parts]
    return names[:-1] if names[-1] == "__init__" else names


def graph_of_imports() -> dict[str, set[str]]:
    """Module -> the modules of the library that it imports anywhere: at its top, in functions, for its types."""
    modules = {".".join(module_of(path)): path for path in library_files()}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        package = ["indextts2", *path.relative_to(LIBRARY).parent.parts]
        graph[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
                for target in ([*base, alias.name] for alias in node.names):
                    full = ".".join(target) if ".".join(target) in modules else ".".join(base)
                    graph[name] |= {full} & modules.keys() - {name}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """One circle through every module that is on one."""
    found, done = [], set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            found.append([*path[path.index(module) :], module])
        elif module not in done:
            for target in sorted(graph[module]):
                visit(target, [*path, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])
    return found


def test_no_modules_import_each_other_in_a_circle():
    assert circles(graph_of_imports()) == []


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c", "b"]]


def test_models_touch_neither_files_nor_networks():
    forbidden = {"pathlib", "os", "io", "safetensors", "huggingface_hub", "requests", "urllib", "shutil"}
    for path in sorted((LIBRARY / "models").glob("*.py")):
        names = {
            name.split(".")[0] for level, name in imported(ast.parse(path.read_text(encoding="utf-8"))) if not level
        }
        assert names & forbidden == set(), path.name


HANDLES = {"stages.handles", "stages.emotion.from_text"}
CHOSEN_BY_CONFIGURATION = {"stages.conditions", "stages.content", "stages.ode"}  # tables whose rows it may name


def test_loading_takes_nothing_of_the_stages_but_their_handles_and_the_tables_of_a_configuration():
    for path in sorted((LIBRARY / "loading").rglob("*.py")):
        names = {name for level, name in imported(ast.parse(path.read_text(encoding="utf-8"))) if level > 1}
        used = {name for name in names if name.startswith("stages")}
        assert used <= HANDLES | (CHOSEN_BY_CONFIGURATION if path.name == "config_check.py" else set()), path.name


@pytest.mark.parametrize("part", ["models", "stages", "loading", "audio", "text", "cli"])
def test_heavy_packages_are_imported_inside_functions(part):
    for path in sorted((LIBRARY / part).rglob("*.py")):
        top = ast.parse(path.read_text(encoding="utf-8")).body
        names = {
            name.split(".")[0]
            for node in top
            if isinstance(node, ast.Import | ast.ImportFrom)
            for level, name in imported(node)
            if not level
        }
        assert names & HEAVY_AT_TOP == set(), path.name


def test_importing_the_library_loads_no_heavy_package():
    modules = [
        "indextts2",
        "indextts2.loading.checkpoint",
        "indextts2.stages.t2s.text_to_semantic",
        "indextts2.cli.main",
    ]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_the_command_line_shows_its_help_without_loading_torch():
    code = "import sys, indextts2.cli.main as m; m.build_parser().format_help(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_importing_the_package_alone_loads_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); import indextts2; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"indextts2"}


def test_the_package_exports_its_main_names_and_imports_them_when_they_are_used():
    import indextts2

    assert sorted(indextts2.EXPORTS) == sorted(indextts2.__all__)
    assert set(indextts2.EXPORTS) <= set(dir(indextts2))
    for name, module in indextts2.EXPORTS.items():
        value = getattr(indextts2, name)
        assert value.__name__ == name and value.__module__ == f"indextts2.{module}"
    with pytest.raises(AttributeError, match="has no attribute 'talk'; it exports speak"):
        _ = indextts2.talk


def test_type_checkers_see_the_names_that_the_package_exports():
    import indextts2

    tree = ast.parse((LIBRARY / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert seen == indextts2.EXPORTS
