"""Scores of takes, from nothing but what the models of the checkpoint say. The smallest score is the best.

Tokens are judged first, which costs nothing; the best few are rendered and judged by their sound. The weights below are
choices: each says how much of a fault weighs as much as another, and all numbers are in the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..audio.fbank import FBANK, style_features
from ..audio.resample import resample_sinc
from ..checks import check_fields
from ..errors import InputError
from ..stages.handles import EncoderModels
from .clean import QUIET_DB, frame_levels, tail_end

LONGEST_PERIOD = 8  # tokens of a pattern that repeats
LOOP_SECONDS = 1.5  # the same pattern over and over for longer is no speech
SILENT_SHARE = 0.6  # of a line; more is no speech
LEAST_COSINE = 0.0  # to the speaker's style; less is somebody else (good short lines of the mini have 0.07 to 0.54)
SHORTEST_JUDGED_SECONDS = 0.6  # of audio the style encoder can say something about
UNSTOPPED_COST, LOOP_COST, LENGTH_COST = 10.0, 2.0, 3.0
SILENCE_COST, NOISE_COST, STRANGER_COST = 2.0, 1.0, 2.0


@dataclass(frozen=True, slots=True)
class TakeSettings:
    """The takes of a line."""

    count: int = 1  # decoded in one batch
    listen: int = 2  # how many of the best are rendered and judged by their sound
    retries: int = 2  # how often the next seed is tried when even the best take is degenerate
    judge_speaker: bool = True  # by the similarity to the speaker's style

    def __post_init__(self) -> None:
        check_fields(self, count=(None, 256), listen=(None, 256), retries=(None, 1_000))
        if self.count < 1 or self.listen < 1 or self.retries < 0:
            raise InputError("count and listen are at least 1, and retries at least 0.")


@dataclass(frozen=True, slots=True)
class TakeScore:
    """Judgement of one take."""

    number: int  # among the takes of its seed
    seed: int
    tokens: int
    stopped: bool
    loop_seconds: float  # the longest repetition of one pattern
    length_error: float  # |ln(tokens / wanted)|
    silence_share: float | None = None  # None, as the two that follow, for takes that were not rendered
    tail_noise: float | None = None
    speaker_cosine: float | None = None
    cut_off: bool = False  # it ended before its words can have been said

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the take is degenerate; empty for a usable one."""
        found = []
        if not self.stopped:
            found.append("it did not end")
        if self.cut_off:
            found.append("it is shorter than its words can be")
        if self.loop_seconds > LOOP_SECONDS:
            found.append(f"it repeats itself for {self.loop_seconds:.1f} s")
        if self.silence_share is not None and self.silence_share > SILENT_SHARE:
            found.append(f"{self.silence_share:.0%} of it is silent")
        if self.speaker_cosine is not None and self.speaker_cosine < LEAST_COSINE:
            found.append("it does not sound like the speaker")
        return tuple(found)

    @property
    def cost(self) -> float:
        """Sum of the faults; infinite beauty is 0."""
        cost = UNSTOPPED_COST * (self.cut_off or not self.stopped) + LOOP_COST * self.loop_seconds / LOOP_SECONDS
        cost += LENGTH_COST * self.length_error
        cost += SILENCE_COST * (self.silence_share or 0.0) + NOISE_COST * (self.tail_noise or 0.0)
        return cost + (STRANGER_COST * (1.0 - self.speaker_cosine) if self.speaker_cosine is not None else 0.0)


def judged_tokens(
    rows: Sequence[Tensor],
    stops: Sequence[bool],
    wanted: int | None,
    tokens_per_second: float,
    number: int,
    seed: int,
    *,
    cut_off: bool = False,
) -> TakeScore:
    """A take by its tokens. rows: (tokens,) of each segment; wanted: tokens of all together, None when free; cut_off:
    some segment ended before its words can have been said.
    """
    count = sum(len(row) for row in rows)
    return TakeScore(
        number=number,
        seed=seed,
        tokens=count,
        stopped=all(stops),
        loop_seconds=round(max(longest_loop(row) for row in rows) / tokens_per_second, 4),
        length_error=round(abs(math.log(max(1, count) / wanted)), 6) if wanted else 0.0,
        cut_off=cut_off,
    )


def longest_loop(tokens: Tensor) -> int:
    """Tokens of the longest stretch in which a pattern of few tokens comes back at once, its first time not counted."""
    longest = 0
    for period in range(1, min(LONGEST_PERIOD, len(tokens) - 1) + 1):
        run = 0
        for same in (tokens[period:] == tokens[:-period]).tolist():
            run = run + 1 if same else 0
            if run >= 2 * period:
                longest = max(longest, run)
    return longest


def judged_sound(score: TakeScore, mels: Sequence[Tensor], frames_per_second: float) -> TakeScore:
    """The score with what the mel shows. mels: (bands, frames) of each segment, before anything is trimmed."""
    quiet = total = noisy = after = 0
    for mel in mels:
        levels = frame_levels(mel)
        end = tail_end(mel, frames_per_second)
        quiet += int((levels[:end] <= -QUIET_DB).sum())
        total += mel.shape[-1]
        noisy += int((levels[end:] > -QUIET_DB).sum())
        after += mel.shape[-1] - end
    return replace(
        score,
        silence_share=round((quiet + after) / max(1, total), 4),
        tail_noise=round(noisy / after, 4) if after else 0.0,
    )


@torch.no_grad()
def judged_speaker(
    score: TakeScore, encoder: EncoderModels, audio: Tensor, sample_rate: int, style: Tensor
) -> TakeScore:
    """The score with the similarity to the speaker. audio: (samples,); style: (1, style_dim)."""
    if audio.shape[0] < SHORTEST_JUDGED_SECONDS * sample_rate or not float(audio.abs().max()):
        return score
    features = style_features(resample_sinc(audio[None].to(encoder.device).float(), sample_rate, FBANK.sample_rate))
    found = encoder.style_encoder(encoder.place(features, encoder.style_encoder)).float().cpu()
    cosine = torch.cosine_similarity(found, style.float().cpu(), dim=-1)
    return replace(score, speaker_cosine=round(float(cosine), 4))
