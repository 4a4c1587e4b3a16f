"""Speech in chunks is the speech of the whole, to the bit, and comes before the whole is done."""

from __future__ import annotations

import io
import wave
from dataclasses import replace

import pytest
import torch

from indextts2 import SpeakSettings, Waveform, load_speech, open_checkpoint, speak, speak_stream
from indextts2.audio.io import pcm_bytes, wav_header, write_wav
from indextts2.cli.main import main
from indextts2.sampling import SamplingSettings
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak_stream import one_at_a_time

SETTINGS = SpeakSettings(sampling=SamplingSettings(max_tokens=30), flow=FlowSettings(steps=2))
TEXT = "The river runs. It never stops. Who knows why?"


@pytest.fixture(scope="module")
def models(tiny_checkpoint):
    return load_speech(open_checkpoint(tiny_checkpoint))


@pytest.fixture(scope="module")
def reference():
    return Waveform(0.3 * torch.randn(1, 1, 16_000, generator=torch.Generator().manual_seed(5)), 16_000)


def segments_of(models, text=TEXT):
    """The text with a segment for each sentence."""
    prepared = [prepare_text(models.t2s.front_end, part, mel=models.t2s.config.mel) for part in text.split(". ")]
    return replace(prepared[0], segments=tuple(segment for part in prepared for segment in part.segments))


def test_the_chunks_put_together_are_the_samples_of_speak(models, reference):
    text = segments_of(models)
    assert len(text.segments) == 3
    whole = speak(models, text, reference, settings=one_at_a_time(SETTINGS), seed=3).waveform
    chunks = list(speak_stream(models, text, reference, settings=SETTINGS, seed=3))
    assert torch.equal(torch.cat([chunk.samples for chunk in chunks]), whole.samples[0, 0])
    assert sorted({chunk.segment for chunk in chunks}) == [0, 1, 2]
    assert {chunk.sample_rate for chunk in chunks} == {whole.sample_rate}


def test_the_first_chunk_comes_before_the_second_segment_is_decoded(models, reference, monkeypatch):
    decoded: list[tuple[int, ...]] = []
    from indextts2.stages import speak_stream as module

    inner = module.text_to_semantic

    def counting(*args, segments, **others):
        decoded.append(segments)
        return inner(*args, segments=segments, **others)

    monkeypatch.setattr(module, "text_to_semantic", counting)
    stream = speak_stream(models, segments_of(models), reference, settings=SETTINGS, seed=3)
    first = next(stream)
    assert decoded == [(0,)] and first.segment == 0 and first.samples.numel() > 0


def test_streamed_samples_are_those_of_the_file(models, reference, tmp_path):
    chunks = list(speak_stream(models, "The river runs.", reference, settings=SETTINGS))
    samples = torch.cat([chunk.samples for chunk in chunks])
    write_wav(tmp_path / "whole.wav", Waveform(samples[None, None], chunks[0].sample_rate))
    with wave.open(str(tmp_path / "whole.wav")) as file:
        wanted = file.readframes(file.getnframes())
    assert b"".join(pcm_bytes(chunk.samples) for chunk in chunks) == wanted


def test_a_wav_of_unknown_length_tells_its_format():
    file = wave.open(io.BytesIO(wav_header(22_050) + pcm_bytes(torch.zeros(8))))
    assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22_050, 1, 2)


def test_samples_beyond_the_range_are_clipped():
    assert pcm_bytes(torch.tensor([2.0, -2.0, 0.0])) == b"\xff\x7f\x00\x80\x00\x00"


def test_the_command_streams_to_standard_output(tiny_checkpoint, reference, tmp_path, capsysbinary):
    write_wav(tmp_path / "voice.wav", reference)
    command = ["speak", "The river runs.", "--checkpoint", str(tiny_checkpoint), "--steps", "2", "--max-tokens", "30"]
    command += ["--reference", str(tmp_path / "voice.wav"), "--no-cache"]
    assert main([*command, "-o", str(tmp_path / "whole.wav")]) == 0
    capsysbinary.readouterr()
    assert main([*command, "--stream", "raw"]) == 0
    with wave.open(str(tmp_path / "whole.wav")) as file:
        assert capsysbinary.readouterr().out == file.readframes(file.getnframes())
    assert main([*command, "--stream", "raw", "--seconds", "3"]) == 2
    assert b"length of the whole" in capsysbinary.readouterr().err
