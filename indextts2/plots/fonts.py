"""Letters for pictures: Pillow's own font, and where that lacks a character, a font of the system that has it.

Nothing is bundled. Characters that no font at hand can draw are counted in brackets instead of shown as boxes.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import groupby

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SYSTEM_FONTS = (
    "msyh.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DejaVuSans.ttf",
)
"""File names under which common systems keep fonts with many scripts; Pillow looks in the system's font folders."""

PROBE_SIZE = 24
NOBODY_HAS = "\uffff"  # not a character; every font answers it with its sign for "missing"


def drawable(text: str) -> str:
    """The text as it can be drawn: line breaks become blanks, runs of unknown characters their count in brackets."""
    flat = " ".join(text.split())
    if all(_has(None, character) for character in flat):
        return flat
    name = _system_font(flat)
    plain = "".join(one if _has(None, one) or _has(name, one) else _without_accent(one) for one in flat)
    parts = []
    for known, run in groupby(plain, key=lambda character: _has(None, character) or _has(name, character)):
        characters = "".join(run)
        parts.append(characters if known else _counted(len(characters)))
    return "".join(parts)


def _without_accent(character: str) -> str:
    """The letter below an accent; the character itself where that is no plain letter."""
    letter = unicodedata.normalize("NFKD", character)[0]
    return letter if letter.isascii() else character


def _counted(count: int) -> str:
    return "[1 character]" if count == 1 else f"[{count} characters]"


def font_for(text: str, size: int) -> Font:
    """A font that has every character of a text that went through `drawable`."""
    if all(_has(None, character) for character in text):
        return _font(None, size)
    return _font(_system_font(text), size)


@lru_cache(maxsize=256)
def _system_font(text: str) -> str | None:
    """The system font that has most characters of a text; None when none has any that Pillow's own font lacks."""
    unusual = {character for character in text if not _has(None, character)}
    best, most = None, 0
    for name in _present_fonts():
        count = sum(_has(name, character) for character in unusual)
        if count > most:
            best, most = name, count
    return best


@lru_cache(maxsize=1)
def _present_fonts() -> tuple[str, ...]:
    return tuple(name for name in SYSTEM_FONTS if _font(name, PROBE_SIZE) is not _font(None, PROBE_SIZE))


@lru_cache(maxsize=64)
def _font(name: str | None, size: int) -> Font:
    if name is not None:
        try:
            return ImageFont.truetype(name, size)
        except OSError:  # this system does not have it
            return _font(None, size)
    return ImageFont.load_default(size)


@lru_cache(maxsize=16_384)
def _has(name: str | None, character: str) -> bool:
    if character.isspace():
        return True
    font = _font(name, PROBE_SIZE)
    return _ink(font, character) != _ink(font, NOBODY_HAS)


def _ink(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
