"""How the browser ranks nodes and settings: what it hides until asked for, and what it offers first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

RARE: dict[str, tuple[str, ...]] = {
    "Speak": ("emotion_guidance", "latent_guidance", "text_profile"),
    "EncodeReference": ("seconds_limit", "keep_on_disk"),
    "EmotionFromWeights": ("balance", "selection", "seed"),
    "PrepareText": ("segment_tokens", "pause_seconds", "read_tags", "text_profile"),
    "TextToSemantic": ("top_k", "top_p", "repetition_penalty", "max_tokens", "takes", "emotion_guidance"),
    "SemanticToMel": (
        "temperature", "grid", "solver", "latent_strength", "prompt_seconds", "frames", "allow_any_stretch",
        "latent_guidance",
    ),
    "SynthesizeScript": (
        "squeeze", "retries", "loudness", "trim_tails", "soft_ends", "longest_silence", "max_tokens", "steps",
        "emotion_guidance", "latent_guidance", "text_profile",
    ),
    "ScriptFromFile": ("encoding",),
}  # fmt: skip
"""Node -> settings that are hardly ever changed. Hosts that know the mark show them behind a button."""

ESSENTIAL = {"Speak": "Audio", "LoadCheckpoint": "Audio", "SynthesizeScript": "Audio"}
"""Node -> category of the tab of essential nodes, on hosts that have one."""


GLOSSES = {
    "Speak": "Speech, Voice Clone",
    "EncodeReference": "Voice Clone Speech",
    "LoadCheckpoint": "IndexTTS2",
    "LoadLora": "IndexTTS2",
}
"""Node -> words in brackets behind its name: those that users search for, since old hosts search names alone, and the
pack's name where a node of the host has the same one.
"""


def full_name(node: str, name: str) -> str:
    """The name of a node as the browser shows it."""
    return f"{name} ({GLOSSES[node]})" if node in GLOSSES else name


def mark_rare(node: str, inputs: Sequence[Any]) -> None:
    """Mark the rare settings among the inputs of a node, in the form that old and new hosts take."""
    for port in inputs:
        if port.id in RARE.get(node, ()):
            port.extra_dict = {**port.extra_dict, "advanced": True}
