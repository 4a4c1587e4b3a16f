"""The estimate command: how long a text will be, without a model."""

from __future__ import annotations

import json

import pytest
import torch

from indextts2.audio.io import write_wav
from indextts2.cli.main import main
from indextts2.contracts import Waveform

TEXT = "We will be back after a short break."


@pytest.fixture
def estimated(capsys):
    def run(*arguments: str) -> dict:
        assert main(["estimate", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_seconds_tokens_and_frames_are_told_with_the_source_of_the_pace(estimated, capsys):
    result = estimated(TEXT, "--fps", "24")
    assert 1.5 < result["seconds"] < 4.0 and result["tokens"] == pytest.approx(result["seconds"] * 25, abs=1)
    assert result["video_frames"] - 1 < result["seconds"] * 24 + 0.25 <= result["video_frames_8n+1"] + 0.25
    assert result["video_frames_8n+1"] % 8 == 1 and result["video_frames_4n+1"] % 4 == 1
    assert "median error" in result["pace"]
    assert main(["estimate", TEXT]) == 0 and "of the form 8n+1" in capsys.readouterr().out


def test_a_checkpoint_without_numbers_says_that_the_default_is_used(estimated, tiny_checkpoint):
    assert "default" in estimated(TEXT, "--checkpoint", str(tiny_checkpoint))["pace"]


def test_the_speaker_s_speed_is_given_or_told_by_a_sample(estimated, tmp_path):
    usual = estimated(TEXT)
    assert estimated(TEXT, "--speed", "2")["seconds"] == pytest.approx(usual["seconds"] / 2, abs=0.02)
    samples = torch.zeros(1, 1, int(usual["seconds"] / 2 * 16_000)) + 0.1
    write_wav(tmp_path / "fast.wav", Waveform(samples, 16_000))
    told = estimated(TEXT, "--sample", str(tmp_path / "fast.wav"), "--sample-text", TEXT)
    assert told["speed"] == pytest.approx(2.0, rel=0.02)


def test_a_sample_without_its_words_is_wrong_usage(capsys):
    assert main(["estimate", TEXT, "--sample", "a.wav"]) == 2
    assert "--sample-text" in capsys.readouterr().err


def test_speak_refuses_an_impossible_length_by_name_and_speaks_it_where_any_is_allowed(
    tiny_checkpoint, tmp_path, capsys
):
    arguments = [
        "speak", "Yes.", "--seconds", "15", "-o", str(tmp_path / "a.wav"), "--checkpoint", str(tiny_checkpoint),
        "--max-tokens", "600", "--steps", "1", "--mode", "sample", "--device", "cpu", "--no-cache",
    ]  # fmt: skip
    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert "15.00 s for words that take about" in message and "--any-length" in message
    shorter = [*arguments]
    shorter[3] = "2"
    assert main(shorter) == 1
    assert main([*shorter, "--any-length"]) == 0
    assert "drawn out" in capsys.readouterr().out
