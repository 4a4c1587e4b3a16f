"""A graph described once: nodes in columns, links, notes and groups; written as UI graph and as API graph.

    graph = Canvas("quick_start", "Quick start")
    load = graph.add("LoadCheckpoint", column=0)
    speak = graph.add("Speak", column=1, encoder=load["encoder"], text="Hello.")

Inputs that are not named keep the node's default. Positions follow from columns and the order in which nodes are added.
"""

from __future__ import annotations

import math
import unicodedata
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..nodes import known_nodes as known

PACK_PROPERTIES = {"cnr_id": "indextts2", "ver": "0.1.0"}
HOST_PROPERTIES = {"cnr_id": "comfy-core", "ver": "0.3.64"}
NOTE = "MarkdownNote"
MUTED = 2
NOTE_COLOURS = {"color": "#432", "bgcolor": "#653"}
GROUP_COLOUR = "#3f789e"
COLOURS = {
    "easy": ("#233", "#355"),
    "load": ("#2a363b", "#3f5159"),
    "condition": ("#323", "#535"),
    "emotion": ("#322", "#533"),
    "arithmetic": ("#322", "#533"),
    "bridge": ("#322", "#533"),
    "text": ("#332922", "#593930"),
    "duration": ("#332922", "#593930"),
    "T2S": ("#223", "#335"),
    "S2M": ("#232", "#353"),
    "vocoder": ("#233", "#355"),
    "script": ("#223", "#335"),
    "files": ("#2a363b", "#3f5159"),
    "words": ("#332922", "#593930"),
}
"""Last part of a node's menu category -> its colours: one hue per stage, all from the host's own palette."""

NAMESPACE = uuid.UUID("5c0ffee5-1de2-4775-8b2f-1db7c9a4e000")

WIDTH, COLUMN_GAP, ROW_GAP = 320, 80, 70
TITLE, SLOT, WIDGET, SLIDER, TEXT_AREA, MARGIN = 30, 20, 28, 34, 110, 60
"""Heights of the taller of the two renderers. The margin holds the badge that Nodes 2.0 puts below the widgets."""

OLD_PITCH, OLD_WIDGET = 450, 10
"""Nodes 2.0 of ComfyUI 0.3.64 draws nodes at least 430 wide, and every widget this much higher than here. The room is
left free between nodes, whose sizes stay as other renderers draw them."""

PLAYER, SPEECH_PICTURE = 70, 190
EXTRA_HEIGHT = {
    "PreviewAny": 130,
    "PreviewAudio": PLAYER,
    "SaveVideo": 240,
    "IndexTTS2_LoadCheckpoint": 20,
    "IndexTTS2_SaveCaptions": 40,
    "IndexTTS2_SpeakerCondition": 20,
    "IndexTTS2_VoiceCast": 30,
    "IndexTTS2_Speak": PLAYER + SPEECH_PICTURE,
    "IndexTTS2_SynthesizeScript": PLAYER + SPEECH_PICTURE,
    "IndexTTS2_PlotEmotionWeights": 260,
    "IndexTTS2_PlotEmotion": 320,
    "IndexTTS2_PlotMel": 220,
    "IndexTTS2_PlotSemantic": 300,
    "IndexTTS2_PlotScript": 200,
}
"""Contents that nodes show below their widgets."""

GROUP_TOP, GROUP_SIDE = 80, 20

VIEW = (90, 110, 1580, 730)
"""Left, top, right and bottom of the free part of a window of 1600 x 1000: between side bar, tabs and the small map."""

LARGEST_SCALE = 0.7


@dataclass(frozen=True)
class Port:
    """An output of a node: what is linked to an input."""

    node: int
    slot: int
    kind: str


@dataclass
class Node:
    """A node on the canvas. values: its widgets; links: input name -> where it comes from."""

    number: int
    kind: str
    title: str
    column: int
    values: dict[str, Any]
    links: dict[str, Port]
    size: tuple[int, int]
    position: tuple[int, int] = (0, 0)
    muted: bool = False

    def __getitem__(self, output: str) -> Port:
        """An output by its shown name."""
        slot, kind = known.output_slot(self.kind, output)
        return Port(self.number, slot, kind)


