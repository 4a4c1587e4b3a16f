"""Parts of captions that are no speech: sounds in brackets, music signs, changes of speaker, dashes.

| written | becomes |
|---|---|
| `[door creaks]`, `(sighs)`, `[MUSIC PLAYING]` | left out |
| `♪ la la ♪` | the words without the signs |
| `>> MARY: Hi.`, `>>> Good evening.` | without the signs; a name is the speaker |
| `>> Hi. >> Yo.` in one cue | two speakers |
| `- Hi.` and `- Yo.` in one cue | two speakers |
| `MARY (on the phone): Hi.` | Mary, without the direction |
| `{\\an8}`, `<i>`, `&amp;` | without the marks, the sign itself |

A header in brackets that holds settings says that the text behind it is meant as it stands.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from ..text.tags import find_tags
from .header import Known, anything, has_settings, read_header
from .model import plain_text
from .speakers import TAG

FIRST, SECOND = "Speaker 1", "Speaker 2"
"""Speakers of rows of a cue that begin with dashes and name nobody."""

_CHANGE = re.compile(r"^\s*(?:>{2,}|&gt;&gt;(?:&gt;)?)\s*")
_CHANGE_INSIDE = re.compile(r"(?<=\S)\s+(?=(?:>{2,}|&gt;&gt;)\s*[^\W\d_]|>{2,}\s*[\"'“‘([])")
_MUSIC = re.compile(r"[♩♪♫♬♭♯🎵🎶🎼]+\ufe0f?")
_HASH_MUSIC = re.compile(r"^\s*#\s(.*\s)#\s*$")
_SQUARE = re.compile(r"\[[^\[\]]*\]")
_ROUND = re.compile(r"[(（][^()（）]*[)）]")
_DIRECTION = re.compile(r"^\s*([^\W\d_][^()（）\[\]:：<>]{0,58}?)\s*([(（\[][^()（）\[\]]*[)）\]])\s*(?::(?=\s|$)|：)")
_ROUND_DIRECTION = re.compile(r"^([^\W\d_][^()（）\[\]:：<>]{0,58}?)\s*([(（][^()（）\[\]]*[)）])\s*(?::(?=\s|$)|：)")
_SQUARE_AFTER_TEXT = re.compile(r"\[[^\[\]]*\](?!\s*[:：])")
_DASH = re.compile(r"^\s*[-‐‑–—]\s*(?=[^\W_]|[\"'“‘([♪¿¡])")
_DASH_INSIDE = re.compile(r"(?<=[.!?…\"”'’)])\s+[-–—]\s*(?=[A-ZÀ-Þ\"“¿¡])")
_SOUND = re.compile(
    r"""\b(?:sigh|laugh|chuckl|giggl|gasp|cough|sniff|sob|cr(?:y|ies)|weep|whisper|shout|scream|yell|groan|moan|grunt|
    pant|music|applau|cheer|clap|door|phone|bell|ring|footstep|engine|thunder|bang|knock|silen|inaudible|indistinct|
    unintelligible|speak(?:s|ing)|talk(?:s|ing)|sing(?:s|ing)|hum(?:s|ming)|clears?\b.{0,60}throat|beep|buzz|explo|gun|shot|
    bark|meow|wind|static|crowd|chatter|continues|laughter|mumbl|mutter|exhal|inhal|breath|snor|whistl|growl|clatter|
    rustl|thud|click|snap|splash|creak|slam|scoff|snicker|snort|yawn|hiccup|stammer|stutter|gulp|swallow|kiss|
    siren|alarm|horn|honk|tires|brakes|bird|dog|cat|horse|water|rain|fire|glass|echo|distort|foreign|
    in\s(?:french|german|spanish|italian|english|russian|chinese|japanese|latin|arabic|hindi)|off-?screen|
    on\s(?:tv|radio|phone|the\sphone)|over\s(?:radio|phone|pa|speaker)|beat|pause|softly|quietly|loudly|angrily|sadly|
    narrat|voice-?over|v\.?o\.?$|o\.?s\.?$|theme|song|instrumental|playing|plays|♪)""",
    re.IGNORECASE | re.VERBOSE,
)
_COLON = re.compile(r"\s*[:：]")
_LEADING_COLON = re.compile(r"^\s*[:：]\s*")  # behind a way of speaking in brackets
_MOST_WORDS = 7  # of a sound in round brackets; more is a sentence
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|lrm|rlm|#\d{1,6}|#x[0-9a-fA-F]{1,6});")


def without_marks(row: str) -> str:
    """A row without the signs of a new speaker, a dash, and the direction behind a name: what may begin with a name."""
    return _DIRECTION.sub(r"\1:", _without_signs(row))


def _without_signs(row: str) -> str:
    return _DASH.sub("", _CHANGE.sub("", _unescaped(row)))


def undirected(row: str, left_out: list[str], known: Known, *, keep: bool = False, round_only: bool = False) -> str:
    """A row without the direction between a speaker's name and its colon; keep: with it behind the colon."""
    found = (_ROUND_DIRECTION if round_only else _DIRECTION).match(row)
    if found is None or not read_header(f"{found[1]}:", lenient=True, known=known).speaker:
        return row
    name, direction, rest = found[1], found[2], row[found.end() :]
    if keep:
        return f"{name}: {direction}{rest}"
    left_out.append(direction)
    return f"{name}:{rest}"


