"""The report of an evaluation: report.json with every figure and request, report.md with the tables a person reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from ..atomic import make_folder, write_text

PERCENT = ("rate", "error", "share", "probe", "chance", "ordered")


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and "sample" not in name and any(part in name for part in PERCENT):
        return f"{100.0 * value:.1f} %"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if not isinstance(value, dict)}


def table(title: str, rows: dict[str, dict[str, Any]]) -> list[str]:
    """A Markdown table, one line per row; columns in order of first appearance."""
    columns = list(dict.fromkeys(name for values in rows.values() for name in _plain(values)))
    lines = [f"| {title} | " + " | ".join(name.replace("_", " ") for name in columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 1))
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(_shown(column, values.get(column)) for column in columns) + " |")
    return lines


def markdown(name: str, settings: dict[str, Any], figures: dict[str, Any]) -> str:
    """The tables of one evaluation."""
    lines = [
        f"# Evaluation of {name}",
        "",
        "Word and character errors are those of the Moonshine tiny English recogniser, similarity is the cosine of "
        "Resemblyzer embeddings, quality is predicted by DNSMOS. The emotions are prosody styles, not acted emotion.",
        "",
    ]
    if "free" in figures:
        free = figures["free"]
        lines += ["## Free length", "", *table("split", {"all": free, **free.get("by_split", {})}), ""]
        if free.get("quality"):
            lines += [*table("DNSMOS", {"mean": free["quality"]}), ""]
    if "duration" in figures:
        lines += ["## Duration control", "", *table("factor", figures["duration"]), ""]
        ordered = _shown("ordered", figures.get("duration_ordered"))
        lines += [f"Longer when a longer factor was asked: {ordered}.", ""]
    if "emotion" in figures:
        emotion = figures["emotion"]
        lines += ["## Prosody styles of the eight emotions", "", *table("probe", {"accuracy": emotion}), ""]
        if "by_emotion" in emotion:
            lines += [*table("emotion", emotion["by_emotion"]), ""]
        if "confusion" in emotion:
            asked = list(emotion["confusion"])
            rows = {one: {f"told {other}": emotion["confusion"][one].get(other, 0) for other in asked} for one in asked}
            lines += [*table("asked", rows), ""]
        if emotion.get("moves"):
            lines += ["How far each style moves from neutral, in this speech and in the corpus's recordings:", ""]
            lines += [*table("style", emotion["moves"]), ""]
    if "words" in figures:
        lines += ["## Borders of words", "", *table("through", figures["words"]), ""]
    lines += ["## Settings", "", "```json", json.dumps(settings, indent=1), "```", ""]
    return "\n".join(lines)


def write_report(
    output: Path, name: str, settings: object, figures: dict[str, Any], lines: Sequence[dict[str, Any]]
) -> None:
    """Write report.json and report.md into a folder, which is made when missing."""
    make_folder(output)
    chosen = asdict(settings) if is_dataclass(settings) and not isinstance(settings, type) else {}
    content = {"name": name, "settings": chosen, "figures": figures, "requests": list(lines)}
    write_text(output / "report.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(output / "report.md", markdown(name, chosen, figures))
