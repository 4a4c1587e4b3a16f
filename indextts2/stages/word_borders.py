"""Borders of words moved to where the sound begins and ends (docs/spec/control.md#words-in-time).

A token lasts 20 or 40 ms, and the silence between two words belongs to the tokens of one of them. The audio says better
where a word begins after a pause and where it ends before one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from ..contracts import SpokenWords

STEP_SECONDS = 0.005
WINDOW_SECONDS = 0.02
QUIET_DB = 35.0  # below the loud parts of the audio
LOUD_QUANTILE = 0.95
REACH_SECONDS = 0.12  # how far a border is moved
LEAST_PAUSE_SECONDS = 0.08  # shorter silences are closures of stops
LEAST_WORD_SECONDS = 0.02
SILENCE = 1e-9


def snapped_words(words: SpokenWords, samples: Tensor) -> SpokenWords:
    """The same words with their borders at the edges of the silences beside them.

    samples: (samples,) the audio at the rate of the words.
    """
    if not words.words or not samples.numel():
        return words
    rate = words.sample_rate
    least = round(LEAST_PAUSE_SECONDS * rate)
    long_enough = silences_of(samples, rate)
    starts, ends = [word.start for word in words.words], [word.end for word in words.words]
    reach, shortest = round(REACH_SECONDS * rate), round(LEAST_WORD_SECONDS * rate)
    starts[0] = _start(starts[0], ends[0] - shortest, long_enough)
    ends[-1] = _end(ends[-1], starts[-1] + shortest, long_enough)
    for place, (before, after) in enumerate(pairwise(range(len(starts)))):
        low = max(starts[before] + shortest, ends[before] - reach)
        high = min(ends[after] - shortest, starts[after] + reach)
        inside = [(max(low, first), min(high, end)) for first, end in long_enough if first < high and end > low]
        inside = [one for one in inside if one[1] - one[0] >= least]
        if inside:
            ends[place], starts[after] = max(inside, key=lambda one: one[1] - one[0])
    moved = (
        replace(word, start=start, end=max(start, end))
        for word, start, end in zip(words.words, starts, ends, strict=True)
    )
    return replace(words, words=tuple(moved))


def silences_of(samples: Tensor, rate: int) -> list[tuple[int, int]]:
    """(first, end) sample of every silence that is no closure of a stop, and of those at the edges.

    samples: (samples,)
    """
    step = max(1, round(STEP_SECONDS * rate))
    quiet = _quiet(samples.float().cpu(), step, max(step, round(WINDOW_SECONDS * rate)))
    count, least = samples.numel(), round(LEAST_PAUSE_SECONDS * rate)
    found = [(first * step, min(count, end * step)) for first, end in _runs(quiet)]
    return [one for one in found if one[1] - one[0] >= least or one[0] == 0 or one[1] == count]


def _quiet(samples: Tensor, step: int, window: int) -> Tensor:
    """Steps of the audio that hold no sound: (steps,) bool."""
    padded = F.pad(samples, (window // 2, window))
    level = 10.0 * torch.log10(padded.unfold(0, window, step).square().mean(1) + SILENCE)
    count = -(-samples.numel() // step)
    return level[:count] < torch.quantile(level, LOUD_QUANTILE) - QUIET_DB


def _runs(flags: Tensor) -> list[tuple[int, int]]:
    """(first, end) of each run of True."""
    padded = F.pad(flags.to(torch.int8), (1, 1))
    change = padded[1:] - padded[:-1]
    return list(zip((change == 1).nonzero()[:, 0].tolist(), (change == -1).nonzero()[:, 0].tolist(), strict=True))


def _start(start: int, latest: int, silences: Sequence[tuple[int, int]]) -> int:
    """The first word begins where the silence ends that it lies in."""
    end = next((end for first, end in silences if first <= start < end), start)
    return max(start, min(end, latest))


def _end(end: int, earliest: int, silences: Sequence[tuple[int, int]]) -> int:
    """The last word ends where the silence begins that it lies in."""
    first = next((first for first, stop in silences if first < end <= stop), end)
    return min(end, max(first, earliest))
