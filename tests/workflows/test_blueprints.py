"""The subgraph blueprints: well formed, complete, and what is inside runs."""

from __future__ import annotations

import json

import pytest

from tools.nodes import known_nodes as known
from tools.workflows.blueprint import INPUT_NODE, OUTPUT_NODE
from tools.workflows.quick import quick
from tools.workflows.write import SUBGRAPHS, all_blueprints, as_text

FILES = sorted(path.name for path in SUBGRAPHS.glob("*"))
FEEDS = {
    "AUDIO": {"class_type": "TestAudio", "inputs": {"seconds": 1.0, "seed": 1}},
    "VIDEO": {"class_type": "CreateVideo", "inputs": {"images": ["pictures", 0], "fps": 24.0}},
}
PICTURES = {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 32, "batch_size": 144, "color": 0}}


def read(name: str) -> dict:
    return json.loads((SUBGRAPHS / name).read_text(encoding="utf-8"))


def test_there_is_one_for_each_job_and_every_file_is_what_its_description_makes():
    blueprints = {blueprint.file_name: blueprint for blueprint in all_blueprints()}
    assert set(FILES) == set(blueprints) == {f"{job} (IndexTTS2).json" for job in (
        "Clone a Voice", "Emotional Line", "Dub a Clip"
    )}  # fmt: skip
    for name, blueprint in blueprints.items():
        text = (SUBGRAPHS / name).read_text(encoding="utf-8")
        assert text == as_text(blueprint.file()), f"{name}: run python -m tools.workflows.write"


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_one_node_of_the_one_subgraph_that_it_defines(name):
    (outer,), (inner,) = read(name)["nodes"], read(name)["definitions"]["subgraphs"]
    assert outer["type"] == inner["id"] and inner["description"] and inner["category"]
    for side in ("inputs", "outputs"):
        assert [(port["name"], port["type"]) for port in outer[side]] == [
            (port["name"], port["type"]) for port in inner[side]
        ]
    promoted = {tuple(one) for one in outer["properties"]["proxyWidgets"]}
    nodes = {str(node["id"]): node for node in inner["nodes"]}
    assert len(promoted) == sum("widget" in port for port in outer["inputs"])
    for number, widget in promoted:
        (socket,) = (port for port in nodes[number]["inputs"] if port["name"] == widget)
        assert socket["widget"] == {"name": widget} and socket["link"] is not None


@pytest.mark.parametrize("name", FILES)
def test_every_link_inside_joins_two_ports_of_one_type_that_know_of_it(name):
    (inner,) = read(name)["definitions"]["subgraphs"]
    nodes = {node["id"]: node for node in inner["nodes"]}
    assert len({link["id"] for link in inner["links"]}) == len(inner["links"]) == inner["state"]["lastLinkId"]
    for link in inner["links"]:
        if link["origin_id"] == INPUT_NODE:
            source = inner["inputs"][link["origin_slot"]]
            assert link["id"] in source["linkIds"]
        else:
            source = nodes[link["origin_id"]]["outputs"][link["origin_slot"]]
            assert link["id"] in source["links"]
        if link["target_id"] == OUTPUT_NODE:
            target = inner["outputs"][link["target_slot"]]
            assert target["linkIds"] == [link["id"]]
        else:
            target = nodes[link["target_id"]]["inputs"][link["target_slot"]]
            assert target["link"] == link["id"]
        assert source["type"] == target["type"] == link["type"]


@pytest.mark.parametrize("name", FILES)
def test_every_socket_that_must_be_connected_is_connected_inside_or_shown_outside(name):
    (inner,) = read(name)["definitions"]["subgraphs"]
    for node in inner["nodes"]:
        for port in node["inputs"]:
            if "widget" not in port and known.is_required(node["type"], port["name"]):
                assert port["link"] is not None, (node["type"], port["name"])


@pytest.mark.parametrize("blueprint", all_blueprints(), ids=lambda blueprint: blueprint.canvas.title)
def test_what_is_inside_runs(machine_with_tiny, blueprint):
    graph = quick(blueprint.canvas.api_graph()) | {"pictures": PICTURES}
    for name, targets in blueprint.inputs.items():
        kind = known.inputs_of(targets[0][0].kind)[targets[0][1]][0]
        if kind in FEEDS:
            graph[name] = FEEDS[kind]
            for node, port in targets:
                graph[str(node.number)]["inputs"][port] = [name, 0]
    graph |= {
        f"see {name}": {"class_type": "PreviewAny", "inputs": {"source": [str(port.node), port.slot]}}
        for name, port in blueprint.outputs.items()
    }
    machine_with_tiny.run(graph)
    assert {f"see {name}" for name in blueprint.outputs} <= set(machine_with_tiny.executed)
