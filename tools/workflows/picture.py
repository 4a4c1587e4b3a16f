"""A small picture of an example graph, drawn from its positions: the thumbnail in the browser's list of templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN, OVERSAMPLE = 640, 400, 14, 3
BACK, BOX, HEAD, EDGE, INK, FAINT, FRAME = "#1f2023", "#353538", "#46464c", "#5a5a60", "#eeeeee", "#8f8f96", "#2b3a48"
NOTE_BOX, MUTED_BOX = "#5d5436", "#292a2d"
WIRES = {
    "INDEXTTS2_ENCODER": "#c792ea",
    "INDEXTTS2_T2S": "#82aaff",
    "INDEXTTS2_S2M": "#89ddff",
    "INDEXTTS2_VOCODER": "#7fdbca",
    "INDEXTTS2_SPEAKER": "#ffcb6b",
    "INDEXTTS2_REFERENCE": "#f78c6c",
    "INDEXTTS2_EMOTION": "#ff7a9c",
    "INDEXTTS2_EMOTION_WEIGHTS": "#ff9cac",
    "INDEXTTS2_DURATION": "#c3e88d",
    "INDEXTTS2_SCRIPT": "#b39ddb",
    "INDEXTTS2_CAST": "#ffb74d",
    "INDEXTTS2_LINES": "#4dd0e1",
    "AUDIO": "#a5e075",
    "VIDEO": "#e57373",
    "IMAGE": "#64b5f6",
}
OTHER_WIRE = "#9a9aa2"
TITLE, SLOT = 30, 20


def draw(graph: dict[str, Any]) -> Image.Image:
    """The picture of a UI graph, its shape fixed, its content as large as fits."""
    boxes = [(*node["pos"], *node["size"]) for node in graph["nodes"]]
    boxes += [tuple(group["bounding"]) for group in graph["groups"]]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes) - TITLE
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    wide, high, edge = WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE, MARGIN * OVERSAMPLE
    scale = min((wide - 2 * edge) / (right - left), (high - 2 * edge) / (bottom - top))
    shift = ((wide - scale * (right - left)) / 2 - scale * left, (high - scale * (bottom - top)) / 2 - scale * top)
    picture = Image.new("RGB", (wide, high), BACK)
    pen = Pen(ImageDraw.Draw(picture), scale, shift)
    for group in graph["groups"]:
        pen.frame(group)
    nodes = {node["id"]: node for node in graph["nodes"]}
    for _, source, out, target, into, kind in graph["links"]:
        pen.wire(slot_place(nodes[source], out, out=True), slot_place(nodes[target], into, out=False), kind)
    for node in graph["nodes"]:
        pen.node(node)
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def slot_place(node: dict[str, Any], slot: int, *, out: bool) -> tuple[float, float]:
    """Point at which a wire meets a node."""
    sockets = [place for place, port in enumerate(node["inputs"]) if "widget" not in port]
    row = slot if out or slot in sockets else max(len(sockets), len(node["outputs"])) + 1.2 * (slot - len(sockets))
    x, y = node["pos"]
    return x + (node["size"][0] if out else 0), min(y + SLOT * (row + 0.7), y + node["size"][1] - SLOT / 2)


class Pen:
    """Draws in the coordinates of the graph."""

    def __init__(self, ink: ImageDraw.ImageDraw, scale: float, shift: tuple[float, float]) -> None:
        self.ink, self.scale, self.shift = ink, scale, shift
        self.font = ImageFont.load_default(max(8, round(21 * scale)))

    def at(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.shift[0], y * self.scale + self.shift[1]

    def frame(self, group: dict[str, Any]) -> None:
        x, y, width, height = group["bounding"]
        self.ink.rectangle((*self.at(x, y), *self.at(x + width, y + height)), fill=FRAME, outline=EDGE)
        self.ink.text(self.at(x + 10, y + 8), fitting(group["title"], width), fill=FAINT, font=self.font)

    def node(self, node: dict[str, Any]) -> None:
        (x, y), (width, height) = node["pos"], node["size"]
        is_note, muted = node["type"] == "MarkdownNote", node["mode"] != 0
        fill = NOTE_BOX if is_note else MUTED_BOX if muted else BOX
        corners = (*self.at(x, y - TITLE), *self.at(x + width, y + height))
        self.ink.rounded_rectangle(corners, radius=10 * self.scale, fill=fill, outline=EDGE, width=3)
        self.ink.rounded_rectangle(
            (*self.at(x, y - TITLE), *self.at(x + width, y)), radius=10 * self.scale, fill=fill if is_note else HEAD
        )
        title = node.get("title") or node["type"].removeprefix("IndexTTS2_")
        colour = FAINT if muted else INK
        self.ink.text(self.at(x + 10, y - TITLE + 2), fitting(title, width), fill=colour, font=self.font)
        for slot in range(len(node["outputs"])):
            self.dot(slot_place(node, slot, out=True), node["outputs"][slot]["type"])
        for slot, port in enumerate(node["inputs"]):
            if "widget" not in port:
                self.dot(slot_place(node, slot, out=False), port["type"])

    def dot(self, place: tuple[float, float], kind: str) -> None:
        x, y = self.at(*place)
        radius = 5 * self.scale
        self.ink.ellipse((x - radius, y - radius, x + radius, y + radius), fill=WIRES.get(kind, OTHER_WIRE))

    def wire(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        bend = max(60.0, abs(end[0] - start[0]) / 3)
        control = (start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end)
        points = [self.at(*bezier(control, step / 24)) for step in range(25)]
        self.ink.line(points, fill=WIRES.get(kind, OTHER_WIRE), width=max(3, round(4 * self.scale)), joint="curve")


def bezier(control: tuple[tuple[float, float], ...], t: float) -> tuple[float, float]:
    """A point of a cubic curve."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return tuple(sum(weight * point[axis] for weight, point in zip(weights, control, strict=True)) for axis in (0, 1))  # type: ignore[return-value]


def fitting(text: str, width: float) -> str:
    """As much of a title as fits into its box."""
    most = int(width / 11)
    return text if len(text) <= most else text[: most - 1] + "…"


def save(graph: dict[str, Any], path: Path) -> None:
    draw(graph).save(path, quality=82, optimize=True)
