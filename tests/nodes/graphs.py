"""Graphs in API form that tests run and change, at the size of the tiny checkpoint."""

from __future__ import annotations

import copy
from typing import Any

Graph = dict[str, dict[str, Any]]

TEXT = "Hello there."
SEED = {"seed": 1}
SAMPLING = {
    "mode": "sample",
    "beams": 2,
    "temperature": 0.8,
    "top_k": 10,
    "top_p": 0.9,
    "repetition_penalty": 1.0,
    "max_tokens": 40,
    "takes": 1,
}
FLOW = {"steps": 2, "guidance": 0.5, "temperature": 1.0, "grid": "uniform", "solver": "euler", "latent_strength": 1.0}
MEL = {"prompt_seconds": 0.0, "frames": 0, "allow_any_stretch": True}
SLIDERS = {name: 0.0 for name in ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")}
DURATION = {"unit": "tokens", "value": 12.0, "method": "auto"}


def node(name: str, **inputs: Any) -> dict[str, Any]:
    """A node of the pack; `name` without the prefix."""
    return {"class_type": f"IndexTTS2_{name}", "inputs": inputs}


def host(name: str, **inputs: Any) -> dict[str, Any]:
    """A node of the host."""
    return {"class_type": name, "inputs": inputs}


def loader(checkpoint: str = "tiny") -> dict[str, Any]:
    return node("LoadCheckpoint", checkpoint=checkpoint, precision="auto")


def chain(*, text: str = TEXT) -> Graph:
    """Every stage a node: text and audio to audio, with an emotion from sliders and a length."""
    return copy.deepcopy(
        {
            "load": loader(),
            "recording": host("TestAudio", seconds=1.0, seed=1),
            "reference": node(
                "EncodeReference", encoder=["load", 0], built_in_speaker="first", seconds_limit=15.0,
                audio=["recording", 0],
            ),
            "speaker": node("SpeakerCondition", t2s=["load", 1], reference=["reference", 0]),
            "emotion": node(
                "EmotionFromWeights", t2s=["load", 1], speaker=["speaker", 0], **{**SLIDERS, "happy": 0.4},
                strength=1.0, balance=True, selection="nearest", seed=0,
            ),
            "text": node(
                "PrepareText", t2s=["load", 1], text=text, segment_tokens=0, pause_seconds=0.2, read_tags=True
            ),
            "duration": node("Duration", **DURATION),
            "t2s": node(
                "TextToSemantic", t2s=["load", 1], text=["text", 0], speaker=["speaker", 0], **SAMPLING, **SEED,
                emotion=["emotion", 0], duration=["duration", 0],
            ),
            "s2m": node(
                "SemanticToMel", s2m=["load", 2], semantic=["t2s", 0], speaker=["speaker", 0], **FLOW, **MEL, **SEED
            ),
            "vocoder": node("MelToAudio", vocoder=["load", 3], mel=["s2m", 0]),
            "save": host("SaveAudio", audio=["vocoder", 0], filename_prefix="audio/test"),
        }
    )  # fmt: skip


def speak(**changed: Any) -> Graph:
    """The one-node chain. The tiny checkpoint speaks without end, so a length is asked for."""
    inputs = {
        "encoder": ["load", 0], "t2s": ["load", 1], "s2m": ["load", 2], "vocoder": ["load", 3], "text": TEXT,
        "built_in_speaker": "first", "emotion_strength": 1.0, "seconds": 0.5, "seed": 1, "reference": ["recording", 0],
        **changed,
    }  # fmt: skip
    return {
        "load": loader(),
        "recording": host("TestAudio", seconds=1.0, seed=1),
        "speak": node("Speak", **{name: value for name, value in inputs.items() if value is not None}),
        "save": host("SaveAudio", audio=["speak", 0], filename_prefix="audio/test"),
    }


def change(graph: Graph, place: str, **inputs: Any) -> Graph:
    """A copy with other inputs of one node; None takes an input away."""
    other = copy.deepcopy(graph)
    for name, value in inputs.items():
        if value is None:
            other[place]["inputs"].pop(name, None)
        else:
            other[place]["inputs"][name] = value
    return other
