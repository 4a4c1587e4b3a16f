"""Sound moved to the times that its words were asked for (docs/spec/control.md#words-at-given-times).

Spans put a word's tokens at its time to the frame, but tokens begin up to 0.1 s before their sound. Where silence lies
before the word, the audio says by how much, and what lies between two silences moves as a whole: nothing is stretched,
only silence gets longer or shorter, and the length of the whole stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..contracts import Shift, Speech, SpokenWord, SpokenWords
from ..errors import InputError
from .word_borders import silences_of, snapped_words

REACH_SECONDS = 0.15  # between the time asked for and the sound that is taken for the word
LEAST_SILENCE_SECONDS = 0.04  # stays between two sounds
JOIN_SECONDS = 0.005  # of a fade on either side of a cut in a silence


@dataclass(frozen=True, slots=True)
class _Sound:
    """What lies between two silences, in samples."""

    first: int
    end: int
    earlier: int | None  # by which it should be heard earlier; None goes with what is before it
    least: float  # by which it has to be heard earlier at least, below 0 where it may come later


def on_time(
    samples: Tensor, rate: int, starts: Sequence[float], ends: Sequence[float] = ()
) -> tuple[Tensor, tuple[Shift, ...]]:
    """Audio in which words behind a silence are heard from their times on, and what was moved.

    samples: (samples,); starts: seconds at which words were asked to begin; ends: seconds before which words were asked
    to have ended, so that nothing moves behind them. Sounds without a time of their own go with what is before them.
    """
    sounds = _sounds(samples, rate, starts, ends) if starts else []
    if not any(sound.earlier for sound in sounds):
        return samples, ()
    silences = _silences(sounds, len(samples))
    spare = [max(0, len(one) - round(LEAST_SILENCE_SECONDS * rate)) for one in silences]
    spare[0], spare[-1] = max(0, len(silences[0]) - round(JOIN_SECONDS * rate)), len(silences[-1])
    earlier = _earlier(sounds, spare)
    parts: list[Tensor] = []
    for silence, sound, before, now in zip(silences, sounds, [0, *earlier], earlier, strict=False):
        own = samples[silence.start : silence.stop]
        parts += [_of_length(own, len(own) - now + before, rate), samples[sound.first : sound.end]]
    tail = samples[silences[-1].start :]
    parts.append(_of_length(tail, len(tail) + earlier[-1], rate))
    shifts = (Shift(sound.first, sound.end, moved) for sound, moved in zip(sounds, earlier, strict=True))
    return torch.cat(parts), tuple(shifts)


def _silences(sounds: Sequence[_Sound], count: int) -> list[range]:
    """What lies before each sound and behind the last."""
    begins, ends = [0, *(one.end for one in sounds)], [*(one.first for one in sounds), count]
    return [range(begin, end) for begin, end in zip(begins, ends, strict=True)]


def _earlier(sounds: Sequence[_Sound], spare: Sequence[int]) -> list[int]:
    """By how much each sound can be heard earlier. spare: samples that each silence can lose."""
    least = [0.0] * len(sounds)
    follows = -float(spare[-1])
    for place in range(len(sounds) - 1, -1, -1):
        least[place] = max(follows, sounds[place].least)
        follows = least[place] - spare[place]
    found: list[int] = []
    for sound, low, room in zip(sounds, least, spare, strict=False):
        before = found[-1] if found else 0
        wanted = before if sound.earlier is None else sound.earlier
        found.append(int(max(min(wanted, before + room), low)))
    return found


def moved_words(words: SpokenWords, shifts: Sequence[Shift]) -> SpokenWords:
    """Words in time of audio before it was moved, in the audio after it; to be snapped to the sound then."""
    if not shifts:
        return words

    def moved(word: SpokenWord) -> SpokenWord:
        middle = (word.start + word.end) // 2
        earlier = next((one.earlier for one in shifts if middle < one.end), shifts[-1].earlier)
        start, end = (min(words.sample_count, max(0, place - earlier)) for place in (word.start, word.end))
        return replace(word, start=start, end=end)

    return replace(words, words=tuple(moved(word) for word in words.words))


def heard_words(words: SpokenWords, speech: Speech) -> SpokenWords:
    """Words in time of the semantic tokens that speech was made of, with their borders at the edges of its sound.

    Raises InputError for words of speech of another length.
    """
    samples = speech.waveform.samples[0, 0]
    if (words.sample_rate, words.sample_count) != (speech.waveform.sample_rate, len(samples)):
        raise InputError(
            f"The words are those of {words.sample_count} samples at {words.sample_rate} Hz, but this speech has "
            f"{len(samples)} at {speech.waveform.sample_rate} Hz. Connect the words of the text that this mel was "
            "made of."
        )
    return snapped_words(moved_words(words, speech.shifts), samples)


def _sounds(samples: Tensor, rate: int, starts: Sequence[float], ends: Sequence[float]) -> list[_Sound]:
    """Every sound with what the times of its words ask of it; one with a time in its middle stays where it is."""
    borders = [0, *(border for silence in silences_of(samples, rate) for border in silence), len(samples)]
    reach = round(REACH_SECONDS * rate)
    asked, bounds = ([round(seconds * rate) for seconds in times] for times in (starts, ends))
    found = []
    for first, end in zip(borders[::2], borders[1::2], strict=True):
        if first >= end:
            continue
        own = [time for time in asked if first - reach <= time < end]
        earlier = first - own[0] if len(own) == 1 and first - own[0] >= -reach else 0
        bound = min((time for time in bounds if first < time <= end + reach), default=None)
        least = -float("inf") if bound is None else min(0, end - bound)
        found.append(_Sound(first, end, earlier if own else None, least))
    return found


def _of_length(silence: Tensor, count: int, rate: int) -> Tensor:
    """A silence of so many samples, cut or filled in its middle. silence: (samples,)"""
    if count == len(silence):
        return silence
    fade = round(JOIN_SECONDS * rate)
    kept = min(count, len(silence))
    left, right = silence[: kept // 2].clone(), silence[len(silence) - (kept - kept // 2) :].clone()
    for part, at_end in ((left, True), (right, False)):
        steps = min(fade, len(part))
        ramp = torch.linspace(0.0, 1.0, steps, device=silence.device)
        if steps and at_end:
            part[-steps:] *= ramp.flip(0)
        elif steps:
            part[:steps] *= ramp
    return torch.cat([left, silence.new_zeros(count - kept), right])
