"""Lengths that the lines of a script ask for beside the natural ones, known before anything is spoken.

A line that states an impossible length is refused alone, and the rest of the script is spoken. Of a cue only the
estimate is known, so a line in a cue that looks too short is named and tried; it is left out when it does not fit.
"""

from __future__ import annotations

from ..contracts import pause_samples
from ..stages.duration import Clock, plan_segments
from ..stages.natural_length import AskedLength, asked_lengths, natural_seconds
from ..stages.t2s.text_to_semantic import LENGTH_AND_TIMES
from ..text.pace import Pace
from .line import LineAsk, LineSettings


def own_refusals(ask: LineAsk, clock: Clock, pace: Pace | None, settings: LineSettings, *, trained: bool) -> list[str]:
    """Why a line cannot have the lengths that it or its tags state. pace: None judges no length. Raises InputError."""
    if ask.text.anchors and ask.duration is not None:
        return [LENGTH_AND_TIMES]
    if pace is None or settings.decoding.allow_any_length:
        return []
    plans = plan_segments(ask.text.segments, ask.duration, clock, trained=trained)
    asked = asked_lengths(ask.text.segments, plans, clock, pace)
    return [one.refusal() for one in asked.values() if not one.is_possible]


def short_cue(ask: LineAsk, clock: Clock, pace: Pace | None, settings: LineSettings) -> str:
    """A sentence about a line that cannot be spoken before the next one by the estimate; "" where it can."""
    tagged = any(segment.duration is not None for segment in ask.text.segments)
    room = ask.slot.deadline
    states_length = ask.duration is not None or tagged
    if (
        pace is None
        or settings.decoding.allow_any_length
        or states_length
        or not room
        or settings.fit.overflow != "list"
    ):
        return ""
    pauses = sum(pause_samples(segment.pause_seconds, clock.sample_rate) for segment in ask.text.segments)
    natural = sum(natural_seconds(segment, pace) for segment in ask.text.segments)
    left = max(0, room - pauses) / clock.sample_rate
    asked = AskedLength(left, natural, ask.text.original, "time before the next cue", pace.measured)
    return "" if asked.ratio >= 1.0 or asked.is_possible else asked.refusal()
