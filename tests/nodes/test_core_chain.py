"""The whole chain in the stand-in host: what runs, what reruns, what comes out."""

from __future__ import annotations

import pytest
import torch
from comfy import model_management, utils

from . import graphs
from .graphs import change


def audio(machine, graph, place="vocoder"):
    return machine.run(graph)[place][0][0]


@pytest.fixture
def chain():
    return graphs.chain()


def test_every_stage_a_node_makes_audio(machine, chain):
    found = audio(machine, chain)
    assert found["sample_rate"] == 22_050 and found["waveform"].shape[:2] == (1, 1)
    assert found["waveform"].abs().max() > 0
    assert machine.executed[-1] == "save" and len(machine.executed) == len(chain)
    assert list((machine.base / "output" / "audio").iterdir())


@pytest.mark.parametrize(
    ("place", "inputs", "rerun"),
    [
        ("s2m", {"seed": 2}, {"s2m", "vocoder", "save"}),
        ("t2s", {"seed": 2}, {"t2s", "s2m", "vocoder", "save"}),
        ("emotion", {"sad": 0.3}, {"emotion", "t2s", "s2m", "vocoder", "save"}),
        ("save", {"filename_prefix": "other"}, {"save"}),
        ("duration", {"value": 14.0}, {"duration", "t2s", "s2m", "vocoder", "save"}),
    ],
)
def test_only_what_changed_reruns(machine, chain, place, inputs, rerun):
    machine.run(chain)
    machine.run(chain)
    assert machine.executed == []
    machine.run(change(chain, place, **inputs))
    assert set(machine.executed) == rerun


def test_the_same_graph_gives_the_same_audio_after_free(machine, chain):
    first = audio(machine, chain)["waveform"]
    machine.free()
    assert torch.equal(audio(machine, chain)["waveform"], first)
    assert len(machine.executed) == len(chain)


def test_zero_sliders_equal_no_emotion_bit_for_bit(machine, chain):
    zero = change(chain, "emotion", **graphs.SLIDERS)
    without = change(chain, "t2s", emotion=None)
    del without["emotion"]
    happy = audio(machine, chain)["waveform"]
    assert torch.equal(audio(machine, zero)["waveform"], audio(machine, without)["waveform"])
    assert not torch.equal(audio(machine, zero)["waveform"], happy)


@pytest.mark.parametrize(("seconds", "samples"), [(0.4, 8820), (0.555, 12_238)])
def test_seconds_asked_for_are_met_to_the_sample(machine, chain, seconds, samples):
    graph = change(chain, "duration", unit="seconds", value=seconds)
    assert audio(machine, graph)["waveform"].shape[-1] == samples


def test_exact_frames_of_semantic_to_mel_are_made_whatever_was_asked_before(machine, chain):
    results = machine.run(change(chain, "s2m", frames=50))
    mel = results["s2m"][0][0]
    assert mel.frame_lengths.tolist() == [50]
    assert results["vocoder"][0][0]["waveform"].shape[-1] == 50 * 256


def test_two_segments_keep_their_pause(machine, chain):
    text = "Hello there. <pause 0.3s> How are you?"
    results = machine.run(change(change(chain, "text", text=text), "duration", unit="seconds", value=1.0))
    assert results["text"][2] == [2] and "0.30 s of silence" in results["text"][1][0]
    assert results["vocoder"][0][0]["waveform"].shape[-1] == 22_050


def test_speak_equals_the_chain_of_nodes(machine):
    one = audio(machine, graphs.speak(), "speak")["waveform"]
    assert one.shape == (1, 1, 11_025)
    assert torch.equal(one, audio(machine, graphs.speak(), "speak")["waveform"])
    assert machine.executed == []
    assert not torch.equal(one, audio(machine, graphs.speak(seed=2), "speak")["waveform"])


def test_speak_reports_what_the_text_lost(machine):
    report = machine.run(graphs.speak(text="<pause 2s> Hello there."))["speak"][1][0]
    assert "Note: A pause before the first word is left out" in report


@pytest.mark.parametrize("kind", ["emotion", "emotion_weights", "emotion_audio"])
def test_speak_takes_an_emotion_of_any_kind(machine, chain, kind):
    plain = audio(machine, graphs.speak(), "speak")["waveform"]
    graph = graphs.speak(
        **{kind: {"emotion": ["emotion", 0], "emotion_weights": ["emotion", 1]}.get(kind, ["other", 0])}
    )
    graph |= {name: chain[name] for name in ("reference", "speaker", "emotion")}
    graph["other"] = graphs.host("TestAudio", seconds=1.0, seed=7)
    assert not torch.equal(audio(machine, graph, "speak")["waveform"], plain)


