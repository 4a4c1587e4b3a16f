"""Definitions of the library and the nodes that nothing reaches.

    python -m tools.unreachable

A definition is reached from a node, a command, an export of `indextts2`, or a name that the documents give to readers.
What a reached definition names is reached too; names are compared as they are written, so that a method is reached by
any call of its name, and what this lists is truly unused. Ends with 1 when the list is not empty.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("indextts2", "nodes")
STARTS = ("__init__.py", "nodes/__init__.py", "indextts2/__init__.py", "indextts2/__main__.py")
PROGRAMS = ("indextts2/cli/", "indextts2/training/__main__.py", "indextts2/training/corpus/__main__.py")
DOCUMENTS = ("README.md", "docs/*.md")
CALLED_BY_FRAMEWORKS = re.compile(
    r"__\w+__|forward|reset_parameters|_apply|define_schema|execute|fingerprint_inputs|validate_inputs|(?:visit|handle)_\w+"
)
"""Methods that torch, the host or the language call by themselves."""

TESTED = "tests take the shipped code apart with it"
EXCUSED: dict[str, str] = {}
"""`file: name` -> why it may stay though nothing reaches it."""

Statement = ast.stmt


@dataclass
class Definition:
    """A function, class, method or constant. owner: the class of a method."""

    file: str
    name: str
    line: int
    uses: set[str]
    owner: Definition | None = None
    describes: bool = False  # a protocol, which is reached with its module
    reached: bool = False

    @property
    def shown(self) -> str:
        return f"{self.file}: {self.owner.name + '.' if self.owner else ''}{self.name}"


@dataclass
class Module:
    """Definitions of a file, and the names its other statements use."""

    file: str
    definitions: list[Definition] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)
    reached: bool = False


def names_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Names, attributes and words in strings, which tables and lazy imports use; import statements do not count."""
    found: set[str] = set()
    for root in nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 100:
                found |= set(re.findall(r"[A-Za-z_]\w*", node.value))
    return found


def definitions_of(file: str, statement: Statement) -> Iterator[Definition]:
    """Names that a statement of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield Definition(file, statement.name, statement.lineno, names_in([statement]))
    elif isinstance(statement, ast.ClassDef):
        methods = [part for part in statement.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
        rest = [part for part in statement.body if part not in methods]
        own = Definition(file, statement.name, statement.lineno, names_in([*statement.bases, *rest]))
        own.uses |= names_in(statement.decorator_list) | names_in(statement.keywords)
        own.describes = "Protocol" in names_in(statement.bases)
        yield own
        yield from (Definition(file, part.name, part.lineno, names_in([part]), own) for part in methods)
    elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Name):
                parts = [statement.value, *([statement.annotation] if isinstance(statement, ast.AnnAssign) else [])]
                yield Definition(file, target.id, statement.lineno, names_in(parts))


def read(root: Path) -> list[Module]:
    """Every module of the rooms and the pack's own."""
    paths = [root / "__init__.py", *(path for room in ROOMS for path in sorted((root / room).rglob("*.py")))]
    return [read_module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def read_module(file: str, code: str) -> Module:
    """One module. A docstring is no use of what it names."""
    module = Module(file)
    for statement in ast.parse(code).body:
        found = list(definitions_of(file, statement))
        module.definitions += found
        if not found and not isinstance(statement, ast.Import | ast.ImportFrom) and not is_text(statement):
            module.uses |= names_in([statement])
    return module


def is_text(statement: Statement) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def documented(root: Path) -> set[str]:
    """Names in code of the documents: python blocks, and words in back quotes."""
    found: set[str] = set()
    for pattern in DOCUMENTS:
        for page in root.glob(pattern):
            text = page.read_text(encoding="utf-8")
            blocks = re.findall(r"```py(?:thon)?\n(.*?)```", text, re.DOTALL)
            words = re.findall(r"`([^`\n]+)`", text)
            found |= {name for code in [*blocks, *words] for name in re.findall(r"[A-Za-z_]\w*", code)}
    return found


def unreachable(modules: list[Module], known: set[str]) -> list[Definition]:
    """Definitions that nothing reaches. known: names that are reached from outside."""
    names = set(known)
    for module in modules:
        if module.file in STARTS or module.file.startswith(PROGRAMS):
            module.reached = True
            names |= module.uses
            for one in module.definitions if module.file in STARTS else ():
                one.reached = True
                names |= one.uses
    names |= {"add_arguments", "run", "main", "NODES"}
    changed = True
    while changed:
        changed = False
        for module in modules:
            for one in module.definitions:
                if not one.reached and (is_reached(one, names) or (one.describes and module.reached)):
                    one.reached = changed = True
                    names |= one.uses
                    if not module.reached:
                        module.reached = True
                        names |= module.uses
    missed = [one for module in modules for one in module.definitions if not one.reached]
    return [one for one in missed if one.owner is None or one.owner.reached]  # a class stands for its methods


def is_reached(one: Definition, names: set[str]) -> bool:
    if one.owner is None:
        return one.name in names or bool(re.fullmatch(r"__\w+__", one.name))
    return one.owner.reached and (
        one.owner.describes or one.name in names or bool(CALLED_BY_FRAMEWORKS.fullmatch(one.name))
    )


def main() -> int:
    found = [one for one in unreachable(read(ROOT), documented(ROOT)) if one.shown not in EXCUSED]
    for one in found:
        sys.stdout.write(f"{one.file}:{one.line}: nothing reaches {one.shown.partition(': ')[2]}\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
