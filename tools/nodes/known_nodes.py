"""The host's description of every node that the example graphs use, as committed in two golden files."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent.parent / "tests"
PACK_FILE = TESTS / "nodes" / "object_info.json"
HOST_FILE = TESTS / "workflows" / "host_object_info.json"
PREFIX = "IndexTTS2_"
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
SHOWN_ONLY = ("AUDIO_UI",)
"""Inputs of the browser alone, such as its player: no socket, no value, nothing to explain."""

SEEDS = ("seed", "noise_seed")
"""The browser adds a widget for what happens to the seed after a run to these, as to `control_after_generate`."""


@lru_cache(maxsize=1)
def known_nodes() -> dict[str, Any]:
    """Node id -> its entry of /object_info, of the pack and of the host's own nodes."""
    found: dict[str, Any] = {}
    for path in (HOST_FILE, PACK_FILE):
        found.update(json.loads(path.read_text(encoding="utf-8")))
    return found


def full_name(name: str) -> str:
    """The id of a node of the pack or of the host, given short."""
    return PREFIX + name if PREFIX + name in known_nodes() else name


def short_name(display_name: str) -> str:
    """The name of a node as documents write it: without what stands in brackets behind it."""
    return display_name.partition(" (")[0]


def inputs_of(node: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Input name -> (type, options), required ones first, in the order of the browser."""
    entry = known_nodes()[node]["input"]
    return {
        name: (spec[0], spec[1] if len(spec) > 1 else {})
        for kind in ("required", "optional")
        for name, spec in entry.get(kind, {}).items()
        if spec[0] not in SHOWN_ONLY
    }


def is_required(node: str, name: str) -> bool:
    return name in known_nodes()[node]["input"].get("required", {})


def is_widget(kind: Any, options: dict[str, Any]) -> bool:
    """True if an input has a widget. A list of values is the old form of a combo."""
    return not options.get("forceInput") and (isinstance(kind, list) or kind in WIDGET_TYPES)


def widget_type(kind: Any) -> str:
    return "COMBO" if isinstance(kind, list) else kind


def has_seed_control(name: str, kind: Any, options: dict[str, Any]) -> bool:
    return kind == "INT" and bool(options.get("control_after_generate") or name in SEEDS)


def choices(kind: Any, options: dict[str, Any]) -> list[Any]:
    """The values of a combo."""
    return kind if isinstance(kind, list) else options.get("options", [])


def default_value(kind: Any, options: dict[str, Any]) -> Any:
    """Value that the browser sets on a new node."""
    if "default" in options:
        return options["default"]
    if widget_type(kind) == "COMBO":
        listed = choices(kind, options)
        return listed[0] if listed else ""
    return {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}.get(kind, "")


def output_slot(node: str, name: str) -> tuple[int, str]:
    """Slot and type of an output given by its shown name."""
    entry = known_nodes()[node]
    slot = entry["output_name"].index(name)
    return slot, entry["output"][slot]
