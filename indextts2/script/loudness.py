"""Gated loudness in the manner of ITU-R BS.1770: K-weighted blocks of 400 ms, silence and quiet blocks left out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

BLOCK_SECONDS = 0.4
STEP_SHARE = 0.25  # of a block
OFFSET_DB = -0.691
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU below the loudness of what passes the absolute gate
SHELF_HZ, SHELF_DB, SHELF_Q, SHELF_SLOPE = 1681.97445, 3.99984385, 0.70717524, 0.49966677
HIGH_PASS_HZ, HIGH_PASS_Q = 38.1354709, 0.50032704
LARGEST_GAIN_DB = 15.0  # a line is not made louder or softer by more
LARGEST_PEAK = 0.97


def k_weights(bins: int, sample_rate: int) -> Tensor:
    """Power response of the two weighting filters at the bins of a real FFT: (bins,) float64."""
    turn = math.pi * torch.arange(bins, dtype=torch.float64) / (bins - 1)
    step = torch.polar(torch.ones_like(turn), -turn)
    k, gain = math.tan(math.pi * SHELF_HZ / sample_rate), 10 ** (SHELF_DB / 20)
    middle = gain**SHELF_SLOPE
    above = (gain + middle * k / SHELF_Q + k * k, 2 * (k * k - gain), gain - middle * k / SHELF_Q + k * k)
    below = (1 + k / SHELF_Q + k * k, 2 * (k * k - 1), 1 - k / SHELF_Q + k * k)
    shelf = _response(above, below, step)
    k = math.tan(math.pi * HIGH_PASS_HZ / sample_rate)
    scale = 1 + k / HIGH_PASS_Q + k * k
    high_pass = _response((1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / scale, (1 - k / HIGH_PASS_Q + k * k) / scale), step)
    return (shelf * high_pass).abs().square()


def _response(above: tuple[float, ...], below: tuple[float, ...], step: Tensor) -> Tensor:
    def polynomial(values: tuple[float, ...]) -> Tensor:
        return values[0] + values[1] * step + values[2] * step * step

    return polynomial(above) / polynomial(below)


def loudness(audio: Tensor, sample_rate: int) -> float | None:
    """LUFS of mono audio; None when nothing passes the gate. audio: (samples,)"""
    block = max(2, round(BLOCK_SECONDS * sample_rate))
    audio = audio.detach().cpu().double()
    audio = torch.nn.functional.pad(audio, (0, max(0, block - audio.shape[0])))
    blocks = audio.unfold(0, block, max(1, round(block * STEP_SHARE)))
    spectrum = torch.fft.rfft(blocks).abs().square()  # (blocks, bins)
    spectrum[:, 1 : (block + 1) // 2] *= 2.0
    power = (spectrum * k_weights(spectrum.shape[-1], sample_rate)).sum(dim=-1) / block**2
    level = OFFSET_DB + 10.0 * torch.log10(power.clamp_min(1e-12))
    loud = level > ABSOLUTE_GATE
    if not bool(loud.any()):
        return None
    gate = OFFSET_DB + 10.0 * math.log10(float(power[loud].mean())) + RELATIVE_GATE
    return OFFSET_DB + 10.0 * math.log10(float(power[loud & (level >= gate)].mean()))


def loudness_gain(audio: Tensor, sample_rate: int, wanted: float) -> float:
    """Factor that brings audio to a loudness, within limits, and never beyond full scale."""
    found = loudness(audio, sample_rate)
    if found is None:
        return 1.0
    change = max(-LARGEST_GAIN_DB, min(LARGEST_GAIN_DB, wanted - found))
    peak = float(audio.abs().max())
    return min(10 ** (change / 20), LARGEST_PEAK / peak if peak else 1.0)
