"""Prosody between the teacher's predictors and its sound: durations, F0, energy, breath and creak of one utterance.

Everything reads the IPA string: a word is what stands between spaces, a content word one that bears a primary stress,
its stressed vowel the letters behind the mark. Curves have two values per unit of duration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .decoder import HOP, VOICED_HZ, Source
from .styles import Prosody

STRESS = "ˈ"
VOWELS = frozenset("aeiouæɑɒɐɔəɚɛɜɪᵻʊʌAEIOUWY")
MARKS = ".,;:!?…—"
VALUES_PER_UNIT = 2
UNIT = HOP * VALUES_PER_UNIT  # samples
HUSH, HUSH_RAMP = 0.003, 481  # gain in a pause; samples of its edges
EARLY_VALUES = 4  # the sound of a token runs about two units ahead of its place in the curves
F0_LIMITS = (50.0, 600.0)
CURVE_RATE = 80.0
TREMOLO_HZ = 6.0
CREAK_HZ = 62.0
FINAL_UNITS = 20  # of sound before the end within which it rises or turns creaky
ROUGH_JITTER = 0.06  # of F0 in full creak
ACCENT_VALUES = 14.0  # half width of the bump of a stressed word, in curve values
WORDS_BETWEEN_PAUSES = 2


def stressed_vowels(phonemes: str) -> list[tuple[int, int]]:
    """Spans [first, last) of the vowels of primary stress, as places in the phoneme string."""
    spans = []
    for place, letter in enumerate(phonemes):
        if letter != STRESS:
            continue
        first = place + 1
        while first < len(phonemes) and phonemes[first] not in VOWELS and phonemes[first] != " ":
            first += 1
        last = first
        while last < len(phonemes) and (phonemes[last] in VOWELS or phonemes[last] == "ː"):
            last += 1
        if last > first:
            spans.append((first, last))
    return spans


def pause_places(phonemes: str, share: float, random: np.random.Generator) -> list[int]:
    """Spaces behind content words at which a speaker may stop, never two within WORDS_BETWEEN_PAUSES words."""
    spaces = [place for place, letter in enumerate(phonemes) if letter == " "]
    chosen: list[int] = []
    begun, since = 0, 0
    for place in spaces:
        word, begun, since = phonemes[begun:place], place + 1, since + 1
        if STRESS in word and since >= WORDS_BETWEEN_PAUSES and word[-1] not in MARKS and random.random() < share:
            chosen.append(place)
            since = 0
    return chosen


@dataclass(frozen=True, slots=True)
class Plan:
    """Whole units per token, (tokens,), and the stretches of pauses in units from the start, (pauses, 2)."""

    units: np.ndarray
    pauses: np.ndarray


def planned(phonemes: str, raw: np.ndarray, prosody: Prosody, random: np.random.Generator) -> Plan:
    """Durations of a style: pace, stretched stresses, lengthened end, pauses. No token is shorter than one unit.

    raw: (tokens,) units at the teacher's own pace, the two silences included. Rounding carries its remainder along, so
    that a pace of 0.97 is heard.
    """
    wanted = raw / prosody.speed
    for first, last in stressed_vowels(phonemes):
        wanted[first + 1 : last + 1] *= 1.0 + prosody.stretch
    letters = [place for place, letter in enumerate(phonemes) if letter.isalpha()]
    vowels = [place for place in letters if phonemes[place] in VOWELS]
    if vowels:
        start = vowels[-1] + 1
        wanted[start : letters[-1] + 2] *= 1.0 + prosody.final_stretch
    edges = np.rint(np.concatenate([[0.0], np.cumsum(wanted)]))
    units = np.maximum(np.diff(edges), 1.0)
    longer = np.zeros_like(units)
    for place in pause_places(phonemes, prosody.pause_share, random):
        longer[place + 1] = round(prosody.pause_units * float(random.uniform(0.7, 1.3)))
    units = (units + longer).astype(np.int64)
    paused = np.flatnonzero(longer)
    ends = np.cumsum(units)[paused] - EARLY_VALUES // VALUES_PER_UNIT
    return Plan(units, np.stack([ends - longer[paused], ends], axis=1).astype(np.int64))


def hushed(samples: np.ndarray, pauses: np.ndarray) -> np.ndarray:
    """Quiet in every pause, one unit short of its end: the teacher fills a long space with murmurs. (samples,) each."""
    gain = np.ones(len(samples), dtype=np.float32)
    for start, end in pauses:
        gain[max(start, 0) * UNIT : max(end - 1, 0) * UNIT] = HUSH
    ramp = np.hanning(HUSH_RAMP) / np.hanning(HUSH_RAMP).sum()
    smooth = np.convolve(np.pad(gain, HUSH_RAMP // 2, mode="edge"), ramp, mode="valid")
    return samples * smooth.astype(np.float32)


def _value_spans(units: np.ndarray) -> np.ndarray:
    """First and last curve value at which every token sounds: (tokens, 2)."""
    edges = np.concatenate([[0], np.cumsum(units)]) * VALUES_PER_UNIT - EARLY_VALUES
    return np.maximum(np.stack([edges[:-1], edges[1:]], axis=1), 0)


def accents(phonemes: str, units: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Bumps of height 0.6 to 1 around the stressed vowels, the last one the highest: (count,)."""
    spans, places = _value_spans(units), np.arange(count)
    bumps = np.zeros(count)
    vowels = stressed_vowels(phonemes)
    for number, (first, last) in enumerate(vowels):
        centre = (spans[first + 1, 0] + spans[last, 1]) / 2.0
        height = 1.0 if number == len(vowels) - 1 else float(random.uniform(0.6, 1.0))
        away = np.clip((places - centre) / ACCENT_VALUES, -1.0, 1.0)
        bumps = np.maximum(bumps, height * (0.5 + 0.5 * np.cos(np.pi * away)))
    return bumps


