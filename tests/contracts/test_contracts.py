"""Values between stages refuse wrong shapes, ranges and mixtures, with a sentence that says what to do."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from indextts2.checks import check_finite, check_shape
from indextts2.config import EMOTIONS
from indextts2.contracts import (
    Duration,
    Emotion,
    EmotionWeights,
    Keyframe,
    MelSpectrogram,
    PreparedText,
    Reference,
    Segment,
    SemanticSpeech,
    Speaker,
    Waveform,
    concatenated,
    require_same_checkpoint,
)
from indextts2.errors import CheckpointMismatch, IndexTTS2Error, InputError
from indextts2.stages.handles import EmotionBank

TOKENS, DIM, STYLE, BANDS, FRAMES = 6, 8, 5, 4, 20


def reference(**changes) -> Reference:
    values = {
        "features": torch.zeros(1, TOKENS, DIM),
        "emotion_features": torch.zeros(1, TOKENS + 1, DIM),
        "tokens": torch.zeros(1, TOKENS, dtype=torch.int64),
        "quantized": torch.zeros(1, TOKENS, DIM),
        "style": torch.zeros(1, STYLE),
        "mel": torch.zeros(1, BANDS, FRAMES),
        "seconds": 1.0,
    }
    return Reference(**{**values, **changes})


def speaker(**changes) -> Speaker:
    values = {
        "condition": torch.zeros(1, 3, DIM),
        "emotion_vector": torch.zeros(1, DIM),
        "style": torch.zeros(1, STYLE),
        "prompt_mel": torch.zeros(1, BANDS, FRAMES),
        "prompt_quantized": torch.zeros(1, TOKENS, DIM),
    }
    return Speaker(**{**values, **changes})


def semantic(**changes) -> SemanticSpeech:
    values = {
        "tokens": torch.zeros(2, TOKENS, dtype=torch.int64),
        "token_lengths": torch.tensor([TOKENS, 3]),
        "latent": torch.zeros(2, TOKENS, DIM),
        "frame_targets": torch.zeros(2, dtype=torch.int64),
        "sample_targets": torch.zeros(2, dtype=torch.int64),
        "pauses": (0.2, 0.0),
    }
    return SemanticSpeech(**{**values, **changes})


def mel(**changes) -> MelSpectrogram:
    values = {
        "mel": torch.zeros(2, BANDS, FRAMES),
        "frame_lengths": torch.tensor([FRAMES, 3]),
        "sample_targets": torch.zeros(2, dtype=torch.int64),
        "pauses": (0.2, 0.0),
        "sample_rate": 22050,
        "hop": 256,
    }
    return MelSpectrogram(**{**values, **changes})


@pytest.mark.parametrize(
    ("make", "name", "wrong"),
    [
        (reference, "features", torch.zeros(2, TOKENS, DIM)),
        (reference, "tokens", torch.zeros(1, TOKENS - 1, dtype=torch.int64)),
        (reference, "quantized", torch.zeros(1, TOKENS - 1, DIM)),
        (reference, "style", torch.zeros(STYLE)),
        (reference, "mel", torch.zeros(BANDS, FRAMES)),
        (speaker, "condition", torch.zeros(3, DIM)),
        (speaker, "emotion_vector", torch.zeros(1, DIM + 1)),
        (speaker, "prompt_mel", torch.zeros(2, BANDS, FRAMES)),
        (semantic, "token_lengths", torch.zeros(3)),
        (semantic, "latent", torch.zeros(2, TOKENS + 1, DIM)),
        (semantic, "frame_targets", torch.zeros(1)),
        (mel, "frame_lengths", torch.zeros(3)),
        (mel, "sample_targets", torch.zeros(3)),
    ],
)
def test_a_wrong_shape_is_refused_by_name(make, name, wrong):
    make()
    with pytest.raises(InputError, match=rf"{name} should have shape .* but has"):
        make(**{name: wrong})


def test_semantic_speech_needs_one_pause_per_row():
    with pytest.raises(InputError, match="2 rows, but 1 pauses"):
        semantic(pauses=(0.2,))


def test_latents_may_be_left_out():
    assert semantic(latent=None).latent is None


def test_values_cannot_be_modified():
    with pytest.raises(dataclasses.FrozenInstanceError):
        speaker().fingerprint = "x"  # type: ignore[misc]


def test_a_shape_error_says_what_came_and_what_to_do():
    with pytest.raises(InputError, match=r"x should have shape \(1, any\), but has \(2, 3\)\. Connect"):
        check_shape("x", torch.zeros(2, 3), 1, None)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(InputError, match="NaN or infinite"):
        check_finite("The mel", torch.tensor([0.0, bad]))


def test_mixing_two_checkpoints_is_refused_with_both_names():
    with pytest.raises(CheckpointMismatch, match="the speaker was made by checkpoint aa and the emotion by .* bb"):
        require_same_checkpoint(("the speaker", "aa"), ("hand-made", ""), ("the emotion", "bb"))


def test_hand_made_values_match_any_checkpoint():
    assert require_same_checkpoint(("one", ""), ("two", "bb"), ("three", "bb")) == "bb"
    assert require_same_checkpoint(("one", ""), ("two", "")) == ""


def test_emotion_weights_are_named_in_the_fixed_order():
    weights = EmotionWeights.of(happy=0.5, calm=0.25)
    assert weights.values == (0.5, 0, 0, 0, 0, 0, 0, 0.25)
    assert EMOTIONS == ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")


def test_an_unknown_emotion_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="Unknown emotion joyful; known are happy, angry"):
        EmotionWeights.of(joyful=1.0)


@pytest.mark.parametrize("values", [(0.1,) * 7, (-0.1,) + (0.0,) * 7, (float("nan"),) + (0.0,) * 7])
def test_impossible_emotion_weights_are_refused(values):
    with pytest.raises(InputError, match="motion weights"):
        EmotionWeights(values)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"unit": "hours", "value": 1.0}, "given in free, tokens"),
        ({"unit": "seconds", "value": -1.0}, "positive and finite, but -1.0 seconds"),
        ({"unit": "seconds", "value": float("inf")}, "finite"),
        ({"unit": "tokens", "value": float("nan")}, "finite"),
        ({"method": "magic"}, "method"),
    ],
)
def test_an_impossible_duration_is_refused(arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        Duration(**arguments)


def test_a_free_duration_ignores_its_value():
    assert Duration("free", -5.0).unit == "free"


def test_keyframes_must_be_as_wide_as_the_emotion():
    with pytest.raises(InputError, match=r"Keyframe\.vector"):
        Emotion(torch.zeros(1, DIM), keyframes=(Keyframe(0.0, torch.zeros(1, DIM + 1)),))


def test_waveforms_know_their_seconds_and_refuse_a_rate_of_zero():
    assert Waveform(torch.zeros(1, 2, 11025), 22050).seconds == 0.5
    with pytest.raises(InputError, match="sample rate"):
        Waveform(torch.zeros(1, 1, 5), 0)


def test_prepared_text_counts_its_tokens():
    assert PreparedText("a b", "a b", (Segment("a", (1, 2)), Segment("b", (3,)))).token_count == 3


def test_rows_of_different_lengths_are_padded_on_the_right():
    padded = concatenated([torch.ones(1, 2, 3), torch.ones(1, 2, 1)], -9.0)
    assert padded.shape == (2, 2, 3)
    assert padded[1].tolist() == [[1, -9, -9], [1, -9, -9]]


def test_an_emotion_bank_checks_its_groups():
    EmotionBank(torch.zeros(9, STYLE), torch.zeros(9, DIM), (1, 1, 1, 1, 1, 1, 1, 2))
    with pytest.raises(InputError, match="8 groups"):
        EmotionBank(torch.zeros(9, STYLE), torch.zeros(9, DIM), (4, 5))
    with pytest.raises(InputError, match="style_rows"):
        EmotionBank(torch.zeros(8, STYLE), torch.zeros(9, DIM), (1, 1, 1, 1, 1, 1, 1, 2))


def test_input_errors_are_value_errors_too_and_all_share_one_base():
    assert issubclass(InputError, ValueError)
    assert issubclass(CheckpointMismatch, IndexTTS2Error)
