"""Prosody features of one utterance: pitch, energy, tilt, pace, pauses and voice, which the corpus's styles change."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from ..contracts import Waveform
from ..errors import AudioError, MissingDependency
from .listeners import JUDGE_RATE, judge_samples

INSTALL_PROSODY = "pip install librosa"

F0_LOW, F0_HIGH = 55.0, 550.0  # Hz; search range of the pitch tracker
F0_WINDOW, HOP = 1024, 160  # samples at the judges' rate: 64 ms windows every 10 ms
FRAMES_PER_SECOND = JUDGE_RATE / HOP
VOICED_HZ = 800.0  # above it breath hides the harmonics, most of all those of low voices
REFERENCE_HZ = 100.0
TILT_HZ = 2_000.0  # the corpus's styles shelve the spectrum here
QUIET_DB = 35.0  # frames this far below the loudest are pauses
MINIMUM_VOICED = 8  # frames
LEAST_VOICED_SPREAD = 1.0 / 24.0  # of voiced frames over the utterance, half that of even ones: a few tell no slope
TREND_SECONDS = 0.25  # what is slower than this is melody, not tremor
END_SECONDS = 0.3  # the last of the voiced frames, against the mean of all
PAUSE_SECONDS = 0.1  # quiet inside an utterance that is longer is a pause
LOW_HZ = 500.0  # the first harmonics lie below, most formants above
LARGEST_CORRELATION = 0.9999  # 40 dB of harmonicity


@dataclass(frozen=True, slots=True)
class ProsodyFeatures:
    """One number each: pitch in semitones over 100 Hz, ranges in semitones, levels in dB, rate in letters per second.

    f0_slope: semitones from start to end of a straight line, less where only a stretch is voiced; f0_tremor: standard
    deviation in semitones of what is faster than TREND_SECONDS; f0_end: the last END_SECONDS against the mean. tilt:
    energy above TILT_HZ against below; low_tilt: below LOW_HZ against from there to TILT_HZ. energy_range: 10th to
    90th percentile; level: mean of the spoken frames, whose neutral value differs by speaker and recording; fade: level
    from start to end. harmonicity: harmonics against noise (Boersma 1993); subharmonics: how much better two periods
    repeat than one. pauses and pause_length: pauses per second of the utterance, and their mean seconds.
    """

    f0_mean: float
    f0_deviation: float
    f0_range: float
    f0_slope: float
    f0_tremor: float
    tilt: float
    energy_range: float
    rate: float
    pause_share: float
    f0_end: float
    low_tilt: float
    level: float
    fade: float
    harmonicity: float
    subharmonics: float
    voiced_share: float
    pauses: float
    pause_length: float

    def vector(self) -> np.ndarray:
        """(features,) float64, in the order of the fields."""
        return np.array(astuple(self), dtype=np.float64)


FEATURE_NAMES = tuple(item.name for item in fields(ProsodyFeatures))


def pitch_track(samples: np.ndarray) -> np.ndarray:
    """F0 in Hz every 10 ms, NaN where unvoiced (probabilistic YIN of what lies below VOICED_HZ).

    samples: (samples,) at JUDGE_RATE -> (frames,)
    """
    librosa = _librosa()
    from scipy.signal import butter, sosfiltfilt

    low = sosfiltfilt(butter(4, VOICED_HZ, fs=JUDGE_RATE, output="sos"), samples).astype(samples.dtype)
    f0, _, _ = librosa.pyin(
        low, fmin=F0_LOW, fmax=F0_HIGH, sr=JUDGE_RATE, frame_length=F0_WINDOW, hop_length=HOP, resolution=0.2
    )
    return f0


def _librosa() -> Any:
    try:
        import librosa
    except ImportError as error:
        raise MissingDependency(f"Prosody features need librosa: {INSTALL_PROSODY}") from error
    return librosa


def _levels(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energy, spectral tilt and low tilt in dB, (frames,) each."""
    librosa = _librosa()
    power = np.abs(librosa.stft(samples, n_fft=F0_WINDOW, hop_length=HOP)) ** 2  # (bins, frames)
    edge = round(TILT_HZ * F0_WINDOW / JUDGE_RATE)
    low, high = power[:edge].sum(axis=0) + 1e-10, power[edge:].sum(axis=0) + 1e-10
    first = power[: round(LOW_HZ * F0_WINDOW / JUDGE_RATE)].sum(axis=0) + 1e-10
    return 10.0 * np.log10(low + high), 10.0 * np.log10(high / low), 10.0 * np.log10(first / (low - first + 2e-10))


