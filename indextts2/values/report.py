"""Reports of the stages, for a user to read."""

from __future__ import annotations

from collections.abc import Sequence

from ..contracts import DurationReport, EmotionWeights
from ..errors import shortened

SHOWN = 60  # characters of a segment's text
SHOWN_WEIGHT = 0.005  # weights below this are left out of a report


def speech_report(
    reports: Sequence[DurationReport],
    texts: Sequence[str] = (),
    sample_rate: int = 0,
    total_samples: int | None = None,
    warnings: Sequence[str] = (),
) -> str:
    """One line per segment: asked, tokens, frames with their stretch, seconds; then the warnings, those of the text
    first.
    """
    lines = []
    for place, report in enumerate(reports):
        text = texts[place] if place < len(texts) else ""
        shown = f" '{shortened(text, SHOWN)}'" if text else ""
        lines.append(f"{place + 1}.{shown} {', '.join(_facts(report, sample_rate))}")
    if total_samples is not None and sample_rate:
        lines.append(f"In all {total_samples} samples, {total_samples / sample_rate:.3f} s at {sample_rate} Hz.")
    found = dict.fromkeys([*warnings, *(warning for report in reports for warning in report.warnings)])
    return "\n".join([*lines, *(f"Note: {warning}" for warning in found)])


def weights_in_words(weights: EmotionWeights) -> str:
    """The weights that matter, largest first, and their sum."""
    named = sorted(weights.named(), key=lambda item: -item[1])
    shown = [f"{name} {value:.2f}" for name, value in named if value >= SHOWN_WEIGHT]
    return f"{', '.join(shown) or 'no emotion'} (sum {sum(weights.values):.2f})"


def _facts(report: DurationReport, sample_rate: int) -> list[str]:
    facts = [f"asked: {report.asked}"]
    wanted = f" of {report.token_target} aimed at" if report.token_target is not None else ""
    facts.append(f"{report.token_count} tokens{wanted}")
    if len(report.take_lengths) > 1:
        facts.append(f"takes of {', '.join(map(str, report.take_lengths))} tokens")
    if report.tries > 1:
        facts.append(f"spoken {report.tries} times, since takes failed")
    if report.frame_count is not None:
        facts.append(f"{report.frame_count} frames (stretched to {report.stretch:.2f})")
    if report.span_stretches:
        facts.append(f"spans stretched to {', '.join(f'{stretch:.2f}' for stretch in report.span_stretches)}")
    if report.sample_count is not None and sample_rate:
        facts.append(f"{report.sample_count} samples, {report.sample_count / sample_rate:.3f} s")
    return facts
