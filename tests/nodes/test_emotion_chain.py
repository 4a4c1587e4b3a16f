"""Emotion nodes with a tiny checkpoint: combining sources, limiting, drawing, and schedules that are spoken."""

from __future__ import annotations

import pytest
import torch

from . import graphs
from .graphs import change, host, node

COMBINE = {"audio_strength": 1.0, "weights_strength": 1.0, "text_strength": 0.6, "rule": "share",
           "selection": "nearest", "seed": 0}  # fmt: skip
WEIGHTS = {"combine": "add", "scale": 1.0, "normalise_to": 0.0, "bias": False, "cap": False}


@pytest.fixture
def parts():
    """A graph down to an emotion from sliders, one from another recording, and weights."""
    chain = graphs.chain()
    graph = {name: chain[name] for name in ("load", "recording", "reference", "speaker", "emotion", "text")}
    graph["other_recording"] = host("TestAudio", seconds=1.0, seed=2)
    graph["other"] = node(
        "EncodeReference", encoder=["load", 0], built_in_speaker="first", seconds_limit=15.0,
        audio=["other_recording", 0],
    )  # fmt: skip
    graph["heard"] = node("EmotionFromReference", t2s=["load", 1], reference=["other", 0], strength=1.0)
    graph["weights"] = node("EmotionWeights", **{**graphs.SLIDERS, "happy": 0.3}, **WEIGHTS)
    return graph


def shown(graph, name, **inputs):
    """The graph with one more node, and something that shows its first output."""
    return {**graph, "new": node(name, **inputs), "show": host("PreviewAny", source=["new", 0])}


def result(machine, graph, place="new", output=0):
    return machine.run(graph)[place][output][0]


def combined(machine, graph, output=0, **inputs):
    usual = {"t2s": ["load", 1], "speaker": ["speaker", 0], **COMBINE}
    return result(machine, shown(graph, "CombineEmotions", **{**usual, **inputs}), output=output)


def test_combining_nothing_is_the_speakers_own_emotion_bit_for_bit(machine, parts):
    own = result(machine, {**parts, "show": host("PreviewAny", source=["speaker", 0])}, "speaker").emotion_vector
    assert torch.equal(combined(machine, parts).vector, own)
    zero = change(parts, "weights", **graphs.SLIDERS)
    assert torch.equal(combined(machine, zero, weights=["weights", 0]).vector, own)
    silent = {"audio_emotion": ["heard", 0], "audio_strength": 0.0}
    assert torch.equal(combined(machine, parts, **silent).vector, own)


def test_combining_only_a_recording_is_its_emotion_bit_for_bit(machine, parts):
    heard = result(machine, {**parts, "show": host("PreviewAny", source=["heard", 0])}, "heard").vector
    assert torch.equal(combined(machine, parts, audio_emotion=["heard", 0]).vector, heard)


@pytest.mark.parametrize(("rule", "report"), [
    ("share", "audio +0.700, weights +0.300, speaker +0.000 (sum 1.000)"),
    ("sum", "audio +1.000, weights +0.300, speaker -0.300 (sum 1.000)"),
])  # fmt: skip
def test_the_report_of_a_combination_shows_who_has_which_share(machine, parts, rule, report):
    inputs = {"audio_emotion": ["heard", 0], "weights": ["weights", 0], "rule": rule}
    assert combined(machine, parts, 1, **inputs) == report


def test_text_weights_count_at_their_strength(machine, parts):
    report = combined(machine, parts, 1, text_weights=["weights", 0])
    assert report == "audio +0.000, weights +0.180, speaker +0.820 (sum 1.000)"


def test_a_limit_weakens_what_is_too_strong_and_nothing_else(machine, parts):
    def strength(limit, output=0):
        graph = {
            **parts,
            "limit": node("LimitEmotion", t2s=["load", 1], emotion=["heard", 0], limit=limit, speaker=["speaker", 0]),
            "plot": node(
                "PlotEmotion", t2s=["load", 1], emotion=["limit", 0], limit=1.25, width=256, speaker=["speaker", 0]
            ),
        }
        return machine.run(graph)

    free = strength(10.0)
    assert torch.equal(free["limit"][0][0].vector, free["heard"][0][0].vector)
    index = free["plot"][1][0]
    assert index > 0.0
    assert strength(index / 2)["plot"][1][0] == pytest.approx(index / 2, rel=1e-3)


