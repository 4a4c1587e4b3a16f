"""A recording of a speaker: the part of it that is used, without silence at its ends, and what is poor about it.

Levels are those of short frames, in dB of full scale. All of it is arithmetic on samples; no model is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..contracts import Waveform
from ..errors import AudioError

FRAME_SECONDS = 0.02
LOWEST_LEVEL = -100.0  # dB; digital silence
SPEECH_RANGE = 40.0  # dB below the loudest frames in which speech lies
ABOVE_NOISE = 6.0  # dB above the noise from which a frame counts as speech
CLEAR_NOISE = 15.0  # dB between noise and speech from which the noise is told apart
SHORTEST_SOUND = 3  # frames; anything shorter is a click
MARGIN_SECONDS = 0.15  # kept on either side of the speech
LEAST_TRIM_SECONDS = 0.4  # less silence than this is left where it is

SOFT_LEVEL, NOISY_RATIO = -40.0, 15.0  # dB
SHORT_SPEECH_SECONDS = 2.0
CLIPPED_RUNS_PER_SECOND = 1.0
CLIPPED_RUN = 3  # samples in a row at the highest value
CLIPPED_NEAR = 1e-3  # relative to it
ONE_VOICE = 0.2  # similarity of two parts, above which every recording of one voice that was measured lies


@dataclass(frozen=True, slots=True)
class RecordingQuality:
    """What was measured of a recording. Levels in dB of full scale; signal_to_noise in dB."""

    seconds: float
    speech_seconds: float
    level: float
    signal_to_noise: float
    clipped_runs: int
    trimmed: tuple[float, float] = (0.0, 0.0)  # seconds of silence in front and behind that are taken off
    similarity: float | None = None  # of the two parts whose style differs most; None where it was not measured

    @property
    def faults(self) -> tuple[str, ...]:
        """A sentence about everything that makes the recording poor; none when it serves."""
        found = []
        if self.speech_seconds < SHORT_SPEECH_SECONDS:
            found.append(f"It holds only {self.speech_seconds:.1f} s of speech; 5 to 15 s serve best.")
        if self.level < SOFT_LEVEL:
            found.append(f"It is soft ({self.level:.0f} dB); raise its level, or record closer to the microphone.")
        if self.signal_to_noise < NOISY_RATIO:
            found.append(
                f"It is noisy (speech only {self.signal_to_noise:.0f} dB above the noise); the voice will sound noisy "
                "too. Remove noise and music, or choose a quieter recording."
            )
        if self.clipped_runs > CLIPPED_RUNS_PER_SECOND * self.seconds:
            found.append(f"It is clipped ({self.clipped_runs} peaks are cut off); record it with a lower level.")
        if self.similarity is not None and self.similarity < ONE_VOICE:
            found.append(
                f"Parts of it sound unlike each other (similarity {self.similarity:.2f}); if other voices speak in it, "
                "keep the part of one speaker."
            )
        return tuple(found)

    def describe(self) -> str:
        """Everything measured, and the faults, a line each."""
        facts = [f"{self.speech_seconds:.1f} s of speech in {self.seconds:.1f} s", f"level {self.level:.0f} dB"]
        facts.append(f"{self.signal_to_noise:.0f} dB above the noise")
        front, back = self.trimmed
        if front or back:
            facts.append(f"silence taken off: {front:.2f} s in front, {back:.2f} s behind")
        return "\n".join([", ".join(facts) + ".", *(f"Note: {fault}" for fault in self.faults)])


def part_of_recording(waveform: Waveform, start_seconds: float = 0.0, seconds: float = 0.0) -> Waveform:
    """The part from `start_seconds` on, `seconds` long; 0 seconds is all that follows. Raises AudioError for none."""
    if start_seconds < 0.0 or seconds < 0.0:
        raise AudioError(f"A part begins and lasts 0 s or more, but got {start_seconds} and {seconds} s.")
    first = round(start_seconds * waveform.sample_rate)
    if first >= waveform.samples.shape[-1] and start_seconds > 0.0:
        raise AudioError(
            f"The recording lasts {waveform.seconds:.2f} s, so nothing is left from {start_seconds:.2f} s on. "
            "Start earlier."
        )
    last = first + round(seconds * waveform.sample_rate) if seconds else waveform.samples.shape[-1]
    if first == 0 and last >= waveform.samples.shape[-1]:
        return waveform
    return replace(waveform, samples=waveform.samples[..., first:last])


def without_silence(waveform: Waveform) -> Waveform:
    """The recording without silence, noise or clicks in front of the speech and behind it.

    Less than LEAST_TRIM_SECONDS stays, so a recording that begins and ends with speech is returned as it is; so is one
    without any speech.
    """
    first, last = _speech_span(waveform)
    count = waveform.samples.shape[-1]
    return waveform if (first, last) == (0, count) else replace(waveform, samples=waveform.samples[..., first:last])


def recording_quality(waveform: Waveform) -> RecordingQuality:
    """Level, noise, clipping and voices of a recording, silence at its ends included in the measure of the noise."""
    first, last = _speech_span(waveform)
    rate, count = waveform.sample_rate, waveform.samples.shape[-1]
    mono = _mono(waveform)
    levels, active = _activity(mono, rate)
    speech = levels[active] if bool(active.any()) else levels
    level = float(10 * torch.log10(torch.mean(10 ** (speech / 10)))) if len(speech) else LOWEST_LEVEL
    noise = float(levels.quantile(0.05)) if len(levels) else LOWEST_LEVEL
    return RecordingQuality(
        seconds=waveform.seconds,
        speech_seconds=float(active.sum()) * FRAME_SECONDS,
        level=level,
        signal_to_noise=level - noise,
        clipped_runs=_clipped_runs(waveform.samples),
        trimmed=(first / rate, (count - last) / rate),
    )


def _mono(waveform: Waveform) -> Tensor:
    return waveform.mono[0].detach().cpu() if waveform.samples.shape[0] else torch.zeros(0)


def _levels(mono: Tensor, rate: int) -> Tensor:
    """(frames,) dB of full scale."""
    frame = max(1, round(FRAME_SECONDS * rate))
    count = len(mono) // frame
    power = mono[: count * frame].view(count, frame).double().square().mean(dim=1)
    return (10 * torch.log10(power.clamp(min=1e-20))).clamp(min=LOWEST_LEVEL).float()


def _activity(mono: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    """Levels of the frames, and which of them are speech. Both (frames,)."""
    levels = _levels(mono, rate)
    if len(levels) < SHORTEST_SOUND or not bool(torch.isfinite(levels).all()):
        return levels, torch.zeros(len(levels), dtype=torch.bool)
    sustained = levels.unfold(0, SHORTEST_SOUND, 1).min(dim=1).values  # a click is shorter than this
    loudest, noise = float(sustained.max()), float(levels.quantile(0.05))
    threshold = max(loudest - SPEECH_RANGE, LOWEST_LEVEL + 1.0)
    if loudest - noise > CLEAR_NOISE:
        threshold = max(threshold, noise + ABOVE_NOISE)
    starts = sustained > threshold  # of runs of SHORTEST_SOUND frames
    active = torch.zeros(len(levels), dtype=torch.bool)
    for offset in range(SHORTEST_SOUND):
        active[offset : offset + len(starts)] |= starts
    return levels, active


def _speech_span(waveform: Waveform) -> tuple[int, int]:
    """First sample and the one behind the last that are kept."""
    rate, count = waveform.sample_rate, waveform.samples.shape[-1]
    _, active = _activity(_mono(waveform), rate)
    places = torch.nonzero(active)[:, 0].tolist()
    if not places:
        return 0, count
    frame = max(1, round(FRAME_SECONDS * rate))
    margin, least = round(MARGIN_SECONDS * rate), round(LEAST_TRIM_SECONDS * rate)
    first, last = places[0] * frame - margin, (places[-1] + 1) * frame + margin
    return first if first >= least else 0, last if count - last >= least else count


def _clipped_runs(samples: Tensor) -> int:
    """Runs of samples at the highest or lowest value of their channel, in the channel that has most."""
    most = 0
    if samples.numel() == 0:
        return most
    for channel in samples.detach().cpu().reshape(-1, samples.shape[-1]):
        for signed in (channel, -channel):
            peak = float(signed.max()) if len(signed) else 0.0
            if peak <= 0.0:
                continue
            flat = (signed >= peak * (1 - CLIPPED_NEAR)).float()
            runs = F.max_pool1d(-flat[None, None], CLIPPED_RUN, 1)[0, 0] == -1.0  # all of a run's samples
            most = max(most, int((runs[1:] & ~runs[:-1]).sum()) + int(bool(len(runs)) and bool(runs[0])))
    return most
