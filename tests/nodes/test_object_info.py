"""What a real ComfyUI says about the nodes is what the stand-in host sees (golden file: see object_info.py)."""

from __future__ import annotations

import json

from tests.host.load import ROOT
from tools.nodes.known_nodes import short_name
from tools.nodes.node_table import PAGE, page
from tools.nodes.object_info import GOLDEN, comparable, known_part


def golden() -> dict:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_stand_in_host_sees_the_nodes_that_a_real_host_has(pack):
    assert list(pack.nodes) == list(golden())


def test_every_node_is_described_as_a_real_host_describes_it(pack):
    wrong = {}
    for name, expected in golden().items():
        seen = comparable(pack.nodes[name].GET_NODE_INFO_V1())
        for key in sorted({*expected, *seen}):
            if seen.get(key) != expected.get(key):
                wrong[f"{name}.{key}"] = (seen.get(key), expected.get(key))
    assert not wrong


def test_a_newer_host_may_say_more_about_a_node_but_nothing_else():
    entry = golden()["IndexTTS2_Duration"]
    newer = json.loads(json.dumps(entry)) | {"output_matchtypes": None}
    newer["input"]["required"]["value"][1]["advanced"] = None
    assert known_part(newer, entry) == entry
    newer["input"]["required"]["value"][1]["max"] = 7
    assert known_part(newer, entry) != entry
    less = {key: value for key, value in entry.items() if key != "category"}
    assert known_part(less, entry) != entry
    more = json.loads(json.dumps(entry))
    more["input"]["required"]["other"] = ["INT", {}]
    assert known_part(more, entry) != entry


def test_inputs_keep_their_order_in_the_browser(pack):
    for name, expected in golden().items():
        order = pack.nodes[name].GET_NODE_INFO_V1()["input_order"]
        assert {kind: list(names) for kind, names in order.items()} == expected["input_order"], name


def test_every_input_and_output_of_every_node_has_a_tooltip():
    for name, entry in golden().items():
        for kind in ("required", "optional"):
            for port, spec in entry["input"].get(kind, {}).items():
                assert len(spec) > 1 and spec[1].get("tooltip"), f"{name}.{port}"
        assert all(entry["output_tooltips"]), name
        assert entry["description"] and entry["category"].startswith("audio/IndexTTS2/"), name


def test_the_page_of_all_nodes_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(golden()), "write it again: python -m tools.nodes.node_table"


def test_the_page_of_stages_names_every_node_and_every_type_of_port():
    text = (ROOT / "docs" / "stages.md").read_text(encoding="utf-8")
    rows = [row.split(" | ")[2] for row in text.splitlines() if row.startswith("| ") and row.count(" | ") == 4]
    named = {name.strip() for row in rows for name in row.split(",")}
    assert {short_name(entry["display_name"]) for entry in golden().values()} <= named
    described = (ROOT / "docs" / "ports.md").read_text(encoding="utf-8")
    for entry in golden().values():
        for kind in entry["output"]:
            assert not kind.startswith("INDEXTTS2_") or (f"`{kind}`" in described and f"`{kind}`" in text), kind
