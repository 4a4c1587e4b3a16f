"""Lengths: every clock converts as stated, parts sum to the whole exactly, and the stop obeys."""

from __future__ import annotations

import random

import pytest
import torch

from indextts2.config import Config
from indextts2.contracts import Duration, DurationReport, Segment
from indextts2.errors import InputError
from indextts2.stages.duration import (
    Clock,
    GuidedSettings,
    SegmentPlan,
    Target,
    describe,
    merged_report,
    method_for,
    plan_segments,
    resolve_targets,
    schedule_bias,
    split_evenly,
    stop_rules,
    target_of,
    unmet_whole,
)

CLOCK = Clock.of(Config())
FREE_TAKE = 60
LIMIT = 200


def segment(count, pause=0.0, duration=None):
    return Segment("text", tuple(range(2, 2 + count)), pause, None, duration)


def test_the_released_clock_has_the_published_constants():
    assert (CLOCK.sample_rate, CLOCK.hop, CLOCK.frames_per_token) == (22_050, 256, 1.72)


@pytest.mark.parametrize(
    ("duration", "target"),
    [
        (Duration("tokens", 100), Target(100, 172, 172 * 256)),
        (Duration("frames", 86), Target(50, 86, 86 * 256)),
        (Duration("samples", 22_016), Target(50, 86, 22_016)),
        (Duration("samples", 22_017), Target(51, 87, 22_017)),
        (Duration("seconds", 1.0), Target(51, 87, 22_050)),
        (Duration("seconds", 0.001), Target(1, 1, 22)),
    ],
)
def test_one_length_in_three_clocks(duration, target):
    assert target_of(duration, CLOCK) == target


def test_a_factor_needs_the_natural_length():
    half = Duration("factor", 0.5)
    assert target_of(half, CLOCK) is None
    assert target_of(half, CLOCK, 100) == Target(50, 86, 86 * 256)
    assert target_of(Duration(), CLOCK, 100) is None


def test_natural_frames_are_truncated_as_the_reference_does():
    assert [CLOCK.natural_frames(count) for count in (1, 2, 3, 100, 125)] == [1, 3, 5, 172, 215]


def test_parts_sum_exactly_and_follow_the_weights():
    chance = random.Random(0)
    for _ in range(300):
        weights = [chance.uniform(0.1, 9.0) for _ in range(chance.randint(1, 9))]
        total = chance.randint(len(weights), 100_000)
        parts = split_evenly(total, weights)
        assert sum(parts) == total and min(parts) >= 1
        ideal = [total * weight / sum(weights) for weight in weights]
        if min(ideal) >= 1:
            assert all(abs(part - wanted) < 1 + 1e-6 for part, wanted in zip(parts, ideal, strict=True))


def test_every_part_gets_at_least_one():
    assert split_evenly(4, [100.0, 0.001, 0.001]) == [2, 1, 1]
    assert split_evenly(200, [10.0, 30.0]) == [50, 150]


def test_too_little_to_divide_is_refused():
    with pytest.raises(InputError, match="2 cannot be divided among 3 segments"):
        split_evenly(2, [1.0, 1.0, 1.0])


@pytest.mark.parametrize(("trained", "method"), [(True, "model"), (False, "natural")])
def test_auto_steers_t2s_only_where_the_checkpoint_learned_it(trained, method):
    assert method_for(Duration("seconds", 2.0), trained=trained) == method
    assert method_for(Duration("seconds", 2.0, "forced"), trained=trained) == "forced"
    assert method_for(Duration(), trained=trained) == "free"


