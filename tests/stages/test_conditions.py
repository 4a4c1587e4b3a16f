"""Speaker and emotion from a reference: which features feed what, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.contracts import Reference
from indextts2.errors import AudioError, CheckpointMismatch, InputError
from indextts2.stages.conditions import condition_speaker, emotion_from_reference
from tests.conftest import TINY
from tests.stages.speaking import ENCODER_MARK, MARK, tiny_handle, tiny_model

DIM = TINY.t2s.speaker.input_dim


def reference(seed=0, tokens=17, dim=DIM):
    def noise(*shape):
        return torch.randn(*shape, generator=generator)

    generator = torch.Generator().manual_seed(seed)
    return Reference(
        features=noise(1, tokens, dim),
        emotion_features=noise(1, tokens, dim),
        tokens=torch.zeros(1, tokens, dtype=torch.int64),
        quantized=noise(1, tokens, dim),
        style=noise(1, TINY.style_encoder.dim),
        mel=noise(1, TINY.mel.bands, 40),
        seconds=0.7,
        fingerprint=ENCODER_MARK,
    )


@pytest.fixture(scope="module")
def t2s():
    return tiny_handle(tiny_model())


def test_a_speaker_carries_what_every_later_stage_needs(t2s):
    heard = reference()
    speaker = condition_speaker(t2s, heard)
    torch.testing.assert_close(speaker.condition, t2s.model.speaker_condition(heard.features))
    torch.testing.assert_close(speaker.emotion_vector, t2s.model.emotion_vector(heard.emotion_features))
    assert torch.equal(speaker.style, heard.style) and torch.equal(speaker.prompt_mel, heard.mel)
    assert torch.equal(speaker.prompt_quantized, heard.quantized)
    assert (speaker.fingerprint, speaker.encoder_fingerprint) == (MARK, ENCODER_MARK)


def test_the_emotion_of_the_speakers_own_reference_is_the_speakers_emotion(t2s):
    heard = reference()
    speaker = condition_speaker(t2s, heard)
    emotion = emotion_from_reference(t2s, heard, base=speaker)
    assert torch.equal(emotion.vector, speaker.emotion_vector) and torch.equal(emotion.base, speaker.emotion_vector)
    assert emotion_from_reference(t2s, heard).base is None
    assert not torch.allclose(emotion_from_reference(t2s, reference(1)).vector, emotion.vector)


def test_results_are_float32_whatever_the_precision_of_the_model():
    half = tiny_handle(tiny_model().to(torch.bfloat16))
    speaker = condition_speaker(half, reference())
    assert speaker.condition.dtype == speaker.emotion_vector.dtype == torch.float32


def test_references_of_another_encoder_are_refused(t2s):
    with pytest.raises(CheckpointMismatch, match="the reference"):
        condition_speaker(t2s, replace(reference(), fingerprint="other"))
    with pytest.raises(CheckpointMismatch, match=f"width {DIM}, but the reference has {DIM + 1}"):
        emotion_from_reference(t2s, reference(dim=DIM + 1))


def test_a_reference_with_holes_is_refused(t2s):
    heard = reference()
    heard.features[0, 3] = float("nan")
    with pytest.raises(InputError, match="reference features contains NaN"):
        condition_speaker(t2s, heard)


def test_a_reference_too_short_for_the_conditioner_is_refused(t2s):
    with pytest.raises((AudioError, InputError), match="has 2"):
        condition_speaker(t2s, reference(tokens=2))
