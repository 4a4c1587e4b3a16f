"""One line of a finished take replaced by another recording."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import Waveform
from indextts2.errors import InputError
from indextts2.script.line import LineReport, SpokenLine
from indextts2.script.loudness import loudness
from indextts2.script.mix import MixSettings, mix
from indextts2.script.model import Line, Script
from indextts2.script.replace import replaced_line
from indextts2.script.run import SpokenScript

RATE = 22_050


def noise(count: int, size: float, seed: int = 0) -> torch.Tensor:
    return size * torch.randn(count, generator=torch.Generator().manual_seed(seed)).clamp(-3, 3)


@pytest.fixture
def take() -> SpokenScript:
    """Two lines of half a second, a second apart."""
    script = Script((Line("One.", start_ms=0, end_ms=500), Line("Two.", start_ms=1000, end_ms=1500)))
    report = LineReport("spoken", "free", None, RATE // 2, RATE)
    lines = tuple(SpokenLine(noise(RATE // 2, 0.1, seed), torch.zeros(1, dtype=torch.int64), report) for seed in (1, 2))
    return SpokenScript(script, lines, RATE)


def test_the_other_recording_is_as_loud_as_the_line_it_replaces_and_ends_softly(take):
    loud = Waveform(noise(2 * 16_000, 0.3).view(1, 2, -1), 16_000)  # two channels, another rate
    changed = replaced_line(take, 1, loud, text=" Another  one. ")
    audio = changed.lines[0].audio
    assert audio.shape == (RATE,) and changed.script.lines[0].text == "Another one."
    assert loudness(audio, RATE) == pytest.approx(loudness(take.lines[0].audio, RATE), abs=0.3)
    assert abs(float(audio[0])) < 1e-3 and abs(float(audio[-1])) < 1e-3
    assert changed.lines[1] is take.lines[1] and take.script.lines[0].text == "One."
    as_it_is = replaced_line(take, 1, loud, match_loudness=False)
    assert loudness(as_it_is.lines[0].audio, RATE) > loudness(audio, RATE) + 3.0
    assert as_it_is.script == take.script


def test_a_recording_that_would_run_into_the_next_line_is_listed_and_not_cut(take):
    long = replaced_line(take, 1, Waveform(noise(3 * RATE // 2, 0.1).view(1, 1, -1), RATE))
    timeline = mix(long.script, long.lines, RATE, MixSettings())
    assert [(one.line, one.needs, one.has) for one in timeline.unfit] == [(0, 3 * RATE // 2, RATE)]
    shifted = mix(long.script, long.lines, RATE, MixSettings(overflow="shift"))
    assert [one.start for one in shifted.placements] == [0, 3 * RATE // 2]


@pytest.mark.parametrize(("number", "count", "words"), [(3, 100, "no line 3"), (0, 100, "no line 0"), (1, 0, "empty")])
def test_faults_are_one_sentence(take, number, count, words):
    with pytest.raises(InputError, match=words):
        replaced_line(take, number, Waveform(torch.zeros(1, 1, count), RATE))
