"""Estimate Length, and lengths that nodes refuse."""

from __future__ import annotations

import pytest

from . import graphs
from .graphs import change, host, loader, node

TEXT = "We will be back after a short break."
LENGTH = {"text": TEXT, "fps": 24.0, "frame_form": "8n+1", "speed": 1.0}


def estimated(machine, checkpoint="mini", **inputs):
    graph = {
        "load": loader(checkpoint),
        "estimate": node("EstimateLength", t2s=["load", 1], **{**LENGTH, **inputs}),
        "show": host("PreviewAny", source=["estimate", 4]),
    }
    return [one[0] for one in machine.run(graph)["estimate"]]


@pytest.mark.parametrize(("form", "multiple"), [("any", 1), ("8n+1", 8), ("4n+1", 4)])
def test_frames_have_the_form_that_is_asked_and_the_duration_is_theirs(machine, form, multiple):
    seconds, tokens, count, duration, report = estimated(machine, "tiny", frame_form=form)
    assert count % multiple == 1 % multiple and count / 24 >= seconds and tokens > 10
    assert (duration.unit, duration.value) == ("seconds", pytest.approx(count / 24))
    assert "default" in report


def test_a_sample_sets_the_speed(machine):
    usual = estimated(machine, "tiny")[0]
    graph = {
        "load": loader(),
        "recording": host("TestAudio", seconds=usual / 2, seed=1),
        "estimate": node("EstimateLength", t2s=["load", 1], **LENGTH, sample=["recording", 0], sample_text=TEXT),
        "show": host("PreviewAny", source=["estimate", 4]),
    }
    assert machine.run(graph)["estimate"][0][0] == pytest.approx(usual / 2, rel=0.05)


def test_speak_refuses_impossible_lengths_by_name_unless_any_is_allowed(machine, pack):
    with pytest.raises(pack.errors.ImpossibleLength, match="for words that take about"):
        machine.run(graphs.speak(seconds=15.0, text="Yes."))
    machine.run(graphs.speak(seconds=0.2, text="Yes, of course.", allow_any_length=True))


def test_text_to_semantic_refuses_impossible_lengths_by_name_and_warns_of_unnatural_ones(machine, pack):
    chain = graphs.chain()
    with pytest.raises(pack.errors.ImpossibleLength, match="90 tokens asked for the whole text"):
        machine.run(change(change(chain, "duration", value=90.0), "t2s", max_tokens=100))
    report = machine.run(change(chain, "duration", value=11.0))["t2s"][1][0]
    assert "hurried" in report
    any_length = change(change(chain, "duration", value=4.0), "t2s", allow_any_length=True)
    assert "0." in machine.run(any_length)["t2s"][1][0]
