"""Speech made ready for models that move lips: whole video frames, their rate and channels, and no digital silence.

Such models close or freeze the mouth on exact zeros, which no microphone ever gave them; a quiet room under the pauses
is what they were trained on. The clean track, of the same length, is what the finished video should sound like.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio.resample import resample_soxr
from ..checks import check_fields, check_finite
from ..contracts import SpokenWords, Waveform
from ..errors import AudioError, InputError
from .word_borders import silences_of

FADE_SECONDS = 0.02  # between room and speech
ROOM_SMOOTHING = 9  # samples that the noise of the room is averaged over, which takes its hiss away
LOUD_QUANTILE = 0.95  # of the frames with sound; what opens the mouth wide
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000


@dataclass(frozen=True, slots=True)
class LipSyncSettings:
    """What the video model takes."""

    frame_rate: float = 25.0  # video frames per second
    sample_rate: int = 44_100  # Hz
    stereo: bool = True
    frame_step: int = 1  # the frames are a multiple of this plus one; 1 takes any number
    room_tone: float = -65.0  # level of the room in the pauses, dB of full scale
    seed: int = 0  # of the room's noise

    def __post_init__(self) -> None:
        check_fields(self, frame_step=(1, 1_000))
        if not 1.0 <= self.frame_rate <= 1000.0:
            raise InputError(f"A video has 1 to 1000 frames per second, but {self.frame_rate:g} were asked.")
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            raise InputError(
                f"The sample rate lies between {LOWEST_RATE} and {HIGHEST_RATE} Hz, but {self.sample_rate} was asked."
            )
        if not -120.0 <= self.room_tone <= -20.0:
            raise InputError(f"The room tone lies between -120 and -20 dB, but {self.room_tone:g} was asked.")


@dataclass(frozen=True, slots=True)
class LipSync:
    """Two tracks of the same whole number of video frames, and how wide the mouth opens in each."""

    track: Waveform  # with the room under its pauses, for the video model
    clean: Waveform  # for the finished video
    frame_count: int  # video frames
    mouth: tuple[float, ...]  # per video frame, 0 closed to 1 wide


def prepare_lip_sync(
    waveform: Waveform, settings: LipSyncSettings | None = None, *, words: SpokenWords | None = None
) -> LipSync:
    """Two tracks for a video model and its video.

    words: where they are known, the mouth is closed between them. The same seed gives the same room. Raises AudioError
    for a batch, or audio without sound or with broken numbers; InputError for words of other audio.
    """
    settings = settings or LipSyncSettings()
    speech = _checked(waveform, words)
    rate = settings.sample_rate
    speech = resample_soxr(speech, waveform.sample_rate, rate)[0]
    frames = _whole_frames(waveform.seconds, settings)
    count = round(frames * rate / settings.frame_rate)
    speech = F.pad(speech, (0, max(0, count - speech.shape[0])))[:count]
    channels = 2 if settings.stereo else 1
    clean = speech.expand(channels, -1)
    track = clean + _room(speech, channels, settings)
    mouth = _mouth(speech, frames, settings, words)
    return LipSync(Waveform(track[None], rate), Waveform(clean[None].clone(), rate), frames, mouth)


def _checked(waveform: Waveform, words: SpokenWords | None) -> Tensor:
    """(1, samples) float32 on the CPU."""
    if waveform.samples.shape[0] != 1:
        raise AudioError(
            f"The audio should be one recording, but got {waveform.samples.shape[0]} in a batch. Pick one."
        )
    mono = waveform.mono.cpu()
    check_finite("The audio", mono)
    if not mono.numel() or not bool(mono.abs().max() > 0.0):
        raise AudioError("The audio holds no sound, so there are no lips to move. Connect speech.")
    if words is not None and abs(words.sample_count / words.sample_rate - waveform.seconds) > 1 / words.sample_rate:
        raise InputError(
            f"The words belong to audio of {words.sample_count / words.sample_rate:.3f} s, but this one lasts "
            f"{waveform.seconds:.3f} s. Connect the words and the audio of one node."
        )
    return mono


def _whole_frames(seconds: float, settings: LipSyncSettings) -> int:
    """The fewest video frames that hold so many seconds, a multiple of the step plus one."""
    least = max(1, math.ceil(round(seconds * settings.frame_rate, 6)))
    if settings.frame_step == 1:
        return least
    return math.ceil((least - 1) / settings.frame_step) * settings.frame_step + 1


def _room(speech: Tensor, channels: int, settings: LipSyncSettings) -> Tensor:
    """Noise of a quiet room in the silences of the speech, faded in and out: (channels, samples)."""
    rate = settings.sample_rate
    generator = torch.Generator().manual_seed(settings.seed)
    noise = torch.randn(channels, speech.shape[0] + ROOM_SMOOTHING - 1, generator=generator)
    noise = F.avg_pool1d(noise[None], ROOM_SMOOTHING, stride=1)[0]
    noise = noise * (10.0 ** (settings.room_tone / 20.0) / noise.square().mean().sqrt())
    inside = torch.zeros(speech.shape[0])
    for first, end in silences_of(speech, rate):
        inside[first:end] = 1.0
    fade = 2 * round(FADE_SECONDS * rate / 2) + 1
    smooth = F.avg_pool1d(F.pad(inside[None, None], (fade // 2, fade // 2), mode="replicate"), fade, stride=1)[0, 0]
    return noise * torch.minimum(smooth, inside)


def _mouth(speech: Tensor, frames: int, settings: LipSyncSettings, words: SpokenWords | None) -> tuple[float, ...]:
    """Level of the sound in each video frame against the loud ones, and zero where no word is spoken."""
    rate = settings.sample_rate
    borders = [min(speech.shape[0], round(index * rate / settings.frame_rate)) for index in range(frames + 1)]
    heard = speech.clone()
    if words is not None:
        inside = torch.zeros(speech.shape[0])
        for word in words.words:
            first, end = (round(sample * rate / words.sample_rate) for sample in (word.start, word.end))
            inside[first:end] = 1.0
        heard = heard * inside
    levels = torch.stack([_level(heard[first:end]) for first, end in pairwise(borders)])
    sounding = levels[levels > levels.max() * 0.05]
    loud = float(torch.quantile(sounding, LOUD_QUANTILE)) if sounding.numel() else 1.0
    return tuple(round(min(1.0, float(level) / max(loud, 1e-9)), 4) for level in levels)


def _level(samples: Tensor) -> Tensor:
    return samples.square().mean().sqrt() if samples.numel() else samples.new_zeros(())
