"""What a user reads before running anything: ids, names, tooltips, units, ranges."""

from __future__ import annotations

import re
from dataclasses import make_dataclass

import pytest
from comfy_api.latest import io

from tests.docs.glossary import units, unused
from tools.nodes.known_nodes import short_name

LONGEST_NAME = len("Emotion Weights to Numbers")

CORE = {
    "Speak", "LoadCheckpoint", "LoadTextToEmotion", "LoadLora", "EncodeReference", "SpeakerCondition",
    "EmotionFromReference", "EmotionFromWeights", "EmotionFromText", "PrepareText", "PronunciationGlossary",
    "Duration", "DurationFromAudio", "DurationFromFrameCount", "TextToSemantic", "AudioToSemantic", "SemanticToMel",
    "MelFromAudio", "MelToAudio",
}  # fmt: skip
"""Permanent: a workflow saved today must open for ever. Names may be added, never changed or removed."""


@pytest.fixture
def schemas(machine):
    return {name: node.GET_SCHEMA() for name, node in machine.pack.nodes.items()}


def every_port(schemas):
    return [
        (f"{name}.{port.id}", port)
        for name, schema in schemas.items()
        for port in [*(schema.inputs or []), *(schema.outputs or [])]
    ]


def test_the_permanent_ids_are_all_there(schemas):
    assert {f"IndexTTS2_{name}" for name in CORE} <= set(schemas)
    assert all(re.fullmatch(r"IndexTTS2_[A-Z][A-Za-z0-9]*", name) for name in schemas)


def test_every_node_has_a_name_a_place_in_the_menu_and_a_description(schemas):
    for name, schema in schemas.items():
        assert re.fullmatch(r"[A-Z][A-Za-z -]+( \([A-Z][A-Za-z0-9 ,]+\))?", schema.display_name), name
        assert re.fullmatch(r"audio/IndexTTS2(/[A-Za-z0-9 ]+){1,2}", schema.category), name
        assert schema.description.endswith(".") and len(schema.description) > 30, name
        assert len(short_name(schema.display_name)) <= LONGEST_NAME, name
    names = [short_name(schema.display_name) for schema in schemas.values()]
    assert len(set(names)) == len(names)


def test_no_node_is_called_as_one_of_the_host_or_of_another_common_pack(schemas):
    taken = {"Load Checkpoint", "Load LoRA", "Load Audio", "Save Audio", "Preview Audio", "Load Image", "Preview Any"}
    assert not taken & {schema.display_name for schema in schemas.values()}


def is_sentence(tooltip: str | None) -> bool:
    text = tooltip or ""
    return len(text) > 10 and text.endswith(".") and "  " not in text and not unused().search(text)


def test_every_port_has_a_tooltip_that_is_a_sentence_in_our_words(schemas):
    assert [f"{name}: '{port.tooltip}'" for name, port in every_port(schemas) if not is_sentence(port.tooltip)] == []


def test_every_number_says_what_it_counts(schemas):
    numbers = [item for item in every_port(schemas) if isinstance(item[1], io.Int.Input | io.Float.Input)]
    assert [f"{name}: '{port.tooltip}'" for name, port in numbers if not units().search(port.tooltip or "")] == []


def test_every_output_has_a_name(schemas):
    for name, schema in schemas.items():
        shown = [port.display_name for port in schema.outputs or []]
        assert all(shown) and len(set(shown)) == len(shown), name


def test_every_seed_can_change_after_each_run(schemas):
    for name, port in every_port(schemas):
        if isinstance(port, io.Int.Input) and port.id == "seed":
            assert port.control_after_generate is True, name


def test_our_own_types_are_listed_where_ports_are_described(schemas, pack):
    listed = set(re.findall(r"`(INDEXTTS2_\w+)`", pack.part("nodes.ports").__doc__))
    used = {kind for _, port in every_port(schemas) for kind in port.get_io_type().split(",") if "INDEXTTS2" in kind}
    assert used <= listed


def test_aliases_are_given_only_where_the_host_knows_them(pack, monkeypatch):
    ports = pack.part("nodes.ports")
    plain = ports.node_schema("Try", "Try", "try", "Try.", aliases=["word"], has_intermediate_output=True)
    assert not hasattr(plain, "search_aliases")
    newer = make_dataclass("Schema", [("search_aliases", list, None)], bases=(io.Schema,))
    monkeypatch.setattr(ports, "SCHEMA_FIELDS", ports.SCHEMA_FIELDS | {"search_aliases"})
    monkeypatch.setattr(ports.io, "Schema", newer)
    assert ports.node_schema("Try", "Try", "try", "Try.", aliases=["word"]).search_aliases == ["word"]


@pytest.fixture
def newer_host(pack, monkeypatch):
    """A host whose schemas have the fields that came after 0.3.64."""
    ports = pack.part("nodes.ports")
    fields = [("search_aliases", list, None), ("essentials_category", str, None)]
    monkeypatch.setattr(ports, "SCHEMA_FIELDS", ports.SCHEMA_FIELDS | {name for name, *_ in fields})
    monkeypatch.setattr(ports.io, "Schema", make_dataclass("Schema", fields, bases=(io.Schema,)))
    return pack


@pytest.mark.parametrize("word", ["voice", "clone", "speech", "tts"])
def test_the_name_itself_holds_the_word_for_hosts_that_search_nothing_else(schemas, word):
    found = {name for name, schema in schemas.items() if word in f"{name} {schema.display_name}".lower()}
    assert {"IndexTTS2_Speak", "IndexTTS2_EncodeReference"} <= found


@pytest.mark.parametrize("word", ["voice", "clone", "speech", "tts"])
def test_the_first_word_a_user_types_finds_the_node_to_begin_with(newer_host, machine, word):
    found = {name for name, node in newer_host.nodes.items() if word in (node.define_schema().search_aliases or ())}
    assert "IndexTTS2_Speak" in found
    assert word == "tts" or "IndexTTS2_EncodeReference" in found


def test_rare_settings_are_marked_for_hosts_that_hide_them(pack, schemas):
    rare = pack.part("nodes.menu").RARE
    for node, names in rare.items():
        ports = {port.id: port for port in schemas[f"IndexTTS2_{node}"].inputs}
        assert set(names) <= set(ports), node
        marked = {name for name, port in ports.items() if port.as_dict().get("advanced")}
        assert marked == set(names), node
        assert all(isinstance(ports[name], io.WidgetInput) for name in names), f"{node}: a socket cannot be hidden"


def test_the_nodes_to_begin_with_are_essential_where_the_host_has_a_tab_for_them(newer_host, machine):
    essential = {name for name, node in newer_host.nodes.items() if node.define_schema().essentials_category}
    assert {"IndexTTS2_Speak", "IndexTTS2_LoadCheckpoint"} <= essential


def test_arithmetic_and_bridges_have_submenus_of_their_own(schemas):
    places = {name.removeprefix("IndexTTS2_"): schema.category for name, schema in schemas.items()}
    assert places["BlendEmotions"] == "audio/IndexTTS2/emotion/arithmetic"
    assert places["EmotionToLatent"] == "audio/IndexTTS2/emotion/bridge"
    assert places["EmotionWeights"] == "audio/IndexTTS2/emotion"


def test_the_interface_of_the_host_can_describe_every_node(schemas, pack):
    for name, node in pack.nodes.items():
        info = node.GET_NODE_INFO_V1()
        assert info["name"] == name and len(info["output"]) == len(info["output_tooltips"])
