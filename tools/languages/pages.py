"""The help page of a node: what it does, its inputs and outputs as lists, and an example.

The panel that shows a page is narrow: lists wrap where tables would be cut off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.nodes import known_nodes as known

from .values import shown_value

ROOT = Path(__file__).parent.parent.parent
LOCALES = ROOT / "locales"
DOCS = ROOT / "web" / "docs"
LANGUAGES = ("en", "zh", "zh-TW")
LISTED = 12
"""Longest list of values that a page shows."""


@dataclass(frozen=True)
class Words:
    """The fixed words of a page in one language."""

    inputs: str
    outputs: str
    example: str
    default: str
    optional: str
    range: str
    values: str


WORDS = {
    "en": Words(
        "Inputs", "Outputs", "Example", "default {}", "optional", "{} to {}", "one of {}",
    ),
    "zh": Words(
        "输入", "输出", "示例", "默认 {}", "可不接", "{} 到 {}", "可选 {}",
    ),
    "zh-TW": Words(
        "輸入", "輸出", "範例", "預設 {}", "可不接", "{} 到 {}", "可選 {}",
    ),
}  # fmt: skip


def defs(language: str) -> dict[str, Any]:
    """The nodeDefs of a language."""
    return json.loads((LOCALES / language / "nodeDefs.json").read_text(encoding="utf-8"))


def pack_nodes() -> dict[str, Any]:
    """The pack's entries of /object_info."""
    return {name: entry for name, entry in known.known_nodes().items() if name.startswith(known.PREFIX)}


def english_defs() -> dict[str, Any]:
    """locales/en as it follows from the nodes themselves."""
    found: dict[str, Any] = {}
    for node, entry in pack_nodes().items():
        outputs = zip(entry["output_name"], entry["output_tooltips"], strict=True)
        found[node] = {
            "display_name": entry["display_name"],
            "description": entry["description"],
            "inputs": {
                name: {"name": options.get("display_name") or name, "tooltip": options["tooltip"]}
                for name, (_, options) in known.inputs_of(node).items()
            },
            "outputs": {str(slot): {"name": name, "tooltip": tip} for slot, (name, tip) in enumerate(outputs)},
        }
    return found


def page_path(node: str, language: str) -> Path:
    """Path at which the browser looks: English beside the others, which lie in a folder per node."""
    return DOCS / f"{node}.md" if language == "en" else DOCS / node / f"{language}.md"


def example_of(node: str, language: str) -> str:
    """The example that stands on a page; empty when there is none."""
    path = page_path(node, language)
    if not path.exists():
        return ""
    return path.read_text(encoding="utf-8").partition(f"\n## {WORDS[language].example}\n")[2].strip()


def page(node: str, language: str) -> str:
    """A whole page, with the example it already has."""
    words, text = WORDS[language], defs(language)[node]
    lines = [f"# {text['display_name']}", "", _plain(text["description"]), ""]
    if text["inputs"]:
        lines += [f"## {words.inputs}", ""]
        lines += [_input_item(node, name, spec, text, language) for name, spec in known.inputs_of(node).items()]
        lines.append("")
    if text["outputs"]:
        lines += [f"## {words.outputs}", ""]
        kinds = known.known_nodes()[node]["output"]
        lines += [
            _item(f"**{port['name']}**", port["tooltip"], kinds[int(slot)]) for slot, port in text["outputs"].items()
        ]
        lines.append("")
    return "\n".join([*lines, f"## {words.example}", "", example_of(node, language), ""])


def _input_item(node: str, name: str, spec: tuple[Any, dict[str, Any]], text: dict[str, Any], language: str) -> str:
    shown = text["inputs"][name]
    label = f"`{name}`" if shown["name"] == name else f"**{_plain(shown['name'])}** `{name}`"
    return _item(label, shown["tooltip"], _kind(node, name, spec, language))


def _item(label: str, meaning: str, kind: str) -> str:
    """One entry of a list: what it means first, what kind it is of last."""
    return f"- {label}: {_plain(meaning)} *{kind}*"


def _kind(node: str, name: str, spec: tuple[Any, dict[str, Any]], language: str) -> str:
    """Type, range and default of an input in a few words."""
    (kind, options), words = spec, WORDS[language]
    facts = [known.widget_type(kind)]
    listed = known.choices(kind, options) if known.widget_type(kind) == "COMBO" else []
    if 1 < len(listed) <= LISTED:
        facts.append(words.values.format(", ".join(shown_value(_plain(str(value)), language) for value in listed)))
    if "min" in options and "max" in options:
        facts.append(words.range.format(options["min"], options["max"]))
    if known.is_widget(kind, options) and options.get("default") not in (None, "") and not options.get("multiline"):
        facts.append(words.default.format(options["default"]))
    if not known.is_required(node, name):
        facts.append(words.optional)
    return ", ".join(facts)


def _plain(text: str) -> str:
    """Text on one line, without angle brackets that read as HTML."""
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
