"""The choice among the takes of a segment, and the report on it (docs/spec/control.md#natural)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...contracts import DurationReport
from ...errors import shortened
from ..duration import SegmentPlan, Target, describe
from .decode import Take

SHOWN = 40  # characters of a text that a warning repeats


def choose_take(takes: Sequence[Take], token_target: int | None) -> Take:
    """The take nearest to the target in ratio, or with the best score per token without a target.

    Takes that ran into the length limit come last; the score breaks ties (docs/spec/control.md#natural).
    """

    def order(take: Take) -> tuple[bool, float, float]:
        length = max(1, len(take.tokens))
        away = abs(math.log(length / token_target)) if token_target else 0.0
        return (not take.stopped, away, -take.score / (length + 1))

    return min(takes, key=order)


def take_report(
    plan: SegmentPlan,
    take: Take,
    target: Target | None,
    *,
    trained: bool,
    fewest: int = 0,
    text: str = "",
    unnatural: str | None = None,
) -> DurationReport:
    """Report on the length of one segment, for the user. fewest: tokens below which it cannot be said; text: its words,
    for warnings; unnatural: a warning about the length that was asked.
    """
    stop = "own"
    warnings: tuple[str, ...] = () if unnatural is None else (unnatural,)
    if not take.stopped:
        stop = "limit"
        warnings += (f"The limit of {take.limit} tokens was reached before the speech ended; its end may be missing.",)
    elif plan.controls_length:
        stop = "guided" if plan.method == "guided" else "forced"
    cut_off = take.stopped and plan.token_target is None and len(take.tokens) < fewest
    if cut_off:
        warnings += (_too_short(text, take, fewest),)
    if plan.method in ("model", "guided") and not trained:
        warnings += (_experimental(plan, take),)
    if take.stalled:
        warnings += ("The place in the text stood still, so an emotion of the schedule began by the clock.",)
    return DurationReport(
        asked=describe(plan.duration),
        method=plan.method,
        token_target=plan.token_target,
        token_count=len(take.tokens),
        frame_target=target.frames if target else None,
        sample_target=target.samples if target else None,
        stop=stop,
        take_lengths=take.lengths,
        warnings=warnings,
        tries=take.tries,
        cut_off=cut_off,
    )


def _too_short(text: str, take: Take, fewest: int) -> str:
    """Warning about speech that ended before its words can have been said, in every try."""
    tries = "1 try" if take.tries == 1 else f"{take.tries} tries"
    return (
        f"'{shortened(text, SHOWN)}' ended after {len(take.tokens)} tokens, but its words need {fewest} or more; after "
        f"{tries} it may not be heard. Try another seed, or ask for a length."
    )


def _experimental(plan: SegmentPlan, take: Take) -> str:
    """Warning about a length told to a model that was not taught lengths."""
    warning = f"The method '{plan.method}' is experimental here: this checkpoint was not taught lengths."
    if plan.method != "model" or not take.stopped:
        return warning
    ended = "would have stopped there by itself" if take.natural_stop else "was made to stop there"
    return f"{warning} After {len(take.tokens)} tokens it {ended}."
