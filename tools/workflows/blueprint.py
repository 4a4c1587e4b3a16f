"""A subgraph blueprint: a part of a graph that the browser offers as one node, with the inputs and outputs it shows.

New hosts list every `subgraphs/*.json` of a pack beside their own blueprints, by the name of the file.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..nodes import known_nodes as known
from .canvas import NAMESPACE, PACK_PROPERTIES, SLOT, WIDGET, Canvas, Node, Port, colours_of, height_of, ui_inputs

INPUT_NODE, OUTPUT_NODE = -10, -20
"""Numbers of the two nodes that stand for the sockets of a subgraph, in every file of the browser."""

CATEGORY = "Audio/IndexTTS2"
SOCKET_WIDTH, SOCKET_GAP, WIDTH = 150, 120, 400


Target = tuple[Node, str]
"""An input of a node."""


@dataclass(frozen=True)
class Blueprint:
    """A canvas as one node. inputs: name -> the inputs it feeds, all of one type; outputs: name -> what it gives."""

    canvas: Canvas
    inputs: Mapping[str, Sequence[Target]]
    outputs: Mapping[str, Port]

    @property
    def file_name(self) -> str:
        return f"{self.canvas.title} (IndexTTS2).json"

    @property
    def identity(self) -> str:
        return str(uuid.uuid5(NAMESPACE, self.canvas.name))

    def file(self) -> dict[str, Any]:
        """The file as the browser saves a blueprint: one node, and below it what the node is made of."""
        return {
            "id": str(uuid.uuid5(NAMESPACE, f"{self.canvas.name} file")),
            "revision": 0,
            "last_node_id": 1,
            "last_link_id": 0,
            "nodes": [self._outer_node()],
            "links": [],
            "groups": [],
            "definitions": {"subgraphs": [self._definition()]},
            "config": {},
            "extra": {},
            "version": 0.4,
        }

    def _outer_node(self) -> dict[str, Any]:
        inputs = [
            {"name": name, "type": _kind(*targets[0])}
            | ({"widget": {"name": name}} if _is_widget(*targets[0]) else {})
            | {"link": None}
            for name, targets in self.inputs.items()
        ]
        shown = [target for targets in self.inputs.values() for target in targets if _is_widget(*target)]
        return {
            "id": 1,
            "type": self.identity,
            "pos": [0, 0],
            "size": [WIDTH, height_of("IndexTTS2_Speak") // 2],
            "flags": {},
            "order": 0,
            "mode": 0,
            "inputs": inputs,
            "outputs": [{"name": name, "type": port.kind, "links": None} for name, port in self.outputs.items()],
            "title": self.canvas.title,
            "properties": {**PACK_PROPERTIES, "proxyWidgets": [[str(node.number), port] for node, port in shown]},
            "widgets_values": [],
            **colours_of("IndexTTS2_Speak"),
        }

    def _definition(self) -> dict[str, Any]:
        self.canvas.arrange()
        rows = self._rows()
        right = max(node.position[0] + node.size[0] for node in self.canvas.nodes)
        return {
            "id": self.identity,
            "version": 1,
            "state": {
                "lastGroupId": 0,
                "lastNodeId": len(self.canvas.nodes),
                "lastLinkId": len(rows),
                "lastRerouteId": 0,
            },
            "revision": 0,
            "config": {},
            "name": self.canvas.title,
            "inputNode": _sockets(INPUT_NODE, -SOCKET_WIDTH - SOCKET_GAP, len(self.inputs)),
            "outputNode": _sockets(OUTPUT_NODE, right + SOCKET_GAP, len(self.outputs)),
            "inputs": [
                self._socket(
                    "input", name, _kind(*targets[0]), [row[0] for row in rows if row[1:3] == [INPUT_NODE, at]]
                )
                for at, (name, targets) in enumerate(self.inputs.items())
            ],
            "outputs": [
                self._socket("output", name, port.kind, [row[0] for row in rows if row[3:5] == [OUTPUT_NODE, at]])
                for at, (name, port) in enumerate(self.outputs.items())
            ],
            "widgets": [],
            "nodes": [self.canvas.ui_node(node, rows, order) for order, node in enumerate(self.canvas.in_order())],
            "groups": [],
            "links": [dict(zip(LINK_FIELDS, row, strict=True)) for row in rows],
            "extra": {},
            "category": CATEGORY,
            "description": self.canvas.about,
        }

    def _rows(self) -> list[list[Any]]:
        """Links inside, then those of the inputs, then those of the outputs."""
        rows = self.canvas.link_rows()
        for at, targets in enumerate(self.inputs.values()):
            for node, port in targets:
                place = [name for name, _ in ui_inputs(node)].index(port)
                rows.append([len(rows) + 1, INPUT_NODE, at, node.number, place, _kind(node, port)])
        for at, given in enumerate(self.outputs.values()):
            rows.append([len(rows) + 1, given.node, given.slot, OUTPUT_NODE, at, given.kind])
        return rows

    def _socket(self, side: str, name: str, kind: str, links: list[int]) -> dict[str, Any]:
        identity = str(uuid.uuid5(NAMESPACE, f"{self.canvas.name} {side} {name}"))
        return {"id": identity, "name": name, "type": kind, "linkIds": links}


LINK_FIELDS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def _kind(node: Node, port: str) -> str:
    return known.widget_type(known.inputs_of(node.kind)[port][0])


def _is_widget(node: Node, port: str) -> bool:
    return known.is_widget(*known.inputs_of(node.kind)[port])


def _sockets(number: int, left: int, count: int) -> dict[str, Any]:
    return {"id": number, "bounding": [left, 0, SOCKET_WIDTH, WIDGET + SLOT * (count + 1)]}
