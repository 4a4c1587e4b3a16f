"""Writes workflows/ and subgraphs/: python -m tools.workflows.write"""

from __future__ import annotations

import json
from pathlib import Path

from . import gallery, gallery_models, gallery_scripts, gallery_stages, gallery_takes, gallery_words
from .blueprint import Blueprint
from .canvas import Canvas
from .gallery_blueprints import BLUEPRINTS

WORKFLOWS = Path(__file__).parent.parent.parent / "workflows"
API = WORKFLOWS / "api"
SUBGRAPHS = WORKFLOWS.parent / "subgraphs"
"""Where new hosts look for the blueprints of a pack."""

GALLERIES = (gallery, gallery_stages, gallery_scripts, gallery_takes, gallery_words, gallery_models)


def all_graphs() -> list[Canvas]:
    """Every example graph, in the order of their numbers."""
    made = [describe() for part in GALLERIES for describe in part.GRAPHS]
    return sorted(made, key=lambda graph: graph.name)


def all_blueprints() -> list[Blueprint]:
    """Every subgraph blueprint."""
    return [describe() for describe in BLUEPRINTS]


def as_text(graph: object) -> str:
    return json.dumps(graph, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    API.mkdir(parents=True, exist_ok=True)
    for graph in all_graphs():
        (WORKFLOWS / f"{graph.name}.json").write_text(as_text(graph.ui_graph()), encoding="utf-8")
        (API / f"{graph.name}.json").write_text(as_text(graph.api_graph()), encoding="utf-8")
    SUBGRAPHS.mkdir(exist_ok=True)
    for blueprint in all_blueprints():
        (SUBGRAPHS / blueprint.file_name).write_text(as_text(blueprint.file()), encoding="utf-8")


if __name__ == "__main__":
    main()
