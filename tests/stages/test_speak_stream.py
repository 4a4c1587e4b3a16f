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
from indextts2.contracts import Duration
from indextts2.errors import InputError
from indextts2.sampling import SamplingSettings
from indextts2.stages import speak_early
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.duration import Clock
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import reference_of
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak_early import EarlySettings, joined
from indextts2.stages.speak_stream import one_at_a_time
from indextts2.stages.t2s.text_to_semantic import text_to_semantic

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
    assert main([*command, "--stream", "raw", "--early", "--first-segment", "20"]) == 0
    assert len(capsysbinary.readouterr().out) > 0
    assert main([*command, "--early"]) == 2
    assert b"needs --stream" in capsysbinary.readouterr().err
    assert main([*command, "--stream", "raw", "--seconds", "3"]) == 2
    assert b"length of the whole" in capsysbinary.readouterr().err


def test_a_short_first_segment_comes_first_and_the_chunks_are_still_those_of_speak(models, reference):
    text = "The river runs over the old stones, and it never stops for anybody."
    longer = prepare_text(models.t2s.front_end, text, mel=models.t2s.config.mel)
    short = prepare_text(models.t2s.front_end, text, first_segment_tokens=12, mel=models.t2s.config.mel)
    assert len(short.segments[0].ids) <= 12 < len(longer.segments[0].ids)
    assert "".join(part.text for part in short.segments).replace(" ", "") == text.replace(" ", "")
    whole = speak(models, short, reference, settings=one_at_a_time(SETTINGS), seed=3).waveform.samples[0, 0]
    chunks = list(speak_stream(models, text, reference, settings=SETTINGS, seed=3, first_segment_tokens=12))
    assert torch.equal(torch.cat([chunk.samples for chunk in chunks]), whole)


LONG = 12  # a seed whose take has more tokens than two chunks
EARLY = EarlySettings(first=0.16, chunk=0.24, look_ahead=0.12, spoken=0.2)


def test_early_speech_begins_before_its_tokens_are_decoded_and_lasts_as_long_as_they_do(models, reference, monkeypatch):
    from indextts2.stages.t2s import batches

    positions: list[int] = []
    inner = batches.running

    def counted(*args, **others):
        for state in inner(*args, **others):
            positions.append(int(state.position))
            yield state

    monkeypatch.setattr(batches, "running", counted)
    stream = speak_stream(models, "The river runs.", reference, settings=SETTINGS, seed=LONG, early=EARLY)
    first = next(stream)
    seen, clock = positions[-1], Clock.of(models.s2m.config)
    ahead, begun = (round(seconds * models.t2s.config.tokens_per_second) for seconds in (EARLY.look_ahead, EARLY.first))
    assert seen == begun + ahead and first.samples.numel() == clock.natural_frames(begun) * clock.hop
    rest = list(stream)
    text = prepare_text(models.t2s.front_end, "The river runs.", mel=models.t2s.config.mel)
    speaker = condition_speaker(models.t2s, reference_of(models, reference))
    alone = replace(SETTINGS.sampling, mode="sample")
    tokens = text_to_semantic(models.t2s, text, speaker, sampling=alone, seed=LONG).tokens.shape[1]
    frames = clock.natural_frames(tokens)
    assert len(rest) >= 2 and sum(chunk.samples.numel() for chunk in [first, *rest]) == frames * clock.hop


def test_early_speech_is_the_same_for_the_same_seed_and_another_for_another(models, reference):
    def samples(seed):
        chunks = speak_stream(models, "The river runs.", reference, settings=SETTINGS, seed=seed, early=EARLY)
        return torch.cat([chunk.samples for chunk in chunks])

    assert torch.equal(samples(1), samples(1)) and not torch.equal(samples(1), samples(2))


def test_early_speech_refuses_what_it_cannot_meet(models, reference):
    prepared = prepare_text(models.t2s.front_end, "The river runs.", mel=models.t2s.config.mel)
    fixed = replace(prepared, segments=(replace(prepared.segments[0], duration=Duration("seconds", 2.0)),))
    with pytest.raises(InputError, match="speak it in the exact way"):
        next(speak_stream(models, fixed, reference, settings=SETTINGS, early=EARLY))
    with pytest.raises(InputError, match="look_ahead should be a positive"):
        EarlySettings(look_ahead=0.0)


def test_noise_of_a_frame_does_not_depend_on_its_chunk():
    whole = speak_early._noise(1, 0, 0, 1500, 4)
    assert whole.shape == (4, 1500)
    assert torch.equal(speak_early._noise(1, 0, 1000, 1100, 4), whole[:, 1000:1100])


@pytest.mark.parametrize("other", [0, 1])
def test_a_join_keeps_the_power_of_like_and_of_unlike_sounds(other):
    sounds = torch.randn(2, 40_000, generator=torch.Generator().manual_seed(0))
    power = joined(sounds[0], sounds[other]).pow(2).view(10, -1).mean(1)
    torch.testing.assert_close(power, torch.ones(10), rtol=0.1, atol=0.0)


def test_a_text_with_words_at_given_times_is_refused_before_anything_is_spoken(models, reference):
    with pytest.raises(InputError, match="speak it as a line of a script"):
        next(speak_stream(models, "Look <at 2s> there.", reference, settings=SETTINGS))
