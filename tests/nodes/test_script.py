"""The script nodes in the stand-in host: from a text to a timeline, and what is kept between runs."""

from __future__ import annotations

import json

import pytest
import torch

from . import graphs
from .graphs import change

TEXT = "Anna [start 0.1; end 0.6]: Hello there.\nBen [start 0.8; seconds 0.5]: Good day."
SYNTHESIS = {
    "cue": "fill", "overflow": "list", "squeeze": 0.5, "takes": 1, "retries": 0, "loudness": -20.0, "trim_tails": True,
    "soft_ends": True, "longest_silence": 0.8, "max_tokens": 30, "steps": 1, "seed": 1,
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
    assert results["script"][1:] == [[2], ["Anna\nBen"], ["2 lines by Anna, Ben."]]
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


def test_a_fault_in_the_script_is_in_the_report_with_its_place_and_the_rest_is_spoken(machine, graph):
    del graph["one"], graph["listen"], graph["plot"]
    results = machine.run(change(graph, "script", text="Anna [hapy .6]: Hello."))
    assert "Line 1, column 7: 'hapy .6'" in results["lines"][1][0]


CAPTIONS = "1\n00:00:00,500 --> 00:00:02,000\n[door creaks] Hello.\n\n2\n00:00:02,000 --> wrong\nLost.\n"


@pytest.mark.parametrize(("keep", "text"), [(False, "Hello."), (True, "[door creaks] Hello.")])
def test_a_reader_reports_what_it_left_out_unless_sounds_are_kept(machine, keep, text):
    reading = graphs.node("ScriptFromText", text=CAPTIONS, kind="srt", keep_sounds=keep)
    small = {"script": reading, "show": graphs.host("PreviewAny", source=["script", 3])}
    [script], [count], _, [report] = machine.run(small)["script"]
    assert script.lines[0].text == text and count == len(script.lines) == 2
    assert ("[door creaks]" in report) is not keep
    assert "Note: Line 6" in report and "wrong" in report


def test_script_files_come_from_the_input_folder_and_nowhere_else(machine, graph, pack):
    folder = machine.base / "input"
    folder.mkdir(exist_ok=True)
    (folder / "scene.srt").write_text("1\n00:00:00,500 --> 00:00:01,000\nHello.\n", encoding="utf-8")
    graph["script"] = graphs.node("ScriptFromFile", file="scene.srt", encoding="")
    assert machine.run(change(graph, "one", number=1))["script"][1] == [1]
    with pytest.raises(pack.errors.InputError, match="no script file"):
        pack.part("nodes.user_files").script_file("../scene.srt")


def test_the_list_of_scripts_stops_at_a_depth_and_at_a_number_of_entries(machine, pack, monkeypatch):
    """However full the input folder is, opening a page does not walk through all of it."""
    folders, root = pack.part("nodes.user_files"), machine.base / "input"
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
    assert reads.fingerprint_inputs(file=None, encoding="") == ",,off"


def test_the_example_scripts_are_always_offered_and_read(machine):
    files = machine.nodes["IndexTTS2_ScriptFromFile"].GET_SCHEMA().inputs[0].options
    assert "subtitles.srt [example]" in files
    reading = graphs.node("ScriptFromFile", file="subtitles.srt [example]", encoding="")
    small = {"script": reading, "show": graphs.host("PreviewAny", source=["script", 2])}
    assert machine.run(small)["script"][1:3] == [[3], ["Anna\nBen"]]


def test_another_recording_takes_the_place_of_one_line(machine, graph):
    graph["other"] = graphs.host("TestAudio", seconds=0.4, seed=3, rate=16_000, channels=2)
    graph["changed"] = graphs.node(
        "ReplaceLine", lines=["lines", 0], number=2, audio=["other", 0], text="Another text.", match_loudness=True
    )
    graph["again"] = graphs.node("TimelineMix", lines=["changed", 0], overflow="list", gap=0.35, seconds=2.0)
    graph["hear"] = graphs.host("SaveAudio", audio=["again", 0], filename_prefix="audio/again")
    results = machine.run(graph)
    before, after = (results[place][0][0]["waveform"] for place in ("mix", "again"))
    assert torch.equal(before[..., :17_640], after[..., :17_640]) and not torch.equal(before, after)
    assert "00:00:00,800 --> 00:00:01,200\nBen [seconds 0.5]: Another text." in results["again"][2][0]


def test_a_line_that_is_not_there_cannot_be_replaced(machine, graph, pack):
    graph["changed"] = graphs.node(
        "ReplaceLine", lines=["lines", 0], number=9, audio=["recording", 0], text="", match_loudness=False
    )
    graph["hear"] = graphs.host("PreviewAny", source=["changed", 1])
    with pytest.raises(pack.errors.InputError, match="no line 9; the script has 2 lines"):
        machine.run(graph)


def test_lengths_come_from_videos_and_from_batches_of_pictures(machine):
    from tests.workflows.host_extra import EXTRA

    machine.nodes.update(EXTRA)
    graph = {
        "images": graphs.host("EmptyImage", width=8, height=8, batch_size=48, color=0),
        "video": graphs.host("CreateVideo", images=["images", 0], fps=16.0),
        "from_video": graphs.node("DurationFromVideo", video=["video", 0], method="auto"),
        "from_images": graphs.node("DurationFromImages", images=["images", 0], fps=16.0, method="auto"),
        "one": graphs.host("PreviewAny", source=["from_video", 1]),
        "two": graphs.host("PreviewAny", source=["from_images", 1]),
    }
    results = machine.run(graph)
    for name in ("from_video", "from_images"):
        assert results[name][1] == [3.0]
        assert (results[name][0][0].unit, results[name][0][0].value) == ("seconds", 3.0)
