"""Draws the pictures on the help pages of the plot nodes, from values made up for them; no model runs.

Write them with: python -m tools.languages.plot_pictures
Run it again after a change of the drawing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from indextts2.audio.io import read_audio
from indextts2.config import MelConfig
from indextts2.contracts import DurationReport, EmotionWeights, SemanticSpeech
from indextts2.loading.find import built_in_references
from indextts2.plots.emotion import draw_profile, draw_weights
from indextts2.plots.mel import draw_mel
from indextts2.plots.timeline import draw_timeline, timeline_of
from indextts2.stages.duration import Clock
from indextts2.stages.emotion.bank import SLIDER_CAP
from indextts2.stages.emotion.measure import DEFAULT_LIMIT
from indextts2.stages.revoice import mel_from_audio

from . import pages

WIDTH = 640
COLOURS = 64
PROFILE = (0.82, -0.31, -0.44, 0.35, -0.52, -0.27, 0.41, 0.06)
CLOCK = Clock(22_050, 256, 22_050 / 256 / 25.0)
TEXTS = ("The door was open.", "And nobody had heard it.")
SECONDS = 4.0


def speech() -> SemanticSpeech:
    """Two segments; the second one was asked for longer than it came out."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([38, 46])
    samples = torch.tensor([0, 44_100])
    reports = (
        DurationReport("free", "free", None, 38),
        DurationReport("2 s", "model", 50, 46, sample_target=44_100),
    )
    return SemanticSpeech(
        torch.randint(0, 1024, (2, 46), generator=generator), lengths, None, torch.tensor([0, 173]), samples,
        (0.3, 0.0), reports, TEXTS,
    )  # fmt: skip


def pictures() -> dict[str, Tensor]:
    """Node -> its picture."""
    recording = read_audio(next(iter(built_in_references().values())))
    start = type(recording)(recording.samples[..., : round(SECONDS * recording.sample_rate)], recording.sample_rate)
    return {
        "PlotEmotionWeights": draw_weights(EmotionWeights.of(happy=0.55, afraid=0.2), cap=SLIDER_CAP, width=WIDTH),
        "PlotEmotion": draw_profile(PROFILE, 0.8, limit=DEFAULT_LIMIT, width=WIDTH),
        "PlotMel": draw_mel(mel_from_audio(MelConfig(), start), width=WIDTH),
        "PlotSemantic": draw_timeline(timeline_of(speech(), CLOCK), width=WIDTH),
    }


def place(node: str) -> Path:
    """Path of a node's picture, as its help page names it."""
    return Path(f"IndexTTS2_{node}") / "example.png"


def main() -> None:
    torch.set_num_threads(1)
    for node, picture in pictures().items():
        pixels = (picture.numpy() * 255.0).round().astype(np.uint8)
        Image.fromarray(pixels).quantize(COLOURS).save(pages.DOCS / place(node), optimize=True)


if __name__ == "__main__":
    main()
