"""The ComfyUI nodes. Every file lists its own in NODES; this one collects them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

FILES = (
    "speak",
    "takes",
    "loaders",
    "bundle",
    "conditioning",
    "emotion_sources",
    "text",
    "duration",
    "text_to_semantic",
    "semantic_to_mel",
    "vocoder",
    "emotion",
    "emotion_weights",
    "bridge",
    "plots",
    "files",
    "script_readers",
    "script",
    "script_lines",
    "script_cues",
    "script_direction",
    "captions",
    "duration_video",
    "estimate",
)


def all_nodes() -> list[type[Any]]:
    """Every node class, in the order of the menu. An import error of one file is an error of the pack."""
    from .checks import checked

    return [checked(node) for name in FILES for node in import_module(f".{name}", __name__).NODES]
