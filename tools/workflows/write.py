"""Writes workflows/: python -m tools.workflows.write"""

from __future__ import annotations

import json
from pathlib import Path

from . import gallery, gallery_scripts, gallery_stages, gallery_takes, gallery_words, picture
from .canvas import Canvas

WORKFLOWS = Path(__file__).parent.parent.parent / "workflows"
API = WORKFLOWS / "api"


def all_graphs() -> list[Canvas]:
    """Every example graph, in the order of their numbers."""
    made = [
        describe()
        for describe in (
            *gallery.GRAPHS,
            *gallery_stages.GRAPHS,
            *gallery_scripts.GRAPHS,
            *gallery_takes.GRAPHS,
            *gallery_words.GRAPHS,
        )
    ]
    return sorted(made, key=lambda graph: graph.name)


def as_text(graph: object) -> str:
    return json.dumps(graph, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    API.mkdir(parents=True, exist_ok=True)
    for graph in all_graphs():
        shown = graph.ui_graph()
        (WORKFLOWS / f"{graph.name}.json").write_text(as_text(shown), encoding="utf-8")
        (API / f"{graph.name}.json").write_text(as_text(graph.api_graph()), encoding="utf-8")
        picture.save(shown, WORKFLOWS / f"{graph.name}.jpg")


if __name__ == "__main__":
    main()