def _correlation(frames: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Agreement of a frame with itself `lag` samples later, from 0 to LARGEST_CORRELATION. frames: (count, width)."""
    width = frames.shape[1]
    places = np.arange(width)[None] + lags[:, None]
    inside = places < width
    later = np.take_along_axis(frames, np.minimum(places, width - 1), axis=1) * inside
    earlier = frames * inside
    power = np.sqrt((earlier**2).sum(axis=1) * (later**2).sum(axis=1)) + 1e-12
    return np.clip((earlier * later).sum(axis=1) / power, 1.0 - LARGEST_CORRELATION, LARGEST_CORRELATION)


def _voice_quality(samples: np.ndarray, f0: np.ndarray, voiced: np.ndarray) -> tuple[float, float]:
    """Mean harmonicity in dB and subharmonics of the voiced frames."""
    padded = np.pad(samples, F0_WINDOW // 2)
    frames = np.stack([padded[place * HOP : place * HOP + F0_WINDOW] for place in voiced])
    lags = np.rint(JUDGE_RATE / f0[voiced]).astype(np.int64)
    one = np.max([_correlation(frames, lags + shift) for shift in (-1, 0, 1)], axis=0)
    two = np.max([_correlation(frames, 2 * lags + shift) for shift in (-2, -1, 0, 1, 2)], axis=0)
    return float((10.0 * np.log10(one / (1.0 - one))).mean()), float((two - one).mean())


def _pause_lengths(active: np.ndarray) -> list[float]:
    """Seconds of the pauses between the first and the last active frame."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (~active).astype(np.int64), [0]])))
    seconds = (edges[1::2] - edges[::2]) / FRAMES_PER_SECOND
    return [float(length) for length in seconds if length >= PAUSE_SECONDS]


def _slope(place: np.ndarray, values: np.ndarray) -> float:
    """Of a straight line through the values; less where their places cover only a stretch."""
    place = place - place.mean()
    return float((place * values).mean() / max((place * place).mean(), LEAST_VOICED_SPREAD))


def _smoothed(values: np.ndarray, frames: int) -> np.ndarray:
    kernel = np.ones(frames) / frames
    padded = np.pad(values, (frames // 2, frames - 1 - frames // 2), mode="edge")
    return np.convolve(padded, kernel, mode="valid")


def prosody_features(waveform: Waveform, text: str) -> ProsodyFeatures:
    """Measure one utterance; `text` is needed for the rate only. Raises AudioError when hardly anything is voiced."""
    samples = judge_samples(waveform)
    f0 = pitch_track(samples)
    energy, tilt, low_tilt = _levels(samples)
    frames = min(len(f0), len(energy))
    f0, energy, tilt, low_tilt = f0[:frames], energy[:frames], tilt[:frames], low_tilt[:frames]
    active = energy > energy.max() - QUIET_DB
    voiced = np.flatnonzero(~np.isnan(f0) & active)
    if len(voiced) < MINIMUM_VOICED:
        raise AudioError(f"Only {len(voiced)} voiced frames were found; prosody needs at least {MINIMUM_VOICED}.")
    semitones = 12.0 * np.log2(f0[voiced] / REFERENCE_HZ)
    melody = _smoothed(semitones, max(3, round(TREND_SECONDS * FRAMES_PER_SECOND)))
    first, last = np.flatnonzero(active)[[0, -1]]
    spoken = max(int(last - first) + 1, 1)
    sounding = np.flatnonzero(active)
    harmonicity, subharmonics = _voice_quality(samples, f0, voiced)
    pauses = _pause_lengths(active[first : last + 1])
    letters = sum(character.isalnum() for character in text)
    low, high = np.percentile(semitones, [10, 90])
    quiet, loud = np.percentile(energy[active], [10, 90])
    return ProsodyFeatures(
        f0_mean=float(semitones.mean()),
        f0_deviation=float(semitones.std()),
        f0_range=float(high - low),
        f0_slope=_slope((voiced - first) / spoken, semitones),
        f0_tremor=float((semitones - melody).std()),
        tilt=float(tilt[voiced].mean()),
        energy_range=float(loud - quiet),
        rate=letters * FRAMES_PER_SECOND / spoken,
        pause_share=float(1.0 - active[first : last + 1].mean()),
        f0_end=float(semitones[-round(END_SECONDS * FRAMES_PER_SECOND) :].mean() - semitones.mean()),
        low_tilt=float(low_tilt[voiced].mean()),
        level=float(energy[sounding].mean()),
        fade=_slope((sounding - first) / spoken, energy[sounding]),
        harmonicity=harmonicity,
        subharmonics=subharmonics,
        voiced_share=len(voiced) / len(sounding),
        pauses=len(pauses) * FRAMES_PER_SECOND / spoken,
        pause_length=float(np.mean(pauses)) if pauses else 0.0,
    )
