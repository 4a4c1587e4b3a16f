"""The tiny checkpoint and two voices of noise, for tests that speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from indextts2.audio.io import write_wav
from indextts2.contracts import Waveform
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.script.cast import Cast, Voice
from indextts2.script.line import LineSettings
from indextts2.script.read import read_script
from indextts2.script.run import Job, JobSettings
from indextts2.script.take_scores import TakeSettings
from indextts2.stages.semantic_to_mel import FlowSettings

SCRIPT = """\
Anna [start 0.1; end 0.7]: Hello there.
Ben [happy .6; start 0.9; end 1.5]: Good day. <pause 0.1s> How are you?
Anna [seconds 0.5]: I am well.
"""
FAST = LineSettings(
    sampling=SamplingSettings(mode="sample", max_tokens=20, repetition_penalty=1.0),
    flow=FlowSettings(steps=1, guidance=0.0),
    takes=TakeSettings(retries=0, listen=1),
)


@pytest.fixture(scope="session")
def voices(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("voices")
    for number, name in enumerate(("anna", "ben")):
        noise = torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(number))
        write_wav(folder / f"{name}.wav", Waveform((0.1 * noise).clamp(-1, 1), 24_000))
    return {name: folder / f"{name}.wav" for name in ("anna", "ben")}


@pytest.fixture(scope="session")
def models(tiny_checkpoint):
    return load_speech(open_checkpoint(tiny_checkpoint))


@pytest.fixture
def job(models, voices) -> Callable[..., Job]:
    def make(text: str = SCRIPT, settings: LineSettings = FAST, seed: int = 0) -> Job:
        script = read_script(text)
        cast = Cast({}, tuple(Voice(path) for path in voices.values()))
        return Job(script, cast.assigned(script.speakers), models.t2s.config, "tiny", JobSettings(settings, seed))

    return make


@pytest.fixture
def command(tiny_checkpoint, voices, tmp_path) -> Callable[[str], list[str]]:
    """Arguments of the script command for SCRIPT, writing to a folder."""
    (tmp_path / "play.txt").write_text(SCRIPT, encoding="utf-8")
    names = "\n".join(f"{name.capitalize()}: {path}" for name, path in voices.items())
    (tmp_path / "cast.yaml").write_text(names, encoding="utf-8")

    def arguments(folder: str) -> list[str]:
        return [
            "script", str(tmp_path / "play.txt"), "--cast", str(tmp_path / "cast.yaml"), "-o", str(tmp_path / folder),
            "--checkpoint", str(tiny_checkpoint), "--max-tokens", "20", "--steps", "1", "--retries", "0",
            "--device", "cpu", "--threads", "1",
        ]  # fmt: skip

    return arguments
