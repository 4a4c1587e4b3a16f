"""Phone labels on a regular clock, from the teacher's IPA string and its exact durations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .alignment import UNIT_SECONDS, TimedSymbol, timed_symbols

SILENCE = "_"
PHONES = (SILENCE, *"ɪtnədɹslðikazʊɛmʌhpwæɔfevbʃɚɐɑuoɡŋɜᵻjɾʒθɒʔ")
PHONE_INDEX = {phone: index for index, phone in enumerate(PHONES)}
IGNORED = -100  # label of time without a known phone; torch's cross-entropy skips it
REAL_PAUSE_UNITS = 5.0  # a space at least this long (125 ms) is a pause; a shorter one only parts two words


def phone_sequence(phonemes: str) -> list[int]:
    """Phones of an IPA string without stress, length, spaces and punctuation. Unknown letters are left out."""
    return [PHONE_INDEX[letter] for letter in phonemes if letter in PHONE_INDEX and letter != SILENCE]


def phone_labels(phonemes: str, durations: Sequence[int], times: Tensor) -> Tensor:
    """The phone heard at each of `times` (seconds): (count,) -> (count,) int64, IGNORED where the letter is unknown.

    A short space between two words has no sound of its own; its time is shared by its neighbours.
    """
    spans = _phone_spans(timed_symbols(phonemes, durations))
    labels = torch.full(times.shape, PHONE_INDEX[SILENCE], dtype=torch.int64)
    if not spans:
        return labels
    starts = torch.tensor([span.start for span in spans]) * UNIT_SECONDS
    ends = torch.tensor([span.end for span in spans]) * UNIT_SECONDS
    names = torch.tensor([PHONE_INDEX.get(span.text, IGNORED) for span in spans])
    index = (torch.searchsorted(starts, times, right=True) - 1).clamp(min=0)
    inside = (times >= starts[index]) & (times < ends[index])
    return torch.where(inside, names[index], labels)


def _phone_spans(symbols: list[TimedSymbol]) -> list[TimedSymbol]:
    """Spans of phones and silences in order, without empty ones; short spaces are given to their neighbours."""
    named = [
        TimedSymbol(symbol.text if symbol.text.isalpha() else SILENCE, symbol.start, symbol.end)
        for symbol in symbols
        if symbol.end > symbol.start
    ]
    spans: list[TimedSymbol] = []
    for position, symbol in enumerate(named):
        between_phones = 0 < position < len(named) - 1 and SILENCE not in (
            named[position - 1].text,
            named[position + 1].text,
        )
        if symbol.text == SILENCE and between_phones and symbol.end - symbol.start < REAL_PAUSE_UNITS:
            middle = (symbol.start + symbol.end) / 2
            spans[-1] = TimedSymbol(spans[-1].text, spans[-1].start, middle)
            following = named[position + 1]
            named[position + 1] = TimedSymbol(following.text, middle, following.end)
        else:
            spans.append(symbol)
    return spans
