"""Clean line audio: tails and long silences cut in the mel domain, soft ends, joins without clicks, equal loudness.

Cutting before the vocoder leaves nothing to click: the vocoder renders the remaining frames as one piece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..checks import check_fields
from ..contracts import MelSpectrogram, concatenated, pause_samples
from ..errors import InputError
from .loudness import loudness_gain

QUIET_DB = 45.0  # below the loud frames of a row; a frame under it is no speech
LOUD_QUANTILE = 0.95
KEPT_TAIL_SECONDS = 0.06  # after the last frame of speech, so that its decay stays
BURST_SECONDS = 0.08  # a sound this short ...
BURST_GAP_SECONDS = 0.25  # ... after a silence this long ...
BURST_DB = 15.0  # ... and this much below the loud frames, at the end of a row, is noise
FADE_IN_SECONDS = 0.003
FADE_OUT_SECONDS = 0.010
JOIN_SECONDS = 0.010  # of two segments without a pause between them


@dataclass(frozen=True, slots=True)
class CleanSettings:
    """Each switch alone. longest_silence: seconds inside a line of free length, 0 leaves them. loudness: what every
    line is brought to, in LUFS; None leaves lines as loud as they come out.
    """

    trim_tails: bool = True
    soft_ends: bool = True
    joins: bool = True
    longest_silence: float = 0.8
    loudness: float | None = -20.0

    def __post_init__(self) -> None:
        check_fields(self, longest_silence=(None, 3_600))
        if not 0.0 <= self.longest_silence < math.inf:
            raise InputError(f"The longest silence should be 0 or more seconds, but is {self.longest_silence}.")
        if self.loudness is not None and not -70.0 < self.loudness < 0.0:
            raise InputError(f"A loudness lies between -70 and 0 LUFS, but {self.loudness} was asked.")


def frame_levels(mel: Tensor) -> Tensor:
    """Level of every frame in dB below the loud ones: (bands, frames) -> (frames,), about 0 for loud speech."""
    level = 10.0 * torch.log10(mel.double().mul(2.0).exp().mean(dim=0))
    return level - torch.quantile(level, LOUD_QUANTILE)


def runs(flags: Tensor) -> list[tuple[int, int]]:
    """(first, end) of each run of True. flags: (frames,)"""
    padded = torch.nn.functional.pad(flags.to(torch.int8), (1, 1))
    change = padded[1:] - padded[:-1]
    return list(zip((change == 1).nonzero()[:, 0].tolist(), (change == -1).nonzero()[:, 0].tolist(), strict=True))


def tail_end(mel: Tensor, frames_per_second: float) -> int:
    """Frames of a row that hold speech and its decay; what follows is silence or noise. mel: (bands, frames)."""
    levels = frame_levels(mel)
    sounds = runs(levels > -QUIET_DB)
    while len(sounds) > 1:
        first, end = sounds[-1]
        short = end - first < BURST_SECONDS * frames_per_second
        apart = first - sounds[-2][1] > BURST_GAP_SECONDS * frames_per_second
        if not (short and apart and float(levels[first:end].max()) < -BURST_DB):
            break
        sounds.pop()
    if not sounds:
        return mel.shape[-1]
    return min(mel.shape[-1], sounds[-1][1] + round(KEPT_TAIL_SECONDS * frames_per_second))


def kept_frames(mel: Tensor, frames_per_second: float, longest_silence: float) -> Tensor:
    """Mask of the frames that stay when the middle of long silences goes: (frames,) bool. mel: (bands, frames)."""
    keep = torch.ones(mel.shape[-1], dtype=torch.bool)
    cap = max(2, round(longest_silence * frames_per_second))
    for first, end in runs(frame_levels(mel) <= -QUIET_DB):
        if end - first > cap and first > 0 and end < mel.shape[-1]:
            keep[first + cap // 2 : end - (cap - cap // 2)] = False
    return keep


def clean_frames(mel: MelSpectrogram, settings: CleanSettings) -> tuple[Tensor, ...]:
    """The frames of every row that stay: (frames,) int64 indices on the CPU."""
    rate = mel.sample_rate / mel.hop
    rows = []
    for row, count in enumerate(mel.frame_lengths.tolist()):
        own = mel.mel[row, :, :count].cpu()
        if settings.trim_tails:
            own = own[:, : tail_end(own, rate)]
        kept = torch.arange(own.shape[-1])
        if settings.longest_silence and not int(mel.sample_targets[row]):
            kept = kept[kept_frames(own, rate, settings.longest_silence)]
        rows.append(kept)
    return tuple(rows)


def clean_mel(mel: MelSpectrogram, kept: Sequence[Tensor]) -> MelSpectrogram:
    """The same rows with some of their frames: without their tails, and those of free length without long silences."""
    rows = [mel.mel[row][:, frames.to(mel.mel.device)] for row, frames in enumerate(kept)]
    lengths = torch.tensor([own.shape[-1] for own in rows], device=mel.frame_lengths.device)
    silence = float(mel.mel.min())
    return replace(mel, mel=concatenated([own[None] for own in rows], silence), frame_lengths=lengths)


def joined_without_pause(pauses: Sequence[float], row: int, sample_rate: int, settings: CleanSettings) -> bool:
    """True where a row is faded into the one behind it."""
    return settings.joins and 0 <= row < len(pauses) - 1 and not pause_samples(pauses[row], sample_rate)


def overlap_samples(pauses: Sequence[float], sample_rate: int, settings: CleanSettings) -> int:
    """Samples by which a line gets shorter because segments without a pause between them are faded into each other."""
    joins = sum(joined_without_pause(pauses, row, sample_rate, settings) for row in range(len(pauses)))
    return joins * round(JOIN_SECONDS * sample_rate)


def finished_row(
    audio: Tensor, target: int, sample_rate: int, settings: CleanSettings, *, first: bool = True, last: bool = True
) -> Tensor:
    """A row's audio with soft ends and, where target is not 0, exactly so many samples.

    audio: (samples,). Only what the last, partial frame has too much is cut; what is missing becomes silence. first and
    last: whether silence lies before and behind it; an end that is faded into another row is left as it is.
    """
    if target and audio.shape[0] > target:
        audio = audio[:target]
    if settings.soft_ends:
        audio = soft_ends(audio, sample_rate, first=first, last=last or audio.shape[0] < target)
    return torch.nn.functional.pad(audio, (0, max(0, target - audio.shape[0])))


def soft_ends(audio: Tensor, sample_rate: int, *, first: bool = True, last: bool = True) -> Tensor:
    """Raised-cosine ends. audio: (samples,)"""
    audio = audio.clone()
    for seconds, at_end, wanted in ((FADE_IN_SECONDS, False, first), (FADE_OUT_SECONDS, True, last)):
        count = min(round(seconds * sample_rate), audio.shape[0] // 2)
        if count and wanted:
            rise = 0.5 - 0.5 * torch.cos(math.pi * (torch.arange(count, device=audio.device) + 0.5) / count)
            if at_end:
                audio[-count:] *= rise.flip(0)
            else:
                audio[:count] *= rise
    return audio


def joined_rows(rows: Sequence[Tensor], pauses: Sequence[float], sample_rate: int, settings: CleanSettings) -> Tensor:
    """Rows with their pauses; without a pause they are faded into each other at equal power. rows: (samples,) each."""
    overlap = round(JOIN_SECONDS * sample_rate) if settings.joins else 0
    whole = rows[0]
    for row, pause in zip(rows[1:], pauses, strict=False):
        silence = pause_samples(pause, sample_rate)
        if silence or not overlap:
            whole = torch.cat([whole, whole.new_zeros(silence), row])
            continue
        count = min(overlap, whole.shape[0], row.shape[0])
        angle = 0.5 * math.pi * (torch.arange(count, device=row.device) + 0.5) / count
        blend = whole[whole.shape[0] - count :] * angle.cos() + row[:count] * angle.sin()
        whole = torch.cat([whole[: whole.shape[0] - count], blend, row[count:]])
    return torch.cat([whole, whole.new_zeros(pause_samples(pauses[len(rows) - 1], sample_rate))])


def row_starts(rows: Sequence[Tensor], pauses: Sequence[float], sample_rate: int, settings: CleanSettings) -> list[int]:
    """The sample of `joined_rows` at which each row begins."""
    starts = []
    for index, row in enumerate(rows):
        end = joined_rows(rows[: index + 1], pauses, sample_rate, settings).shape[0]
        starts.append(end - pause_samples(pauses[index], sample_rate) - row.shape[0])
    return starts


def levelled(audio: Tensor, sample_rate: int, settings: CleanSettings) -> Tensor:
    """The audio as loud as asked for. audio: (samples,)"""
    if settings.loudness is None or not audio.numel():
        return audio
    return audio * loudness_gain(audio, sample_rate, settings.loudness)
