"""docs/nodes.md: every node with its ports, from the golden file. Rewrite with `python -m tools.nodes.node_table`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .known_nodes import SHOWN_ONLY, short_name
from .object_info import GOLDEN

PAGE = Path(__file__).parent.parent.parent / "docs" / "nodes.md"
WIDGETS = ("INT", "FLOAT", "BOOLEAN", "STRING", "COMBO")

INTRODUCTION = """# Nodes

Every node with its ports, by its group in the menu (`audio/IndexTTS2`). Ports in brackets are optional. Widgets are
left out here: their meaning, unit and range stand in their tooltips and on the help page of each node (`web/docs/`, and
in ComfyUI behind the information button of a selected node). `docs/ports.md` says what travels on each type of port.
"""


def port(name: str, kind: str, *, optional: bool = False) -> str:
    written = f"{name} `{kind.removeprefix('INDEXTTS2_')}`"
    return f"({written})" if optional else written


def takes(entry: dict[str, Any]) -> str:
    """The sockets of a node, optional ones in brackets."""
    found = [
        port(name, spec[0], optional=kind == "optional")
        for kind in ("required", "optional")
        for name, spec in entry["input"].get(kind, {}).items()
        if spec[0] not in (*WIDGETS, *SHOWN_ONLY) or spec[1].get("forceInput")
    ]
    return ", ".join(found) or "widgets only"


def gives(entry: dict[str, Any]) -> str:
    return ", ".join(port(name, kind) for name, kind in zip(entry["output_name"], entry["output"], strict=True))


def page(entries: dict[str, Any]) -> str:
    parts = [INTRODUCTION]
    groups: dict[str, list[str]] = {}
    for entry in entries.values():
        name = short_name(entry["display_name"])
        row = f"| {name} | {takes(entry)} | {gives(entry)} |"
        groups.setdefault(entry["category"].rsplit("/", 1)[1], []).append(row)
    for heading, rows in groups.items():
        parts.append("\n".join([f"## {heading}", "", "| node | takes | gives |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def main() -> None:
    PAGE.write_text(page(json.loads(GOLDEN.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
