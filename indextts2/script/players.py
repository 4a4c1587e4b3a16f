"""Formats of players: MicroDVD, MPL2 and TMPlayer, whose rows begin with their times, and SAMI."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import NamedTuple

from ..errors import InputError, ScriptError
from .cues import Cue, timed_cue
from .findings import Findings, located
from .model import MILLISECONDS, read_clock
from .subtitles import rows_of

USUAL_FRAME_RATE = 23.976  # of films, for which MicroDVD was made
HIGHEST_FRAME_RATE = 1000.0
_DECISECOND_MS = 100.0


class _Style(NamedTuple):
    """Rows with their times in front. head: with groups begin, end and text; broken: what looks like such a head."""

    head: re.Pattern[str]
    broken: re.Pattern[str]
    example: str


_STYLES = {
    "microdvd": _Style(
        re.compile(r"\{(?P<begin>\d{1,9})\}\{(?P<end>\d{0,9})\}(?P<text>.*)"),
        re.compile(r"\{[^{}]*\}\s*\{[^{}\\:]*\}"),
        "{25}{75}",
    ),
    "mpl2": _Style(
        re.compile(r"\[(?P<begin>\d{1,9})\]\[(?P<end>\d{0,9})\](?P<text>.*)"),
        re.compile(r"\[[^\[\]]*\]\s*\[[^\[\]]*\]"),
        "[10][30]",
    ),
    "tmplayer": _Style(
        re.compile(r"(?P<begin>\d{1,2}:\d\d:\d\d)(?P<end>)(?:,\d)?[:=](?P<text>.*)"),
        re.compile(r"\w{1,2}:\w{1,3}:\w{1,3}[:=]"),
        "00:00:01:",
    ),
}
STYLES_AT_ONCE = frozenset(("microdvd", "mpl2"))  # known by their first row
_CODES = re.compile(r"\{[a-zA-Z]{1,2}:[^{}]*\}")  # of MicroDVD: {y:i}, {C:$0000FF}


def style_of(row: str) -> str:
    """Which of the formats with times in front a row is written in, or ""."""
    return next((name for name, style in _STYLES.items() if style.head.fullmatch(row.strip())), "")


def read_rows(text: str, findings: Findings) -> list[Cue]:
    """Rows such as `{25}{75}One|two`, `[10][30]One|two` and `00:00:01:One|two`; the first one tells which."""
    rows = rows_of(text)
    own = next((name for name in map(style_of, rows) if name), "microdvd")
    style = _STYLES[own]
    found: list[tuple[int, re.Match[str] | None, str]] = []
    for number, row in enumerate(rows, start=1):
        head = style.head.fullmatch(row.strip())
        if head is None and row.strip():
            words = _words(style.broken.sub("", row, count=1))
            error = ScriptError(f"A row begins such as {style.example}, but got '{row.strip()[:40]}'.", number, 1)
            findings.fault(error, "Its words follow the row before." if words else "It is left out.")
            found += [(number, None, words)] if words else []
        elif head is not None:
            found.append((number, head, _words(head["text"])))
    clock = _clock_of(own, found, findings)
    return _cues(found, clock, findings)


def _words(text: str) -> str:
    """Rows of a cue, without codes of its looks and the slash of italics."""
    return "\n".join(row.strip().removeprefix("/") for row in _CODES.sub("", text).split("|")).strip()


def _clock_of(
    style: str, found: list[tuple[int, re.Match[str] | None, str]], findings: Findings
) -> Callable[[str], int]:
    """What makes milliseconds of a time. A first row of MicroDVD that holds a number alone is the frame rate."""
    if style == "tmplayer":
        return read_clock
    if style == "mpl2":
        return lambda text: round(int(text) * _DECISECOND_MS)
    head = found[0][1] if found else None
    rate = 0.0
    if (
        head is not None
        and head["begin"] == head["end"]
        and re.fullmatch(r"\d{1,4}(?:[.,]\d{1,6})?", head["text"].strip())
    ):
        rate = float(head["text"].strip().replace(",", "."))
    if not 1.0 <= rate <= HIGHEST_FRAME_RATE:
        findings.note(f"The file does not say its frame rate; {USUAL_FRAME_RATE} is taken.")
        rate = USUAL_FRAME_RATE
    else:
        del found[0]
    return lambda text: round(int(text) * MILLISECONDS / rate)


def _cues(
    found: list[tuple[int, re.Match[str] | None, str]], clock: Callable[[str], int], findings: Findings
) -> list[Cue]:
    """The cues of rows; one without an end lasts until an empty row says so."""
    times: list[tuple[int | None, int | None]] = []
    for number, head, _ in found:
        start = end = None
        if head is not None:
            try:
                start = clock(head["begin"])
                end = clock(head["end"]) if head["end"] else None
            except InputError as error:
                findings.fault(located(error, number), "The time is left out.")
        times.append((start, end))
    cues = []
    for at, ((number, _, words), (start, end)) in enumerate(zip(found, times, strict=True)):
        if end is None and at + 1 < len(found) and not found[at + 1][2]:
            end = times[at + 1][0]
        if words:
            cues.append(timed_cue(findings, number, words, start, end))
    return cues


def read_sami(text: str, findings: Findings) -> list[Cue]:
    """The texts between `<SYNC Start=1000>` marks, in the first of the languages. An empty one ends the one before."""
    parser = _Sami(findings)
    parser.feed(text.removeprefix("\ufeff"))
    parser.close()
    language = next((own for sync in parser.syncs for own, words in sync.texts.items() if words.strip()), "")
    cues = []
    for sync, later in zip(parser.syncs, [*parser.syncs[1:], None], strict=True):
        for own, words in sync.texts.items():
            if own != language and words.strip():
                findings.left_out(f"the language {own or 'without a class'}", words, sync.row)
        words = sync.texts.get(language, "").strip()
        ends = later is not None and not later.texts.get(language, "").strip()
        if words:
            cues.append(timed_cue(findings, sync.row, words, sync.start, later.start if later and ends else None))
    return cues


class _Sync(NamedTuple):
    row: int
    start: int | None
    texts: dict[str, str]


class _Sami(HTMLParser):
    """Collects the text behind each mark, by the class of its paragraph."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self.findings = findings
        self.syncs: list[_Sync] = []
        self._class = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "sync":
            start = (values.get("start") or "").strip()
            row = self.getpos()[0]
            if not re.fullmatch(r"\d{1,9}", start):
                error = ScriptError(f"The start of a SYNC is a number of milliseconds, but got '{start[:40]}'.", row, 1)
                self.findings.fault(error, "Its words follow the ones before.")
            self.syncs.append(_Sync(row, int(start) if re.fullmatch(r"\d{1,9}", start) else None, {}))
            self._class = ""
        elif tag == "p":
            self._class = (values.get("class") or "").strip()
        elif tag == "br":
            self.handle_data("\n")

    def handle_data(self, data: str) -> None:
        data = data.replace("\xa0", " ")
        if self.syncs:
            texts = self.syncs[-1].texts
            texts[self._class] = texts.get(self._class, "") + data
        elif data.strip():
            self.findings.left_out("what stands before the first SYNC", data, self.getpos()[0])

    def handle_comment(self, data: str) -> None:
        self.findings.left_out("comments", data, self.getpos()[0])
