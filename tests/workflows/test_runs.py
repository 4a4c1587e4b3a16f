"""Every example graph runs from end to end in the stand-in host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
import torch

from tools.workflows.quick import quick
from tools.workflows.write import API

NAMES = sorted(path.stem for path in API.glob("*.json"))
MINI = Path(__file__).parent.parent.parent / "indextts2" / "mini" / "config.yaml"
PLAYERS = ("PreviewAudio", "IndexTTS2_Speak", "IndexTTS2_SynthesizeScript")


def twin(name: str) -> dict:
    return json.loads((API / f"{name}.json").read_text(encoding="utf-8"))


def check_sound(machine, graph: dict) -> None:
    """Every player of the graph, and every node that speaks, got a file with sound in it."""
    players = [number for number, node in graph.items() if node["class_type"] in PLAYERS]
    assert players or any(node["class_type"] == "IndexTTS2_SaveSpeaker" for node in graph.values())
    for number in players:
        for file in machine.shown[number]["audio"]:
            samples, rate = soundfile.read(machine.base / "temp" / file["filename"])
            assert len(samples) > rate // 10, number


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_runs_with_a_tiny_checkpoint(machine_with_tiny, name):
    graph = quick(twin(name))
    machine_with_tiny.run(graph)
    assert set(machine_with_tiny.executed) == set(graph), "a node is left out, because no output needs it"
    check_sound(machine_with_tiny, graph)


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_runs_with_a_tiny_checkpoint_of_the_other_release(machine_with_tiny_v25, name):
    graph = quick(twin(name))
    machine_with_tiny_v25.run(graph)
    assert set(machine_with_tiny_v25.executed) == set(graph)
    check_sound(machine_with_tiny_v25, graph)


def test_the_text_profile_of_the_nodes_decides_what_is_written_out(machine_with_tiny_v25):
    graph = quick(twin("13_stage_by_stage"))
    (text,) = (node["inputs"] for node in graph.values() if node["class_type"] == "IndexTTS2_PrepareText")
    text.update(text="Hola, 21 casas.", language="es")
    (length,) = (node["inputs"] for node in graph.values() if node["class_type"] == "IndexTTS2_Duration")
    length["value"] = 0.6
    said = []
    for profile in ("auto", "plain"):
        text["text_profile"] = profile
        (node,) = (number for number, node in graph.items() if node["class_type"] == "IndexTTS2_PrepareText")
        said.append(machine_with_tiny_v25.run(graph)[node][1][0])
    assert "VEINTIUNA CASAS" in said[0] and "Hola, 21 casas" in said[1] and "Not written out in 'es': 21" in said[1]


@pytest.mark.parametrize("kind", ["Speak", "SynthesizeScript"])
def test_a_checkpoint_of_phonemes_refuses_the_plain_profile(machine_with_tiny, kind):
    graph = quick(twin("01_quick_start" if kind == "Speak" else "15_two_speaker_scene"))
    (node,) = (node["inputs"] for node in graph.values() if node["class_type"] == f"IndexTTS2_{kind}")
    node["text_profile"] = "plain"
    with pytest.raises(machine_with_tiny.pack.errors.InputError, match="reads phonemes"):
        machine_with_tiny.run(graph)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_computes_nothing(machine_with_tiny, name):
    graph = quick(twin(name))
    machine_with_tiny.run(graph)
    machine_with_tiny.run(graph)
    assert machine_with_tiny.executed == []


def test_the_exact_length_of_the_example_is_met(machine_with_tiny):
    graph = quick(twin("07_exact_seconds"))
    results = machine_with_tiny.run(graph)
    (speak,) = (number for number, node in graph.items() if node["class_type"] == "IndexTTS2_Speak")
    assert results[speak][0][0]["waveform"].shape[-1] == 22_050


def test_the_clip_and_its_speech_end_together(machine_with_tiny):
    graph = quick(twin("08_match_video_clip"))
    machine_with_tiny.run(graph)
    (shown,) = (shown for shown in machine_with_tiny.shown.values() if "video" in shown)
    video = shown["video"][0]
    assert video["audio"]["waveform"].shape[-1] == round(len(video["images"]) / video["fps"] * 22_050)


def test_the_dub_is_as_long_as_the_video(machine_with_tiny):
    graph = quick(twin("18_dub_a_video"))
    (pictures,) = (node["inputs"] for node in graph.values() if node["class_type"] == "EmptyImage")
    pictures["batch_size"] = 144
    machine_with_tiny.run(graph)
    (shown,) = (shown for shown in machine_with_tiny.shown.values() if "video" in shown)
    assert shown["video"][0]["audio"]["waveform"].shape[-1] == 6 * 22_050


def test_replacing_a_line_leaves_every_other_sample_as_it_was(machine_with_tiny):
    graph = quick(twin("17_replace_one_line"))
    results = machine_with_tiny.run(graph)
    by_kind = {node["class_type"].removeprefix("IndexTTS2_"): results[number] for number, node in graph.items()}
    before, after = by_kind["SynthesizeScript"][0][0].lines, by_kind["ReplaceLine"][0][0].lines
    assert [torch.equal(one.audio, two.audio) for one, two in zip(before, after, strict=True)] == [True, False, True]
    assert before[1].audio.shape == after[1].audio.shape


def test_a_saved_voice_is_used_by_the_part_that_is_switched_off(machine_with_tiny):
    """What the note of the example asks for: run, choose the file, switch the rest on."""
    from tools.workflows.gallery_stages import save_voice

    machine_with_tiny.run(quick(twin("11_save_and_reuse_a_voice")))
    canvas = save_voice()
    for node in canvas.nodes:
        node.muted = False
    graph = quick(canvas.api_graph())
    (load,) = (node for node in graph.values() if node["class_type"] == "IndexTTS2_LoadSpeaker")
    load["inputs"]["file"] = "indextts2/my_voice_00001_.safetensors [output]"
    machine_with_tiny.run(graph)
    check_sound(machine_with_tiny, graph)


def test_changing_the_steps_of_one_branch_runs_only_what_reads_them(machine_with_tiny):
    graph = quick(twin("12_compare_steps_and_vocoder"))
    machine_with_tiny.run(graph)
    (first, *_) = (number for number, node in graph.items() if node["class_type"] == "IndexTTS2_SemanticToMel")
    graph[first]["inputs"]["steps"] = 5
    machine_with_tiny.run(graph)
    ran = {graph[number]["class_type"] for number in machine_with_tiny.executed}
    assert ran == {"IndexTTS2_SemanticToMel", "IndexTTS2_MelToAudio", "IndexTTS2_PlotMel", "PreviewAudio"}


@pytest.mark.slow
@pytest.mark.skipif(not MINI.is_file(), reason="the built-in checkpoint is not in this tree")
@pytest.mark.parametrize("name", NAMES)
def test_the_twin_runs_as_it_is_with_the_built_in_checkpoint(machine, name):
    with torch.random.fork_rng():
        machine.run(twin(name))
    check_sound(machine, twin(name))
