"""A mel spectrogram with seconds below, kilohertz beside it and decibels in its colours."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from torch import Tensor

from ..contracts import MelSpectrogram
from ..errors import InputError
from .axes import time_axis
from .canvas import FAINT, PANEL, SMALL_SIZE, TEXT, TITLE_SIZE, Box, Canvas, Colour
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH

HEIGHT_SHARE = 0.56
DECIBELS_PER_NEPER = 20.0 / math.log(10.0)  # the values are natural logarithms of magnitudes
RANGE_DECIBELS = 80.0  # from the loudest place down to black
KILOHERTZ = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
HEAT: tuple[Colour, ...] = (
    (8, 8, 22),
    (44, 20, 92),
    (122, 34, 120),
    (205, 62, 92),
    (247, 134, 66),
    (252, 210, 110),
    (255, 252, 225),
)
"""Colours from quiet to loud, evenly brighter."""

SLANEY_LINEAR_HZ = 200.0 / 3.0  # hertz per mel below 1 kHz, on the scale of the model's filterbank
SLANEY_BREAK_HZ = 1000.0
SLANEY_LOG_STEP = math.log(6.4) / 27.0  # natural logarithm of hertz per mel above


def draw_mel(
    mel: MelSpectrogram, *, low_hz: float = 0.0, high_hz: float | None = None, width: int = DEFAULT_WIDTH
) -> Tensor:
    """All segments of a mel spectrogram on one time line, with the pauses between them.

    low_hz, high_hz: edges of the lowest and the highest band; None is half the sample rate.
    Returns (height, width, 3) float32.
    """
    canvas, size = Canvas(width, round(width * HEIGHT_SHARE)), width / DESIGN_WIDTH
    columns, borders = _joined(mel)
    seconds = columns.shape[1] * mel.hop / mel.sample_rate
    count = mel.mel.shape[0]
    frames = int(mel.frame_lengths.sum())
    title = f"Mel spectrogram: {seconds:.2f} s, {frames} frames" + (f", {count} segments" if count > 1 else "")
    canvas.text(24 * size, 16 * size, title, size=round(TITLE_SIZE * size))
    box = Box(64 * size, 62 * size, width - 86 * size, canvas.height - 42 * size)
    canvas.box(box, PANEL)
    canvas.paste(_coloured(columns), box)
    for place in borders:
        across = box.across(place / columns.shape[1])
        canvas.dashed((across, box.top), (across, box.bottom), TEXT, 1.5 * size, 5 * size)
    time_axis(canvas, box, seconds, size, grid=False)
    _frequency_axis(canvas, box, size, low_hz, high_hz or mel.sample_rate / 2)
    _scale(canvas, size, Box(width - 74 * size, box.top, width - 58 * size, box.bottom))
    return canvas.to_tensor()


def quick_mel(mel: Tensor, *, width: int) -> Image.Image:
    """A mel without axes, to look at while it grows. mel: (bands, frames); two pixels per band."""
    decibels = DECIBELS_PER_NEPER * mel.float().cpu().numpy()
    return Image.fromarray(_coloured(decibels - decibels.max())).resize(
        (width, 2 * mel.shape[0]), Image.Resampling.BILINEAR
    )


def _joined(mel: MelSpectrogram) -> tuple[np.ndarray, list[int]]:
    """(bands, columns) decibels below the loudest place, and the columns where segments begin and end."""
    parts: list[np.ndarray] = []
    borders: list[int] = []
    place = 0
    bands = mel.mel.shape[1]
    for row, pause in enumerate(mel.pauses):
        frames = int(mel.frame_lengths[row])
        silence = round(pause * mel.sample_rate / mel.hop)
        parts.append(mel.mel[row, :, :frames].detach().float().cpu().numpy())
        parts.append(np.full((bands, silence), -np.inf, dtype=np.float32))
        borders += [place + frames, place + frames + silence] if silence else [place + frames]
        place += frames + silence
    joined = np.concatenate(parts, axis=1) if parts else np.zeros((bands, 0), dtype=np.float32)
    if not np.isfinite(joined).any() or np.isnan(joined).any():
        raise InputError("The mel spectrogram has no frames, or holds NaN. Look at the node that made it.")
    return (joined - joined[np.isfinite(joined)].max()) * DECIBELS_PER_NEPER, [at for at in borders if at < place]


def _coloured(decibels: np.ndarray) -> np.ndarray:
    """(bands, columns)  ->  (bands, columns, 3) uint8 with the highest band on top."""
    share = np.clip(1.0 + decibels[::-1] / RANGE_DECIBELS, 0.0, 1.0)
    return heat(share)


def heat(share: np.ndarray) -> np.ndarray:
    """Colours of shares in 0..1: one dimension more, of size 3, uint8."""
    stops = np.linspace(0.0, 1.0, len(HEAT))
    channels = [np.interp(share, stops, [colour[channel] for colour in HEAT]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _frequency_axis(canvas: Canvas, box: Box, size: float, low_hz: float, high_hz: float) -> None:
    lowest, highest = _mels(low_hz), _mels(high_hz)
    small = round(SMALL_SIZE * size)
    for kilohertz in KILOHERTZ:
        hertz = 1000.0 * kilohertz
        if low_hz < hertz < high_hz:
            up = box.up((_mels(hertz) - lowest) / (highest - lowest))
            canvas.line([(box.left - 6 * size, up), (box.left, up)], FAINT, size)
            canvas.text(box.left - 9 * size, up, f"{kilohertz:g}", size=small, colour=FAINT, anchor="rm")
    canvas.text(box.left - 9 * size, box.bottom + 9 * size, "kHz", size=small, colour=FAINT, anchor="ra")


def _scale(canvas: Canvas, size: float, box: Box) -> None:
    """The colours, with decibels below the loudest place."""
    canvas.paste(heat(np.linspace(1.0, 0.0, 64)[:, None]), box)
    small = round(SMALL_SIZE * size)
    for share, anchor in ((1.0, "la"), (0.5, "lm"), (0.0, "lb")):
        value = f"{(share - 1.0) * RANGE_DECIBELS:.0f}" if share < 1.0 else "0 dB"
        canvas.text(box.right + 5 * size, box.up(share), value, size=small, colour=FAINT, anchor=anchor)


def _mels(hertz: float) -> float:
    """The scale of the model's filterbank: linear to 1 kHz, logarithmic above."""
    if hertz < SLANEY_BREAK_HZ:
        return hertz / SLANEY_LINEAR_HZ
    return SLANEY_BREAK_HZ / SLANEY_LINEAR_HZ + math.log(hertz / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP
