"""The identities of emotion arithmetic (docs/spec/control.md#emotion-arithmetic), and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts2.contracts import Emotion, Keyframe
from indextts2.errors import CheckpointMismatch, InputError
from indextts2.stages.emotion.algebra import (
    add_difference,
    blend_emotions,
    interpolate_emotions,
    limit_emotion,
    remove_emotion,
    scale_emotion,
    transfer_emotion,
)
from indextts2.stages.emotion.measure import emotion_profile, reference_distance_of, strength_index, strength_warnings
from indextts2.stages.emotion.schedule import (
    MAX_KEYFRAMES,
    emotion_at,
    emotion_to_list,
    schedule_emotions,
)
from indextts2.stages.handles import EmotionBank

DIM = 12


def vector(seed):
    return torch.randn(1, DIM, generator=torch.Generator().manual_seed(seed))


BASE = vector(0)


def emotion(seed, *, base=BASE, fingerprint=""):
    return Emotion(vector(seed), base=base, fingerprint=fingerprint)


def in_direction(*values):
    """An emotion whose difference from the base begins with these numbers."""
    difference = torch.zeros(1, DIM)
    difference[0, : len(values)] = torch.tensor(values)
    return Emotion(BASE + difference, base=BASE)


def bank(seed=50):
    rows = torch.randn(16, DIM, generator=torch.Generator().manual_seed(seed))
    return EmotionBank(torch.randn(16, 4, generator=torch.Generator().manual_seed(seed + 1)), rows, (2,) * 8)


def close(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def angle_degrees(first, second):
    """Between the differences from the base."""
    return math.degrees(math.acos(min(1.0, float(torch.cosine_similarity(first.vector - BASE, second.vector - BASE)))))


def test_strength_zero_is_the_base_and_strength_one_the_emotion_bit_for_bit():
    assert torch.equal(scale_emotion(emotion(1), 0.0).emotion.vector, BASE)
    assert torch.equal(scale_emotion(emotion(1), 1.0).emotion.vector, vector(1))


def test_strength_is_the_official_merge():
    close(scale_emotion(emotion(1), 1.7).emotion.vector, BASE + 1.7 * (vector(1) - BASE))


def test_a_blend_is_the_base_plus_weighted_differences():
    mixed = blend_emotions([(emotion(1), 0.5), (emotion(2), 0.8), (emotion(3), -0.1)])
    close(mixed.emotion.vector, BASE + 0.5 * (vector(1) - BASE) + 0.8 * (vector(2) - BASE) - 0.1 * (vector(3) - BASE))


def test_a_blend_with_zero_weights_or_without_parts_is_the_base_bit_for_bit():
    assert torch.equal(blend_emotions([(emotion(1), 0.0), (emotion(2), 0.0)]).emotion.vector, BASE)
    assert torch.equal(blend_emotions([], base=BASE).emotion.vector, BASE)


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_coefficients_of_every_linear_operation_sum_to_one(weights):
    results = [
        blend_emotions([(emotion(place + 1), weight) for place, weight in enumerate(weights)]),
        scale_emotion(emotion(1), weights[0]),
        interpolate_emotions(emotion(1), emotion(2), weights[0]),
        add_difference(emotion(1), emotion(2), emotion(3), weights[0]),
        transfer_emotion(emotion(1), emotion(2), weights[0], base=BASE),
    ]
    assert all(result.coefficient_sum == pytest.approx(1.0) for result in results)


@given(st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=20, deadline=None)
def test_adding_one_vector_to_all_inputs_adds_it_to_every_linear_result(first, second):
    shift = vector(9)

    def moved(seed):
        return Emotion(vector(seed) + shift, base=BASE + shift)

    plain = blend_emotions([(emotion(1), first), (emotion(2), second)]).emotion.vector
    close(blend_emotions([(moved(1), first), (moved(2), second)]).emotion.vector, plain + shift)


@pytest.mark.parametrize("mode", ["lerp", "keep", "slerp"])
def test_both_ends_of_an_interpolation_are_exact(mode):
    assert torch.equal(interpolate_emotions(emotion(1), emotion(2), 0.0, mode=mode).emotion.vector, vector(1))
    assert torch.equal(interpolate_emotions(emotion(1), emotion(2), 1.0, mode=mode).emotion.vector, vector(2))


def test_halfway_on_a_line_is_the_mean():
    close(interpolate_emotions(emotion(1), emotion(2), 0.5).emotion.vector, (vector(1) + vector(2)) / 2)


@pytest.mark.parametrize("mode", ["keep", "slerp"])
@pytest.mark.parametrize("t", [0.1, 0.5, 0.8])
def test_keep_and_slerp_interpolate_the_strength(mode, t):
    mixed = interpolate_emotions(emotion(1), emotion(2), t, mode=mode).emotion.vector - BASE
    wanted = (1 - t) * (vector(1) - BASE).norm() + t * (vector(2) - BASE).norm()
    assert float(mixed.norm()) == pytest.approx(float(wanted), rel=1e-5)


def test_keep_has_the_direction_of_the_line():
    kept = interpolate_emotions(emotion(1), emotion(2), 0.3, mode="keep").emotion.vector - BASE
    line = interpolate_emotions(emotion(1), emotion(2), 0.3).emotion.vector - BASE
    assert float(torch.cosine_similarity(kept, line)) == pytest.approx(1.0, abs=1e-6)


def test_slerp_turns_at_a_constant_rate():
    turned = interpolate_emotions(in_direction(1.0), in_direction(0.0, 3.0), 1 / 3, mode="slerp").emotion
    assert angle_degrees(in_direction(1.0), turned) == pytest.approx(30.0, abs=1e-3)
    close(turned.vector, in_direction(*(5 / 3 * torch.tensor([math.cos(math.pi / 6), 0.5])).tolist()).vector)


@pytest.mark.parametrize("other", [(2.0, 0.001), (-2.0, 0.02)])
def test_slerp_between_nearly_parallel_or_opposite_emotions_is_a_line(other):
    first, second = in_direction(1.0), in_direction(*other)
    found = interpolate_emotions(first, second, 0.4, mode="slerp").emotion.vector
    close(found, interpolate_emotions(first, second, 0.4).emotion.vector)


@pytest.mark.parametrize("mode", ["keep", "slerp"])
def test_emotions_that_cancel_or_vanish_stay_finite(mode):
    for first, second in ((in_direction(1.0), in_direction(-1.0)), (in_direction(), in_direction(1.0))):
        assert torch.isfinite(interpolate_emotions(first, second, 0.5, mode=mode).emotion.vector).all()


def test_opposite_emotions_warn_that_the_middle_is_neutral():
    opposite = interpolate_emotions(in_direction(1.0), in_direction(-1.0, 0.1), 0.5)
    assert "neutral" in opposite.warnings[0]
    assert not interpolate_emotions(in_direction(1.0), in_direction(0.0, 1.0), 0.5).warnings


def test_an_analogy_adds_the_difference_of_two_emotions():
    close(
        add_difference(emotion(1), emotion(2), emotion(3), 0.5).emotion.vector,
        vector(1) + 0.5 * (vector(2) - vector(3)),
    )
    assert torch.equal(add_difference(emotion(1), emotion(2), emotion(3), 0.0).emotion.vector, vector(1))


def test_a_transfer_adds_another_persons_difference_to_the_base():
    found = transfer_emotion(emotion(1), emotion(2), 0.7, base=BASE)
    close(found.emotion.vector, BASE + 0.7 * (vector(1) - vector(2)))
    assert torch.equal(transfer_emotion(emotion(1), emotion(2), 0.0, base=BASE).emotion.vector, BASE)
    assert torch.equal(found.emotion.base, BASE)


def test_a_removed_emotion_leaves_nothing_along_it_and_everything_across_it():
    result = remove_emotion(emotion(1), emotion(2)).emotion.vector - BASE
    unwanted = vector(2) - BASE
    assert abs(float((result * unwanted).sum())) < 1e-4
    close(remove_emotion(in_direction(2.0, 3.0), in_direction(5.0)).emotion.vector, in_direction(0.0, 3.0).vector)


def test_removing_the_base_changes_nothing_and_says_so():
    result = remove_emotion(emotion(1), Emotion(BASE, base=BASE))
    assert torch.equal(result.emotion.vector, vector(1))
    assert result.warnings


def test_a_limit_shortens_strong_emotions_to_exactly_the_limit_and_leaves_weak_ones():
    reference_distance = reference_distance_of(bank(), BASE)
    strong = scale_emotion(emotion(1), 5.0).emotion
    limited = limit_emotion(strong, reference_distance, 1.25)
    assert strength_index(limited.emotion, reference_distance) == pytest.approx(1.25, rel=1e-5)
    assert angle_degrees(strong, limited.emotion) == pytest.approx(0.0, abs=1e-2)
    assert "1.25" in limited.warnings[0]
    weak = scale_emotion(emotion(1), 0.1).emotion
    assert torch.equal(limit_emotion(weak, reference_distance).emotion.vector, weak.vector)


def test_the_reference_distance_is_the_median_distance_of_the_rows():
    rows = torch.cat([BASE + torch.tensor([[float(k)] + [0.0] * (DIM - 1)]) for k in range(1, 16)])
    odd = EmotionBank(torch.zeros(15, 2), rows, (1, 2, 2, 2, 2, 2, 2, 2))
    assert reference_distance_of(odd, BASE) == pytest.approx(8.0, rel=1e-5)
    assert strength_index(in_direction(4.0), reference_distance_of(odd, BASE)) == pytest.approx(0.5, rel=1e-5)


def test_only_an_index_above_the_soft_limit_warns():
    assert strength_warnings(1.0) == ()
    assert "1.10" in strength_warnings(1.1)[0]


def test_the_profile_of_a_bank_emotion_peaks_at_that_emotion():
    rows = bank()
    means = [group.mean(dim=0, keepdim=True) for group in rows.emotion_rows.split(rows.group_sizes)]
    for place, mean in enumerate(means):
        profile = emotion_profile(Emotion(mean, base=BASE), rows)
        assert len(profile) == 8
        assert profile[place] == pytest.approx(1.0, abs=1e-5)
        assert max(profile) == profile[place]
    assert emotion_profile(Emotion(BASE, base=BASE), rows) == (0.0,) * 8


def test_inputs_of_different_checkpoints_are_refused_by_name():
    with pytest.raises(CheckpointMismatch, match="aaaa.*bbbb"):
        blend_emotions([(emotion(1, fingerprint="aaaa"), 1.0), (emotion(2, fingerprint="bbbb"), 1.0)])
    with pytest.raises(CheckpointMismatch):
        interpolate_emotions(emotion(1, fingerprint="aaaa"), emotion(2, fingerprint="bbbb"), 0.5)
    with pytest.raises(CheckpointMismatch):
        schedule_emotions([(0.0, emotion(1, fingerprint="aaaa")), (0.5, emotion(2, fingerprint="bbbb"))])


def test_results_keep_the_fingerprint_and_hand_made_values_match_any():
    assert add_difference(emotion(1), emotion(2, fingerprint="aaaa"), emotion(3)).emotion.fingerprint == "aaaa"


def test_vectors_of_different_widths_are_refused():
    other = Emotion(torch.zeros(1, DIM + 1))
    with pytest.raises(CheckpointMismatch, match="12.*13"):
        add_difference(emotion(1), other, emotion(2))
    with pytest.raises(CheckpointMismatch):
        scale_emotion(emotion(1), 0.5, base=torch.zeros(1, DIM + 1))


def test_operations_on_differences_need_one_base():
    with pytest.raises(InputError, match="needs a base"):
        scale_emotion(emotion(1, base=None), 0.5)
    with pytest.raises(InputError, match="different speakers"):
        blend_emotions([(emotion(1), 0.5), (emotion(2, base=vector(8)), 0.5)])
    given_base = blend_emotions([(emotion(1), 0.5), (emotion(2, base=vector(8)), 0.5)], base=BASE)
    assert torch.equal(given_base.emotion.base, BASE)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(InputError, match="finite"):
        scale_emotion(emotion(1), bad)
    with pytest.raises(InputError, match="finite"):
        interpolate_emotions(emotion(1), emotion(2), bad)


def test_an_arc_beyond_its_ends_is_refused():
    with pytest.raises(InputError, match="lerp"):
        interpolate_emotions(emotion(1), emotion(2), 1.5, mode="slerp")


def test_algebra_leaves_its_inputs_as_they_were():
    first, second = emotion(1), emotion(2)
    copies = [first.vector.clone(), second.vector.clone(), BASE.clone()]
    for mode in ("lerp", "keep", "slerp"):
        interpolate_emotions(first, second, 0.4, mode=mode)
    remove_emotion(first, second)
    limit_emotion(first, 0.01)
    blend_emotions([(first, 0.3), (second, 0.3)])
    assert all(torch.equal(a, b) for a, b in zip([first.vector, second.vector, BASE], copies, strict=True))


def test_half_precision_inputs_become_float32():
    assert scale_emotion(Emotion(vector(1).half(), base=BASE.half()), 0.5).emotion.vector.dtype == torch.float32


def test_one_keyframe_is_the_plain_emotion_bit_for_bit():
    plain = emotion(1)
    assert schedule_emotions([(0.4, plain)]) is plain


def test_a_step_schedule_holds_each_emotion_until_the_next():
    schedule = schedule_emotions([(0.6, emotion(2)), (0.2, emotion(1))])
    assert [frame.position for frame in schedule.keyframes] == [0.0, 0.6]
    assert torch.equal(schedule.vector, vector(1))
    for position, wanted in ((0.0, 1), (0.59, 1), (0.6, 2), (1.0, 2)):
        assert torch.equal(emotion_at(schedule, position), vector(wanted))


def test_a_linear_schedule_moves_evenly():
    schedule = schedule_emotions([(0.0, emotion(1)), (0.5, emotion(2))], transition="linear")
    close(emotion_at(schedule, 0.25), (vector(1) + vector(2)) / 2)
    assert torch.equal(emotion_at(schedule, 0.9), vector(2))


def test_operations_on_schedules_work_at_every_keyframe_of_either():
    first = schedule_emotions([(0.0, emotion(1)), (0.5, emotion(2))])
    second = schedule_emotions([(0.0, emotion(3)), (0.25, emotion(4))])
    mixed = interpolate_emotions(first, second, 0.5).emotion
    assert [frame.position for frame in mixed.keyframes] == [0.0, 0.25, 0.5]
    for position in (0.1, 0.3, 0.7):
        close(emotion_at(mixed, position), (emotion_at(first, position) + emotion_at(second, position)) / 2)
    close(emotion_at(scale_emotion(first, 0.5).emotion, 0.7), (BASE + vector(2)) / 2)


def test_the_strength_of_a_schedule_is_that_of_its_strongest_keyframe():
    schedule = schedule_emotions([(0.0, in_direction(1.0)), (0.5, in_direction(3.0))])
    assert strength_index(schedule, 1.0) == pytest.approx(3.0, rel=1e-5)
    limited = limit_emotion(schedule, 1.0, 2.0).emotion
    assert torch.equal(limited.keyframes[0].vector, in_direction(1.0).vector)
    close(limited.keyframes[1].vector, in_direction(2.0).vector)


def test_impossible_schedules_are_refused():
    with pytest.raises(InputError, match="share the position"):
        schedule_emotions([(0.5, emotion(1)), (0.5, emotion(2))])
    with pytest.raises(InputError, match="between 0 and 1"):
        schedule_emotions([(0.0, emotion(1)), (1.5, emotion(2))])
    with pytest.raises(InputError, match=str(MAX_KEYFRAMES)):
        schedule_emotions([(place / 20, emotion(place)) for place in range(MAX_KEYFRAMES + 1)])
    nested = Emotion(vector(1), (Keyframe(0.0, vector(1)), Keyframe(0.5, vector(2))))
    with pytest.raises(InputError, match="itself a schedule"):
        schedule_emotions([(0.0, nested), (0.5, emotion(1))])
    linear = schedule_emotions([(0.0, emotion(1)), (0.5, emotion(2))], transition="linear")
    step = schedule_emotions([(0.0, emotion(1)), (0.5, emotion(2))])
    with pytest.raises(InputError, match="do not combine"):
        interpolate_emotions(linear, step, 0.5)


def test_an_emotion_as_plain_numbers_is_its_first_vector():
    assert torch.equal(torch.tensor([emotion_to_list(emotion(1))]), vector(1))