@dataclass
class Canvas:
    """One example graph. name: its file; title: its heading; about: one sentence for lists of examples."""

    name: str
    title: str
    about: str = ""
    nodes: list[Node] = field(default_factory=list)
    groups: list[tuple[str, list[Node]]] = field(default_factory=list)
    muting: bool = False

    def add(
        self, name: str, /, *, column: int, title: str = "", box: int = WIDTH, muted: bool = False, **inputs: Any
    ) -> Node:
        """A node of the pack (by its short name) or of the host. Raises ValueError for an input it does not have.

        box: its width. muted: drawn, but switched off; the API twin leaves it out.
        """
        kind = known.full_name(name)
        specs = known.inputs_of(kind)
        unknown = set(inputs) - set(specs)
        if unknown:
            raise ValueError(f"{kind} has no input {sorted(unknown)}; it has {sorted(specs)}.")
        links = {key: value for key, value in inputs.items() if isinstance(value, Port)}
        values = {
            key: inputs[key] if key in inputs and key not in links else known.default_value(*spec)
            for key, spec in specs.items()
            if known.is_widget(*spec)
        }
        shown = title or known.known_nodes()[kind]["display_name"]
        node = Node(len(self.nodes) + 1, kind, shown, column, values, links, (box, height_of(kind)))
        node.muted = muted or self.muting
        self.nodes.append(node)
        return node

    @contextmanager
    def all_muted(self) -> Iterator[None]:
        """Every node added inside is switched off."""
        self.muting = True
        yield
        self.muting = False

    def note(self, text: str, *, column: int, title: str = "Note", height: int = 0, width: int = WIDTH) -> Node:
        """A note to read, in Markdown."""
        text = text.strip()
        height = height or MARGIN + 22 * sum(1 + 8 * cells(line) // (width - 30) for line in text.splitlines())
        node = Node(len(self.nodes) + 1, NOTE, title, column, {"": text}, {}, (width, height))
        self.nodes.append(node)
        return node

    def group(self, title: str, *nodes: Node) -> None:
        """A frame with a title around nodes. Nodes of a group should be neighbours."""
        self.groups.append((title, list(nodes)))

    def arrange(self) -> None:
        """Give every node its place: columns from left to right, in each one node below the other."""
        left = 0
        for column in sorted({node.column for node in self.nodes}):
            inside = [node for node in self.nodes if node.column == column]
            top, framed = 0, None
            for node in inside:
                frame = next((title for title, nodes in self.groups if node in nodes), None)
                top += GROUP_TOP if frame != framed else 0
                framed = frame
                node.position = (left, top)
                top += node.size[1] + ROW_GAP + OLD_WIDGET * widget_rows(node.kind)
            left += max(max(node.size[0] for node in inside) + COLUMN_GAP, OLD_PITCH)

    def link_rows(self) -> list[list[Any]]:
        """[link, source node, source slot, target node, target input slot, type] of every link, in the UI's form."""
        rows: list[list[Any]] = []
        for node in self.nodes:
            for place, (name, _) in enumerate(ui_inputs(node)):
                if name in node.links:
                    port = node.links[name]
                    rows.append([len(rows) + 1, port.node, port.slot, node.number, place, port.kind])
        return rows

    def ui_graph(self) -> dict[str, Any]:
        """The graph as the browser saves it."""
        self.arrange()
        rows = self.link_rows()
        return {
            "id": str(uuid.uuid5(NAMESPACE, self.name)),
            "revision": 0,
            "last_node_id": len(self.nodes),
            "last_link_id": len(rows),
            "nodes": [self.ui_node(node, rows, order) for order, node in enumerate(self.in_order())],
            "links": rows,
            "groups": [self._ui_group(number, *group) for number, group in enumerate(self.groups, start=1)],
            "config": {},
            "extra": {
                "ds": self.view(),
                "info": {"name": self.title, "description": self.about},
            },
            "version": 0.4,
        }

    def view(self) -> dict[str, Any]:
        """Scale and offset that show the whole graph in the free part of the window."""
        boxes = [(*node.position, *node.size) for node in self.nodes]
        boxes += [tuple(self._ui_group(0, *group)["bounding"]) for group in self.groups]
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes) - TITLE
        wide, high = (max(box[at] + box[at + 2] for box in boxes) - (left, top)[at] for at in (0, 1))
        scale = min(LARGEST_SCALE, (VIEW[2] - VIEW[0]) / wide, (VIEW[3] - VIEW[1]) / high)
        scale = math.floor(100 * scale) / 100
        return {"scale": scale, "offset": [round(VIEW[0] / scale - left), round(VIEW[1] / scale - top)]}

    def in_order(self) -> list[Node]:
        """Every node after those it reads."""
        done: list[Node] = []

        def visit(node: Node) -> None:
            if node not in done:
                for port in node.links.values():
                    visit(self.nodes[port.node - 1])
                done.append(node)

        for node in self.nodes:
            visit(node)
        return done

    def ui_node(self, node: Node, rows: Sequence[Sequence[Any]], order: int) -> dict[str, Any]:
        incoming = {(row[3], row[4]): row[0] for row in rows}
        common = {
            "id": node.number,
            "type": node.kind,
            "pos": list(node.position),
            "size": list(node.size),
            "flags": {},
            "order": order,
            "mode": MUTED if node.muted else 0,
        }
        if node.kind == NOTE:
            return common | {
                "inputs": [], "outputs": [], "title": node.title, "properties": {},
                "widgets_values": list(node.values.values()), **NOTE_COLOURS,
            }  # fmt: skip
        inputs = [
            {"name": name, "type": known.widget_type(spec[0])}
            | ({} if known.is_widget(*spec) or known.is_required(node.kind, name) else {"shape": 7})
            | ({"widget": {"name": name}} if known.is_widget(*spec) else {})
            | {"link": incoming.get((node.number, place))}
            for place, (name, spec) in enumerate(ui_inputs(node))
        ]
        entry = known.known_nodes()[node.kind]
        outputs = [
            {"name": name, "type": kind, "links": links_out(rows, node.number, slot) or None}
            for slot, (name, kind) in enumerate(zip(entry["output_name"], entry["output"], strict=True))
        ]
        home = PACK_PROPERTIES if node.kind.startswith(known.PREFIX) else HOST_PROPERTIES
        titled = {"title": node.title} if node.title != entry["display_name"] else {}
        return common | titled | colours_of(node.kind) | {
            "inputs": inputs,
            "outputs": outputs,
            "properties": {**home, "Node name for S&R": node.kind},
            "widgets_values": widget_values(node),
        }  # fmt: skip

    @staticmethod
    def _ui_group(number: int, title: str, nodes: Sequence[Node]) -> dict[str, Any]:
        left = min(node.position[0] for node in nodes) - GROUP_SIDE
        top = min(node.position[1] for node in nodes) - GROUP_TOP
        right = max(node.position[0] + node.size[0] for node in nodes) + GROUP_SIDE
        bottom = max(node.position[1] + node.size[1] for node in nodes) + GROUP_SIDE
        bounding = [left, top, right - left, bottom - top]
        return {"id": number, "title": title, "bounding": bounding, "color": GROUP_COLOUR, "font_size": 24, "flags": {}}

    def api_graph(self) -> dict[str, Any]:
        """The graph as the host runs it. Notes have no part in it."""
        return {
            str(node.number): {
                "inputs": node.values | {name: [str(port.node), port.slot] for name, port in node.links.items()},
                "class_type": node.kind,
                "_meta": {"title": node.title},
            }
            for node in self.nodes
            if node.kind != NOTE and not node.muted
        }


