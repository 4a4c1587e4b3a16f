"""Pieces that several example graphs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .canvas import Canvas, Node

CHECKPOINT = "mini"
FIRST, SECOND = "first", "second"
STEPS = 10  # fewer than released: quick on any machine, and enough for the mini
LINE = "Hello! This sentence was made on your own computer."


def loaded(graph: Canvas, column: int = 0) -> Node:
    return graph.add("LoadCheckpoint", column=column, checkpoint=CHECKPOINT)


def models(load: Node) -> dict[str, Any]:
    """The one wire from Load Checkpoint to a node that speaks."""
    return {"models": load["models"]}


def speaker_of(graph: Canvas, load: Node, built_in: str, column: int, title: str = "") -> tuple[Node, Node]:
    """Encode Reference and Make Speaker of a built-in reference."""
    named = f"Encode Reference ({title})" if title else ""
    reference = graph.add(
        "EncodeReference", column=column, title=named, encoder=load["encoder"], built_in_speaker=built_in
    )
    named = f"Make Speaker ({title})" if title else ""
    speaker = graph.add(
        "SpeakerCondition", column=column, title=named, t2s=load["t2s"], reference=reference["reference"]
    )
    return reference, speaker


@dataclass(frozen=True)
class Chain:
    """The stages after text and speaker."""

    t2s: Node
    s2m: Node
    vocoder: Node


def chain(
    graph: Canvas, load: Node, text: Node, speaker: Node, column: int, *, t2s: dict[str, Any] | None = None, **s2m: Any
) -> Chain:
    """Text to Semantic, Semantic to Mel, Mel to Audio."""
    semantic = graph.add(
        "TextToSemantic", column=column, t2s=load["t2s"], text=text["text"], speaker=speaker["speaker"], **(t2s or {})
    )
    mel = graph.add(
        "SemanticToMel",
        column=column + 1,
        s2m=load["s2m"],
        semantic=semantic["semantic"],
        speaker=speaker["speaker"],
        **{"steps": STEPS, **s2m},
    )
    audio = graph.add("MelToAudio", column=column + 1, vocoder=load["vocoder"], mel=mel["mel"])
    return Chain(semantic, mel, audio)


def heard(graph: Canvas, audio: Node, column: int, title: str = "", output: str = "audio") -> Node:
    """A player: the one node for sound that old and new hosts have and that no host calls deprecated."""
    return graph.add("PreviewAudio", column=column, title=title, audio=audio[output])


def shown(graph: Canvas, node: Node, column: int, output: str = "report", title: str = "") -> Node:
    """A text output, to read on the graph."""
    return graph.add("PreviewAny", column=column, title=title or "Report", source=node[output])
