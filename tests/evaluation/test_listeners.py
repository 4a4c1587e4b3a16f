"""What the recogniser is given: silence around speech, but none before a clip that may be a single word."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from indextts2.contracts import Waveform
from indextts2.evaluation import listeners


@pytest.fixture
def given(monkeypatch):
    """The audio that a recogniser was given, in its order."""
    heard: list[list[float]] = []

    def transcribe(samples, rate):
        heard.append(samples)
        return SimpleNamespace(lines=[SimpleNamespace(text=" Fine. ")])

    fake = SimpleNamespace(transcribe_without_streaming=transcribe)
    monkeypatch.setattr(listeners, "_recogniser", lambda: fake)
    return heard


@pytest.mark.parametrize(("seconds", "before"), [(0.4, 0.0), (1.4, 0.0), (1.5, 0.3), (3.0, 0.3)])
def test_a_short_clip_begins_at_once_and_a_longer_one_after_silence(given, seconds, before):
    samples = torch.full((1, 1, round(seconds * listeners.JUDGE_RATE)), 0.5)
    assert listeners.transcribe(Waveform(samples, listeners.JUDGE_RATE)) == "Fine."
    spoken = np.flatnonzero(given[0])
    assert spoken[0] == round(before * listeners.JUDGE_RATE)
    assert len(given[0]) - spoken[-1] - 1 == round(listeners.SILENCE_AFTER * listeners.JUDGE_RATE)
