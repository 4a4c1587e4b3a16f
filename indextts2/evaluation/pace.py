"""How fast a checkpoint speaks: texts spoken freely, and the seconds per unit of text that explain their lengths.

A robust linear fit of relative errors (iteratively reweighted least squares), with rates that are never negative. Units
that the texts hold too seldom keep the default's rate, scaled like the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch

from ..contracts import PreparedText, Progress, Segment, Speaker, no_progress, subrange
from ..errors import InputError
from ..stages.duration import Clock
from ..stages.handles import T2SModels
from ..stages.natural_length import natural_seconds
from ..stages.prepare_text import prepare_text
from ..stages.t2s.text_to_semantic import text_to_semantic
from ..text.pace import DEFAULT_PACE, RATES, Pace, spoken_units, with_rates

AT_ONCE = 8  # segments of one call, as many as T2S decodes in one batch
FEWEST = 10  # texts that hold a unit, for its rate to be fitted
ROUNDS = 30
FLOOR = 0.02  # relative error below which a text weighs no more


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A segment, and the seconds it took without a length asked."""

    segment: Segment
    seconds: float


def spoken_freely(
    t2s: T2SModels, texts: Sequence[str], speaker: Speaker, *, seed: int = 0, progress: Progress = no_progress
) -> list[SpokenText]:
    """The segments of texts with their natural lengths, as the checkpoint's own settings speak them.

    Takes that reached a limit are left out: their length is not natural. Raises TextError for a text without words.
    """
    clock = Clock.of(t2s.config)
    segments = [
        replace(segment, duration=None)
        for text in texts
        for segment in prepare_text(t2s.front_end, text, mel=t2s.config.mel).segments
    ]
    found: list[SpokenText] = []
    for first in range(0, len(segments), AT_ONCE):
        batch = tuple(segments[first : first + AT_ONCE])
        text = PreparedText("", "", batch)
        part = subrange(progress, first, first + len(batch), len(segments))
        semantic = text_to_semantic(t2s, text, speaker, seed=seed + first, progress=part)
        for segment, count, report in zip(batch, semantic.token_lengths.tolist(), semantic.reports, strict=True):
            if report.stop == "own":
                seconds = clock.natural_frames(count) * clock.hop / clock.sample_rate
                found.append(SpokenText(segment, seconds))
    return found


def fitted_pace(spoken: Sequence[SpokenText]) -> Pace:
    """The pace that explains the lengths best. Raises InputError for too few."""
    if len(spoken) < FEWEST:
        raise InputError(f"A pace is fitted to at least {FEWEST} spoken texts, but got {len(spoken)}. Give more texts.")
    counts = torch.tensor([spoken_units(one.segment.spoken or one.segment.text) for one in spoken], dtype=torch.float64)
    seconds = torch.tensor([one.seconds for one in spoken], dtype=torch.float64)
    defaults = torch.tensor([getattr(DEFAULT_PACE, name) for name in RATES], dtype=torch.float64)
    scale = float((seconds / (counts @ defaults)).median())
    rates = defaults * scale
    free = (counts > 0).sum(dim=0) >= FEWEST
    while True:
        rates = rates.masked_scatter(
            free, _least_squares(counts[:, free], seconds - counts[:, ~free] @ rates[~free], seconds)
        )
        if bool((rates >= 0).all()):
            return with_rates(rates.tolist())
        free &= rates >= 0
        rates = rates.clamp(min=0.0)


def _least_squares(counts: torch.Tensor, left: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
    """(rates,) that leave the smallest relative errors, large ones weighing no more than in a median."""
    weights = 1.0 / seconds
    rates = torch.zeros(counts.shape[1], dtype=counts.dtype)
    for _ in range(ROUNDS):
        rates = torch.linalg.lstsq(counts * weights[:, None], (left * weights)[:, None]).solution[:, 0]
        errors = (counts @ rates - left).abs() / seconds
        weights = 1.0 / seconds / errors.clamp(min=FLOOR).sqrt()
    return rates


def relative_errors(spoken: Sequence[SpokenText], pace: Pace) -> list[float]:
    """|estimated - spoken| / spoken of every text."""
    return [abs(natural_seconds(one.segment, pace) - one.seconds) / one.seconds for one in spoken]


def with_error(pace: Pace, held_out: Sequence[SpokenText]) -> Pace:
    """The pace with its median relative error on texts that it was not fitted to. Raises InputError without any."""
    if not held_out:
        raise InputError("No held-out text was spoken to its end, so the pace has no error. Give more texts.")
    return replace(pace, median_error=median(relative_errors(held_out, pace)))
