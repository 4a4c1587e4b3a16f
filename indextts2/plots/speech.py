"""Speech on its clock: the waveform, and below it every word over the sound that says it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..contracts import Waveform
from ..errors import InputError
from .axes import time_axis
from .canvas import ACCENT, FAINT, PANEL, SMALL_SIZE, TEXT, Box, Canvas, Colour
from .emotion import DEFAULT_WIDTH, DESIGN_WIDTH

WAVE_HEIGHT, WORD_HEIGHT, HEAD, FOOT, SIDE = 110, 30, 14, 44, 20
WORD_ROWS = 2
"""Words take turns in so many rows, so that long names of short sounds find room."""

WORD_COLOURS: tuple[Colour, ...] = ((58, 92, 138), (78, 70, 132))
NARROWEST = 14  # pixels of a word whose name is worth writing


def draw_speech(speech: Waveform, words: Sequence[tuple[str, int, int]] = (), *, width: int = DEFAULT_WIDTH) -> Tensor:
    """Draw the first row of `speech` over seconds. words: (text, first sample, end) in the order in which they begin.

    Returns (height, width, 3) float32. Raises InputError for audio without a sample.
    """
    samples = speech.mono[0].cpu().numpy()
    if not len(samples):
        raise InputError("The audio holds no sample, so there is nothing to draw.")
    size = width / DESIGN_WIDTH
    rows = WORD_ROWS if words else 0
    canvas = Canvas(width, round((HEAD + WAVE_HEIGHT + rows * WORD_HEIGHT + FOOT) * size))
    left, right = SIDE * size, width - SIDE * size
    wave = Box(left, HEAD * size, right, (HEAD + WAVE_HEIGHT) * size)
    canvas.box(wave, PANEL)
    area = Box(left, wave.top, right, wave.bottom + rows * WORD_HEIGHT * size)
    time_axis(canvas, area, len(samples) / speech.sample_rate, size)
    _envelope(canvas, wave, samples)
    for number, word in enumerate(words):
        _word(canvas, wave, word, len(samples), number % WORD_ROWS, size)
    return canvas.to_tensor()


def _envelope(canvas: Canvas, box: Box, samples: np.ndarray) -> None:
    """The loudest sample of every column, up and down from the middle, as large as fits."""
    columns = max(1, min(round(box.width), len(samples)))
    peaks = np.array([np.abs(part).max() for part in np.array_split(samples, columns)])
    peaks = peaks / max(float(peaks.max()), 1e-6)
    middle, reach = (box.top + box.bottom) / 2, 0.46 * box.height
    for column, peak in enumerate(peaks.tolist()):
        x = box.across((column + 0.5) / columns)
        canvas.line([(x, middle - reach * peak), (x, middle + reach * peak)], ACCENT, 1.0)


def _word(canvas: Canvas, wave: Box, word: tuple[str, int, int], sample_count: int, row: int, size: float) -> None:
    text, first, end = word
    left, right = wave.across(first / sample_count), wave.across(min(end, sample_count) / sample_count)
    top = wave.bottom + row * WORD_HEIGHT * size
    canvas.box(Box(left, top + 3 * size, max(right, left + 1), top + (WORD_HEIGHT - 3) * size), WORD_COLOURS[row])
    canvas.dashed((left, wave.top), (left, top), FAINT, size, 4 * size)
    if right - left >= NARROWEST * size:
        small = round(SMALL_SIZE * size)
        shown = canvas.fitted(text, right - left - 4 * size, small)
        canvas.text((left + right) / 2, top + WORD_HEIGHT * size / 2, shown, size=small, colour=TEXT, anchor="mm")
