"""Saving and loading in the host's folders: round trips through graphs, lists, and names that lead outside."""

from __future__ import annotations

import os

import pytest
import torch
from comfy_api.latest import io

from tests.host.machine import Refused

from . import graphs
from .graphs import change, host, node

PREFIX = "indextts2/anna"
KINDS = {"speaker": ("speaker", 0), "emotion": ("emotion", 0), "semantic": ("t2s", 0), "mel": ("s2m", 0)}


def save(kind, link, prefix=PREFIX, **note):
    words = {"source": "", "text": "", "licence": "", **note}
    return node(f"Save{kind.capitalize()}", **{kind: list(link)}, filename_prefix=prefix, **words)


def load(kind, file):
    return {"new": node(f"Load{kind.capitalize()}", file=file), "show": host("PreviewAny", source=["new", 0])}


@pytest.fixture
def saved(machine):
    """A host in which one value of every kind was saved, the values, and the names of the files."""
    graph = graphs.chain()
    for kind, source in KINDS.items():
        graph[f"save_{kind}"] = save(kind, source, f"indextts2/{kind}", source="a test", licence="CC0-1.0")
    found = machine.run(graph)
    values = {kind: found[place][output][0] for kind, (place, output) in KINDS.items()}
    return machine, values, {kind: found[f"save_{kind}"][0][0] for kind in KINDS}


def tensors(machine, value):
    from tests.host.machine import tensors_of

    return list(tensors_of(value))


def test_every_kind_comes_back_bit_for_bit_and_says_what_it_is(saved):
    machine, values, names = saved
    for kind, name in names.items():
        loaded, info = (output[0] for output in machine.run(load(kind, name))["new"])
        before, after = tensors(machine, values[kind]), tensors(machine, loaded)
        assert len(before) == len(after) and all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        assert info.startswith(f"kind: {kind}\nsource: a test\n") and "licence: CC0-1.0" in info


def test_a_list_shows_the_files_of_its_kind_alone(saved):
    machine, _, names = saved
    listed = machine.pack.part("nodes.user_files").saved_files
    assert {kind: listed(kind) for kind in KINDS} == {kind: [name] for kind, name in names.items()}
    assert names["speaker"] == "indextts2/speaker_00001_.safetensors [output]"


def test_speech_from_a_saved_speaker_and_saved_tokens_is_the_same(saved):
    machine, _, names = saved
    whole = machine.run(graphs.chain())["vocoder"][0][0]["waveform"]
    graph = {name: part for name, part in graphs.chain().items() if name in ("load", "s2m", "vocoder", "save")}
    graph["t2s"] = node("LoadSemantic", file=names["semantic"])
    graph["speaker"] = node("LoadSpeaker", file=names["speaker"])
    assert torch.equal(machine.run(graph)["vocoder"][0][0]["waveform"], whole)


def test_a_second_save_gets_another_number_and_leaves_the_first(saved):
    machine, _, names = saved
    graph = {**graphs.chain(), "again": save("speaker", ("speaker", 0), "indextts2/speaker")}
    assert machine.run(graph)["again"][0][0] == "indextts2/speaker_00002_.safetensors [output]"
    assert len(machine.pack.part("nodes.user_files").saved_files("speaker")) == 2


def test_a_changed_file_is_loaded_again_and_an_unchanged_one_is_not(saved):
    machine, _, names = saved
    graph = load("emotion", names["emotion"])
    machine.run(graph)
    machine.run(graph)
    assert machine.executed == []
    path = machine.base / "output" / "indextts2" / "emotion_00001_.safetensors"
    os.utime(path, (1, 1))
    machine.run(graph)
    assert "new" in machine.executed


def test_a_file_put_into_the_input_folder_is_listed(saved):
    machine, values, names = saved
    (machine.base / "input" / "indextts2").mkdir()
    source = machine.base / "output" / "indextts2" / "speaker_00001_.safetensors"
    source.rename(machine.base / "input" / "indextts2" / "mine.safetensors")
    assert machine.pack.part("nodes.user_files").saved_files("speaker") == ["indextts2/mine.safetensors [input]"]
    loaded = machine.run(load("speaker", "indextts2/mine.safetensors [input]"))["new"][0][0]
    assert torch.equal(loaded.condition, values["speaker"].condition)


@pytest.mark.parametrize("prefix", ["../evil", "a/../../evil", "/tmp/evil", "", " ", "..", "indextts2/../../x"])
def test_saving_outside_the_output_folder_is_refused(machine, prefix):
    graph = {**graphs.chain(), "again": save("speaker", ("speaker", 0), prefix)}
    with pytest.raises(ValueError, match="no name below the output folder"):
        machine.run({name: graph[name] for name in ("load", "recording", "reference", "speaker", "again")})
    assert not list(machine.base.rglob("*evil*"))


