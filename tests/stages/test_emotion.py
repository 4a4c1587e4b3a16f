"""Promises of the emotion bank: zero means no change, one-hot means that row, the order never shifts."""

from __future__ import annotations

import pytest
import torch

from indextts2.config import EMOTIONS
from indextts2.contracts import EmotionWeights, Speaker
from indextts2.errors import CheckpointMismatch, InputError
from indextts2.stages.emotion.bank import (
    SLIDER_CAP,
    balance_weights,
    choose_rows,
    emotion_from_weights,
    normalise_weights,
    row_indices,
    scale_weights,
    speaker_emotion,
)
from indextts2.stages.handles import EmotionBank, T2SModels

SIZES = (3, 2, 2, 1, 4, 1, 2, 3)
STYLE, DIM = 6, 10


def tensor(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def bank():
    return EmotionBank(tensor(sum(SIZES), STYLE, seed=1), tensor(sum(SIZES), DIM, seed=2), SIZES)


@pytest.fixture
def style():
    return tensor(1, STYLE, seed=3)


@pytest.fixture
def base():
    return tensor(1, DIM, seed=4)


def one_hot(name, value=1.0):
    return EmotionWeights.of(**{name: value})


def test_the_order_of_the_eight_emotions_is_fixed():
    assert EMOTIONS == ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
    assert EmotionWeights.of(**{name: float(place) for place, name in enumerate(EMOTIONS)}).values == tuple(range(8))


@pytest.mark.parametrize("selection", ["nearest", "random", "mean"])
def test_zero_weights_return_the_base_bit_for_bit(bank, style, base, selection):
    emotion = emotion_from_weights(bank, EmotionWeights((0.0,) * 8), style, base, selection=selection)
    assert torch.equal(emotion.vector, base)
    assert torch.equal(emotion.base, base)


def test_zero_strength_returns_the_base_bit_for_bit(bank, style, base):
    assert torch.equal(emotion_from_weights(bank, one_hot("sad"), style, base, strength=0.0).vector, base)


@pytest.mark.parametrize("place", range(8))
def test_one_hot_weights_return_that_emotions_row_unchanged(bank, style, base, place):
    emotion = emotion_from_weights(bank, one_hot(EMOTIONS[place]), style, base)
    begin = sum(SIZES[:place])
    similarity = torch.cosine_similarity(style, bank.style_rows[begin : begin + SIZES[place]])
    assert torch.equal(emotion.vector[0], bank.emotion_rows[begin + int(similarity.argmax())])


def test_the_first_of_equally_near_rows_is_chosen(style):
    rows = style.repeat(16, 1)
    bank = EmotionBank(rows, tensor(16, DIM), (2,) * 8)
    assert row_indices(bank, style, selection="nearest") == (0,) * 8


def test_random_rows_follow_the_seed_and_leave_the_global_generator_alone(bank, style):
    before = torch.random.get_rng_state()
    draws = {row_indices(bank, None, selection="random", seed=seed) for seed in range(20)}
    assert row_indices(bank, None, selection="random", seed=5) == row_indices(bank, None, selection="random", seed=5)
    assert len(draws) > 1
    assert all(index < size for draw in draws for index, size in zip(draw, SIZES, strict=True))
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_mean_selection_is_the_weighted_mean_of_the_paper(bank, base):
    weights = EmotionWeights((0.5, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0, 0.25))
    emotion = emotion_from_weights(bank, weights, None, base, selection="mean")
    means = [group.mean(dim=0) for group in bank.emotion_rows.split(SIZES)]
    torch.testing.assert_close(emotion.vector[0], 0.5 * means[0] + 0.25 * means[2] + 0.25 * means[7])


def test_weights_beyond_one_let_the_base_enter_negatively(bank, style, base):
    weights = EmotionWeights.of(happy=1.0, sad=0.5)
    rows = choose_rows(bank, style)
    expected = rows[0] + 0.5 * rows[2] - 0.5 * base[0]
    torch.testing.assert_close(emotion_from_weights(bank, weights, style, base).vector[0], expected)


def test_half_precision_inputs_are_mixed_in_float32(bank, style, base):
    half = EmotionBank(bank.style_rows.half(), bank.emotion_rows.half(), SIZES)
    assert emotion_from_weights(half, one_hot("happy", 0.5), style.half(), base.half()).vector.dtype == torch.float32


def test_mixing_leaves_its_inputs_as_they_were(bank, style, base):
    inputs = (bank.style_rows, bank.emotion_rows, style, base)
    copies = [value.clone() for value in inputs]
    emotion_from_weights(bank, EmotionWeights((0.1,) * 8), style, base, strength=0.6)
    assert all(torch.equal(value, copy) for value, copy in zip(inputs, copies, strict=True))


def test_weights_are_balanced_only_where_it_is_asked_for(bank, style, base):
    weights = EmotionWeights((0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9, 0.0))
    plain = emotion_from_weights(bank, weights, style, base).vector
    capped = emotion_from_weights(bank, balance_weights(weights, bias=False), style, base).vector
    assert not torch.allclose(plain, capped)
    assert sum(balance_weights(weights).values) == pytest.approx(SLIDER_CAP)


def test_strength_cuts_to_four_decimals_and_stays_between_zero_and_one():
    weights = one_hot("happy", 0.33339)
    assert scale_weights(weights, 0.5).values[0] == 0.1666
    assert scale_weights(weights, 1.0) is weights
    assert scale_weights(weights, 7.0) is weights
    assert not any(scale_weights(weights, -1.0).values)


def test_normalised_weights_sum_to_the_wanted_total_and_zero_stays_zero():
    assert sum(normalise_weights(EmotionWeights((0.2,) * 8), 0.8).values) == pytest.approx(0.8)
    assert not any(normalise_weights(EmotionWeights((0.0,) * 8)).values)


def test_nearest_rows_need_a_style(bank, base):
    with pytest.raises(InputError, match="Connect a speaker"):
        emotion_from_weights(bank, one_hot("sad"), None, base)


def test_a_style_or_base_of_another_width_is_refused(bank, style, base):
    with pytest.raises(CheckpointMismatch, match="6"):
        emotion_from_weights(bank, one_hot("sad"), tensor(1, STYLE + 1), base)
    with pytest.raises(CheckpointMismatch, match="10"):
        emotion_from_weights(bank, one_hot("sad"), style, tensor(1, DIM + 1))


def test_a_base_that_is_not_finite_is_refused(bank, style):
    with pytest.raises(InputError, match="NaN"):
        emotion_from_weights(bank, one_hot("sad"), style, torch.full((1, DIM), torch.nan))


def test_an_unknown_selection_is_refused_by_name(bank, style, base):
    with pytest.raises(InputError, match="nearest, random, mean"):
        emotion_from_weights(bank, one_hot("sad"), style, base, selection="best")


def speaker_of(style, base, fingerprint):
    return Speaker(tensor(1, 4, DIM), base, style, tensor(1, 80, 5), tensor(1, 7, 12), fingerprint=fingerprint)


def models_of(bank, fingerprint):
    return T2SModels(None, None, bank, None, fingerprint=fingerprint)


def test_a_speaker_of_another_checkpoint_is_refused(bank, style, base):
    with pytest.raises(CheckpointMismatch, match="aaaa.*bbbb"):
        speaker_emotion(models_of(bank, "aaaa"), one_hot("sad"), speaker_of(style, base, "bbbb"))


def test_the_speakers_emotion_carries_the_fingerprint_and_the_base(bank, style, base):
    emotion = speaker_emotion(models_of(bank, "aaaa"), one_hot("sad", 0.4), speaker_of(style, base, "aaaa"))
    assert emotion.fingerprint == "aaaa"
    assert torch.equal(emotion.base, base)
    torch.testing.assert_close(
        emotion.vector, emotion_from_weights(bank, one_hot("sad", 0.4), style, base).vector, rtol=0, atol=0
    )


def test_another_style_may_choose_the_rows(bank, style, base):
    other = bank.style_rows[1:2]  # the second happy row's own style
    emotion = speaker_emotion(models_of(bank, ""), one_hot("happy"), speaker_of(style, base, ""), style=other)
    assert torch.equal(emotion.vector[0], bank.emotion_rows[1])


def test_a_checkpoint_without_a_bank_says_so(style, base):
    with pytest.raises(InputError, match="no emotion bank"):
        speaker_emotion(models_of(None, ""), one_hot("happy"), speaker_of(style, base, ""))