@pytest.mark.parametrize("trained", [True, False])
def test_a_length_for_the_whole_text_is_met_to_the_sample_with_pauses(trained):
    chance = random.Random(1)
    for _ in range(200):
        segments = [
            segment(chance.randint(1, 40), chance.choice([0.0, 0.2, 0.35])) for _ in range(chance.randint(1, 6))
        ]
        whole = Duration("samples", chance.randint(80_000, 900_000))
        plans = plan_segments(segments, whole, CLOCK, trained=trained)
        made = [plan.token_target if plan.controls_length else chance.randint(1, 400) for plan in plans]
        targets = resolve_targets(plans, segments, made, whole, CLOCK)
        pauses = sum(int(one.pause_seconds * CLOCK.sample_rate) for one in segments)
        assert sum(target.samples for target in targets) + pauses == whole.value
        assert all(target.samples <= target.frames * CLOCK.hop < target.samples + CLOCK.hop for target in targets)


def test_tokens_of_a_whole_text_are_divided_by_text_length():
    segments, whole = [segment(9), segment(29)], Duration("tokens", 200)
    plans = plan_segments(segments, whole, CLOCK, trained=True)
    assert [plan.token_target for plan in plans] == [50, 150]
    targets = resolve_targets(plans, segments, [50, 150], whole, CLOCK)
    assert [target.tokens for target in targets] == [50, 150]


def test_a_segment_with_its_own_length_keeps_it_and_the_others_divide_the_rest():
    own = Duration("seconds", 1.0)
    segments, whole = [segment(10), segment(10, 0.5, own), segment(10)], Duration("seconds", 5.5)
    plans = plan_segments(segments, whole, CLOCK, trained=False)
    assert [plan.shared for plan in plans] == [True, False, True]
    targets = resolve_targets(plans, segments, [100, 40, 300], whole, CLOCK)
    assert targets[1].samples == 22_050
    assert targets[0].samples + targets[2].samples == 4 * 22_050
    assert targets[2].samples == pytest.approx(3 * targets[0].samples, rel=1e-3)


def test_a_whole_length_that_no_segment_is_left_to_meet_is_told():
    whole, own = Duration("seconds", 3.0), Duration("tokens", 20)
    for durations, told in (((own, own), True), ((own, None), False)):
        texts = [segment(5, duration=one) for one in durations]
        plans = plan_segments(texts, whole, CLOCK, trained=True)
        assert ("every part of it has a length of its own" in (unmet_whole(plans, whole) or "")) == told
    assert unmet_whole(plans, None) is None


def test_a_free_segment_inside_a_measured_text_takes_its_natural_length():
    segments, whole = [segment(10), segment(10, 0.0, Duration())], Duration("seconds", 4.0)
    plans = plan_segments(segments, whole, CLOCK, trained=False)
    targets = resolve_targets(plans, segments, [100, 50], whole, CLOCK)
    assert targets[1] is None
    assert targets[0].samples == 4 * 22_050 - 86 * 256


def test_a_whole_length_that_pauses_use_up_is_refused_with_the_numbers():
    with pytest.raises(InputError, match=r"1 seconds were asked .* take 1.20 s"):
        plan_segments([segment(3, 1.2), segment(3)], Duration("seconds", 1.0), CLOCK, trained=False)


def test_a_whole_length_shorter_than_any_sound_blames_no_pauses():
    with pytest.raises(InputError, match=r"0.01 seconds were asked .* shortest sound there is \(0.012 s\)") as caught:
        plan_segments([segment(3)], Duration("seconds", 0.01), CLOCK, trained=False)
    assert "pause" not in str(caught.value)


def test_a_factor_of_t2s_waits_for_a_free_decode_and_then_has_a_length():
    plan = plan_segments([segment(5)], Duration("factor", 1.5), CLOCK, trained=True)[0]
    assert plan.needs_free_pass
    after = plan.after_free(FREE_TAKE, CLOCK)
    assert not after.needs_free_pass and after.token_target == 90
    assert resolve_targets([after], [segment(5)], [90], Duration("factor", 1.5), CLOCK)[0].frames == round(
        1.5 * 1.72 * 60
    )


def test_a_factor_of_s2m_alone_follows_the_take():
    whole = Duration("factor", 1.5)
    plan = plan_segments([segment(5)], whole, CLOCK, trained=False)[0]
    assert not plan.needs_free_pass
    assert resolve_targets([plan], [segment(5)], [FREE_TAKE], whole, CLOCK)[0].frames == round(1.5 * 1.72 * 60)