def shaped(
    phonemes: str, units: np.ndarray, f0: np.ndarray, energy: np.ndarray, prosody: Prosody, random: np.random.Generator
) -> tuple[Source, np.ndarray]:
    """The sound source and the energy curve of a style. f0, energy: (values,), the teacher's own prediction."""
    count = len(f0)
    voiced = f0 > VOICED_HZ
    bumps = accents(phonemes, units, count, random)
    mean = float(f0[voiced].mean()) if voiced.any() else 0.0
    place = (np.arange(count) + 1.0) / count - 0.5
    wave = np.sin(2.0 * np.pi * TREMOLO_HZ * np.arange(count) / CURVE_RATE + random.uniform(0.0, 2.0 * np.pi))
    melody = prosody.f0_gain * (mean + prosody.f0_range * (f0 - mean))
    melody = melody * (1.0 + prosody.f0_ramp * place) * (1.0 + prosody.f0_tremolo * wave)
    melody = melody * 2.0 ** (prosody.accent * (bumps - 0.35) / 12.0)
    spans = _value_spans(units)
    letters = [number for number, letter in enumerate(phonemes) if letter.isalpha()]
    end = int(spans[letters[-1] + 1, 1]) if letters else count  # what follows is silence
    before_end = np.clip((np.arange(count) - (end - FINAL_UNITS * VALUES_PER_UNIT)) / FINAL_UNITS, 0.0, 1.0)
    melody = melody * 2.0 ** (prosody.final_rise * before_end / 12.0)
    creak = np.clip(prosody.creak + prosody.final_creak * before_end, 0.0, 1.0) * voiced
    jitter = 1.0 + ROUGH_JITTER * creak * random.standard_normal(count)
    falling = np.clip(prosody.final_creak * before_end, 0.0, 1.0)
    melody = melody * jitter * (1.0 - falling) + np.minimum(melody, CREAK_HZ) * jitter * falling
    melody = np.where(voiced, np.clip(melody, *F0_LIMITS), f0)
    louder = prosody.energy * (1.0 + prosody.accent_energy * (bumps - 0.35))
    return Source(melody, np.full(count, prosody.breath), creak), energy * louder