def test_words_are_found_in_a_text(machine, parts):
    graph = change(parts, "text", text="Hello there. Hello again.")
    found = result(machine, shown(graph, "PositionInText", text=["text", 0], words="hello", occurrence=2))
    assert found == pytest.approx(13 / 25)
    with pytest.raises(ValueError, match="occurs 2 times"):
        result(machine, shown(graph, "PositionInText", text=["text", 0], words="hello", occurrence=3))


def spoken(machine, emotion, **extra):
    """Tokens of the whole chain with another emotion."""
    graph = {**graphs.chain(), **extra}
    graph = change(graph, "t2s", emotion=emotion)
    return graph, machine.run(graph)


def keyframes(count, second="calm_emotion"):
    positions = {f"position_{number}": (number - 1) / 4 for number in range(1, 5)}
    inputs = {"emotion_1": ["emotion", 0]} | ({"emotion_2": [second, 0]} if count > 1 else {})
    return node("ScheduleEmotions", **inputs, **positions, transition="step")


def calm():
    return node(
        "EmotionFromWeights", t2s=["load", 1], speaker=["speaker", 0], **{**graphs.SLIDERS, "sad": 0.9},
        strength=1.0, balance=False, selection="nearest", seed=0,
    )  # fmt: skip


def test_a_schedule_with_one_keyframe_speaks_like_the_emotion_itself(machine):
    _, plain = spoken(machine, ["emotion", 0])
    _, single = spoken(machine, ["schedule", 0], schedule=keyframes(1))
    assert torch.equal(plain["t2s"][0][0].tokens, single["t2s"][0][0].tokens)
    assert torch.equal(plain["t2s"][0][0].latent, single["t2s"][0][0].latent)


def test_a_schedule_is_spoken_in_one_decode_and_drawn(machine):
    more = {
        "schedule": keyframes(2),
        "calm_emotion": calm(),
        "plot": node(
            "PlotEmotion", t2s=["load", 1], emotion=["schedule", 0], limit=1.25, width=256, speaker=["speaker", 0],
            text=["text", 0],
        ),
        "timeline": node(
            "PlotSemantic", t2s=["load", 1], semantic=["t2s", 0], width=256, text=["text", 0],
            speaker=["speaker", 0], emotion=["schedule", 0],
        ),
        "mel_plot": node("PlotMel", mel=["s2m", 0], width=256),
    }  # fmt: skip
    _, found = spoken(machine, ["schedule", 0], **more)
    _, plain = spoken(machine, ["emotion", 0])
    assert found["t2s"][0][0].tokens.shape == plain["t2s"][0][0].tokens.shape == (1, 12)
    assert not torch.equal(found["t2s"][0][0].latent, plain["t2s"][0][0].latent)
    assert found["vocoder"][0][0]["waveform"].abs().max() > 0
    for place in ("plot", "timeline", "mel_plot"):
        assert found[place][0][0].shape[0] == 1 and found[place][0][0].shape[2:] == (256, 3)


def test_plots_show_a_preview_on_their_node(machine, parts):
    graph = {**parts, "plot": node("PlotEmotionWeights", weights=["weights", 0], width=256)}
    first = machine.run(graph)["plot"][0][0]
    (saved,) = machine.shown["plot"]["images"]
    assert (machine.base / "temp" / saved["filename"]).is_file()
    second = machine.run(change(graph, "weights", happy=0.9))["plot"][0][0]
    assert not torch.equal(first, second)


def test_a_timeline_without_text_still_shows_the_tokens(machine):
    graph = graphs.chain()
    graph["timeline"] = node("PlotSemantic", t2s=["load", 1], semantic=["t2s", 0], width=256)
    found = machine.run(graph)
    assert found["timeline"][1][0].startswith("1. 'Hello there.' asked: 12 tokens")
