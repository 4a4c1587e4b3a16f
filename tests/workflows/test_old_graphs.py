"""A graph that was saved with the first release opens today with the same values, and runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.host.load import ROOT
from tools.nodes import known_nodes as known
from tools.workflows.canvas import NOTE
from tools.workflows.quick import quick

SAVED = ROOT / "tests" / "workflows" / "first_release"
SAVE_AUDIO = {"filename_prefix": ("STRING", {})}
"""Widgets of a node that hosts still have and graphs of today do not use."""


def read(name: str) -> dict:
    return json.loads(Path(SAVED / f"{name}.json").read_text(encoding="utf-8"))


def opened(graph: dict) -> dict:
    """The graph as the browser of today runs it: saved widget values in the order of today's nodes, then defaults."""
    links = {row[0]: [str(row[1]), row[2]] for row in graph["links"]}
    made = {}
    for node in (node for node in graph["nodes"] if node["type"] != NOTE):
        values, inputs = list(node["widgets_values"]), {}
        for port, spec in (
            known.inputs_of(node["type"]) if node["type"] in known.known_nodes() else SAVE_AUDIO
        ).items():
            if known.is_widget(*spec):
                inputs[port] = values.pop(0) if values else known.default_value(*spec)
                if values and known.has_seed_control(port, *spec):
                    values.pop(0)
        inputs |= {port["name"]: links[port["link"]] for port in node["inputs"] if port.get("link")}
        made[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return made


@pytest.fixture
def graph() -> dict:
    return opened(read("stage_by_stage"))


def test_every_value_and_link_is_the_one_that_was_saved(graph):
    for number, node in read("stage_by_stage_api").items():
        assert graph[number]["class_type"] == node["class_type"]
        assert {name: graph[number]["inputs"][name] for name in node["inputs"]} == node["inputs"], node["class_type"]


def test_it_runs(machine_with_tiny, graph):
    machine_with_tiny.run(quick(graph))
    assert set(machine_with_tiny.executed) == set(graph)
