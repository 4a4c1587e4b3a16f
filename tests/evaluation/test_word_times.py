"""Borders of words against exact timings: the warp that carries them over, and the figures."""

from __future__ import annotations

import pytest
import torch

from indextts2.evaluation.word_times import border_figures, warped


def test_a_warp_finds_every_frame_of_a_stretched_recording():
    mel = torch.randn(20, 40, generator=torch.Generator().manual_seed(0))
    slow = mel.repeat_interleave(2, dim=1)
    path = warped(mel, slow)
    assert (path - (2 * torch.arange(40) + 0.5)).abs().max() <= 0.5


def test_noise_in_pauses_does_not_lead_a_warp_astray():
    speech = 4.0 * torch.randn(20, 30, generator=torch.Generator().manual_seed(0))
    pauses = [torch.randn(20, 40, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    path = warped(*(torch.cat([speech, pause, speech.flip(1)], dim=1) for pause in pauses))
    assert (path - torch.arange(100)).abs().max() <= 5


def test_figures_name_the_median_the_high_percentile_and_the_bias():
    figures = border_figures([0.01, 0.02, -0.03])
    assert figures == {"borders": 3, "median_ms": 20.0, "p95_ms": pytest.approx(29.0), "bias_ms": 10.0}
    assert border_figures([]) == {"borders": 0}
