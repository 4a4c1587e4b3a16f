"""Example graphs with values that a tiny checkpoint with random weights finishes soon."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from .parts import STEPS

VALUES = {"mode": "sample", "max_tokens": 24, "width": 256, "batch_size": 12}
"""Values for a tiny checkpoint, which never ends by itself; sizes of pictures do not matter here."""

LENGTHS = ("IndexTTS2_Speak", "IndexTTS2_TextToSemantic", "IndexTTS2_SynthesizeScript", "IndexTTS2_SpeakTakes")
PLOTS = tuple(f"IndexTTS2_Plot{name}" for name in ("EmotionWeights", "Emotion", "Mel", "Semantic", "Script"))
TIMES = re.compile(r"<(?:at|by) [^>]*>")


def quick(graph: Mapping[str, Any]) -> dict[str, Any]:
    """The same wires, and other values."""
    changed = copy.deepcopy(dict(graph))
    for node in changed.values():
        inputs = node["inputs"]
        if node["class_type"] == "IndexTTS2_Speak" and "duration" not in inputs:
            inputs["seconds"] = 0.6
            if isinstance(inputs["text"], list):  # in noise no word has a place that could be moved
                inputs["text"] = "Words without times."
        if node["class_type"] == "IndexTTS2_ScriptFromText":
            inputs["text"] = TIMES.sub("", inputs["text"])
        if node["class_type"] in LENGTHS:
            inputs["allow_any_length"] = True  # too short for the words, but there are none
        if node["class_type"] == "IndexTTS2_Duration":
            inputs["value"] = 1.0
        if node["class_type"] == "IndexTTS2_SynthesizeScript":
            inputs["retries"] = 0  # every take of a tiny checkpoint is poor
        if "steps" in inputs:
            inputs["steps"] = 2 + inputs["steps"] // STEPS  # different ones stay different
        for port, value in VALUES.items():
            if port in inputs and not isinstance(inputs[port], list) and node["class_type"] not in PLOTS:
                inputs[port] = value
    return changed


def with_checkpoint(graph: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The same graph, with a checkpoint chosen in every Load Checkpoint."""
    changed = copy.deepcopy(dict(graph))
    for node in changed.values():
        if node["class_type"] == "IndexTTS2_LoadCheckpoint":
            node["inputs"]["checkpoint"] = name
    return changed
