"""The picture of the chain: the stages as boxes, the values of `indextts2/contracts.py` on the arrows.

    python -m tools.chain_picture          # writes docs/figures/chain.svg

Boxes and arrows are the two tables below. A test compares them with the signatures of the functions they name.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "figures" / "chain.svg"

WIDTH, HEIGHT = 1000, 600
BOX_WIDTH, BOX_HEIGHT = 216, 64
FONT = "ui-sans-serif, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
INK, QUIET, PAPER = "#1f2430", "#5b6472", "#ffffff"
SPEAKER, TEXT, EMOTION, SOUND = "#dbe7ff", "#fff1cf", "#ffdfe6", "#dcf3e3"


class Box(NamedTuple):
    """A stage: its function, what computes it, and where its centre stands. `module` is below `indextts2.stages`."""

    function: str
    module: str
    below: str
    x: int
    y: int
    fill: str


class Given(NamedTuple):
    """A value the user gives or gets, without a box."""

    text: str
    x: int
    y: int


class Arrow(NamedTuple):
    """From one box or given value to another. label: the contract that travels. way: points between, as (x, y)."""

    source: str
    target: str
    label: str
    label_at: tuple[int, int]
    way: tuple[tuple[int, int], ...]


BOXES = (
    Box("encode_reference", "reference", "semantic and style encoders", 150, 90, SPEAKER),
    Box("condition_speaker", "conditions", "conformer, perceiver", 500, 90, SPEAKER),
    Box("prepare_text", "prepare_text", "normalise, tokenise, split", 150, 240, TEXT),
    Box("text_to_semantic", "t2s.text_to_semantic", "autoregressive transformer", 500, 240, TEXT),
    Box("semantic_to_mel", "semantic_to_mel", "flow matching", 850, 240, SOUND),
    Box("mel_to_audio", "mel_to_audio", "BigVGAN vocoder", 850, 400, SOUND),
    Box("emotion_from_text", "emotion.from_text", "small language model", 150, 400, EMOTION),
    Box("speaker_emotion", "emotion.bank", "rows of the emotion bank", 500, 400, EMOTION),
    Box("emotion_from_reference", "conditions", "conformer, perceiver", 500, 540, EMOTION),
)

GIVEN = (
    Given("recording", 150, 20),
    Given("text", 150, 165),
    Given("length", 325, 310),
    Given("text", 150, 330),
    Given("sliders", 500, 482),
    Given("another recording", 150, 540),
    Given("sound", 850, 500),
)

ARROWS = (
    Arrow("recording", "encode_reference", "Waveform", (195, 47), ((150, 30), (150, 58))),
    Arrow("encode_reference", "condition_speaker", "Reference", (324, 80), ((258, 90), (392, 90))),
    Arrow("condition_speaker", "text_to_semantic", "Speaker", (535, 170), ((500, 122), (500, 208))),
    Arrow("condition_speaker", "semantic_to_mel", "Speaker", (725, 80), ((608, 90), (850, 90), (850, 208))),
    Arrow("text", "prepare_text", "", (0, 0), ((150, 176), (150, 208))),
    Arrow("prepare_text", "text_to_semantic", "PreparedText", (324, 220), ((258, 230), (392, 230))),
    Arrow("length", "text_to_semantic", "Duration", (358, 278), ((325, 296), (325, 256), (392, 256))),
    Arrow("text_to_semantic", "semantic_to_mel", "SemanticSpeech", (674, 230), ((608, 240), (742, 240))),
    Arrow("semantic_to_mel", "mel_to_audio", "MelSpectrogram", (915, 325), ((850, 272), (850, 368))),
    Arrow("mel_to_audio", "sound", "Speech", (882, 462), ((850, 432), (850, 484))),
    Arrow("text", "emotion_from_text", "", (0, 0), ((150, 341), (150, 368))),
    Arrow("emotion_from_text", "speaker_emotion", "EmotionWeights", (324, 390), ((258, 400), (392, 400))),
    Arrow("sliders", "speaker_emotion", "EmotionWeights", (564, 456), ((500, 468), (500, 432))),
    Arrow("speaker_emotion", "text_to_semantic", "Emotion", (515, 335), ((480, 368), (480, 272))),
    Arrow(
        "emotion_from_reference",
        "text_to_semantic",
        "Emotion",
        (690, 430),
        ((618, 540), (655, 540), (655, 330), (560, 330), (560, 272)),
    ),
    Arrow("another recording", "emotion_from_reference", "Reference", (320, 530), ((230, 540), (382, 540))),
)


def draw() -> str:
    """The whole picture as SVG text; the same bytes every time."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="{FONT}">',
        "<title>The chain of IndexTTS2: stages and the values between them</title>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{QUIET}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{PAPER}"/>',
        *(_arrow(arrow) for arrow in ARROWS),
        *(_box(box) for box in BOXES),
        *(_text(given.text, given.x, given.y + 5, 16, INK, style="italic") for given in GIVEN),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(box: Box) -> str:
    width = max(BOX_WIDTH, 10 * len(box.function) + 16)
    left, top = box.x - width // 2, box.y - BOX_HEIGHT // 2
    return "\n".join(
        (
            f'<rect x="{left}" y="{top}" width="{width}" height="{BOX_HEIGHT}" rx="10" fill="{box.fill}" '
            f'stroke="{INK}"/>',
            _text(box.function, box.x, box.y - 4, 16, INK, weight=600),
            _text(box.below, box.x, box.y + 18, 13, QUIET),
        )
    )


def _arrow(arrow: Arrow) -> str:
    way = " ".join(f"{'M' if index == 0 else 'L'}{x} {y}" for index, (x, y) in enumerate(arrow.way))
    line = f'<path d="{way}" fill="none" stroke="{QUIET}" stroke-width="1.5" marker-end="url(#head)"/>'
    return f"{line}\n{_text(arrow.label, *arrow.label_at, 14, INK)}" if arrow.label else line


def _text(words: str, x: int, y: int, size: int, fill: str, *, weight: int = 400, style: str = "normal") -> str:
    face = (f' font-weight="{weight}"' if weight != 400 else "") + (
        f' font-style="{style}"' if style != "normal" else ""
    )
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="middle"{face}>{escape(words)}</text>'


def main() -> None:
    """Write the picture where the README and the architecture page show it."""
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
