"""The picture of an example graph in the browser's list of templates: its title, what it is for, and what it made.

`python -m tools.real_host ADDRESS --json FILE --thumbnails` draws them from the pictures on the nodes of each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN, GAP = 640, 400, 18, 10
BACK, INK, PALE = "#1b1c20", "#f2f2f2", "#b4b8c0"
TITLE_SIZE, ABOUT_SIZE, LINE_HEIGHT = 34, 21, 27
MOST_PICTURES = 2


def compose(title: str, about: str, pictures: Sequence[Image.Image]) -> Image.Image:
    """Title and sentence in letters that can be read in a list, then the first pictures, each as large as fits."""
    made = Image.new("RGB", (WIDTH, HEIGHT), BACK)
    pen = ImageDraw.Draw(made)
    size = TITLE_SIZE
    while pen.textlength(title, font=ImageFont.load_default(size)) > WIDTH - 2 * MARGIN:
        size -= 1
    pen.text((MARGIN, MARGIN - 4), title, fill=INK, font=ImageFont.load_default(size))
    top = MARGIN + TITLE_SIZE + GAP
    for line in _wrapped(about, pen):
        pen.text((MARGIN, top), line, fill=PALE, font=ImageFont.load_default(ABOUT_SIZE))
        top += LINE_HEIGHT
    top += GAP
    shown = pictures[:MOST_PICTURES]
    height, gaps = sum(_height(picture) for picture in shown), GAP * (len(shown) - 1)
    share = min(1.0, (HEIGHT - MARGIN - top - gaps) / max(1.0, height))
    top += (HEIGHT - MARGIN - top - gaps - share * height) / 2
    for picture in shown:
        scale = share * (WIDTH - 2 * MARGIN) / picture.width
        small = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
        made.paste(small, ((WIDTH - small.width) // 2, round(top)))
        top += small.height + GAP
    return made


def _wrapped(text: str, pen: ImageDraw.ImageDraw) -> list[str]:
    """Lines no wider than the picture."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        fits = pen.textlength(longer, font=ImageFont.load_default(ABOUT_SIZE)) <= WIDTH - 2 * MARGIN
        lines[-1:] = [longer] if fits or not lines else [lines[-1], word]
    return lines


def _height(picture: Image.Image) -> float:
    """Of a picture as wide as the room for it."""
    return picture.height * (WIDTH - 2 * MARGIN) / picture.width


def save(title: str, about: str, pictures: Sequence[Image.Image], path: Path) -> None:
    compose(title, about, pictures).save(path, quality=85, optimize=True)
