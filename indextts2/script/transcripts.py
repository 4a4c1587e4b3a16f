"""Formats of players and services: YouTube's SBV, LRC lyrics, TTML, and by pysubs2 MicroDVD and SAMI."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..errors import InputError, MissingDependency, ScriptError
from .cues import Cue, timed_cue
from .findings import Findings, located
from .model import MILLISECONDS, read_clock
from .subtitles import rows_of

SBV_TIMES = re.compile(r"\s*(\d+:\d\d:\d\d\.\d{1,3}),(\d+:\d\d:\d\d\.\d{1,3})\s*")
LRC_TIME = re.compile(r"\s*\[(\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?)\]")
LRC_FACT = re.compile(r"\s*\[([a-z#]+):([^\[\]]*)\]\s*", re.IGNORECASE)
_LRC_WORD = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_HUNDREDTHS = re.compile(r"(\d+:\d+):(\d+)")
_OFFSET = re.compile(r"[+-]?\d{1,6}")
DEEPEST = 64  # levels of XML in a paragraph
_TTML_UNITS = {"h": 3_600_000.0, "m": 60_000.0, "s": 1000.0, "ms": 1.0}
_TTML_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|f|t)")
_TTML_FRAMES = re.compile(r"(\d+:\d\d:\d\d):(\d+)")
_FRAME_RATE = 30.0  # of TTML that does not say
_USUAL_FRAME_RATE = 23.976  # of films, for which MicroDVD was made


def read_sbv(text: str, findings: Findings) -> list[Cue]:
    """Blocks of `0:00:01.000,0:00:03.500` and text."""
    cues: list[Cue] = []
    for number, row in enumerate(rows_of(text), start=1):
        found = SBV_TIMES.fullmatch(row)
        if found:
            start, end = (_milliseconds(found.group(group), number, findings) for group in (1, 2))
            cues.append(timed_cue(number + 1, "", start, end))
        elif row.strip() and cues:
            cues[-1].rows.append(row)
        elif row.strip():
            findings.fault(ScriptError("The text stands before the first times.", number, 1), "It is spoken first.")
            cues.append(Cue(number, [row]))
    return cues


def read_lrc(text: str, findings: Findings) -> list[Cue]:
    """Rows of `[00:12.50]words`; a row may have several times, and facts such as [ar:...] are left out."""
    stamped: list[tuple[int, int, str]] = []
    offset = 0
    for number, row in enumerate(rows_of(text), start=1):
        times, at = [], 0
        while found := LRC_TIME.match(row, at):
            times.append(_milliseconds(_HUNDREDTHS.sub(r"\1.\2", found.group(1)), number, findings))
            at = found.end()
        fact = LRC_FACT.fullmatch(row)
        if not times and fact:
            if fact.group(1).lower() == "offset" and _OFFSET.fullmatch(fact.group(2).strip()):
                offset = int(fact.group(2))
            continue
        words = _LRC_WORD.sub("", row[at:]).strip()
        if not times and words:
            findings.fault(
                ScriptError("The row has no time, such as [00:12.50].", number, 1), "It follows the row before."
            )
            stamped.append((stamped[-1][0] if stamped else 0, number, words))
        stamped += [(max(0, time - offset), number, words) for time in times if time is not None]
    stamped.sort(key=lambda one: one[0])
    following = [*stamped[1:], None]
    return [
        timed_cue(number, words, start, later[0] if later is not None and not later[2] else None)
        for (start, number, words), later in zip(stamped, following, strict=False)
        if words
    ]


def _milliseconds(text: str, row: int, findings: Findings) -> int | None:
    try:
        return read_clock(text)
    except InputError as error:
        findings.fault(located(error, row), "The time is left out.")
        return None


def read_ttml(text: str, findings: Findings) -> list[Cue]:
    """The paragraphs of a TTML, DFXP or IMSC file. Raises ScriptError for what is no XML."""
    if "<!ENTITY" in text:
        raise ScriptError("The file declares entities, which no subtitle file needs. Remove them.", 1, 1)
    try:
        root = ElementTree.fromstring(text.removeprefix("\ufeff").lstrip())
    except UnicodeEncodeError as error:
        raise ScriptError("The file holds half of a character, which no XML may.", 1, 1) from error
    except ElementTree.ParseError as error:
        row, column = error.position
        raise ScriptError(f"This is no valid XML ({error.msg}).", row, column + 1) from error
    rates = {_local(name): value for name, value in root.attrib.items()}
    cues = []
    for number, paragraph in enumerate(_paragraphs(root), start=1):
        times = {_local(name): value for name, value in paragraph.attrib.items()}
        start = _ttml_time(times.get("begin"), rates, number, findings)
        end = _ttml_time(times.get("end"), rates, number, findings)
        length = _ttml_time(times.get("dur"), rates, number, findings)
        if end is None and start is not None and length is not None:
            end = start + length
        cues.append(timed_cue(1, _ttml_text(paragraph), start, end))
    return cues


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _paragraphs(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [element for element in root.iter() if _local(element.tag) == "p"]


_BLANKS = re.compile(r"\s+")


def _ttml_text(element: ElementTree.Element, depth: int = 0) -> str:
    if depth > DEEPEST:
        raise ScriptError(f"A paragraph nests deeper than {DEEPEST} levels, which no subtitle does.", 1, 1)
    parts = [_BLANKS.sub(" ", element.text or "")]
    for child in element:
        if _local(child.tag) == "br":
            parts.append("\n")
        elif _local(child.tag) != "metadata":
            parts.append(_ttml_text(child, depth + 1))
        parts.append(_BLANKS.sub(" ", child.tail or ""))
    whole = "".join(parts)
    return whole if depth else re.sub(r" *\n *", "\n", re.sub(" {2,}", " ", whole)).strip(" ")


def _ttml_time(text: str | None, rates: dict[str, str], number: int, findings: Findings) -> int | None:
    """Milliseconds of a clock, a clock with frames, or an offset such as 12.5s."""
    if text is None:
        return None
    try:
        offset = _TTML_OFFSET.fullmatch(text.strip())
        frame_rate = float(rates.get("frameRate", _FRAME_RATE)) or _FRAME_RATE
        if offset:
            per_unit = {"f": MILLISECONDS / frame_rate, "t": MILLISECONDS / float(rates.get("tickRate", "1"))}
            return round(float(offset.group(1)) * (_TTML_UNITS | per_unit)[offset.group(2)])
        frames = _TTML_FRAMES.fullmatch(text.strip())
        if frames:
            return read_clock(frames.group(1)) + round(int(frames.group(2)) * MILLISECONDS / frame_rate)
        return read_clock(text)
    except (InputError, ValueError, ZeroDivisionError, OverflowError) as error:
        fault = ScriptError(f"The time '{text[:20]}' of paragraph {number} cannot be read ({error}).", 1, 1)
        findings.fault(fault, "The time is left out.")
        return None


def read_by_pysubs2(text: str, findings: Findings, kind: str) -> list[Cue]:
    """Cues of a format that pysubs2 knows. Raises MissingDependency without it, ScriptError for what it cannot read."""
    try:
        import pysubs2
    except ImportError as error:
        raise MissingDependency(f"The format {kind} is read by pysubs2: pip install pysubs2.") from error
    try:
        try:
            events = pysubs2.SSAFile.from_string(text, format_=kind)
        except pysubs2.exceptions.UnknownFPSError:
            findings.note(f"The file does not say its frame rate; {_USUAL_FRAME_RATE} is taken.")
            events = pysubs2.SSAFile.from_string(text, format_=kind, fps=_USUAL_FRAME_RATE)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, LookupError) as error:
        raise ScriptError(f"The file cannot be read as {kind} ({error}).", 1, 1) from error
    return [
        timed_cue(1, event.plaintext, event.start, event.end, event.name) for event in events if not event.is_comment
    ]
