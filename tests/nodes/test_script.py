"""The script nodes in the stand-in host: from a text to a timeline, and what is kept between runs."""

from __future__ import annotations

import json

import pytest
import torch

from . import graphs
from .graphs import change

TEXT = "Anna [start 0.1; end 0.6]: Hello there.\nBen [start 0.8; seconds 0.5]: Good day."
SYNTHESIS = {
    "cue": "fill", "overflow": "list", "takes": 1, "retries": 0, "loudness": -20.0, "clean": True, "max_tokens": 30,
    "steps": 1, "seed": 1,
}  # fmt: skip
MODELS = {name: ["load", place] for place, name in enumerate(("encoder", "t2s", "s2m", "vocoder"))}


def voice(name: str, **more):
    inputs = {"name": name, "built_in_speaker": "first", "reference": ["recording", 0], **more}
    return {"class_type": "IndexTTS2_VoiceCast", "inputs": inputs}


@pytest.fixture
def graph():
    return {
        "load": graphs.loader(),
        "recording": graphs.host("TestAudio", seconds=1.0, seed=1),
        "script": graphs.node("ScriptFromText", text=TEXT, kind="auto"),
        "anna": voice("Anna"),
        "cast": voice("*", cast=["anna", 0]),
        "lines": graphs.node("SynthesizeScript", **MODELS, script=["script", 0], cast=["cast", 0], **SYNTHESIS),
        "mix": graphs.node("TimelineMix", lines=["lines", 0], overflow="list", gap=0.35, seconds=2.0),
        "one": graphs.node("ScriptLine", lines=["lines", 0], number=2),
        "plot": graphs.node("PlotScript", lines=["lines", 0], overflow="list", width=512),
        "save": graphs.host("SaveAudio", audio=["mix", 0], filename_prefix="audio/script"),
        "listen": graphs.host("SaveAudio", audio=["one", 0], filename_prefix="audio/line"),
    }


def test_a_script_becomes_a_timeline_whose_cues_start_at_their_samples(machine, graph):
    results = machine.run(graph)
    assert results["script"][1:] == [[2], ["Anna\nBen"]]
    audio = results["mix"][0][0]["waveform"]
    assert audio.shape == (1, 1, 44_100)
    assert float(audio[..., :2205].abs().max()) == 0.0 and float(audio[..., 2205:13_230].abs().max()) > 0.0
    assert "00:00:00,800 --> 00:00:01,300\nBen [seconds 0.5]: Good day." in results["mix"][2][0]
    assert results["one"][0][0]["waveform"].shape[-1] == 11_025
    picture = results["plot"][0][0]
    assert picture.shape[0] == 1 and picture.shape[2:] == (512, 3) and float(picture.max()) <= 1.0
    assert json.loads(results["plot"][1][0])["lines_spoken"] == 2


def test_only_a_changed_line_is_spoken_again(machine, graph, pack):
    first = machine.run(graph)["mix"][0][0]["waveform"]
    before = set((machine.base / "temp" / "indextts2").iterdir())
    second = machine.run(change(graph, "script", text=TEXT.replace("Good day", "Good night")))["mix"][0][0]["waveform"]
    after = set((machine.base / "temp" / "indextts2").iterdir())
    assert before < after and len(after) == len(before) + 1
    assert torch.equal(first[..., :13_230], second[..., :13_230])


def test_a_fault_in_the_script_stops_the_run_with_its_place(machine, graph, pack):
    with pytest.raises(pack.errors.ScriptError, match="Line 1, column 7: 'hapy .6'"):
        machine.run(change(graph, "script", text="Anna [hapy .6]: Hello."))


def test_script_files_come_from_the_input_folder_and_nowhere_else(machine, graph, pack):
    folder = machine.base / "input"
    folder.mkdir(exist_ok=True)
    (folder / "scene.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHello.\n", encoding="utf-8")
    graph["script"] = graphs.node("ScriptFromFile", file="scene.srt", encoding="")
    assert machine.run(change(graph, "one", number=1))["script"][1] == [1]
    with pytest.raises(pack.errors.InputError, match="no script file"):
        pack.part("nodes.folders").script_file("../scene.srt")


def test_the_list_of_scripts_stops_at_a_depth_and_at_a_number_of_entries(machine, pack, monkeypatch):
    """However full the input folder is, opening a page does not walk through all of it."""
    folders, root = pack.part("nodes.folders"), machine.base / "input"
    for name in ("a.srt", "x/b.SRT", "x/y/c.txt", "x/y/z/too_deep.srt", ".hidden/d.srt", "x/.e.srt", "picture.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1", encoding="utf-8")
    assert folders.script_files() == ["a.srt", "x/b.SRT", "x/y/c.txt"]
    (root / "x" / "y" / "round").symlink_to(root, target_is_directory=True)
    assert folders.script_files() == ["a.srt", "x/b.SRT", "x/y/c.txt"]
    monkeypatch.setattr(folders, "MOST_ENTRIES", 3)
    assert folders.script_files() == ["a.srt"], "what lies nearest is found first"


def test_a_linked_script_name_is_no_fault_before_it_is_known(machine):
    reads = machine.nodes["IndexTTS2_ScriptFromFile"]
    assert reads.fingerprint_inputs(file=None, encoding="") == ","