@pytest.mark.parametrize("name", [
    "../secret.safetensors [output]", "/etc/passwd [input]", "indextts2/../../secret.safetensors [output]",
    "secret.safetensors [temp]", "secret.safetensors", "[output]", "", "indextts2/notes.txt [output]",
])  # fmt: skip
def test_loading_from_outside_the_folders_is_refused(machine, name):
    (machine.base / "secret.safetensors").write_bytes(b"x")
    reason = machine.pack.nodes["IndexTTS2_LoadSpeaker"].validate_inputs(file=name)
    assert isinstance(reason, str) and reason.endswith((".", "file."))
    with pytest.raises(Refused, match="folder"):
        machine.run(load("speaker", name))
    with pytest.raises(ValueError, match="folder"):
        machine.run(linked(machine, load("speaker", name)))
    assert machine.executed == ["name", "new"]


def linked(machine, graph):
    """The same graph, its file name coming from a node of another pack, which the host cannot check beforehand."""
    from tests.host.host_nodes import node as made

    name = graph["new"]["inputs"]["file"]
    machine.nodes["Anything"] = made("Anything", [], [io.AnyType.Output()])(lambda: io.NodeOutput(name))
    return change(graph, "new", file=["name", 0]) | {"name": {"class_type": "Anything", "inputs": {}}}


def test_a_linked_file_name_is_read_when_it_is_known(saved):
    machine, values, names = saved
    loaded = machine.run(linked(machine, load("speaker", names["speaker"])))["new"][0][0]
    assert torch.equal(loaded.condition, values["speaker"].condition)


def test_the_host_leaves_a_list_that_a_node_checks_itself_to_the_node(saved):
    """A file that was saved after the page read the list is loaded all the same."""
    machine, _, names = saved
    node_class = machine.nodes["IndexTTS2_LoadSpeaker"]
    stale = node_class.GET_SCHEMA()
    stale.inputs[0].options, stale.inputs[0].default = ["(nothing saved yet)"], None
    machine.nodes["IndexTTS2_LoadSpeaker"] = type(
        "Stale", (node_class,), {"define_schema": classmethod(lambda _: stale)}
    )
    machine.validate(load("speaker", names["speaker"]))
    with pytest.raises(Refused, match="file - There is no file"):
        machine.validate(load("speaker", "indextts2/gone.safetensors [output]"))


def test_a_link_that_leads_outside_is_neither_listed_nor_loaded(saved, tmp_path_factory):
    machine, _, names = saved
    outside = tmp_path_factory.mktemp("outside") / "far.safetensors"
    source = machine.base / "output" / "indextts2" / "speaker_00001_.safetensors"
    source.rename(outside)
    source.symlink_to(outside)
    assert machine.pack.part("nodes.user_files").saved_files("speaker") == []
    with pytest.raises(ValueError, match="outside"):
        machine.pack.part("nodes.user_files").saved_file(names["speaker"])


def test_an_empty_list_says_what_to_do(machine):
    loader = machine.pack.nodes["IndexTTS2_LoadMel"]
    (file,) = loader.GET_SCHEMA().inputs
    assert file.options == ["(nothing saved yet)"]
    assert "Save one first" in loader.validate_inputs(file=file.options[0])


def test_a_file_of_another_kind_or_a_broken_one_is_refused_in_words(saved):
    machine, _, names = saved
    machine.check_combos = False
    with pytest.raises(ValueError, match="holds a file of kind 'speaker', but 'mel' is expected"):
        machine.run(load("mel", names["speaker"]))
    path = machine.base / "output" / "indextts2" / "mel_00001_.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match="cut short"):
        machine.run(load("mel", names["mel"]))


def test_a_speaker_of_another_checkpoint_is_refused_by_the_stage_that_gets_it(saved):
    machine, values, _ = saved
    from dataclasses import replace

    files = machine.pack.part("indextts2.values.files")
    path = machine.base / "output" / "indextts2" / "foreign.safetensors"
    files.save_value(path, replace(values["speaker"], fingerprint="another"))
    graph = {**graphs.chain(), "foreign": node("LoadSpeaker", file="indextts2/foreign.safetensors [output]")}
    with pytest.raises(machine.pack.part("indextts2.errors").CheckpointMismatch, match="another"):
        machine.run(change(graph, "t2s", speaker=["foreign", 0]))


def test_a_learned_speaker_condition_opens_beside_the_speaker_that_lends_the_rest(saved):
    machine, values, _ = saved
    learned = values["speaker"].condition[0] + 1.0
    place = machine.base / "input" / "indextts2" / "learned.pt"
    place.parent.mkdir(parents=True, exist_ok=True)
    torch.save(learned, place)
    name = "indextts2/learned.pt [input]"
    assert name in machine.pack.part("nodes.user_files").saved_files("speaker")
    assert name not in machine.pack.part("nodes.user_files").saved_files("emotion")
    graph = graphs.chain()
    graph["learned"] = node("LoadSpeaker", file=name, base_speaker=["speaker", 0])
    graph["show"] = host("PreviewAny", source=["learned", 1])
    speaker, info = (output[0] for output in machine.run(graph)["learned"])
    assert torch.equal(speaker.condition[0], learned) and "learned.pt" in info
    assert torch.equal(speaker.style, values["speaker"].style)
    with pytest.raises(machine.pack.part("indextts2.errors").InputError, match="base_speaker"):
        machine.run(load("speaker", name))
