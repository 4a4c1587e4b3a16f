"""Natural lengths: how long a text will be when no length is asked, known before anything is decoded.

A checkpoint's `Pace` says how many seconds it takes for units of text (`text/units.py`) and for pauses inside a
segment; `python -m indextts2 pace` measures it. From it come estimates for planning, and the judgement of lengths that
are asked: speech far from its natural length is unnatural, and half a second for fourteen words is no speech at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..config import Config
from ..contracts import PreparedText, Segment
from ..errors import ImpossibleLength, InputError, shortened
from ..text.front_end import FrontEnd
from ..text.pace import Pace
from .duration import Clock, SegmentPlan, describe, target_of
from .prepare_text import prepare_text

GOOD_LENGTH = (0.75, 1.35)
"""Multiples of the natural length without a warning."""

POSSIBLE_LENGTH = (0.5, 2.0)
"""Multiples of the natural length outside of which a length is refused, unless any length is allowed."""

UNMEASURED = 1.5
"""Both ranges are this much wider for a checkpoint whose pace is the default, since the estimate may be off by half."""

SHOWN = 40  # characters of a text that a message repeats


def natural_seconds(segment: Segment, pace: Pace, speed: float = 1.0) -> float:
    """Seconds a segment takes when no length is asked, without the pause behind it. speed: 2 is twice as fast."""
    return pace.seconds_of(segment.spoken or segment.text) / speed


@dataclass(frozen=True, slots=True)
class LengthEstimate:
    """Estimated length of a text. segments: seconds of each, a length of its own where it has one, without pauses."""

    segments: tuple[float, ...]
    pauses: tuple[float, ...]  # seconds behind each
    tokens: int
    pace: Pace
    speed: float = 1.0  # of the speaker, 1.1 is a tenth faster than the pace
    warnings: tuple[str, ...] = ()  # of the text

    @property
    def seconds(self) -> float:
        """The whole, with its pauses."""
        return sum(self.segments) + sum(self.pauses)

    def video_frames(self, fps: float, multiple: int = 1) -> int:
        """Fewest video frames that the speech fits into; with a multiple of 8 or 4, of the form 8n+1 or 4n+1, which
        some video models ask for.
        """
        if not (math.isfinite(fps) and fps > 0.0):
            raise InputError(f"A frame rate should be positive and finite, but got {fps}.")
        count = max(1, math.ceil(round(self.seconds * fps, 6)))
        return count if multiple == 1 else math.ceil((count - 1) / multiple) * multiple + 1

    def describe(self, fps: float) -> str:
        """All numbers in words."""
        speed = "" if self.speed == 1.0 else f" The speaker's speed is {self.speed:.2f}."
        count, eights, fours = (self.video_frames(fps, multiple) for multiple in (1, 8, 4))
        lines = [
            f"About {self.seconds:.2f} s: {self.tokens} semantic tokens, {count} video frames at {fps:g} per second "
            f"({eights} of the form 8n+1, {fours} of the form 4n+1).",
            f"Pace: {self.pace.describe()}.{speed}",
        ]
        return "\n".join([*lines, *(f"Note: {warning}" for warning in self.warnings)])


def estimate_length(text: PreparedText, pace: Pace, clock: Clock, *, speed: float = 1.0) -> LengthEstimate:
    """The length a text will have, without running a model.

    speed: of the speaker, where it is known; 1.1 is a tenth faster than usual (`speed_of`).
    """
    if not (math.isfinite(speed) and speed > 0.0):
        raise InputError(f"A speaker's speed should be positive and finite, but got {speed}.")
    seconds = tuple(_expected_seconds(segment, pace, clock, speed) for segment in text.segments)
    tokens = sum(clock.tokens_of(clock.frames_of(value)) for value in seconds)
    pauses = tuple(segment.pause_seconds for segment in text.segments)
    return LengthEstimate(seconds, pauses, tokens, pace, speed, text.warnings)


def estimated_text(
    front_end: FrontEnd,
    config: Config,
    pace: Pace,
    text: str,
    *,
    speed: float = 1.0,
    sample: tuple[float, str] | None = None,
    language: str = "",
) -> LengthEstimate:
    """The length of a text that is not prepared yet.

    speed: of the speaker, unless a sample tells it: seconds of a recording and the words that are said in it. Raises
    TextError for a text without words, InputError for a sample without them.
    """
    clock = Clock.of(config)
    if sample is not None:
        seconds, said = sample
        if not said.strip():
            raise InputError(
                "The words of the sample are missing. Write what is said in it, or give the speed instead."
            )
        words = prepare_text(front_end, said, tags=False, language=language, mel=config.mel)
        speed = speed_of(words, seconds, pace, clock)
    prepared = prepare_text(front_end, text, language=language, mel=config.mel, pace=pace)
    return estimate_length(prepared, pace, clock, speed=speed)


def _expected_seconds(segment: Segment, pace: Pace, clock: Clock, speed: float) -> float:
    natural = natural_seconds(segment, pace, speed)
    if segment.duration is None or segment.duration.unit == "free":
        return natural
    if segment.duration.unit == "factor":
        return natural * segment.duration.value
    target = target_of(segment.duration, clock)
    return natural if target is None else target.samples / clock.sample_rate


def speed_of(text: PreparedText, seconds: float, pace: Pace, clock: Clock) -> float:
    """How fast a speaker is, from a recording of so many seconds that says the text: 1.1 is a tenth faster than usual.

    Raises InputError for a recording without a length.
    """
    if not (math.isfinite(seconds) and seconds > 0.0):
        raise InputError(f"A recording of speech should last more than 0 s, but got {seconds} s.")
    spoken = seconds - sum(segment.pause_seconds for segment in text.segments)
    natural = sum(estimate_length(text, pace, clock).segments)
    return natural / max(spoken, 0.1 * seconds)


@dataclass(frozen=True, slots=True)
class AskedLength:
    """A length that is asked for some words, in seconds without pauses, beside the natural one."""

    asked: float
    natural: float
    words: str  # as in the text
    request: str  # as asked, in words
    measured: bool = True  # whether the natural length is that of a measured pace

    @property
    def ratio(self) -> float:
        return self.asked / self.natural

    @property
    def is_possible(self) -> bool:
        return self._is_within(POSSIBLE_LENGTH)

    @property
    def is_good(self) -> bool:
        return self._is_within(GOOD_LENGTH)

    def _is_within(self, limits: tuple[float, float]) -> bool:
        return limits[0] / self._margin <= self.ratio <= limits[1] * self._margin

    @property
    def _margin(self) -> float:
        return 1.0 if self.measured else UNMEASURED

    @property
    def range(self) -> tuple[float, float]:
        """Shortest and longest that is not refused, in seconds."""
        return POSSIBLE_LENGTH[0] / self._margin * self.natural, POSSIBLE_LENGTH[1] * self._margin * self.natural

    @property
    def figures(self) -> str:
        """Both lengths and their ratio."""
        source = "" if self.measured else ", estimated with the default pace"
        return (
            f"{self.asked:.2f} s for words that take about {self.natural:.2f} s ({self.ratio:.2f} times their natural "
            f"length{source})"
        )

    def warning(self) -> str:
        how = "hurried" if self.ratio < 1.0 else "drawn out"
        return f"{_first_upper(self.request)}: {self.figures}; '{shortened(self.words, SHOWN)}' will sound {how}."

    def refusal(self) -> str:
        low, high = self.range
        return (
            f"{_first_upper(self.request)}: {self.figures}, which cannot be spoken. Ask between {low:.2f} and "
            f"{high:.2f} s for '{shortened(self.words, SHOWN)}', change the words, or set allow_any_length "
            "(--any-length)."
        )


def asked_lengths(
    segments: Sequence[Segment], plans: Sequence[SegmentPlan], clock: Clock, pace: Pace
) -> dict[int, AskedLength]:
    """Lengths that are asked, by the segment they begin with; those that divide the whole text's are one."""
    found: dict[int, AskedLength] = {}
    shared = [index for index, plan in enumerate(plans) if plan.shared]
    for index, (segment, plan) in enumerate(zip(segments, plans, strict=True)):
        if plan.shared or plan.duration.unit == "free":
            continue
        natural = natural_seconds(segment, pace)
        asked = _asked_seconds(plan, natural, clock)
        found[index] = AskedLength(asked, natural, segment.text, f"{describe(plan.duration)} asked", pace.measured)
    if shared:
        natural = sum(natural_seconds(segments[index], pace) for index in shared)
        words = " ".join(segments[index].text for index in shared)
        whole = plans[shared[0]].duration
        request = f"{describe(whole)} asked for the whole text"
        target = target_of(whole, clock)
        asked = (target.samples if target else 0) / clock.sample_rate
        if whole.unit != "tokens":  # which count neither pauses nor what other segments take
            pauses = sum(clock.pause_samples(segment.pause_seconds) for segment in segments) / clock.sample_rate
            asked -= pauses + sum(one.asked for one in found.values())
        found[shared[0]] = AskedLength(asked, natural, words, request, pace.measured)
    return dict(sorted(found.items()))


def _asked_seconds(plan: SegmentPlan, natural: float, clock: Clock) -> float:
    if plan.duration.unit == "factor":
        return plan.duration.value * natural
    target = plan.target or target_of(plan.duration, clock)
    return natural if target is None else target.samples / clock.sample_rate


def judged_lengths(
    segments: Sequence[Segment], plans: Sequence[SegmentPlan], clock: Clock, pace: Pace | None, *, allow_any: bool
) -> dict[int, str]:
    """Warnings about unnatural lengths, by the segment they begin with.

    pace: None judges nothing. Raises ImpossibleLength for a length outside POSSIBLE_LENGTH, unless any is allowed.
    """
    if pace is None:
        return {}
    asked = asked_lengths(segments, plans, clock, pace)
    if not allow_any:
        for one in asked.values():
            if not one.is_possible:
                raise ImpossibleLength(one.refusal())
    return {index: one.warning() for index, one in asked.items() if not one.is_good}


def _first_upper(words: str) -> str:
    return words[:1].upper() + words[1:]
