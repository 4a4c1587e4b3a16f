"""The example graphs: both forms say the same, links and values fit, and every one of them runs."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.languages.test_locales import SIMPLIFIED_ONLY
from tools.nodes import known_nodes as known
from tools.workflows.canvas import COLOURS, NOTE
from tools.workflows.write import API, WORKFLOWS, all_graphs, as_text

NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
HAN = ("\u4e00", "\u9fff")


def shown(name: str) -> dict:
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def runnable(name: str) -> dict:
    return json.loads((API / f"{name}.json").read_text(encoding="utf-8"))


def active(graph: dict) -> dict:
    return {node["id"]: node for node in graph["nodes"] if node["type"] != NOTE and node["mode"] == 0}


def test_every_described_example_has_its_graph_its_twin_and_its_picture():
    assert sorted(graph.name for graph in all_graphs()) == NAMES
    assert sorted(path.stem for path in API.glob("*.json")) == NAMES
    assert sorted(path.stem for path in WORKFLOWS.glob("*.jpg")) == NAMES


def test_the_files_are_what_the_descriptions_make():
    for graph in all_graphs():
        ui = (WORKFLOWS / f"{graph.name}.json").read_text(encoding="utf-8")
        api = (API / f"{graph.name}.json").read_text(encoding="utf-8")
        assert ui == as_text(graph.ui_graph()), f"{graph.name}: run python -m tools.workflows.write"
        assert api == as_text(graph.api_graph()), f"{graph.name}: run python -m tools.workflows.write"


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_has_the_nodes_links_and_values_of_the_graph(name):
    """Read from the UI form alone, as the browser turns it into the API form."""
    graph, twin = shown(name), runnable(name)
    links = {row[0]: row for row in graph["links"]}
    assert {str(number) for number in active(graph)} == set(twin)
    for number, node in active(graph).items():
        expected = {}
        values = list(node["widgets_values"])
        for port, spec in known.inputs_of(node["type"]).items():
            if known.is_widget(*spec):
                expected[port] = values.pop(0)
                if known.has_seed_control(port, *spec):
                    assert values.pop(0) == "fixed"
        assert not values
        for port in node["inputs"]:
            if port["link"] is not None:
                expected[port["name"]] = [str(links[port["link"]][1]), links[port["link"]][2]]
        assert twin[str(number)]["class_type"] == node["type"]
        assert twin[str(number)]["inputs"] == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_link_joins_ports_of_one_type(name):
    graph = shown(name)
    nodes = {node["id"]: node for node in graph["nodes"]}
    for link, source, out, target, into, kind in graph["links"]:
        sent, taken = nodes[source]["outputs"][out], nodes[target]["inputs"][into]
        assert link in sent["links"] and taken["link"] == link
        assert sent["type"] == kind
        assert taken["type"] in (kind, "*"), (nodes[target]["type"], taken["name"], kind)


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_value_is_allowed(name):
    for node in runnable(name).values():
        specs = known.inputs_of(node["class_type"])
        for port, value in node["inputs"].items():
            kind, options = specs[port]
            if isinstance(value, list):
                continue
            if known.widget_type(kind) == "COMBO":
                listed = known.choices(kind, options)
                assert not listed or value in listed or port in ("built_in_speaker", "file", "preset"), (port, value)
            if kind in ("INT", "FLOAT"):
                low, high = options.get("min", -float("inf")), options.get("max", float("inf"))
                assert low <= value <= high, (node["class_type"], port, value)
            if kind in ("STRING", "BOOLEAN"):
                assert isinstance(value, str if kind == "STRING" else bool)


@pytest.mark.parametrize("name", NAMES)
def test_every_required_input_is_given(name):
    for node in runnable(name).values():
        specs = known.inputs_of(node["class_type"])
        missing = [port for port in specs if known.is_required(node["class_type"], port) and port not in node["inputs"]]
        assert not missing, (node["class_type"], missing)


@pytest.mark.parametrize("name", NAMES)
def test_no_two_nodes_lie_on_each_other(name):
    boxes = [(*node["pos"], *node["size"], node["id"]) for node in shown(name)["nodes"]]
    for x, y, width, height, number in boxes:
        for left, top, wide, high, other in boxes:
            apart = left >= x + width or x >= left + wide or top - 30 >= y + height or y - 30 >= top + high
            assert number == other or apart, f"nodes {number} and {other}"


def rows(kind: str) -> tuple[int, int, int]:
    """Sockets below each other, one-line widgets and text areas of a node."""
    specs = known.inputs_of(kind)
    widgets = [spec for spec in specs.values() if known.is_widget(*spec)]
    areas = sum(bool(spec[1].get("multiline")) for spec in widgets)
    return max(len(specs) - len(widgets), len(known.known_nodes()[kind]["output"])), len(widgets) - areas, areas


@pytest.mark.parametrize("name", NAMES)
def test_every_node_has_the_room_that_nodes_2_needs(name):
    """Measured in frontend 1.49: 20 per socket, 27 per widget, 60 per text area, and 45 for the badge below."""
    for node in shown(name)["nodes"]:
        if node["type"] != NOTE:
            sockets, lines, areas = rows(node["type"])
            assert node["size"][1] >= 20 * sockets + 27 * lines + 60 * areas + 45, node["type"]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_nodes_lie_on_each_other_as_nodes_2_of_comfyui_0_3_64_draws_them(name):
    """Measured in frontend 1.27: at least 430 wide; 17 higher than saved, and 10 more for every widget."""
    boxes = []
    for node in shown(name)["nodes"]:
        taller = 0 if node["type"] == NOTE else 17 + 10 * sum(rows(node["type"])[1:])
        (x, y), (width, height) = node["pos"], node["size"]
        boxes.append((node["id"], x, y - 30, x + max(width, 430), y + height + taller))
    for place, (number, left, top, right, bottom) in enumerate(boxes):
        for other, x, y, end, low in boxes[place + 1 :]:
            apart = x >= right or left >= end or y >= bottom or top >= low
            assert apart, f"nodes {number} and {other}"


@pytest.mark.parametrize("name", NAMES)
def test_the_saved_view_shows_the_whole_graph_and_nothing_behind_a_panel(name):
    """In a window of 1600 x 1000: the side bar ends at 59, the tabs and the menu at 90, the small map begins at 743."""
    graph = shown(name)
    scale, (right, down) = graph["extra"]["ds"]["scale"], graph["extra"]["ds"]["offset"]
    corners = [
        ((x + right) * scale, (y - 30 + down) * scale, (x + wide + right) * scale, (y + high + down) * scale)
        for (x, y), (wide, high) in ((node["pos"], node["size"]) for node in graph["nodes"])
    ]
    assert min(corner[0] for corner in corners) > 59 and min(corner[1] for corner in corners) > 90
    assert max(corner[2] for corner in corners) < 1600 and max(corner[3] for corner in corners) < 743


@pytest.mark.parametrize("name", NAMES)
def test_nodes_of_one_stage_have_one_colour_and_others_another(name):
    for node in shown(name)["nodes"]:
        if node["type"].startswith(known.PREFIX) and "Plot" not in node["type"]:
            assert (node["color"], node["bgcolor"]) in COLOURS.values(), node["type"]


@pytest.mark.parametrize("name", NAMES)
def test_no_node_of_the_host_is_one_that_newer_hosts_call_deprecated(name):
    assert not {node["class_type"] for node in runnable(name).values()} & {"SaveAudio", "SaveAudioMP3", "SaveAudioOpus"}


@pytest.mark.parametrize("name", NAMES)
def test_a_note_tells_a_newcomer_what_to_do_in_english_and_both_kinds_of_chinese(name):
    notes = [node["widgets_values"][0] for node in shown(name)["nodes"] if node["type"] == NOTE]
    assert notes
    text = "\n".join(notes)
    assert len(text) > 200
    chinese = [line for line in text.splitlines() if any(HAN[0] <= character <= HAN[1] for character in line)]
    simplified = [line for line in chinese if SIMPLIFIED_ONLY.search(line)]
    assert len(chinese) >= max(2, 2 * len(simplified)), "each has a traditional one"


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_is_small_and_opens(name):
    path = WORKFLOWS / f"{name}.jpg"
    assert path.stat().st_size < 60_000
    with Image.open(path) as picture:
        assert picture.size == (640, 400)


def test_every_node_of_the_pack_that_speaks_stands_in_some_example():
    used = {node["class_type"] for name in NAMES for node in runnable(name).values()}
    groups = ("easy", "T2S", "S2M", "vocoder", "condition", "duration", "text", "plot", "script")
    wanted = {name for name, entry in known.known_nodes().items() if entry["category"].rpartition("/")[2] in groups}
    rare = {f"{known.PREFIX}DurationFromImages"}
    assert wanted & {name for name in known.known_nodes() if name.startswith(known.PREFIX)} - rare <= used