def test_speak_refuses_two_emotions_with_one_sentence(machine, chain, pack):
    graph = graphs.speak(emotion=["emotion", 0], emotion_audio=["recording", 0])
    graph |= {name: chain[name] for name in ("reference", "speaker", "emotion")}
    with pytest.raises(pack.errors.InputError, match="Connect one of"):
        machine.run(graph)


def test_a_recording_is_spoken_again_by_another_speaker_in_its_own_time(machine, chain):
    graph = {name: chain[name] for name in ("load", "recording", "reference", "speaker", "s2m", "vocoder", "save")}
    graph["source"] = graphs.host("TestAudio", seconds=0.8, seed=5, rate=16_000)
    graph["tokens"] = graphs.node("AudioToSemantic", encoder=["load", 0], audio=["source", 0], keep_length=True)
    graph = change(graph, "s2m", semantic=["tokens", 0])
    results = machine.run(graph)
    assert results["tokens"][0][0].latent is None
    assert results["vocoder"][0][0]["waveform"].shape[-1] == round(0.8 * 22_050)


def test_a_recording_goes_through_the_vocoder_alone(machine, chain):
    graph = {
        "load": chain["load"],
        "recording": graphs.host("TestAudio", seconds=0.5, seed=1, rate=44_100, channels=2),
        "mel": graphs.node("MelFromAudio", vocoder=["load", 3], audio=["recording", 0]),
        "vocoder": graphs.node("MelToAudio", vocoder=["load", 3], mel=["mel", 0]),
        "save": chain["save"],
    }
    assert audio(machine, graph)["waveform"].shape[-1] == 11_025


def test_lengths_come_from_audio_and_from_video_frames(machine, chain):
    clip = chain | {
        "clip": graphs.host("TestAudio", seconds=0.7, seed=3, rate=16_000),
        "duration": graphs.node("DurationFromAudio", audio=["clip", 0], factor=1.0, method="auto"),
    }
    results = machine.run(clip)
    assert results["duration"][1] == [pytest.approx(0.7)]
    assert results["vocoder"][0][0]["waveform"].shape[-1] == round(0.7 * 22_050)
    video = chain | {"duration": graphs.node("DurationFromFrameCount", frame_count=15, fps=25.0, method="auto")}
    assert audio(machine, video)["waveform"].shape[-1] == round(0.6 * 22_050)


def test_emotion_of_a_recording_has_a_strength(machine, chain):
    graph = chain | {
        "other": graphs.host("TestAudio", seconds=1.0, seed=9),
        "heard": graphs.node(
            "EncodeReference", encoder=["load", 0], built_in_speaker="first", seconds_limit=15.0, audio=["other", 0]
        ),
        "emotion": graphs.node(
            "EmotionFromReference", t2s=["load", 1], reference=["heard", 0], strength=0.0, speaker=["speaker", 0]
        ),
    }
    results = machine.run(graph)
    assert torch.equal(results["emotion"][0][0].vector, results["speaker"][0][0].emotion_vector)
    results = machine.run(change(graph, "emotion", strength=1.0))
    assert not torch.equal(results["emotion"][0][0].vector, results["speaker"][0][0].emotion_vector)


def test_a_glossary_changes_how_a_word_is_read(machine, chain):
    graph = chain | {"words": graphs.node("PronunciationGlossary", lines="Hello = good morning\n# nothing")}
    graph = change(graph, "text", glossary=["words", 0])
    with_words = machine.run(graph)["text"][0][0].segments[0].ids
    assert with_words != machine.run(chain)["text"][0][0].segments[0].ids


def test_progress_is_shown_by_every_node_that_takes_time(machine, chain):
    machine.run(chain)
    finished = [bar for bar in utils.bars if bar.history and bar.history[-1] == 1.0]
    assert len(finished) >= 4, "loader, text to semantic, semantic to mel, mel to audio"


def test_every_model_is_asked_for_with_a_memory_estimate(machine, chain):
    machine.run(chain)
    assert len(model_management.requests) == 5, "encoder, speaker, t2s, s2m, vocoder"
    assert all(request["memory"] > 0 for request in model_management.requests)