def candidate_names(rows: Sequence[str]) -> list[str]:
    """The words before a colon at the start of the rows of a cue."""
    whole = plain_text(" ".join(rows))
    if has_settings(whole):
        return []
    rows = _changes_apart(rows)
    starts = [row for at, row in enumerate(rows) if at == 0 or _DASH.match(row) or _CHANGE.match(row)]
    names = [read_header(plain_text(without_marks(row)), lenient=True).speaker for row in starts]
    return [name for name in names if name]


def spoken_text(rows: Sequence[str], left_out: list[str], known: Known = anything, *, keep: bool = False) -> str:
    """The speech of a cue on one line, with speaker tags where somebody else begins.

    left_out: gets what is not spoken. keep: leave brackets and music in.
    """
    whole = plain_text(" ".join(rows))
    if has_settings(whole):
        return whole
    turns: list[str] = []
    for row in _dashed_apart([plain_text(_unescaped(row)) for row in _changes_apart(rows)]):
        begins = bool(_DASH.match(row) or _CHANGE.match(row)) or not turns
        whole = row = undirected(plain_text(_without_signs(row)), left_out, known, keep=keep)
        told = len(left_out)
        if not keep:
            row = _without_sounds(row, left_out)
        if not row:
            left_out += [whole] if whole and len(left_out) == told else []
            continue
        if begins:
            turns.append(row)
        else:
            turns[-1] += " " + row
    return _tagged(turns, known) if len(turns) > 1 else "".join(turns)


def is_plain(text: str) -> bool:
    """Whether a reader of captions takes a text as it stands."""
    return spoken_text([text], []) == text


def staged_text(row: str, left_out: list[str], *, keep: bool = False) -> str:
    """A row of plain dialogue without the sounds in brackets; a direction behind a name is left to `undirected`."""
    if keep or has_settings(row):
        return row
    directed = _ROUND_DIRECTION.match(row)

    def part(match: re.Match[str]) -> str:
        if directed is not None and match.span() == directed.span(2):
            return match.group()
        if not is_sound(match.group()[1:-1]) or TAG.fullmatch(match.group()) or find_tags(match.group())[0]:
            return match.group()
        left_out.append(match.group())
        return " "

    for pattern in (_ROUND, _SQUARE_AFTER_TEXT):
        row = pattern.sub(part, row)
        directed = _ROUND_DIRECTION.match(row)
    row = plain_text(row)
    if row and not any(map(str.isalnum, row)):
        left_out.append(row)
        return ""
    return row


def _changes_apart(rows: Sequence[str]) -> list[str]:
    """Rows in which every sign of a new speaker stands at the start."""
    return [part for row in rows for part in _CHANGE_INSIDE.split(row)]


def _dashed_apart(rows: Sequence[str]) -> list[str]:
    """Rows in which every dash of a dialogue stands at the start, and no dash where only one person speaks."""
    apart: list[str] = []
    for row in rows:
        apart += _DASH_INSIDE.sub("\n- ", row).split("\n") if _DASH.match(row) else [row]
    if sum(bool(_DASH.match(row)) for row in apart) > 1:
        return apart
    return [_DASH.sub("", row) if at == 0 else row for at, row in enumerate(rows)]


def _tagged(turns: Sequence[str], known: Known) -> str:
    """The turns of a dialogue in one cue, each behind a speaker tag."""
    parts = []
    for at, turn in enumerate(turns):
        header = read_header(turn, lenient=True, known=known)
        name = header.speaker or (FIRST, SECOND)[at % 2]
        parts.append(f"[speaker {name}] {turn[header.at :].strip()}")
    return " ".join(parts)


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda match: html.unescape(match.group()).replace("\xa0", " "), text)


def _without_sounds(row: str, left_out: list[str]) -> str:
    def square(match: re.Match[str]) -> str:
        content = match.group()
        if TAG.fullmatch(content) or find_tags(content)[0] or _COLON.match(row, match.end()):
            return content
        left_out.append(content)
        return " "

    def round_(match: re.Match[str]) -> str:
        content = match.group()
        if not is_sound(content[1:-1]):
            return content
        left_out.append(content)
        return " "

    row = _LEADING_COLON.sub("", _ROUND.sub(round_, _SQUARE.sub(square, row)))
    row = _HASH_MUSIC.sub(r"\1", row)
    if _MUSIC.search(row):
        left_out.append("♪")
        row = _MUSIC.sub(" ", row)
    row = plain_text(row)
    return row if any(character.isalnum() for character in row) else ""


def is_sound(words: str) -> bool:
    """Whether words in round brackets describe a sound or a way of speaking, and are no speech."""
    return len(words.split()) <= _MOST_WORDS and (_SOUND.search(words) is not None or words.isupper())
