"""How fast a checkpoint speaks: seconds per unit of text (`units.py`), measured or the default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import InputError
from .units import units_of


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a checkpoint takes for a segment, as a sum over the units of its text.

    measured: whether they were fitted to this checkpoint; the defaults are those of unhurried reading, about five
    syllables per second.
    """

    segment: float = 0.25  # of every segment: its first and last sound
    syllable: float = 0.10
    letter: float = 0.04  # of words that are spelled with letters; a Han character or kana is a syllable alone
    syllabic: float = 0.12  # more of a syllable that is one character
    comma: float = 0.25
    stop: float = 0.35  # between two sentences of a segment
    measured: bool = False
    median_error: float | None = None  # of held-out texts, relative; None where not measured

    def __post_init__(self) -> None:
        for name in RATES:
            value = getattr(self, name)
            if not 0.0 <= value <= 10.0:
                raise InputError(f"'{name}' of a pace should be 0 to 10 seconds, but got {value}.")
        if self.syllable + self.letter <= 0.0 or self.syllable + self.syllabic <= 0.0:
            raise InputError("A pace should give every syllable some time, but those of letters and syllables are 0.")

    def seconds_of(self, text: str) -> float:
        """Seconds that a segment of these words takes when no length is asked."""
        return sum(getattr(self, name) * count for name, count in zip(RATES, spoken_units(text), strict=True))

    def describe(self) -> str:
        """Where the numbers come from, in words."""
        if not self.measured:
            return "the default of all checkpoints, since this one has none of its own (python -m indextts2 pace)"
        if self.median_error is None:
            return "measured with this checkpoint"
        return f"measured with this checkpoint, median error {self.median_error:.0%} on held-out texts"


RATES = ("segment", "syllable", "letter", "syllabic", "comma", "stop")
"""Fields of a pace that are seconds per unit."""

DEFAULT_PACE = Pace()


def spoken_units(text: str) -> tuple[float, ...]:
    """Counts of a segment's text in the order of RATES."""
    units = units_of(text)
    return (
        1.0,
        units.syllables,
        float(units.letters),
        float(units.characters),
        float(units.commas),
        float(units.stops),
    )


def with_rates(rates: Sequence[float], median_error: float | None = None) -> Pace:
    """A measured pace of rates in the order of RATES."""
    return replace(DEFAULT_PACE, **dict(zip(RATES, rates, strict=True)), measured=True, median_error=median_error)
