"""Cues of subtitle files, however they were written, and the lines they become."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..checks import check_fields
from ..errors import InputError, ScriptError, shortened
from .captions import candidate_names, spoken_text
from .findings import Findings, located
from .header import Known, SettingError, has_settings, line_of, read_header
from .model import LATEST_MS, MILLISECONDS, Line, check_language, check_name, clock, plain_text
from .names import known_speakers
from .speakers import TAG, tagged_name
from .timed_words import ANCHORED, WORD_STAMP, WordTiming, checked_timing, stamped_words, timed_text

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>", re.IGNORECASE)
_LANGUAGE = re.compile(r"<lang\s+([^<>\s]*)\s*>", re.IGNORECASE)
_WORD_TIME = re.compile(r"<\d\d:\d\d:\d\d\.\d{3}><c>")
DRAWING = re.compile(r"\{[^{}]{0,300}\\p[1-9][^{}]{0,300}\}.*?(?:\{[^{}]{0,300}\\p0[^{}]{0,300}\}|$)", re.DOTALL)
OVERRIDE = re.compile(r"\{\s*\\[^{}]*\}|\{[a-zA-Z]:[^{}\s]*\}")  # of ASS, of MicroDVD
BREAK = re.compile(r"(?<!\\)\\+(?:N|[nh](?![a-z]))")
"""A row's end or a hard blank of ASS, and no path such as C:\\new. With more than one backslash it is text, whose first
backslash is taken away.
"""
_SHOWN = 60  # characters of what is left out


@dataclass(slots=True)
class Cue:
    """One cue. row, column: where its text begins in the file; rows: its text; html: entities and voice marks count."""

    row: int
    rows: list[str]
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str = ""
    column: int = 1
    html: bool = False
    language: str | None = None
    timings: Sequence[WordTiming] = ()  # of its words, where they are wanted
    stamped: str = ""  # its text with the stamps of words, where they are wanted


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Settings of a reader. strict: the first fault ends the reading; keep: sounds in brackets and music are spoken;
    speakers: names known from elsewhere, such as a cast; anchored: what of word-timed cues is spoken at its time, one
    of `ANCHORED`, or "" for nothing.
    """

    strict: bool = False
    keep: bool = False
    speakers: Sequence[str] = field(default=())
    anchored: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.anchored and self.anchored not in ANCHORED:
            raise InputError(f"Anchored are {' or '.join(ANCHORED)}, but got '{self.anchored}'.")


def speakers_in(texts: Iterable[Sequence[str]], certain: Iterable[str], findings: Findings) -> Known:
    """Which names before colons are speakers in a whole file; what was decided goes to the findings.

    texts: the rows of every cue. certain: names known from elsewhere.
    """
    candidates: list[str] = []
    sure = list(certain)
    for rows in texts:
        whole = plain_text(" ".join(rows))
        sure += [tagged_name(tag) for tag in TAG.finditer(whole)]
        if has_settings(whole):
            sure.append(read_header(whole).speaker)
        else:
            candidates += candidate_names(rows)
    known = known_speakers(candidates, sure)
    counts = Counter(candidates)
    taken = [f"{name} ({count})" for name, count in counts.items() if name.casefold() in known]
    others = [name for name in counts if name.casefold() not in known]
    if taken:
        findings.note(f"Taken for speakers, with their lines: {', '.join(taken)}.")
    if others:
        findings.note(
            f"Spoken as text, as no speaker is known by that name: {', '.join(f'{name}:' for name in others)} "
            "Write the name with brackets, as in 'Name []: text', if it is one."
        )
    return lambda name: name.casefold() in known


def lines_of(cues: Sequence[Cue], findings: Findings, settings: ReadSettings) -> tuple[Line, ...]:
    """The lines of the cues; cues without speech have none. Raises ScriptError when strict."""
    for cue in cues:
        _take_overrides(cue, findings)
        _take_voices(cue, findings)
        if settings.anchored and cue.end_ms is not None and WORD_STAMP.search(" ".join(cue.rows)):
            cue.stamped = " ".join(cue.rows)
        if cue.html:
            cue.rows = [html.unescape(plain_text(row)) for row in cue.rows]
    certain = [cue.speaker for cue in cues if cue.speaker]
    known = speakers_in([cue.rows for cue in cues], [*settings.speakers, *certain], findings)
    lines = []
    for cue in cues:
        line = _line(cue, findings, known, keep=settings.keep)
        if line is not None:
            lines.append(_at_word_times(line, cue, findings, settings.anchored))
    return tuple(lines)


def _at_word_times(line: Line, cue: Cue, findings: Findings, anchored: str) -> Line:
    """A line whose words ask for the times that they have in its cue, counted from the start of the line."""
    if cue.start_ms is None or not (cue.timings or cue.stamped):
        return line
    if TAG.search(line.text):
        findings.note("Several speakers share a cue, so that its words have no times.", cue.row)
        return line
    begin = cue.start_ms / MILLISECONDS
    try:
        found = cue.timings or tuple(stamped_words(_said(cue.stamped, line), begin, (cue.end_ms or 0) / MILLISECONDS))
        own = [checked_timing(one.text, max(0.0, one.start - begin), one.end - begin) for one in found]
        return replace(line, text=timed_text(own, line.text, anchored=anchored))
    except InputError as error:
        findings.fault(located(error, cue.row), "Its words have no times.")
        return line


