"""Lines that are kept, and lines that are spoken again: the seed of each line, and the finished sound that it keeps.

A line that is spoken again gets a seed of its own, which follows from its first one and the number of retakes. A line
that is accepted keeps its finished sound, whatever the seed and the settings become.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..errors import InputError
from ..foreign import ForeignDataError, read_json, shown
from .line import SpokenLine
from .model import LARGEST_SEED, Line
from .store import LineStore

FORMAT = 1
REST = "rest"  # in place of numbers: every line that is not accepted
_NUMBERS = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?")
_ROW = re.compile(r"\s*(\d{1,20})\s*[:：]\s*(.+)")
_KEY = re.compile(r"[0-9A-Za-z_-]{1,100}")  # of a finished sound, which is a file of that name
_FIELDS = {"speaker": str, "text": str, "before": int, "retakes": int, "accepted": str, "pending": bool}


def line_numbers(text: str, count: int) -> tuple[int, ...]:
    """Indices, from 0, of lines written as '1,4-6', which counts from 1. Raises InputError for what is no line."""
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _NUMBERS.fullmatch(part)
        if match is None:
            raise InputError(f"Lines are written as 1,4-6, but {shown(text.strip())} stands here.")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise InputError(f"The script has lines 1 to {count}, but {shown(part.strip())} was asked for.")
        found |= dict.fromkeys(range(first - 1, last))
    return tuple(found)


def accepted_seeds(text: str, lines: Sequence[Line]) -> dict[int, int]:
    """Index of a line -> the seed it keeps, from rows such as '17: 1, 4-6'. A line with a seed of its own has that.

    Raises InputError for a row that is written otherwise, and for a line that stands in two rows.
    """
    seeds: dict[int, int] = {}
    for row in filter(str.strip, re.split(r"[\n;]", text)):
        match = _ROW.fullmatch(row)
        if match is None or int(match[1]) > LARGEST_SEED:
            raise InputError(
                f"Accepted lines are written as 'seed: lines', such as 17: 1,4-6, but got {shown(row.strip())}."
            )
        for index in line_numbers(match[2], len(lines)):
            if index in seeds:
                raise InputError(f"Line {index + 1} is accepted twice. Keep one of its rows.")
            seeds[index] = int(match[1])
    return {index: seed for index, seed in seeds.items() if lines[index].seed is None}


def retake_seed(seed: int, retakes: int) -> int:
    """The seed of a line that was spoken again so many times: its own at first, then one that follows from both."""
    if retakes == 0:
        return seed
    digest = hashlib.blake2b(f"{seed}/retake/{retakes}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % (LARGEST_SEED + 1)


def left_out(line: SpokenLine) -> SpokenLine:
    """The line as if there was nothing to say: not on the track, and not among the subtitles."""
    report = replace(line.report, status="silent", warnings=("It is not accepted, so it was left out.",))
    return replace(line, audio=line.audio[:0], report=report)


@dataclass(slots=True)
class LineState:
    """What was decided about one line."""

    retakes: int = 0
    accepted: str = ""  # key of the finished sound that it keeps; "" while it is not accepted


@dataclass(slots=True)
class TakesFile:
    """What was decided about the lines of a script, in a file beside its output.

    A line is known by its speaker and its words, and by how many lines before it have the same, so that decisions stay
    with their lines when the script is edited.
    """

    path: Path
    lines: Sequence[Line]
    states: list[LineState] = field(default_factory=list)
    pending: tuple[int, ...] = ()  # lines that a stopped run was about to speak again

    @classmethod
    def open(cls, path: Path, lines: Sequence[Line]) -> TakesFile:
        """What is known, or nothing where there is no file. Raises InputError for a damaged one."""
        known: dict[tuple[str, str, int], dict[str, Any]] = {}
        names = _names(lines)
        file = cls(path, lines)
        if path.is_file():
            known = {(one["speaker"], one["text"], one["before"]): one for one in _entries(path)}
        for name in names:
            one = known.get(name, {})
            file.states.append(LineState(one.get("retakes", 0), one.get("accepted", "")))
        file.pending = tuple(index for index, name in enumerate(names) if known.get(name, {}).get("pending"))
        return file

    def save(self) -> None:
        """Write the decisions; lines about which nothing was decided are left out."""
        entries = []
        for index, ((speaker, text, before), state) in enumerate(zip(_names(self.lines), self.states, strict=True)):
            one = {"speaker": speaker, "text": text, "before": before, "retakes": state.retakes}
            one |= {"accepted": state.accepted, "pending": index in self.pending}
            if state.retakes or state.accepted or one["pending"]:
                entries.append({"line": index + 1, **one})
        content = {"format": FORMAT, "lines": entries}
        write_text(self.path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def numbers(self, text: str) -> tuple[int, ...]:
        """Indices of lines written as '1,4-6', or of all that are not accepted for 'rest'. Raises InputError."""
        if text.strip() == REST:
            return tuple(index for index, state in enumerate(self.states) if not state.accepted)
        return line_numbers(text, len(self.lines))

    def retake(self, indices: Iterable[int]) -> None:
        """Give lines another seed; an acceptance is taken back. The same lines again resume a run that was stopped."""
        wanted = tuple(sorted(set(indices)))
        if wanted == self.pending:
            return
        self.pending = wanted
        for index in wanted:
            self.states[index].retakes += 1
            self.states[index].accepted = ""

    def finish(self, accept: Iterable[int], keys: Sequence[str]) -> None:
        """Every line is spoken: nothing is pending, and lines are accepted as they are now."""
        self.pending = ()
        for index in accept:
            self.states[index].accepted = keys[index]

    def seeds(self, seed: int) -> dict[int, int]:
        """Index of a line that was spoken again -> its seed. seed: of lines without their own."""
        return {
            index: retake_seed(seed if line.seed is None else line.seed, state.retakes)
            for index, (line, state) in enumerate(zip(self.lines, self.states, strict=True))
            if state.retakes
        }

    def kept(self, store: LineStore) -> tuple[Mapping[int, str], tuple[str, ...]]:
        """Index of an accepted line -> key of its sound; and notes on those whose sound is gone, which are dropped."""
        keys, notes = {}, []
        for index, state in enumerate(self.states):
            if state.accepted and store.get(state.accepted) is not None:
                keys[index] = state.accepted
            elif state.accepted:
                state.accepted = ""
                notes.append(f"Line {index + 1} was accepted, but its sound is gone; it was spoken again.")
        return keys, tuple(notes)


def _names(lines: Sequence[Line]) -> list[tuple[str, str, int]]:
    before: Counter[tuple[str, str]] = Counter()
    names = []
    for line in lines:
        names.append((line.speaker, line.text, before[line.speaker, line.text]))
        before[line.speaker, line.text] += 1
    return names


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = read_json(path)
        fine = content["format"] == FORMAT and all(map(_is_entry, content["lines"]))
    except (ForeignDataError, KeyError, TypeError):
        fine = False
    if not fine:
        raise InputError(
            f"{path} is damaged, so that it does not tell which lines were accepted. Delete it to begin anew."
        )
    return content["lines"]


def _is_entry(one: dict[str, Any]) -> bool:
    """Whether a line of the file has every field, and names no other file than that of a finished sound."""
    typed = all(type(one[name]) is kind for name, kind in _FIELDS.items())
    return typed and 0 <= one["retakes"] <= LARGEST_SEED and (not one["accepted"] or _is_key(one["accepted"]))


def _is_key(name: str) -> bool:
    return _KEY.fullmatch(name) is not None
