"""Models on one wire, on four, or none at all: whatever is connected, the speech is the same."""

from __future__ import annotations

import gc
import json
import weakref

import pytest
import torch

from tests.host.load import ROOT

from . import graphs
from .graphs import change

ONE = {"encoder": None, "t2s": None, "s2m": None, "vocoder": None, "models": ["load", 5]}
ALONE = {**ONE, "models": None, "checkpoint": "tiny"}


def waveform(machine, graph):
    return machine.run(graph)["speak"][0][0]["waveform"]


def alone(**changed):
    """Speak with no wire at all: its own checkpoint, a built-in voice, no other node."""
    speak = graphs.speak(**{**ALONE, "reference": None, **changed})["speak"]
    return {"speak": speak}


def test_one_wire_speaks_as_four_do(machine):
    four = waveform(machine, graphs.speak())
    assert torch.equal(waveform(machine, graphs.speak(**ONE)), four)


def test_speak_alone_is_a_graph_that_runs_and_shows_its_sound(machine):
    graph = alone()
    assert waveform(machine, graph).abs().max() > 0
    shown = machine.shown["speak"]
    assert (machine.base / "temp" / shown["audio"][0]["filename"]).is_file()
    assert (machine.base / "temp" / shown["images"][0]["filename"]).is_file()


def test_speak_alone_says_the_same_as_with_wires(machine):
    wired = change(graphs.speak(), "speak", reference=None)
    assert torch.equal(waveform(machine, alone()), waveform(machine, wired))


def test_its_own_checkpoint_is_loaded_once_for_many_runs_and_goes_with_free(machine, pack, monkeypatch):
    checkpoints = pack.part("nodes.checkpoints")
    loads = []
    load = checkpoints.load_models
    monkeypatch.setattr(checkpoints, "load_models", lambda *args: loads.append(args) or load(*args))
    for seed in (1, 2, 3):
        machine.run(alone(seed=seed))
    assert loads == [("tiny", "auto")]
    model = weakref.ref(checkpoints.own_models("tiny")["t2s"].models.model)
    machine.free()
    gc.collect()
    assert model() is None
    machine.run(alone())
    assert len(loads) == 2


def test_another_checkpoint_takes_the_place_of_the_last_one(machine, pack, write_tiny):
    write_tiny(machine.base / "models" / "indextts2" / "other")
    machine.run(alone())
    first = weakref.ref(pack.part("nodes.checkpoints").own_models("tiny")["t2s"].models.model)
    machine.run(alone(checkpoint="other"))
    gc.collect()
    assert first() is None


def test_speak_alone_runs_again_when_the_files_of_its_checkpoint_change(machine, write_tiny):
    folder = write_tiny(machine.base / "models" / "indextts2" / "mine")
    machine.run(alone(checkpoint="mine"))
    machine.run(alone(checkpoint="mine"))
    assert machine.executed == []
    (folder / "note.txt").write_text("touched")
    machine.run(alone(checkpoint="mine"))
    assert machine.executed == ["speak"]


def test_wires_have_precedence_over_the_node_s_own_checkpoint(machine, pack, monkeypatch):
    monkeypatch.setattr(pack.part("nodes.checkpoints"), "_known", {})  # nothing from another test
    plain = waveform(machine, graphs.speak())
    graph = graphs.speak(**ONE, checkpoint="mini")
    assert torch.equal(waveform(machine, graph), plain)
    assert not pack.part("nodes.checkpoints")._known, "the dropdown's checkpoint is not even loaded"


def test_a_single_model_takes_the_place_of_the_bundle_s(machine, pack):
    bundle = machine.run({"load": graphs.loader(), "show": graphs.host("PreviewAny", source=["load", 5])})["load"][5][0]
    other = object()
    found = pack.part("nodes.bundle").joined({"models": bundle, "vocoder": other})
    assert found["vocoder"] is other and found["t2s"] is bundle.t2s


@pytest.mark.parametrize("given", [{"t2s": ["load", 1]}, {"encoder": ["load", 0], "vocoder": ["load", 3]}])
def test_some_models_without_the_others_are_refused_by_name(machine, pack, given):
    graph = graphs.speak(**{**ALONE, **given})
    missing = " and ".join(name for name in ("encoder", "t2s", "s2m", "vocoder") if name not in given)
    with pytest.raises(pack.errors.InputError, match=f"nothing gives {missing}"):
        machine.run(graph)


def test_pack_and_unpack_join_both_worlds(machine):
    plain = waveform(machine, graphs.speak())
    names = ("encoder", "t2s", "s2m", "vocoder")
    graph = graphs.speak(**{**ONE, "models": ["pack", 0]}) | {
        "unpack": graphs.node("UnpackModels", models=["load", 5]),
        "pack": graphs.node("PackModels", **{name: ["unpack", slot] for slot, name in enumerate(names)}),
    }
    assert torch.equal(waveform(machine, graph), plain)


def test_a_bundle_without_a_vocoder_is_packed_and_refused_where_it_is_needed(machine, pack, write_tiny):
    folder = write_tiny(machine.base / "models" / "indextts2" / "part")
    for path in folder.glob("vocoder*"):
        path.unlink()
    (folder.parent / "tiny").unlink()
    graph = graphs.speak(**{**ONE, "models": ["pack", 0]}) | {"pack": graphs.node("PackModels", models=["load", 5])}
    with pytest.raises(pack.errors.InputError, match="lacks the model"):
        machine.run(change(graph, "load", checkpoint="part"))
    assert machine.executed[-1] == "speak"


def test_a_script_is_spoken_over_one_wire_and_shows_its_lines(machine):
    from .test_script import SYNTHESIS

    graph = {
        "load": graphs.loader(),
        "script": graphs.node("ScriptFromText", text="Anna [start 0.1; end 0.6]: Hello there.", kind="auto"),
        "lines": graphs.node("SynthesizeScript", models=["load", 5], script=["script", 0], **SYNTHESIS),
    }
    machine.run(graph)
    assert {"audio", "images"} <= set(machine.shown["lines"])
    del graph["lines"]["inputs"]["models"]
    with pytest.raises(machine.pack.errors.InputError, match="Connect the output 'models'"):
        machine.run(graph)


def test_old_graphs_keep_their_outputs_and_their_widgets():
    """What a saved graph refers to by number: output slots, and widget values in their order."""
    entries = json.loads((ROOT / "tests" / "nodes" / "object_info.json").read_text(encoding="utf-8"))
    assert entries["IndexTTS2_LoadCheckpoint"]["output_name"] == ["encoder", "t2s", "s2m", "vocoder", "info", "models"]
    assert entries["IndexTTS2_Speak"]["output_name"][:2] == ["audio", "report"]
    from tools.nodes.known_nodes import inputs_of, is_widget

    widgets = [name for name, spec in inputs_of("IndexTTS2_Speak").items() if is_widget(*spec)]
    before = ["text", "built_in_speaker", "emotion_strength", "seconds", "seed", "language"]
    assert widgets[: len(before)] == before and "checkpoint" in widgets
