"""Formats of services: YouTube's SBV, LRC lyrics, and TTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree
from xml.parsers import expat

from ..errors import InputError, ScriptError, shortened
from .cues import Cue, timed_cue
from .findings import Findings, located
from .model import MILLISECONDS, read_clock
from .subtitles import rows_of

SBV_TIMES = re.compile(r"\s*(\d+:\d\d:\d\d\.\d{1,3}),(\d+:\d\d:\d\d\.\d{1,3})\s*")
LRC_TIME = re.compile(r"\s*\[(\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?)\]")
LRC_FACT = re.compile(r"\s*\[([a-z#]+):([^\[\]]*)\]\s*", re.IGNORECASE)
_LRC_STAMP = re.compile(r"\s*\[((?=[^\[\]]*\d)(?![a-z#]+:)[^\[\]:]{1,8}:[^\[\]]{1,12})\]", re.IGNORECASE)
_LRC_WORD = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_HUNDREDTHS = re.compile(r"(\d+:\d+):(\d+)")
_OFFSET = re.compile(r"[+-]?\d{1,6}")
DEEPEST = 64  # levels of XML in a paragraph
_TTML_UNITS = {"h": 3_600_000.0, "m": 60_000.0, "s": 1000.0, "ms": 1.0}
_TTML_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|f|t)")
_TTML_FRAMES = re.compile(r"(\d+:\d\d:\d\d):(\d+)")
_FRAME_RATE = 30.0  # of TTML that does not say
ROW_NAME = "row of the file"  # attribute of elements, which no XML can hold
_SHOWN = 60  # characters of what is left out


def read_sbv(text: str, findings: Findings) -> list[Cue]:
    """Blocks of `0:00:01.000,0:00:03.500` and text."""
    cues: list[Cue] = []
    blocks: list[tuple[int, str, str, list[str]]] = []
    for number, row in enumerate(rows_of(text), start=1):
        found = SBV_TIMES.fullmatch(row)
        if found:
            blocks.append((number, found[1], found[2], []))
        elif row.strip() and blocks:
            blocks[-1][3].append(row)
        elif row.strip():
            findings.fault(ScriptError("The text stands before the first times.", number, 1), "It is spoken first.")
            cues.append(Cue(number, [row]))
    for number, begin, stop, rows in blocks:
        start, end = (_milliseconds(time, number, findings) for time in (begin, stop))
        cue = timed_cue(findings, number, "\n".join(rows), start, end)
        cues.append(replace(cue, row=number + 1))
    return cues


def read_lrc(text: str, findings: Findings) -> list[Cue]:
    """Rows of `[00:12.50]words`, with several times maybe. Facts such as [ar:...] are named, [offset:...] is used."""
    stamped: list[tuple[int, int, str]] = []
    offset = 0
    for number, row in enumerate(rows_of(text), start=1):
        times, at = _lrc_times(row, number, findings)
        fact = LRC_FACT.fullmatch(row)
        words = _LRC_WORD.sub("", row[at:]).strip()
        if at == 0 and fact:
            offset = _lrc_fact(fact, number, offset, findings)
        elif times:
            stamped += [(time, number, words) for time in times]
        elif words:
            if at == 0:
                error = ScriptError("The row has no time, such as [00:12.50].", number, 1)
                findings.fault(error, "It follows the row before.")
            stamped.append((stamped[-1][0] if stamped else 0, number, words))
    stamped.sort(key=lambda one: one[0])
    following = [*stamped[1:], None]
    return [
        timed_cue(
            findings,
            number,
            words,
            max(0, start - offset),
            max(0, later[0] - offset) if later is not None and not later[2] else None,
        )
        for (start, number, words), later in zip(stamped, following, strict=False)
        if words
    ]


def _lrc_times(row: str, number: int, findings: Findings) -> tuple[list[int], int]:
    """The times at the beginning of a row, and where its words begin."""
    times, at = [], 0
    while found := _LRC_STAMP.match(row, at):
        at = found.end()
        try:
            if not LRC_TIME.match(found.group()):
                raise InputError(f"A time is written as [00:12.50], but '{found.group().strip()}' stands here.")
            times.append(read_clock(_HUNDREDTHS.sub(r"\1.\2", found.group(1))))
        except InputError as error:
            findings.fault(located(error, number, found.start() + 1), "The time is left out.")
    return times, at


def _lrc_fact(fact: re.Match[str], number: int, offset: int, findings: Findings) -> int:
    """The offset of the times, in milliseconds, which one of the facts changes."""
    name, value = fact.group(1).lower(), fact.group(2).strip()
    if name != "offset":
        findings.note(f"Not spoken: {shortened(fact.group().strip(), _SHOWN)}", number)
    elif _OFFSET.fullmatch(value):
        offset = int(value)
        findings.note(f"All times are {abs(offset)} ms {'earlier' if offset >= 0 else 'later'}, as it says.", number)
    else:
        error = ScriptError(f"An offset is a number of milliseconds, but got '{value[:_SHOWN]}'.", number, 1)
        findings.fault(error, "It is left out.")
    return offset


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
    bare = text.removeprefix("\ufeff").lstrip()
    root = _parsed(bare, text[: len(text) - len(bare)].count("\n"))
    rates = {_local(name): value for name, value in root.attrib.items()}
    cues = []
    for paragraph in _paragraphs(root, findings):
        row = int(paragraph.attrib.pop(ROW_NAME))
        times = {_local(name): value for name, value in paragraph.attrib.items()}
        start = _ttml_time(times.get("begin"), rates, row, findings)
        end = _ttml_time(times.get("end"), rates, row, findings)
        length = _ttml_time(times.get("dur"), rates, row, findings)
        if end is None and start is not None and length is not None:
            end = start + length
        cues.append(timed_cue(findings, row, _ttml_text(paragraph), start, end))
    return cues


def _parsed(text: str, rows_before: int) -> ElementTree.Element:
    """The tree of a file, whose paragraphs know their rows. Raises ScriptError."""
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        element = builder.start(name, attributes)
        element.set(ROW_NAME, str(rows_before + parser.CurrentLineNumber))

    parser.StartElementHandler, parser.EndElementHandler = start, builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(text, True)
        return builder.close()
    except UnicodeEncodeError as error:
        raise ScriptError("The file holds half of a character, which no XML may.", 1, 1) from error
    except expat.ExpatError as error:
        row, column = rows_before + error.lineno, error.offset + 1
        raise ScriptError(f"This is no valid XML ({expat.ErrorString(error.code)}).", row, column) from error


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _paragraphs(root: ElementTree.Element, findings: Findings) -> Iterator[ElementTree.Element]:
    """The paragraphs in their order; what stands outside of them is named."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if _local(element.tag) == "p":
            yield element
            continue
        waiting += reversed(element)
        for words in (element.text, *(child.tail for child in element)):
            if words and words.strip():
                findings.left_out("what stands outside of paragraphs", words, int(element.get(ROW_NAME, 1)))


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


def _ttml_time(text: str | None, rates: dict[str, str], row: int, findings: Findings) -> int | None:
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
        fault = ScriptError(f"The time '{text[:20]}' of a paragraph cannot be read ({error}).", row, 1)
        findings.fault(fault, "The time is left out.")
        return None