def cells(line: str) -> int:
    """Width of a line in narrow characters; those of Chinese take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def ui_inputs(node: Node) -> list[tuple[str, tuple[Any, dict[str, Any]]]]:
    """Inputs in the order of the browser's slots: sockets, then widgets."""
    if node.kind == NOTE:
        return []
    specs = known.inputs_of(node.kind)
    return sorted(specs.items(), key=lambda item: known.is_widget(*item[1]))


def links_out(rows: Sequence[Sequence[Any]], node: int, slot: int) -> list[int]:
    return [row[0] for row in rows if row[1] == node and row[2] == slot]


def widget_values(node: Node) -> list[Any]:
    """Widget values as the browser saves them: in order, with what happens to a seed after a run beside it."""
    values: list[Any] = []
    for name, spec in known.inputs_of(node.kind).items():
        if known.is_widget(*spec):
            values.append(node.values[name])
            values += ["fixed"] if known.has_seed_control(name, *spec) else []
    return values


def colours_of(kind: str) -> dict[str, str]:
    """Colours of a node of the pack by its stage; nodes of the host keep theirs."""
    stage = known.known_nodes()[kind]["category"].rpartition("/")[2]
    if not kind.startswith(known.PREFIX) or stage not in COLOURS:
        return {}
    return dict(zip(("color", "bgcolor"), COLOURS[stage], strict=True))


def widget_rows(kind: str) -> int:
    """How many rows of widgets a node shows; none for a note, which is one text."""
    if kind == NOTE:
        return 0
    widgets = [(name, spec) for name, spec in known.inputs_of(kind).items() if known.is_widget(*spec)]
    return len(widgets) + sum(known.has_seed_control(name, *spec) for name, spec in widgets)


def height_of(kind: str) -> int:
    """A node's height without its title, as the taller renderer draws it."""
    specs, outputs = known.inputs_of(kind), known.known_nodes()[kind]["output"]
    sockets = sum(not known.is_widget(*spec) for spec in specs.values())
    widgets = [(name, spec) for name, spec in specs.items() if known.is_widget(*spec)]
    lines = widget_rows(kind)
    sliders = sum(spec[1].get("display") == "slider" for _, spec in widgets)
    areas = sum(bool(spec[1].get("multiline")) for _, spec in widgets)
    return (
        SLOT * max(sockets, len(outputs))
        + WIDGET * lines
        + (SLIDER - WIDGET) * sliders
        + TEXT_AREA * areas
        + MARGIN
        + EXTRA_HEIGHT.get(kind, 0)
    )
