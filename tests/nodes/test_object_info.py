"""What a real ComfyUI says about the nodes is what the stand-in host sees (golden file: see object_info.py)."""

from __future__ import annotations

import json

from .object_info import GOLDEN, comparable


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
