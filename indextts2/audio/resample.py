"""The two resamplers of the reference chain (docs/spec/reference.md): soxr for user audio, then a windowed sinc."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

SINC_ZERO_CROSSINGS = 6  # low-pass width of the published chain
SINC_ROLL_OFF = 0.99  # fraction of the Nyquist frequency that passes


def resample_soxr(waveform: Tensor, source_rate: int, target_rate: int) -> Tensor:
    """High-quality soxr resampling on the CPU: (batch, samples) -> (batch, ceil(samples * target / source)).

    The same samples come back when the rates are equal.
    """
    if source_rate == target_rate:
        return waveform
    samples = waveform.detach().to("cpu", torch.float32)
    length = math.ceil(samples.shape[-1] * (target_rate / source_rate))
    rows = [_soxr(row, source_rate, target_rate, length) for row in samples]
    return torch.stack(rows).to(waveform)


def _soxr(samples: Tensor, source_rate: int, target_rate: int, length: int) -> Tensor:
    """(samples,) float32 on the CPU -> (length,). The library may round the length the other way by one sample."""
    import soxr

    resampled = torch.from_numpy(soxr.resample(samples.numpy(), source_rate, target_rate, quality="HQ"))
    return F.pad(resampled, (0, length - resampled.shape[0]))


def resample_sinc(waveform: Tensor, source_rate: int, target_rate: int) -> Tensor:
    """Band-limited interpolation with a Hann-windowed sinc.

    (batch, samples) -> (batch, ceil(samples * target / source)).

    With `up / down` the reduced ratio, output sample `n * up + phase` reads the input around `n * down` through the
    kernel of its phase, so one strided convolution with `up` kernels makes all of them.
    """
    divisor = math.gcd(source_rate, target_rate)
    down, up = source_rate // divisor, target_rate // divisor
    if down == up:
        return waveform
    kernels, half_width = _sinc_kernels(down, up)
    sample_count = waveform.shape[-1]
    padded = F.pad(waveform, (half_width, half_width + down))
    phases = F.conv1d(padded[:, None], kernels.to(waveform)[:, None], stride=down)  # (batch, up, blocks)
    resampled = phases.transpose(1, 2).flatten(1)
    return resampled[:, : math.ceil(sample_count * up / down)]


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept for later calls, which may compute gradients
def _sinc_kernels(down: int, up: int) -> tuple[Tensor, int]:
    """Kernels (up, taps), one per phase of the output, and the taps to the left of a block's first sample."""
    cutoff = min(down, up) * SINC_ROLL_OFF  # in units of the common divisor of the rates
    half_width = math.ceil(SINC_ZERO_CROSSINGS * down / cutoff)
    tap_time = torch.arange(-half_width, half_width + down, dtype=torch.float64) / down
    phase_time = torch.arange(up, dtype=torch.float64)[:, None] / up
    crossings = ((tap_time - phase_time) * cutoff).clamp(-SINC_ZERO_CROSSINGS, SINC_ZERO_CROSSINGS)
    window = torch.cos(crossings * math.pi / (2 * SINC_ZERO_CROSSINGS)).square()
    return torch.sinc(crossings) * window * (cutoff / down), half_width
