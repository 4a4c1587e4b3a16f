"""A cell is a cell: each is read as the one value its column says, and sets nothing else."""

from __future__ import annotations

import json
from itertools import product

import pytest

from indextts2.contracts import Duration, EmotionWeights
from indextts2.errors import ScriptError
from indextts2.loading.find import built_in_references
from indextts2.script.cast import read_cast
from indextts2.script.header import _SETTINGS
from indextts2.script.model import Line
from indextts2.script.read import read_script
from indextts2.script.tables import FIELDS

VALUES = {
    "text": ("Hello.", {}),
    "speaker": ("Anna", {"speaker": "Anna"}),
    "emotion": ("happy .6", {"emotion": EmotionWeights.of(happy=0.6)}),
    "start": ("1", {"start_ms": 1000}),
    "end": ("4", {"end_ms": 4000}),
    "pause": ("2", {"pause_ms": 2000}),
    "language": ("en", {"language": "en"}),
    "seed": ("3", {"seed": 3}),
    "takes": ("2", {"takes": 2}),
    "seconds": ("1.5", {"duration": Duration("seconds", 1.5)}),
    "tokens": ("60", {"duration": Duration("tokens", 60)}),
    "frames": ("200", {"duration": Duration("frames", 200)}),
    "samples": ("44100", {"duration": Duration("samples", 44_100)}),
    "factor": ("1.25", {"duration": Duration("factor", 1.25)}),
    "speed": ("0.5", {"duration": Duration("factor", 2.0)}),
}
"""Column -> a value, and the fields of a line it sets."""

NEEDED = {"end": {"start": "1"}}
SEPARATORS = (
    ";",
    ",",
    "; ",
    ".;",
    ".[",
    "[",
    "][",
    "]: [",
    " ",
    "\n",
    "\t",
    ":",
    "=",
    "|",
    '"',
    "'",
    "{",
    "<",
    "\u00a0",
    "\0",
)
SETTINGS = {name: VALUES[name][0] for name in (*_SETTINGS, "emotion")} | {"neutral": "", "happy": "9", "reset": ""}
INJECTED = [
    f"{separator}{'' if name == 'emotion' else name} {value}"
    for separator, (name, value) in product(SEPARATORS, SETTINGS.items())
]


def row(cells: dict[str, str], kind: str) -> str:
    """A script of one line. The cell under test is the last one."""
    if kind == "json":
        return json.dumps([cells])
    mark = {"csv": ",", "semicolons": ";", "tsv": "\t"}[kind]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells.values()]
    return f"{mark.join(cells)}\n{mark.join(quoted)}\n"


def read(cells: dict[str, str], kind: str, strict: bool) -> Line:
    (line,) = read_script(row(cells, kind), "csv" if kind == "semicolons" else kind, strict=strict).lines
    return line


def test_every_column_is_tried():
    assert set(VALUES) == set(FIELDS)


@pytest.mark.parametrize("kind", ["csv", "semicolons", "tsv", "json"])
@pytest.mark.parametrize("column", [name for name in FIELDS if name not in ("text", "speaker")])
def test_a_cell_sets_what_its_column_says_or_is_refused(column, kind):
    value, fields = VALUES[column]
    cells = {"text": "Hello.", **NEEDED.get(column, {}), column: value}
    own = {key: field for name in cells for key, field in VALUES[name][1].items()}
    assert read(cells, kind, strict=True) == Line("Hello.", **own)
    others = {key: field for key, field in own.items() if key not in fields}
    for injected in INJECTED:
        cells[column] = value + injected
        try:
            got = read(cells, kind, strict=True)
        except ScriptError as error:
            place = (1, 2) if kind == "json" else (2, len(cells))
            assert (error.line, error.column) == place and f"{column}: " in str(error), (injected, str(error))
            assert "but got" in str(error) or "stands here" in str(error) or "but is" in str(error), str(error)
            kept = read(cells, kind, strict=False)
            assert kept == Line("Hello.", **others), injected
        else:  # the same value, written otherwise: blanks at its end, or a longer emotion
            allowed = {"emotion"} if column == "emotion" else set()
            changed = {name for name in Line.__slots__ if getattr(got, name) != getattr(Line("Hello.", **own), name)}
            assert changed <= allowed, (injected, got)


@pytest.mark.parametrize("column", ["text", "speaker"])
def test_a_cell_of_words_holds_words(column):
    for injected in INJECTED:
        cells = {"text": "Hello.", "speaker": "Anna"} | {column: VALUES[column][0] + injected}
        line = read(cells, "csv", strict=False)
        assert (line.emotion, line.duration, line.seed, line.takes, line.start_ms, line.pause_ms) == (None,) * 6
        assert column != "speaker" or (line.text == "Hello." and "[" not in line.speaker and ":" not in line.speaker)


@pytest.mark.parametrize("emotion", ["happy .6; seed 5", "seed 5", "happy .6] [sad", "1", "true", "{sad: true}", "[]"])
def test_an_emotion_of_a_cast_is_an_emotion_alone(emotion, tmp_path):
    with pytest.raises(ScriptError, match="Anna: an emotion such as 'happy .6' is expected"):
        text = f"Anna: {{built_in: bella, emotion: {emotion if emotion[0] in '{[1t' else json.dumps(emotion)}}}"
        read_cast(text, built_in_references(), tmp_path)


@pytest.mark.parametrize("setting", ["1 seed 5", "1|seed 5", "1:seed 5", "2.(happy 9", "happy 9"])
@pytest.mark.parametrize("name", sorted(set(_SETTINGS) - {"language"}))
def test_a_setting_of_a_header_is_one_value(name, setting):
    with pytest.raises(ScriptError):
        read_script(f"Anna [{name} {setting}]: Hello.", "dialogue", strict=True)


@pytest.mark.parametrize("digits", [13, 20, 5_000])
def test_a_transcript_of_whisper_with_endless_times_is_no_traceback(digits):
    with pytest.raises(ScriptError):
        read_script(f"start\tend\ttext\n0\t{'9' * digits}\tHello.\n", "tsv", strict=True)
