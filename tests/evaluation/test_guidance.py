"""The curve of emotion and latent guidance: every point whole, resumable, and what is not guided made once."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from indextts2.errors import InputError
from indextts2.evaluation import Listeners, build_protocol, guidance
from indextts2.evaluation.guidance import GuidedSpeaker, Strengths, curve, measure, points_of, write_curve
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from tests.evaluation.test_evaluate import SMALL, corpus, pitch_of, speech  # noqa: F401
from tests.evaluation.test_evaluate import judges as all_judges

MODELS = SimpleNamespace(t2s=SimpleNamespace(fingerprint="tiny"))


@pytest.fixture
def protocol(corpus):  # noqa: F811
    return build_protocol(corpus, replace(SMALL, free=0, duration=0, emotion=1))


@pytest.fixture
def asked(monkeypatch):
    """The requests that were spoken, with their strengths; tones stand in for the speech."""
    made = []

    class Tones:
        def __init__(self, models, protocol):
            pass

        def __call__(self, request, strengths):
            made.append((request.id, strengths))
            return speech(request)

    monkeypatch.setattr(guidance, "GuidedSpeaker", Tones)
    return made


def judges() -> Listeners:
    return replace(all_judges(), quality=None)


def test_strengths_are_paired_with_off_first():
    assert points_of([2.0, 3.0], []) == [Strengths(1.0, 1.0), Strengths(2.0, 1.0), Strengths(3.0, 1.0)]
    assert points_of([1.0], [2.0]) == [Strengths(1.0, 1.0), Strengths(1.0, 2.0)]


def test_a_stopped_run_resumes_and_the_neutral_speech_is_made_once_per_latent_guidance(protocol, asked, tmp_path):
    points = points_of([2.0], [3.0])

    def stop(done, total):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(MODELS, protocol, judges(), tmp_path, points, progress=stop)
    with (tmp_path / "guidance.jsonl").open("a") as file:
        file.write('{"id": "half a li')  # stopped while it wrote
    with (tmp_path / "guidance.jsonl").open("a") as file:
        file.write("\n")
    notes = measure(MODELS, protocol, judges(), tmp_path, points)
    neutral = sum(request.emotion is None for request in protocol.requests)
    assert len(asked) == len(set(asked)) == 4 * len(protocol.requests) - 2 * neutral
    assert not [one for one in asked if "neutral" in one[0] and one[1].emotion != 1.0]
    again = measure(MODELS, protocol, judges(), tmp_path, points)
    assert len(asked) == len(set(asked)) and curve(again, protocol) == curve(notes, protocol)


def test_every_whole_point_is_a_row_and_an_unfinished_one_is_left_out(protocol, asked, tmp_path):
    notes = measure(MODELS, protocol, judges(), tmp_path, points_of([2.0], []))
    del notes.heard[protocol.requests[-1].id, Strengths(2.0, 1.0)]
    assert [row["emotion_guidance"] for row in curve(notes, protocol)] == [1.0]
    rows = curve(measure(MODELS, protocol, judges(), tmp_path, points_of([2.0], [])), protocol)
    assert [(row["emotion_guidance"], row["latent_guidance"]) for row in rows] == [(1.0, 1.0), (2.0, 1.0)]
    assert all(row["judged"] == 8 and row["similarity_same"] == 1.0 for row in rows)
    write_curve(tmp_path, "tones", protocol, rows)
    assert json.loads((tmp_path / "guidance.json").read_text())["points"] == rows
    assert "| 2 / 1 | 8 |" in (tmp_path / "guidance.md").read_text()
    assert (tmp_path / "guidance.png").read_bytes().startswith(b"\x89PNG")


def test_notes_of_another_checkpoint_are_refused(protocol, asked, tmp_path):
    measure(MODELS, protocol, judges(), tmp_path, [])
    other = SimpleNamespace(t2s=SimpleNamespace(fingerprint="other"))
    with pytest.raises(InputError, match="another checkpoint"):
        measure(other, protocol, judges(), tmp_path, [])


def test_a_request_is_spoken_with_its_strengths(protocol, tiny_checkpoint):
    speak = GuidedSpeaker(load_speech(open_checkpoint(tiny_checkpoint)), protocol)
    request = replace(next(one for one in protocol.requests if one.style == "happy"), text="Hello.")
    neutral = replace(next(one for one in protocol.requests if one.emotion is None), text="Hello.")
    plain, guided = (speak(request, Strengths(*pair)).waveform.samples for pair in ((1.0, 1.0), (1.0, 4.0)))
    assert plain.shape == guided.shape and not torch.equal(plain, guided)
    speak(neutral, Strengths(1.0, 1.0))
    speak(neutral, Strengths(4.0, 1.0))
    assert sorted(strength for _, strength in speak._spoken) == [1.0, 1.0]
