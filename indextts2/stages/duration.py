"""Lengths: what was asked, in which clock, and how T2S is told (docs/spec/control.md#duration-methods).

Three clocks meet here: tokens of T2S, frames of the mel and samples of the audio. A `Clock` converts, a `Target` says
one length in all three, and a `SegmentPlan` says what T2S does about it. After decoding, `resolve_targets` gives every
segment its exact frames and samples, so that the whole comes out as asked whatever T2S did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..checks import check_fields
from ..config import Config
from ..contracts import Duration, DurationReport, Segment, pause_samples
from ..errors import ImpossibleLength, InputError
from .content import CONTENT

SHORTEST_GUIDED = 40  # tokens; below it the ramps of the schedule are too steep (docs/spec/control.md#guided)
FREE = Duration()
SLOT_METHODS = {"model_b": "b"}  # methods that are "model" with a place for the length
LARGEST_STRETCH = 16  # of a segment, whatever else is allowed
FORBID, FORCE = float("-inf"), float("inf")


@dataclass(frozen=True, slots=True)
class GuidedSettings:
    """Stop-token schedule over x = tokens / target (docs/spec/control.md#stop-schedule): discouraged until `rise`, free
    from `free`, urged from `due` to `late`. floor: share of the target before which the stop is forbidden; ceiling:
    where it is forced.
    """

    rise: float = 0.5
    free: float = 0.7
    due: float = 1.0
    late: float = 1.2
    discourage: float = -5.0
    urge: float = 15.0
    floor: float = 0.5
    ceiling: float = 1.5

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.rise < self.free <= self.due < self.late or not 0 <= self.floor <= 1 <= self.ceiling:
            raise InputError("A stop schedule needs 0 < rise < free <= due < late and floor <= 1 <= ceiling.")


@dataclass(frozen=True, slots=True)
class Clock:
    """Relation of tokens, frames and samples in a checkpoint."""

    sample_rate: int
    hop: int
    frames_per_token: float
    rows_per_token: int = 1  # rows of content that S2M makes of a token
    content: str = "latent"  # kind of S2M's content, which says how lengths are rounded

    @classmethod
    def of(cls, config: Config) -> Clock:
        return cls(
            config.mel.sample_rate,
            config.mel.hop,
            config.frames_per_token,
            rows_per_token=config.codec.downsample,
            content=config.s2m.content,
        )

    def natural_frames(self, tokens: int) -> int:
        """Frames S2M makes of so many tokens when nothing is asked, at least one."""
        return int(CONTENT[self.content].natural_frames(*self._rows(tokens)))

    def stretched_frames(self, tokens: int, factor: float) -> int:
        """Frames of so many tokens at `factor` times their natural length, at least one."""
        return int(CONTENT[self.content].stretched_frames(*self._rows(tokens), factor))

    def _rows(self, tokens: int) -> tuple[int, float]:
        """Rows of content, and the frames of each."""
        return tokens * self.rows_per_token, self.frames_per_token / self.rows_per_token

    def frames_of(self, seconds: float) -> int:
        """The frame at which a time lies."""
        return round(seconds * self.sample_rate / self.hop)

    def tokens_of(self, frames: float) -> int:
        return max(1, round(frames / self.frames_per_token))

    def pause_samples(self, seconds: float) -> int:
        """Silence of a pause, the same as mel to audio puts in."""
        return pause_samples(seconds, self.sample_rate)


@dataclass(frozen=True, slots=True)
class Target:
    """One length in three clocks. frames cover the samples; the last, partial frame is trimmed after the vocoder."""

    tokens: int
    frames: int
    samples: int

    @classmethod
    def of_samples(cls, samples: int, clock: Clock) -> Target:
        frames = max(1, math.ceil(samples / clock.hop))
        return cls(clock.tokens_of(frames), frames, max(1, samples))

    @classmethod
    def of_frames(cls, frames: int, clock: Clock) -> Target:
        return cls(clock.tokens_of(frames), max(1, frames), max(1, frames) * clock.hop)

    @classmethod
    def of_tokens(cls, tokens: int, clock: Clock) -> Target:
        frames = clock.natural_frames(tokens)
        return cls(max(1, tokens), frames, frames * clock.hop)


def target_of(duration: Duration, clock: Clock, natural_tokens: int | None = None) -> Target | None:
    """The length asked for; None when free, or a factor of a natural length that is not known yet."""
    value = duration.value
    if duration.unit == "tokens":
        return Target.of_tokens(max(1, round(value)), clock)
    if duration.unit == "frames":
        return Target.of_frames(max(1, round(value)), clock)
    if duration.unit == "seconds":
        return Target.of_samples(round(value * clock.sample_rate), clock)
    if duration.unit == "samples":
        return Target.of_samples(round(value), clock)
    if duration.unit == "factor" and natural_tokens is not None:
        frames = clock.stretched_frames(natural_tokens, value)
        return Target(max(1, round(value * natural_tokens)), frames, frames * clock.hop)
    return None


def describe(duration: Duration) -> str:
    """A duration in words, for reports."""
    if duration.unit == "free":
        return "free"
    if duration.unit == "factor":
        return f"{duration.value:g} times the natural length"
    return f"{duration.value:g} {duration.unit}"


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """The length of one segment and the way T2S is held to it."""

    duration: Duration  # as asked for this segment, or for the whole text
    method: str  # "free", "natural", "model", "guided" or "forced"
    token_target: int | None  # tokens T2S should make, None when it is free to choose
    shared: bool = False  # the whole text's length is divided, and this segment gets a part
    target: Target | None = None  # its own length where that is known before decoding
    slot: str | None = None  # where the length is told, None for the usual place

    @property
    def controls_length(self) -> bool:
        """Whether T2S itself is told the length."""
        return self.method in ("model", "guided", "forced")

    @property
    def needs_free_pass(self) -> bool:
        """Whether a free decode must come first, because a factor of its length is asked."""
        return self.controls_length and self.token_target is None

    def after_free(self, tokens: int, clock: Clock) -> SegmentPlan:
        """The plan once a free decode has shown the natural length."""
        target = target_of(self.duration, clock, tokens)
        wanted = target.tokens if target else None
        return replace(self, target=target, token_target=wanted, method=_usable(self.method, wanted))


def method_for(duration: Duration, *, trained: bool) -> str:
    """The method of a segment: "free" without a length, and for "auto" that of this checkpoint."""
    if duration.unit == "free":
        return "free"
    if duration.method == "auto":
        return "model" if trained else "natural"
    return "model" if duration.method in SLOT_METHODS else duration.method


def _usable(method: str, tokens: int | None) -> str:
    """The method for so many tokens: few are too short for a stop schedule."""
    return "natural" if method == "guided" and tokens is not None and tokens < SHORTEST_GUIDED else method


def plan_segments(
    segments: Sequence[Segment], whole: Duration | None, clock: Clock, *, trained: bool
) -> tuple[SegmentPlan, ...]:
    """One plan per segment. A segment's own duration wins; the rest divide the whole text's by their text lengths.

    Raises InputError when the pauses and the segments with lengths of their own leave nothing for the others.
    """
    whole = whole or FREE
    divides = whole.unit not in ("free", "factor")
    sharing = [segment.duration is None and divides for segment in segments]
    sizes = [len(segment.ids) + 1 for segment in segments]  # one more, so that a one-piece segment is not too short
    shares: dict[int, int] = {}
    if any(sharing):
        shares = _token_shares(segments, whole, clock, sharing, sizes)
    plans = []
    for index, segment in enumerate(segments):
        duration = segment.duration or whole
        method = method_for(duration, trained=trained)
        target = None if sharing[index] else target_of(duration, clock)
        tokens = shares.get(index, target.tokens if target else None)
        slot = SLOT_METHODS.get(duration.method)
        plans.append(SegmentPlan(duration, _usable(method, tokens), tokens, sharing[index], target, slot))
    return tuple(plans)


def _token_shares(
    segments: Sequence[Segment], whole: Duration, clock: Clock, sharing: Sequence[bool], sizes: Sequence[int]
) -> dict[int, int]:
    """Tokens of each segment that takes part of the whole length, before anything is decoded."""
    indices = [index for index, shared in enumerate(sharing) if shared]
    weights = [float(sizes[index]) for index in indices]
    if whole.unit == "tokens":
        parts = split_evenly(round(whole.value), weights)
        return dict(zip(indices, parts, strict=True))
    fixed = [target_of(segment.duration, clock) if segment.duration else None for segment in segments]
    taken = sum(target.samples for target in fixed if target is not None)
    samples = samples_to_share(whole, clock, segments, taken, len(indices))
    parts = split_evenly(samples, weights)
    return {index: Target.of_samples(part, clock).tokens for index, part in zip(indices, parts, strict=True)}


def samples_to_share(whole: Duration, clock: Clock, segments: Sequence[Segment], taken: int, count: int) -> int:
    """Samples left for `count` segments after pauses and the segments with their own lengths. Raises InputError."""
    target = target_of(whole, clock)
    if target is None:
        raise InputError(f"A length that is '{whole.unit}' cannot be divided among segments.")
    pauses = sum(clock.pause_samples(segment.pause_seconds) for segment in segments)
    left = target.samples - pauses - taken
    if left < count * clock.hop:
        least = (pauses + taken + count * clock.hop) / clock.sample_rate
        if not pauses + taken:
            raise InputError(
                f"{describe(whole)} were asked for the whole text, which is less than the shortest sound there is "
                f"({least:.3f} s). Ask for more."
            )
        raise InputError(
            f"{describe(whole)} were asked for the whole text, but pauses and segments with their own length already "
            f"take {(pauses + taken) / clock.sample_rate:.2f} s. Ask for more, or shorten the pauses."
        )
    return left


def unmet_whole(plans: Sequence[SegmentPlan], whole: Duration | None) -> str | None:
    """A warning where every segment has a length of its own, so that none is left to meet the whole text's."""
    if whole is None or whole.unit == "free" or any(plan.duration is whole for plan in plans):
        return None
    return f"{describe(whole)} asked for the whole text: every part of it has a length of its own, which is kept."


def refuse_endless(plans: Sequence[SegmentPlan], most_tokens: int) -> None:
    """Raises ImpossibleLength for a segment that no stretch of its longest take would fill, before it is decoded."""
    for plan in plans:
        if plan.token_target is not None and plan.token_target > LARGEST_STRETCH * most_tokens:
            raise ImpossibleLength(
                f"{describe(plan.duration)} make {plan.token_target:,} tokens of one segment, which has at most "
                f"{most_tokens:,}. Ask for less, or write more text."
            )


def split_evenly(total: int, weights: Sequence[float]) -> list[int]:
    """Whole parts proportional to the weights, at least one each, that sum to `total` exactly (largest remainder).

    Raises InputError when there is less than one per part.
    """
    if total < len(weights):
        raise InputError(f"A length of {total} cannot be divided among {len(weights)} segments.")
    exact = [weight * total / sum(weights) for weight in weights]
    parts = [max(1, int(value)) for value in exact]
    order = sorted(range(len(weights)), key=lambda index: parts[index] - exact[index])
    for index in order[: max(0, total - sum(parts))]:
        parts[index] += 1
    while sum(parts) > total:  # parts too small for one each took it from the others
        parts[parts.index(max(parts))] -= 1
    return parts


def resolve_targets(
    plans: Sequence[SegmentPlan],
    segments: Sequence[Segment],
    token_counts: Sequence[int],
    whole: Duration | None,
    clock: Clock,
) -> tuple[Target | None, ...]:
    """The exact length of every segment once T2S has spoken; None leaves S2M free.

    Segments that share the whole text's length divide it by the tokens they really have, so the sum is what was asked.
    """
    targets = [
        None if plan.shared else plan.target or target_of(plan.duration, clock, count)
        for plan, count in zip(plans, token_counts, strict=True)
    ]
    indices = [index for index, plan in enumerate(plans) if plan.shared]
    if not indices or whole is None:
        return tuple(targets)
    if whole.unit == "tokens":  # tokens, unlike time, need no common sum on the sample clock
        for index in indices:
            targets[index] = Target.of_tokens(plans[index].token_target or token_counts[index], clock)
        return tuple(targets)
    taken = 0
    for index, plan in enumerate(plans):
        if not plan.shared:
            target = targets[index]
            taken += target.samples if target else clock.natural_frames(token_counts[index]) * clock.hop
    samples = samples_to_share(whole, clock, segments, taken, len(indices))
    parts = split_evenly(samples, [float(max(1, token_counts[index])) for index in indices])
    for index, part in zip(indices, parts, strict=True):
        targets[index] = Target.of_samples(part, clock)
    return tuple(targets)


def schedule_bias(x: float, settings: GuidedSettings | None = None) -> float:
    """Gain of the stop's score when a fraction `x` of the target is spoken."""
    s = settings or GuidedSettings()
    if x < s.rise:
        return s.discourage
    if x < s.free:
        return s.discourage * (s.free - x) / (s.free - s.rise)
    if x < s.due:
        return 0.0
    return s.urge * min(1.0, (x - s.due) / (s.late - s.due))


def stop_rules(plan: SegmentPlan, limit: int, guided: GuidedSettings, *, stop_from: int = 0) -> tuple[Tensor, int]:
    """Treatment of the stop at every step, and the most tokens (the stop counted).

    stop_from: tokens before which free speech may not end. -> bias (limit,) float32 and the limit of this segment. The
    stop is never the first token: nobody asks for silence.
    """
    bias = torch.zeros(limit)
    bias[: max(1, min(stop_from, limit - 1))] = FORBID
    target = plan.token_target
    if not plan.controls_length or target is None:
        return bias, limit
    if target > limit - 1:
        raise InputError(
            f"{target} tokens were asked in one segment ({describe(plan.duration)}), but at most {limit - 1} fit. "
            "Ask for a shorter length, or split the text into segments."
        )
    if plan.method == "guided":
        for step in range(1, limit):
            bias[step] = schedule_bias(step / target, guided)
        bias[: max(1, math.ceil(guided.floor * target))] = FORBID
        last = min(limit - 1, max(1, round(guided.ceiling * target)))
    else:
        bias[:target] = FORBID
        last = target
    bias[last:] = FORCE
    return bias, last + 1


def merged_report(reports: Sequence[DurationReport], pause_samples: int = 0) -> DurationReport:
    """One report for a whole text from those of its segments; pauses count in samples only.

    A total is None where a segment's part is.
    """
    if not reports:
        raise InputError("There is no report to merge.")

    def total(values: Sequence[int | None], extra: int = 0) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) + extra if len(known) == len(values) else None

    def common(values: Sequence[str]) -> str:
        return ", ".join(dict.fromkeys(values))

    tokens = sum(report.token_count for report in reports)
    spoken = [report.stretch * report.token_count for report in reports]
    return DurationReport(
        asked=common([report.asked for report in reports]),
        method=common([report.method for report in reports]),
        token_target=total([report.token_target for report in reports]),
        token_count=tokens,
        frame_target=total([report.frame_target for report in reports]),
        frame_count=total([report.frame_count for report in reports]),
        stretch=sum(spoken) / tokens if tokens else 1.0,
        sample_target=total([report.sample_target for report in reports], pause_samples),
        sample_count=total([report.sample_count for report in reports], pause_samples),
        stop=common([report.stop for report in reports]),
        take_lengths=tuple(length for report in reports for length in report.take_lengths),
        warnings=tuple(dict.fromkeys(warning for report in reports for warning in report.warnings)),
        tries=max(report.tries for report in reports),
        cut_off=any(report.cut_off for report in reports),
    )
