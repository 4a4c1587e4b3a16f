"""Lengths as properties: whatever the text and the seconds, what was asked is what comes out, alone and in a batch."""

from __future__ import annotations

import random

import pytest
import torch

from indextts2.contracts import Duration, Waveform
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.sampling import SamplingSettings
from indextts2.stages.conditions import condition_speaker
from indextts2.stages.duration import merged_report
from indextts2.stages.prepare_text import prepare_text
from indextts2.stages.reference import encode_reference
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings, speak
from indextts2.stages.speak_stream import one_at_a_time
from indextts2.stages.t2s.batches import DecodingSettings
from indextts2.stages.t2s.text_to_semantic import text_to_semantic

WORDS = "hello there good day the rain had stopped and nobody was awake 5% $3.50 Dr. Smith, well; so!".split()
FLOW = FlowSettings(steps=1, guidance=0.0, allow_any_stretch=True)
FAST = SpeakSettings(
    sampling=SamplingSettings(mode="sample", max_tokens=60), decoding=DecodingSettings(allow_any_length=True), flow=FLOW
)


@pytest.fixture(scope="module")
def models(tiny_checkpoint):
    return load_speech(open_checkpoint(tiny_checkpoint))


@pytest.fixture(scope="module")
def reference(models):
    noise = torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(0))
    return encode_reference(models.encoder, Waveform((0.1 * noise).clamp(-1, 1), 24_000))


def text_of(dice: random.Random) -> str:
    """One to three sentences, some with a pause between."""
    sentences = [
        " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 6))).capitalize() + dice.choice(".!?")
        for _ in range(dice.randint(1, 3))
    ]
    return dice.choice([" ", " <pause 0.1s> "]).join(sentences)


@pytest.mark.parametrize("pairs", [5, pytest.param(300, marks=pytest.mark.slow)])
def test_any_text_lasts_as_many_seconds_as_were_asked_to_the_sample(models, reference, pairs):
    dice = random.Random(pairs)
    for number in range(pairs):
        text, seconds = text_of(dice), dice.uniform(0.8, 2.3)
        speech = speak(models, text, reference, duration=Duration("seconds", seconds), settings=FAST, seed=number)
        rate, found = speech.waveform.sample_rate, speech.waveform.samples.shape[-1]
        assert found == round(seconds * rate), (text, seconds)
        pauses = sum(int(segment.pause_seconds * rate) for segment in prepared(models, text).segments)
        assert merged_report(speech.reports, pauses).sample_count == found, (text, seconds)


def prepared(models, text):
    return prepare_text(models.t2s.front_end, text, mel=models.t2s.config.mel)


@pytest.mark.parametrize("texts", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_segments_of_a_batch_are_those_that_are_decoded_alone(models, reference, texts):
    dice = random.Random(texts)
    speaker = condition_speaker(models.t2s, reference)
    for number in range(texts):
        text = prepared(models, text_of(dice) + " " + text_of(dice))
        both = [
            text_to_semantic(models.t2s, text, speaker, sampling=FAST.sampling, decoding=settings.decoding, seed=number)
            for settings in (FAST, one_at_a_time(FAST))
        ]
        assert torch.equal(both[0].token_lengths, both[1].token_lengths), text.original
        assert torch.equal(both[0].tokens, both[1].tokens), text.original
        assert both[0].pauses == both[1].pauses
