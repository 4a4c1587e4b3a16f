"""Pitch and loudness of speech for auxiliary targets and measurements: fast, in pure torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PitchConfig:
    """Autocorrelation pitch tracker."""

    sample_rate: int = 16_000
    hop: int = 320  # 20 ms: two values per 40 ms token
    window: int = 1024  # 64 ms, three periods of the lowest pitch
    fft_size: int = 2048
    low_hz: float = 55.0
    high_hz: float = 500.0
    octave_cost: float = 0.03  # prefers the shorter of two equally good periods, per octave
    voicing: float = 0.5  # smallest normalised autocorrelation of a voiced frame
    silence: float = 0.02  # frames this far below the loudest (amplitude) are unvoiced
    smoothing: int = 5  # frames of the median filter


PITCH = PitchConfig()

UTTERANCE_PROSODY = ("mean pitch", "range of pitch", "slope of pitch", "mean loudness", "range of loudness", "tilt")
TILT_HZ = 1500.0  # above it lies what effort adds and ease takes away
SMALL_POWER = 1e-10


def pitch_contour(waveform: Tensor, config: PitchConfig = PITCH) -> tuple[Tensor, Tensor, Tensor]:
    """(samples,) -> log F0 in natural log of hertz, voiced, log energy; each (frames,), frames = ceil(samples / hop).

    Frame k is centred on sample hop * k + hop / 2. The autocorrelation is divided by that of the window, so that long
    periods are not penalised; F0 of unvoiced frames is interpolated.
    """
    frame_count = -(-waveform.shape[-1] // config.hop)
    left = (config.window - config.hop) // 2
    padded = F.pad(waveform, (left, config.window + config.hop))
    frames = padded.unfold(-1, config.window, config.hop)[:frame_count]
    frames = frames - frames.mean(dim=-1, keepdim=True)
    window = torch.hann_window(config.window, periodic=False).to(waveform)
    correlation = _autocorrelation(frames * window, config) / _autocorrelation(window[None], config).clamp(min=1e-4)
    shortest = int(config.sample_rate / config.high_hz)
    longest = int(config.sample_rate / config.low_hz) + 1
    lags = torch.arange(shortest, longest, device=waveform.device)
    scores = correlation[:, shortest:longest] - config.octave_cost * torch.log2(lags / shortest)
    best = scores.argmax(dim=-1)
    strength = correlation.gather(1, (best + shortest)[:, None])[:, 0]
    period = _refined(scores, best) + shortest
    loudness = frames.square().mean(dim=-1).sqrt()
    voiced = (strength > config.voicing) & (loudness > config.silence * loudness.max())
    voiced &= (best > 0) & (best < len(lags) - 1)
    log_f0 = torch.log(config.sample_rate / period)
    return _interpolated(_median(log_f0, voiced, config.smoothing), voiced), voiced, loudness.clamp(min=1e-5).log()


def utterance_prosody(waveform: Tensor, config: PitchConfig = PITCH) -> Tensor:
    """(samples,) at the configuration's rate -> (6,), how an utterance is said, in the order of UTTERANCE_PROSODY.

    Pitch in natural log of hertz over voiced frames, its slope per second, loudness in log amplitude over voiced
    frames, tilt as the log of the power above TILT_HZ against that below. Zeros where nothing is voiced.
    """
    log_f0, voiced, loudness = pitch_contour(waveform, config)
    if int(voiced.sum()) < 2:
        return torch.zeros(len(UTTERANCE_PROSODY))
    pitch, loud = log_f0[voiced], loudness[voiced]
    seconds = voiced.nonzero()[:, 0] * (config.hop / config.sample_rate)
    seconds = seconds - seconds.mean()
    slope = (seconds * (pitch - pitch.mean())).sum() / seconds.square().sum().clamp(min=1e-3)
    power = torch.fft.rfft(waveform).abs().square()
    split = round(TILT_HZ / config.sample_rate * len(waveform))
    tilt = torch.log((power[split:].sum() + SMALL_POWER) / (power[:split].sum() + SMALL_POWER))
    return torch.stack([pitch.mean(), pitch.std(), slope, loud.mean(), loud.std(), tilt])


def _autocorrelation(frames: Tensor, config: PitchConfig) -> Tensor:
    """(count, window) -> (count, window), 1 at lag zero."""
    spectrum = torch.fft.rfft(frames, n=config.fft_size).abs().square()
    correlation = torch.fft.irfft(spectrum, n=config.fft_size)[:, : frames.shape[-1]]
    return correlation / correlation[:, :1].clamp(min=1e-9)


def _refined(scores: Tensor, best: Tensor) -> Tensor:
    """Vertex of the parabola through the best lag and its neighbours."""
    inner = best.clamp(1, scores.shape[1] - 2)
    before, at, after = (scores.gather(1, (inner + shift)[:, None])[:, 0] for shift in (-1, 0, 1))
    curvature = before - 2 * at + after
    shift = torch.where(curvature < 0, 0.5 * (before - after) / curvature.clamp(max=-1e-9), torch.zeros_like(at))
    return inner + shift.clamp(-0.5, 0.5)


def _median(values: Tensor, voiced: Tensor, width: int) -> Tensor:
    """Median over the voiced frames of a window; removes single octave jumps."""
    gaps = torch.where(voiced, values, torch.full_like(values, float("nan")))
    padded = F.pad(gaps[None, None], (width // 2, width // 2), value=float("nan"))[0, 0]
    medians = padded.unfold(0, width, 1).nanmedian(dim=-1).values
    return torch.where(voiced & ~medians.isnan(), medians, values)


def _interpolated(values: Tensor, voiced: Tensor) -> Tensor:
    """Unvoiced frames take the straight line between their voiced neighbours. All unvoiced: zeros."""
    known = voiced.nonzero()[:, 0]
    if known.numel() == 0:
        return torch.zeros_like(values)
    position = torch.arange(values.shape[0], device=values.device)
    right = torch.searchsorted(known, position).clamp(max=len(known) - 1)
    left = (right - 1).clamp(min=0)
    start, end = known[left], known[right]
    share = ((position - start) / (end - start).clamp(min=1)).clamp(0.0, 1.0)
    return torch.lerp(values[start], values[end], share)
