"""Fitting a line to its cue: by the model's own control first, then by takes, by stretching, and by its neighbours.

All lengths are samples. Speech is never cut: a line that cannot fit is made as short as allowed, and listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..checks import check_fields
from ..contracts import SemanticSpeech
from ..errors import InputError
from ..stages.duration import Clock, Target, split_evenly
from ..stages.natural_length import POSSIBLE_LENGTH, AskedLength
from .model import Line, samples_of

CUES = ("fill", "within", "start")
OVERFLOWS = ("list", "overlap", "shift")
NEAR = 0.03  # relative difference that is left to the stretch, where nobody hears it


@dataclass(frozen=True, slots=True)
class FitSettings:
    """cue: "fill" makes a line as long as its cue, "within" no longer than it, "start" takes only its start.

    model_range: factors of the natural length that T2S is told; stretch: limits of the S2M stretch; squeeze: how far
    the stretch may go when a line would otherwise run into the next one (equal to stretch[0] forbids it). overflow:
    what happens to lines that still do not fit: "list" leaves them out of the timeline and lists them, "overlap" lets
    them run into the next line, "shift" moves the lines behind.
    """

    cue: str = "fill"
    model_range: tuple[float, float] = (0.75, 1.25)
    stretch: tuple[float, float] = (0.8, 1.25)
    squeeze: float = 0.5
    overflow: str = "list"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.cue not in CUES or self.overflow not in OVERFLOWS:
            raise InputError(
                f"A cue is one of {', '.join(CUES)} and an overflow one of {', '.join(OVERFLOWS)}, but got "
                f"'{self.cue}' and '{self.overflow}'."
            )
        for name, (low, high) in (("model_range", self.model_range), ("stretch", self.stretch)):
            if not 0.0 < low <= 1.0 <= high < float("inf"):
                raise InputError(f"{name} should hold a factor up to 1 and one from 1 on, but holds {low} and {high}.")
        if not 0.0 < self.squeeze <= self.stretch[0]:
            raise InputError(
                f"squeeze should lie above 0 and not above the stretch of {self.stretch[0]}, but is {self.squeeze}."
            )


@dataclass(frozen=True, slots=True)
class Slot:
    """Room on the timeline. room: to the end of the cue; deadline: to the start of the next one; None for no limit."""

    room: int | None = None
    deadline: int | None = None


def slots_of(lines: Sequence[Line], sample_rate: int, overflow: str) -> tuple[Slot, ...]:
    """The room of every line; known before anything is spoken, so each line can be made alone."""
    starts = sorted(samples_of(line.start_ms, sample_rate) for line in lines if line.start_ms is not None)
    slots = []
    for line in lines:
        if line.start_ms is None:
            slots.append(Slot())
            continue
        start = samples_of(line.start_ms, sample_rate)
        later = next((other for other in starts if other > start), None)
        twice = starts.count(start) > 1
        deadline = 0 if twice else None if later is None else later - start
        room = None if line.end_ms is None else samples_of(line.end_ms, sample_rate) - start
        if overflow == "list" and room is not None and deadline is not None:
            room = min(room, deadline)
        slots.append(Slot(room, deadline))
    return tuple(slots)


@dataclass(frozen=True, slots=True)
class Fit:
    """samples: length the line gets, None for its natural one; told: length T2S is asked for; fits: whether it stays
    before the next line; needs: the shortest it can be made; natural: its natural length; pauses: the silence in it.
    """

    samples: int | None = None
    told: int | None = None
    fits: bool = True
    needs: int | None = None
    note: str = ""
    natural: int = 0
    pauses: int = 0


def plan_fit(
    natural: int,
    slot: Slot,
    settings: FitSettings,
    *,
    controls_length: bool,
    pauses: int = 0,
    allow_any_length: bool = False,
) -> Fit:
    """Plan of the length of a line of so many natural samples.

    controls_length: whether T2S can be told a length; pauses: samples of the line that are silence, which keep their
    length. allow_any_length: whether telling and stretching together may make speech shorter than POSSIBLE_LENGTH.
    """
    speech = natural - pauses

    def with_speech_at(factor: float) -> float:
        return pauses + speech * factor

    low, high = settings.model_range if controls_length else (1.0, 1.0)
    shortest, longest = with_speech_at(low * settings.stretch[0]), with_speech_at(high * settings.stretch[1])
    limit = float("inf") if slot.deadline is None or settings.overflow != "list" else float(slot.deadline)
    room = None if settings.cue == "start" else slot.room
    if room is None:
        wanted = min(float(natural), limit)
    elif settings.cue == "within":
        wanted = min(float(natural), float(room), limit)
    else:
        wanted = min(float(room), longest, limit)
    note = ""
    if settings.cue == "fill" and room is not None and wanted < room and wanted == longest:
        note = "The cue is longer than this line can well be; silence follows it."
    if wanted < shortest:
        wanted = min(shortest, limit)  # the gap behind the cue is used before the voice is squeezed
        note = "The line runs on behind the end of its cue." if room is not None and wanted > room else note
    fits = True
    least = 0.0 if allow_any_length else POSSIBLE_LENGTH[0]
    hardest = with_speech_at(max(low * settings.squeeze, least))
    if wanted < hardest:  # spoken at the usual limit, to be heard at its best; the timeline leaves it out
        wanted, fits, note = shortest, False, ""
    samples = max(1, round(wanted))
    if samples == natural and fits:
        return Fit(note=note, natural=natural, pauses=pauses)
    told = round(min(max(wanted, with_speech_at(low)), with_speech_at(high))) if controls_length else None
    if told is not None and abs(samples - natural) <= NEAR * speech:
        told = None
    return Fit(samples, told, fits, None if fits else max(1, round(hardest)), note, natural, pauses)


def unnatural_length(fit: Fit, text: str, sample_rate: int) -> list[str]:
    """A warning about a line of this text that was fitted to a length far from its natural one."""
    if fit.samples is None or fit.natural <= fit.pauses:
        return []
    made, natural = ((samples - fit.pauses) / sample_rate for samples in (fit.samples, fit.natural))
    length = AskedLength(made, natural, text, "length of the cue")
    return [] if length.is_good else [length.warning()]


def line_samples(semantic: SemanticSpeech, clock: Clock) -> int:
    """Natural samples of a line with its pauses."""
    frames = sum(clock.natural_frames(int(count)) for count in semantic.token_lengths)
    return frames * clock.hop + line_pauses(semantic, clock)


def line_pauses(semantic: SemanticSpeech, clock: Clock) -> int:
    """Samples of a line that are pauses."""
    return sum(clock.pause_samples(pause) for pause in semantic.pauses)


def retargeted(semantic: SemanticSpeech, samples: int, clock: Clock, overlap: int = 0) -> SemanticSpeech:
    """The same tokens, their rows to last `samples` together with the pauses.

    overlap: samples lost where rows are faded into each other. Raises InputError when the pauses leave no room.
    """
    pauses = line_pauses(semantic, clock)
    left = samples - pauses + overlap
    rows = len(semantic.token_lengths)
    if left < rows * clock.hop:
        raise InputError(
            f"{samples / clock.sample_rate:.2f} s are asked, but the pauses of the line alone last "
            f"{pauses / clock.sample_rate:.2f} s. Shorten the pauses, or ask for more."
        )
    parts = split_evenly(left, [float(max(1, int(count))) for count in semantic.token_lengths])
    targets = [Target.of_samples(part, clock) for part in parts]
    home = semantic.tokens.device
    return replace(
        semantic,
        frame_targets=torch.tensor([target.frames for target in targets], device=home),
        sample_targets=torch.tensor([target.samples for target in targets], device=home),
    )