def _said(stamped: str, line: Line) -> str:
    """The text of a cue with stamps, without a name or settings before the first word of its line."""
    stamp = WORD_STAMP.search(stamped)
    end = stamp.start() if stamp else 0
    head = plain_text(html.unescape(stamped[:end]))
    return head[max(0, head.find(line.text.split()[0])) :] + stamped[end:]


def _take_overrides(cue: Cue, findings: Findings) -> None:
    """Drawings, overrides and line breaks of ASS, which stand in files of every format."""
    body = "\n".join(cue.rows)
    if "{" not in body and "\\" not in body:
        return
    plain = DRAWING.sub("", body)
    if plain != body:
        findings.note("Not spoken: a drawing.", cue.row)
    for override in OVERRIDE.finditer(plain):
        findings.left_out("overrides", override.group(), cue.row + plain.count("\n", 0, override.start()))
    cue.rows = BREAK.sub(_blank_or_text, OVERRIDE.sub("", plain)).split("\n")


def _blank_or_text(found: re.Match[str]) -> str:
    return found.group()[1:] if found.group().startswith("\\\\") else " "


def breaks_as_text(text: str) -> str:
    """A text of a cue in which `\\N` and its like are no breaks but what is written."""
    return BREAK.sub(lambda found: "\\" + found.group(), text)


def _take_voices(cue: Cue, findings: Findings) -> None:
    """Read voice and language marks out of the text of a cue; a later voice becomes a speaker tag."""
    body = "\n".join(cue.rows)
    language = _LANGUAGE.search(body)
    if language is not None:
        try:
            check_language(language.group(1))
            cue.language = language.group(1)
        except InputError as error:
            findings.fault(located(error, cue.row), "The mark is left out.")
    voices = list(_VOICE.finditer(body))
    if not voices:
        return
    named: dict[int, str] = {}
    for voice in voices:
        name = plain_text(voice.group(1))
        try:
            check_name(name)
        except InputError as error:
            at = voice.start()
            row, column = cue.row + body.count("\n", 0, at), at - body.rfind("\n", 0, at)
            findings.fault(ScriptError(str(error), row, column), "The mark is left out.")
            continue
        named[voice.start()] = name
    first = min(named, default=None)
    if first is not None:
        cue.speaker = cue.speaker or named[first]
    cue.rows = _VOICE.sub(
        lambda voice: f"[speaker {named[voice.start()]}] " if voice.start() in named and voice.start() != first else "",
        body,
    ).split("\n")


def _line(cue: Cue, findings: Findings, known: Known, *, keep: bool) -> Line | None:
    left_out: list[str] = []
    text = spoken_text(cue.rows, left_out, known, keep=keep)
    shown = " ".join(dict.fromkeys(left_out))
    if left_out:
        findings.note(f"Not spoken: {shortened(shown, _SHOWN)}", cue.row)
    given: dict[str, Any] = {"speaker": cue.speaker or None, "language": cue.language}
    given |= {"start_ms": cue.start_ms, "end_ms": cue.end_ms}
    try:
        line = line_of(text, lenient=True, known=known, **given)
        if line is None and text:
            findings.note(f"Nothing is said behind '{shortened(text, _SHOWN)}'.", cue.row)
        return line
    except (SettingError, InputError) as error:
        findings.fault(located(error, cue.row, cue.column), "The text is spoken without what is wrong.")
    plain = TAG.sub(" ", text)
    for times in ({"start_ms": cue.start_ms, "end_ms": cue.end_ms}, {}):
        try:
            return line_of(f"[]: {plain}", **(given | {"start_ms": None, "end_ms": None} | times))
        except InputError:
            continue
    return None


def without_repeats(cues: list[Cue], rows: Sequence[str], findings: Findings) -> list[Cue]:
    """Rolling captions say every row twice, once while it grows and once above the next: each is kept once."""
    if not any(_WORD_TIME.search(row) for row in rows):
        return cues
    kept: list[Cue] = []
    before: list[str] = []
    for cue in cues:
        shown = [row for row in cue.rows if plain_text(row)]
        said = [plain_text(row) for row in shown]
        new = shown[1:] if said and before and said[0] == before[-1] else shown
        if new:
            kept.append(cue)
            cue.rows = new
        before = said or before
    if len(kept) < len(cues):
        findings.note("Rolling captions: rows that are shown twice are spoken once.")
    return kept


def end_after(start: int, end: int, said: bool, row: int, column: int, findings: Findings) -> int | None:
    """The end of a cue; none where it is not after the start. said: whether the cue holds text. Raises ScriptError."""
    if end > start:
        return end
    error = ScriptError(f"The cue ends at {clock(end)}, which is not after its start at {clock(start)}.", row, column)
    findings.fault(error, "It is spoken from its start." if said else "It holds no text and is left out.")
    return None


def timed_cue(findings: Findings, row: int, text: str, start: int | None, end: int | None, speaker: str = "") -> Cue:
    """A cue with times as other programs give them. row: where it stands. Raises ScriptError when strict."""
    if start is not None and start >= LATEST_MS:
        hours = LATEST_MS // MILLISECONDS // 3600
        fault = ScriptError(f"The cue begins later than {hours} hours, which is no time of a track.", row, 1)
        findings.fault(fault, "It follows the line before.")
        start = None
    if start is None:
        end = None
    elif end is not None:
        end = end_after(start, min(end, LATEST_MS), bool(text.strip()), row, 1, findings)
    name = plain_text(speaker)
    try:
        check_name(name)
    except InputError as error:
        findings.fault(located(error, row), "The name is left out.")
        name = ""
    return Cue(row, text.split("\n"), start, end, speaker=name)
