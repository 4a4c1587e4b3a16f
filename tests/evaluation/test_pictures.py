"""Pictures of an evaluation: every one is written, has the size of a picture, and shows what was measured."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from indextts2.cli.main import main
from indextts2.config import EMOTIONS
from indextts2.contracts import Speech, Waveform
from indextts2.evaluation.pictures import attention_over_text, draw_melodies
from indextts2.evaluation.protocol import NEUTRAL
from indextts2.loading.checkpoint import load_t2s, open_checkpoint
from tests.evaluation.test_evaluate import RATE, corpus, tone_samples  # noqa: F401  a fixture
from tests.stages.speaking import tiny_speaker


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_evaluate_draws_spectrograms_attention_and_durations(
    corpus,  # noqa: F811
    tiny_checkpoint,
    tmp_path,
    capsys,
    precision,
):
    asked = ["--free", "2", "--duration", "1", "--emotion", "0", "--without", "transcripts", "speakers", "quality"]
    asked += ["--precision", precision, "--checkpoint", str(tiny_checkpoint), "--pictures"]
    assert main(["evaluate", str(corpus), "-o", str(tmp_path), *asked]) == 0, capsys.readouterr().err
    for name in ("spectrograms.png", "attention.png", "duration.png"):
        pixels = np.asarray(Image.open(tmp_path / name).convert("L"))
        assert pixels.shape[1] == 900 and pixels.std() > 5, name
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["figures"]["duration"]


def test_the_melody_of_the_first_text_is_drawn_in_every_emotion(corpus, tiny_checkpoint, tmp_path, capsys, monkeypatch):  # noqa: F811
    drawn = {}

    def draw(requests, made):
        drawn.update({request.style: (request.text, made[request.id]) for request in requests})
        return draw_melodies(requests, made)

    tone = Speech(Waveform(torch.from_numpy(tone_samples(150.0, 0.6)).float()[None, None], RATE))
    monkeypatch.setattr("indextts2.evaluation.pictures.draw_melodies", draw)
    monkeypatch.setattr("indextts2.stages.speak.speak", lambda *_, **__: tone)
    asked = ["--free", "0", "--duration", "0", "--emotion", "2", "--without", "transcripts", "speakers", "quality"]
    assert (
        main(["evaluate", str(corpus), "-o", str(tmp_path), *asked, "--checkpoint", str(tiny_checkpoint), "--pictures"])
        == 0
    )
    assert set(drawn) == {NEUTRAL, *EMOTIONS} and len({text for text, _ in drawn.values()}) == 1
    pixels = np.asarray(Image.open(tmp_path / "melody.png").convert("L"))
    assert pixels.shape[1] == 900 and pixels.std() > 5
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| happy | " in report and "pitch, semitones, spoken" in report


def test_attention_over_text_is_a_distribution_for_every_token(tiny_checkpoint):
    t2s = load_t2s(open_checkpoint(tiny_checkpoint))
    looks = attention_over_text(t2s, tiny_speaker(), [3, 4, 5, 6], torch.tensor([1, 2, 3, 4, 5]))
    assert looks.shape == (5, 4)
    torch.testing.assert_close(looks.sum(dim=1), torch.ones(5))
