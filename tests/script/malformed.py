"""Scripts with one known accident each: harmless ones, which must read as if nothing had happened, and harmful ones,
which must be refused with the row they stand in.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from indextts2.script.model import Line, Script, clock
from indextts2.script.read import write_script

WORDS = "the rain had stopped before sunrise and nobody in the house was awake but one old grey cat".split()
ROWS = ("srt", "vtt", "ass", "csv", "tsv", "dialogue")
KINDS = (*ROWS, "json")
ASS_HEAD = "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"


@dataclass(frozen=True)
class Case:
    """kind: of the format. row: where the fault is, 0 for none; then `script` is the right reading."""

    kind: str
    text: str
    script: Script
    row: int = 0
    accident: str = ""


def script_of(dice: random.Random) -> Script:
    """Some valid lines with times."""
    lines, start = [], 0
    for _ in range(dice.randint(2, 6)):
        start += dice.randint(1, 400) * 10
        end = start + dice.randint(30, 500) * 10
        text = " ".join(dice.choices(WORDS, k=dice.randint(2, 9))).capitalize() + "."
        lines.append(Line(text, dice.choice(["Anna", "Ben", "Old Tom"]), None, start, end))
        start = end
    return Script(tuple(lines))


def written(script: Script, kind: str) -> str:
    if kind in ("srt", "vtt", "dialogue"):
        return write_script(script, kind)
    if kind == "json":
        items = [
            json.dumps(
                {"speaker": one.speaker, "text": one.text, "start": one.start_ms / 1000, "end": one.end_ms / 1000}
            )
            for one in script.lines
        ]
        return '{"lines": [\n' + ",\n".join(items) + "\n]}\n"
    if kind == "ass":
        rows = [
            f"Dialogue: 0,{clock(start, '.')[1:11]},{clock(end, '.')[1:11]},Default,{one.speaker},{one.text}\n"
            for one in script.lines
            for start, end in [(one.start_ms or 0, one.end_ms or 0)]
        ]
        return ASS_HEAD + "".join(rows)
    mark = {"csv": ",", "tsv": "\t"}[kind]
    rows = [["speaker", "text", "start", "end", "emotion"]]
    rows += [[one.speaker, one.text, clock(one.start_ms), clock(one.end_ms), ""] for one in script.lines]
    return "\n".join(mark.join(f'"{cell}"' if "," in cell and mark == "," else cell for cell in row) for row in rows)


def _blank_rows(text: str) -> str:
    return text.replace("\n\n", "\n\n\n\n")


HARMLESS: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "nothing": (lambda text: text, KINDS),
    "rows of Windows": (lambda text: text.replace("\n", "\r\n"), KINDS),
    "rows of old Macs": (lambda text: text.replace("\n", "\r"), KINDS),
    "a byte order mark": (lambda text: "\ufeff" + text, KINDS),
    "blank rows at the end": (lambda text: text.rstrip("\n") + "\n\n  \n\n", ROWS),
    "blanks behind rows": (lambda text: text.replace("\n", "  \n"), ("srt", "dialogue", "ass")),
    "more blank rows": (_blank_rows, ("srt", "vtt", "ass")),
    "no numbers": (lambda text: "\n".join(row for row in text.split("\n") if not row.isdigit()), ("srt",)),
    "same numbers": (lambda text: "\n".join("7" if row.isdigit() else row for row in text.split("\n")), ("srt",)),
    "dots for commas": (lambda text: text.replace(",", "."), ("srt",)),
    "italics": (lambda text: text.replace("the", "<i>the</i>"), ("srt", "vtt")),
    "a remark": (lambda text: text.replace("WEBVTT\n", "WEBVTT\n\nNOTE\nA remark.\n"), ("vtt",)),
    "a comment": (lambda text: "# a comment\n\n" + text, ("dialogue",)),
    "overrides": (lambda text: text.replace("the", "{\\i1}the{\\i0}"), ("ass",)),
    "other blanks": (lambda text: json.dumps(json.loads(text), indent=3), ("json",)),
    "fields in capitals": (lambda text: text.replace("speaker", "SPEAKER", 1), ("csv", "tsv")),
}  # fmt: skip

SETTINGS = (
    "hapy .6",
    "pause -1",
    "pause 90",
    "takes 0",
    "takes 999",
    "seed x",
    "language 12",
    "seconds 0",
    "end 1",
    "?",
)
FIELDS = (
    '"start": "1:2:3:4"', '"start": -1', '"emotion": "hapy"', '"emotion": {"glad": 1}', '"takes": 2.5',
    '"colour": "red"',
    '"seed": true', '"seconds": 1, "tokens": 5', '"text": 5', '"text": null', '"language": "??"', '"start": 9999999',
)  # fmt: skip
CELLS = (("start", "1:75:00"), ("start", "soon"), ("end", "00:00:00,000"), ("emotion", "hapy"), ("text", ""))


def _harmed_row(script: Script, kind: str, text: str, dice: random.Random) -> tuple[str, int, str]:
    """The text with one fault, the row it stands in, and what was done."""
    rows = text.split("\n")
    if kind in ("srt", "vtt"):
        at = dice.choice([place for place, row in enumerate(rows) if "-->" in row])
        start, end = rows[at].split(" --> ")
        spoiled = [f"{end} --> {start}", f"{start} -->", f"{start} --> x{end}", f"00:77{start[5:]} --> {end}"]
        fault = dice.choice([*spoiled, f"{start} -> {end}"])
        if fault.count("->") == 1 and "-->" not in fault and kind == "vtt":
            fault = f"{start} --> x{end}"  # without its arrow, a row of WebVTT is the name of a cue
        rows[at] = fault
    elif kind == "ass":
        at = dice.choice([place for place, row in enumerate(rows) if row.startswith("Dialogue")])
        parts = rows[at].split(",")
        spoiled = [[*parts[:1], "0:00:0x.00", *parts[2:]], parts[:3], [parts[0], parts[2], parts[1], *parts[3:]]]
        rows[at] = fault = ",".join(dice.choice(spoiled))
    elif kind in ("csv", "tsv"):
        mark = {"csv": ",", "tsv": "\t"}[kind]
        at = dice.randrange(1, len(script.lines) + 1)
        line, (field, value) = script.lines[at - 1], dice.choice(CELLS)
        cells = {"speaker": line.speaker, "text": line.text, "start": "1", "end": "2", "emotion": ""} | {field: value}
        fault = mark.join(f'"{cell}"' if mark in cell else cell for cell in cells.values())
        rows[at] = fault = fault if dice.random() < 0.8 else fault + mark + "too much"
    elif kind == "json":
        at = dice.randrange(1, len(script.lines) + 1)
        fault = dice.choice(FIELDS)
        end = "," if rows[at].endswith(",") else ""
        rows[at] = '{"text": "Hello.", ' + fault + "}" + end
    else:
        at = dice.randrange(len(script.lines))
        fault = dice.choice(SETTINGS)
        rows[at] = f"Anna [{fault}]: Hello."
    return "\n".join(rows), at + 1, fault


def case_of(dice: random.Random) -> Case:
    """One script with one accident."""
    kind = dice.choice(KINDS)
    script = script_of(dice)
    text = written(script, kind)
    if dice.random() < 0.5:
        name = dice.choice([name for name, (_, kinds) in HARMLESS.items() if kind in kinds])
        return Case(kind, HARMLESS[name][0](text), script, 0, name)
    harmed, row, fault = _harmed_row(script, kind, text, dice)
    return Case(kind, harmed, script, row, fault)
