"""Captions as SubRip, WebVTT (with the time of each word where wanted), ASS karaoke, and JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..checks import check_fields, check_whole
from ..contracts import SpokenWord, SpokenWords
from ..errors import InputError
from ..foreign import read_json, shown
from .caption_cues import Caption, CaptionSettings, captions_of, joined
from .model import clock, milliseconds_at, milliseconds_of
from .subtitles import ARROW

CENTISECOND_MS = 10
HIGHEST_RATE = 768_000  # samples per second
_ASS_HEAD = """[Script Info]
ScriptType: v4.00+
PlayResX: 1280
PlayResY: 720
WrapStyle: 2

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,48,&H00FFFFFF,&H0000C8FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,2,1,2,40,40,40,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def _srt(captions: Sequence[Caption], words: SpokenWords, settings: CaptionSettings) -> str:
    cues = []
    for number, one in enumerate(captions, start=1):
        name = f"{one.speaker}: " if one.speaker else ""
        text = "\n".join(row.replace(ARROW, "→") for row in one.texts)
        cues.append(f"{number}\n{clock(one.start_ms)} {ARROW} {clock(one.end_ms)}\n{name}{text}\n")
    return "\n".join(cues)


def _vtt(captions: Sequence[Caption], words: SpokenWords, settings: CaptionSettings) -> str:
    cues = ["WEBVTT\n"]
    for one in captions:
        voice = f"<v {html.escape(one.speaker, quote=False)}>" if one.speaker else ""
        plain = [html.escape(row, quote=False) for row in one.texts]
        timed = [_timed_row(one, index, words.sample_rate) for index in range(len(one.rows))]
        body = "\n".join(timed if settings.word_times else plain)
        cues.append(f"{clock(one.start_ms, '.')} {ARROW} {clock(one.end_ms, '.')}\n{voice}{body}\n")
    return "\n".join(cues)


def _timed_row(one: Caption, index: int, rate: int) -> str:
    """A row in which every word but the first of the cue begins with its time, which lies within the cue and rises."""
    row, text, last = one.rows[index], "", one.start_ms
    for place, word in enumerate(row):
        begins = milliseconds_at(word.start, rate)
        between = joined(row[: place + 1])[len(joined(row[:place])) : -len(word.text)] if place else ""
        stamp = ""
        if (index or place) and last < begins < one.end_ms:
            stamp, last = f"<{clock(begins, '.')}>", begins
        text += between + stamp + html.escape(word.text, quote=False)
    return text


def _ass(captions: Sequence[Caption], words: SpokenWords, settings: CaptionSettings) -> str:
    rows = [_ass_row(one, words.sample_rate) for one in captions]
    return _ASS_HEAD + "".join(rows)


def _ass_row(one: Caption, rate: int) -> str:
    """A cue whose words are filled while they are spoken; \\k counts hundredths of a second on from the last."""
    begins = round(one.start_ms / CENTISECOND_MS)
    at, text = begins, ""
    for index, row in enumerate(one.rows):
        text += "\\N" if index else ""
        for place, word in enumerate(row):
            start, end = (round(milliseconds_at(sample, rate) / CENTISECOND_MS) for sample in (word.start, word.end))
            between = joined(row[: place + 1])[len(joined(row[:place])) : -len(word.text)] if place else ""
            start = max(at, start)
            text += f"{{\\k{start - at}}}{between}" if start > at or between else ""
            end = max(start, end)
            text += f"{{\\k{end - start}}}{word.text.translate(_PLAIN)}"
            at = end
    name = one.speaker.replace(",", " ")
    return f"Dialogue: 0,{_ass_clock(one.start_ms)},{_ass_clock(one.end_ms)},Default,{name},0,0,0,,{text}\n"


_PLAIN = str.maketrans({"{": "(", "}": ")", "\\": "/"})


def _ass_clock(milliseconds: int) -> str:
    hundredths = round(milliseconds / CENTISECOND_MS)
    seconds, rest = divmod(hundredths, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:02}"


def _json(captions: Sequence[Caption], words: SpokenWords, settings: CaptionSettings) -> str:
    rate = words.sample_rate
    content = {
        "sample_rate": rate,
        "seconds": round(words.sample_count / rate, 6),
        "captions": [
            {
                "start": one.start_ms / 1000,
                "end": one.end_ms / 1000,
                "speaker": one.speaker,
                "rows": list(one.texts),
            }
            for one in captions
        ],
        "words": [
            {
                "text": word.text,
                "start": round(word.start / rate, 6),
                "end": round(word.end / rate, 6),
                "speaker": word.speaker,
                "group": word.group,
            }
            for word in words.words
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


CAPTION_KINDS: dict[str, Callable[[Sequence[Caption], SpokenWords, CaptionSettings], str]] = {
    "srt": _srt,
    "vtt": _vtt,
    "ass": _ass,
    "json": _json,
}
"""Kinds of caption files, which are their suffixes too."""


def caption_kind(path: Path) -> str:
    """The kind that the suffix of a file says. Raises InputError."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in CAPTION_KINDS:
        raise InputError(f"Captions are written as {', '.join(CAPTION_KINDS)}, but the file is called '{path.name}'.")
    return kind


def write_captions(words: SpokenWords, kind: str, settings: CaptionSettings | None = None) -> str:
    """The content of a caption file of one of CAPTION_KINDS. Raises InputError for another kind, or without words."""
    if kind not in CAPTION_KINDS:
        raise InputError(f"Captions are written as {', '.join(CAPTION_KINDS)}, but got '{kind}'.")
    settings = settings or CaptionSettings()
    return CAPTION_KINDS[kind](captions_of(words, settings), words, settings)


def write_caption_file(words: SpokenWords, path: Path, settings: CaptionSettings | None = None) -> None:
    """Write captions to a file whose suffix says the kind. Raises InputError."""
    write_text(path, write_captions(words, caption_kind(path), settings))


def read_words(path: Path) -> SpokenWords:
    """Words in time of a JSON file that `write_caption_file` wrote. Raises InputError naming what is wrong."""
    try:
        content = read_json(path)
        rate = check_whole("sample_rate", content["sample_rate"], (1, HIGHEST_RATE))
        words = tuple(_word(word, rate) for word in content["words"])
        return SpokenWords(words, rate, _sample(content["seconds"], rate))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path.name} does not hold words in time ({error}). Write them with --captions FILE.json."
        ) from error


def _word(word: Mapping[str, Any], rate: int) -> SpokenWord:
    found = SpokenWord(
        word["text"],
        _sample(word["start"], rate),
        _sample(word["end"], rate),
        word.get("group", 0),
        word.get("speaker", ""),
    )
    check_fields(found, group=(0, None))
    return found


def _sample(seconds: Any, rate: int) -> int:
    """The sample nearest to a time. Raises InputError for what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InputError(f"a time in seconds is expected, but got {shown(seconds)}")
    milliseconds_of(seconds)  # within what a track may last
    return round(seconds * rate)