def test_short_guided_targets_fall_back_to_natural():
    plans = plan_segments([segment(5)], Duration("tokens", 39, "guided"), CLOCK, trained=True)
    assert plans[0].method == "natural"
    assert plan_segments([segment(5)], Duration("tokens", 40, "guided"), CLOCK, trained=True)[0].method == "guided"


@pytest.mark.parametrize(("natural", "method"), [(20, "natural"), (39, "natural"), (40, "guided")])
def test_a_guided_factor_falls_back_too_once_its_tokens_are_known(natural, method):
    plan = plan_segments([segment(5)], Duration("factor", 1.0, "guided"), CLOCK, trained=True)[0]
    after = plan.after_free(natural, CLOCK)
    assert plan.method == "guided" and (after.method, after.token_target) == (method, natural)


@pytest.mark.parametrize(
    ("x", "bias"),
    [(0.0, -5.0), (0.5, -5.0), (0.6, -2.5), (0.7, 0.0), (0.99, 0.0), (1.0, 0.0), (1.1, 7.5), (1.2, 15.0), (3.0, 15.0)],
)
def test_the_stop_schedule(x, bias):
    assert schedule_bias(x) == pytest.approx(bias)


def test_the_stop_is_forbidden_before_the_target_and_forced_at_it():
    bias, limit = stop_rules(SegmentPlan(Duration("tokens", 50), "model", 50, 1), LIMIT, GuidedSettings())
    assert torch.isneginf(bias[:50]).all() and torch.isposinf(bias[50:]).all()
    assert limit == 51


def test_guided_stops_have_a_floor_and_a_ceiling():
    bias, limit = stop_rules(SegmentPlan(Duration("tokens", 100), "guided", 100, 1), LIMIT, GuidedSettings())
    assert torch.isneginf(bias[:50]).all() and torch.isposinf(bias[150:]).all()
    assert bias[60] == pytest.approx(-2.5) and bias[90] == 0.0 and bias[110] == pytest.approx(7.5)
    assert limit == 151


def test_a_free_segment_may_stop_anywhere_but_at_once():
    bias, limit = stop_rules(SegmentPlan(Duration(), "free", None, 1), LIMIT, GuidedSettings())
    assert torch.isneginf(bias[0]) and not bias[1:].any() and limit == LIMIT


def test_more_tokens_than_fit_are_refused_with_both_numbers():
    with pytest.raises(InputError, match="200 tokens were asked .*8 seconds.* at most 199 fit") as caught:
        stop_rules(SegmentPlan(Duration("seconds", 8.0), "forced", 200), LIMIT, GuidedSettings())
    assert "max_tokens" not in str(caught.value), "not every caller has that setting"


def test_a_stop_schedule_out_of_order_is_refused():
    with pytest.raises(InputError, match="rise < free"):
        GuidedSettings(rise=0.9, free=0.8)


def test_lengths_are_said_in_words():
    assert describe(Duration("seconds", 2.5)) == "2.5 seconds"
    assert describe(Duration("factor", 1.25)) == "1.25 times the natural length"
    assert describe(Duration()) == "free"


def test_the_merged_report_adds_up():
    parts = [
        DurationReport("5 seconds", "model", 50, 50, 86, 86, 1.0, 22_016, 22_016, "forced", (50,), ("a",)),
        DurationReport("5 seconds", "model", 25, 25, 86, 86, 2.0, 22_016, 22_016, "limit", (25,), ("a", "b")),
    ]
    whole = merged_report(parts, pause_samples=100)
    assert (whole.token_count, whole.frame_count, whole.sample_count) == (75, 172, 44_132)
    assert (whole.method, whole.stop, whole.warnings) == ("model", "forced, limit", ("a", "b"))
    assert whole.stretch == pytest.approx((50 + 2 * 25) / 75)
