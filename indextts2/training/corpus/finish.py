"""From the teacher's raw sound to a corpus file: tilt, trimmed edges with their durations, level, Opus."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np

from ...atomic import make_folder, write_bytes
from ...errors import TrainingError
from .styles import Prosody
from .teacher import DURATION_UNIT, SAMPLE_RATE, Spoken

EARLY_UNITS = 2  # the sound runs about 2.25 units ahead of the teacher's timing; whole units keep durations integers
SHELF_HZ = 2_000.0
QUIET_DB = -40.0  # below the loudest 10 ms: this quiet counts as silence when the edges are found
LEVEL_WINDOW = SAMPLE_RATE // 100
OPUS_LOWEST_RATE, OPUS_HIGHEST_RATE = 6_000, 256_000  # what libsndfile maps compression 1 and 0 to, per channel


def shelved(samples: np.ndarray, gain_db: float) -> np.ndarray:
    """High shelf above SHELF_HZ (Audio EQ Cookbook, slope 1). samples: (samples,) -> (samples,)."""
    if gain_db == 0.0:
        return samples
    from scipy.signal import lfilter

    amplitude = 10.0 ** (gain_db / 40.0)
    omega = 2.0 * math.pi * SHELF_HZ / SAMPLE_RATE
    cosine, alpha = math.cos(omega), math.sin(omega) / 2.0 * math.sqrt(2.0)
    root = 2.0 * math.sqrt(amplitude) * alpha
    plus, minus = amplitude + 1.0, amplitude - 1.0
    numerator = [
        amplitude * (plus + minus * cosine + root),
        -2.0 * amplitude * (minus + plus * cosine),
        amplitude * (plus + minus * cosine - root),
    ]
    denominator = [plus - minus * cosine + root, 2.0 * (minus - plus * cosine), plus - minus * cosine - root]
    return np.asarray(lfilter(numerator, denominator, samples), dtype=np.float32)


def faded(samples: np.ndarray, loss_db: float) -> np.ndarray:
    """Softer from start to end, evenly in dB. samples: (samples,) -> (samples,)."""
    if loss_db == 0.0:
        return samples
    return samples * (10.0 ** (np.linspace(0.0, -loss_db, len(samples)) / 20.0)).astype(np.float32)


def speech_limits(samples: np.ndarray) -> tuple[int, int]:
    """First and last sample (exclusive) of the 10 ms windows that are not quiet. Raises TrainingError for silence."""
    windows = len(samples) // LEVEL_WINDOW
    if windows == 0:
        raise TrainingError(f"The teacher returned only {len(samples)} samples.")
    power = np.square(samples[: windows * LEVEL_WINDOW]).reshape(windows, LEVEL_WINDOW).mean(axis=1)
    if not np.isfinite(power).all() or power.max() <= 0.0:
        raise TrainingError("The teacher returned silence or values that are not finite.")
    loud = np.flatnonzero(power >= power.max() * 10.0 ** (QUIET_DB / 10.0))
    return int(loud[0]) * LEVEL_WINDOW, (int(loud[-1]) + 1) * LEVEL_WINDOW


def finish(spoken: Spoken, prosody: Prosody, *, edge_seconds: float, peak_db: float) -> tuple[np.ndarray, list[int]]:
    """Trim, tilt, fade and level one utterance; the durations always sum to its samples.

    Its peak lies at peak_db plus the style's loudness.

    Returns samples (samples,) float32 and one unit count per phoneme character plus a silence at either end.
    """
    total = int(spoken.durations.sum())
    if len(spoken.durations) != len(spoken.phonemes) + 2 or total * DURATION_UNIT != len(spoken.samples):
        raise TrainingError(
            f"{len(spoken.durations)} durations of {total} units came for {len(spoken.phonemes)} phonemes and "
            f"{len(spoken.samples)} samples; expected are one per phoneme and two silences, "
            f"and {DURATION_UNIT} samples a unit."
        )
    samples = faded(shelved(spoken.samples, prosody.tilt_db), prosody.fade_db)
    start, end = speech_limits(samples)
    edge = round(edge_seconds * SAMPLE_RATE)
    first = max(0, (start - edge) // DURATION_UNIT)
    last = min(total, math.ceil((end + edge) / DURATION_UNIT))
    bounds = np.concatenate([[0], np.cumsum(spoken.durations) - EARLY_UNITS])  # (tokens + 1,) on the unit clock
    inner = np.clip(bounds[1:-1], first, last - EARLY_UNITS)
    durations = np.diff(np.concatenate([[first], inner, [last]]))
    kept = samples[first * DURATION_UNIT : last * DURATION_UNIT]
    kept = kept * np.float32(10.0 ** ((peak_db + prosody.loudness_db) / 20.0) / np.abs(kept).max())
    return kept, [int(units) for units in durations]


def write_opus(path: Path, samples: np.ndarray, bit_rate: int) -> None:
    """Write a 24 kHz mono Ogg Opus file; it appears under its name only when complete."""
    import soundfile

    make_folder(path.parent, TrainingError)
    compression = 1.0 - (bit_rate - OPUS_LOWEST_RATE) / (OPUS_HIGHEST_RATE - OPUS_LOWEST_RATE)
    content = io.BytesIO()  # libsndfile does not say that a disk is full
    soundfile.write(content, samples, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=compression)
    write_bytes(path, content.getvalue(), TrainingError)
