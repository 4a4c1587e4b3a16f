"""Takes with their scores: the best is told, any can be kept, and each is the same whatever their number."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.contracts import Duration, Waveform
from indextts2.errors import InputError
from indextts2.sampling import SamplingSettings
from indextts2.script.takes import Takes, describe_takes, speak_takes, takes_table
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings
from indextts2.stages.t2s.batches import DecodingSettings

HOW = SpeakSettings(
    sampling=SamplingSettings(mode="sample", max_tokens=30, repetition_penalty=1.0), flow=FlowSettings(steps=1)
)


@pytest.fixture(scope="module")
def speak(models):
    noise = torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(3))
    speaker = condition_speaker(models.t2s, encode_reference(models.encoder, Waveform(0.1 * noise, 24_000)))
    text = prepare_text(models.t2s.front_end, "Hello there.")

    def run(count: int, **more) -> Takes:
        settings = replace(HOW, decoding=DecodingSettings(takes=count))
        return speak_takes(models, text, speaker, settings=settings, seed=2, **more)

    return run


def test_takes_come_out_as_a_batch_with_a_table(speak):
    heard = []

    def word_error(waveform, text):
        heard.append(text)
        return 0.5 if len(heard) == 1 else 0.0

    takes = speak(3, word_error=word_error)
    assert heard == ["Hello there."] * 3
    table = takes_table(takes)
    assert [row["take"] for row in table] == [1, 2, 3] and sum(row["best"] for row in table) == 1
    assert [row["word_error"] for row in table] == [0.5, 0.0, 0.0]
    assert takes.best == min(range(3), key=lambda at: (bool(table[at]["faults"]), table[at]["cost"]))
    batch = takes.batch()
    assert batch.samples.shape[:2] == (3, 1)
    for row, one in zip(batch.samples, takes.takes, strict=True):
        own = one.waveform.samples[0]
        assert torch.equal(row[:, : own.shape[-1]], own) and not row[:, own.shape[-1] :].any()
    assert describe_takes(takes).count("(best)") == 1


def test_a_take_is_the_same_whatever_the_number_of_takes(speak):
    few, many = speak(1), speak(3)
    assert torch.equal(few.takes[0].semantic.tokens, many.takes[0].semantic.tokens)
    assert not torch.equal(many.takes[0].semantic.tokens, many.takes[1].semantic.tokens)


def test_a_length_that_was_asked_for_is_in_the_table_and_its_end_is_not_called_natural(speak):
    takes = speak(2, duration=Duration("seconds", 0.5))
    assert takes.asked_seconds == pytest.approx(0.5, abs=1e-3)
    assert all(one.seconds == pytest.approx(0.5, abs=1e-3) and not one.natural_stop for one in takes.takes)


def test_any_take_can_be_kept_and_zero_is_the_best(speak):
    takes = speak(2)
    assert takes.take(2) is takes.takes[1] and takes.take(0) is takes.takes[takes.best]
    with pytest.raises(InputError, match="takes 1 to 2"):
        takes.take(3)
    with pytest.raises(InputError, match="no takes"):
        Takes((), "")
