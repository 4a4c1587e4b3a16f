"""Natural lengths: estimated from the text before anything is decoded, and compared with what is asked."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from indextts2.contracts import Duration, PreparedText, Segment
from indextts2.errors import CheckpointError, ImpossibleLength, InputError
from indextts2.loading.checkpoint import load_front_end, load_t2s, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.pace import PACE_NAME, pace_of, read_pace, write_pace
from indextts2.stages.duration import Clock, plan_segments
from indextts2.stages.natural_length import (
    POSSIBLE_LENGTH,
    asked_lengths,
    estimate_length,
    estimated_text,
    judged_lengths,
    natural_seconds,
    speed_of,
)
from indextts2.stages.t2s.batches import DecodingSettings
from indextts2.stages.t2s.text_to_semantic import text_to_semantic
from indextts2.text.pace import DEFAULT_PACE, Pace
from indextts2.text.units import units_of
from tests.conftest import TINY
from tests.stages.speaking import prepared, tiny_handle, tiny_model, tiny_speaker

CLOCK = Clock.of(TINY)
FOURTEEN = "The old captain told us a long story about the storm and the sea."


def one(text, duration=None, pause=0.0):
    return PreparedText(text, "", (Segment(text, (5, 9, 30), pause, duration=duration, spoken=text),))


MEASURED = replace(DEFAULT_PACE, measured=True)


def judged(text, whole=None, *, allow_any=False, pace=MEASURED):
    plans = plan_segments(text.segments, whole, CLOCK, trained=True)
    return judged_lengths(text.segments, plans, CLOCK, pace, allow_any=allow_any)


@pytest.mark.parametrize(
    ("text", "syllables", "letters", "characters", "commas", "stops"),
    [
        ("made asked times table wanted faces", 9, 30, 0, 0, 0),
        ("Hello, world. Yes!", 4, 13, 0, 1, 1),
        ("你好，世界。", 4, 0, 4, 1, 0),
        ("ちょっと", 3, 0, 3, 0, 0),
        ("東京へ", 5, 0, 5, 0, 0),
        ("¿Qué hora es?", 4, 9, 0, 0, 0),
        ("", 0, 0, 0, 0, 0),
        ("…!?", 0, 0, 0, 0, 0),
    ],
)
def test_units_of_a_text_are_counted_in_every_script(text, syllables, letters, characters, commas, stops):
    units = units_of(text)
    counts = (units.syllables, units.letters, units.characters, units.commas, units.stops)
    assert counts == (syllables, letters, characters, commas, stops)


def test_arabic_without_vowel_signs_still_has_syllables():
    assert 4 <= units_of("مرحبا بالعالم").syllables <= 7


def test_longer_texts_are_estimated_longer_and_a_faster_speaker_shorter():
    lengths = [natural_seconds(one(text).segments[0], DEFAULT_PACE) for text in ("Yes.", "Yes, of course.", FOURTEEN)]
    assert lengths == sorted(lengths) and lengths[0] < 1.0 < 3.0 < lengths[2] < 6.0
    usual = estimate_length(one(FOURTEEN), DEFAULT_PACE, CLOCK)
    assert estimate_length(one(FOURTEEN), DEFAULT_PACE, CLOCK, speed=2.0).seconds == pytest.approx(usual.seconds / 2)


def test_an_estimate_holds_pauses_and_the_segments_own_lengths():
    text = PreparedText("", "", one("Yes.", pause=0.4).segments + one("No.", Duration("seconds", 2.0)).segments)
    estimate = estimate_length(text, DEFAULT_PACE, CLOCK)
    assert estimate.segments[1] == pytest.approx(2.0, abs=1e-3)
    assert estimate.seconds == pytest.approx(sum(estimate.segments) + 0.4)
    slow = estimate_length(one("Yes.", Duration("factor", 1.5)), DEFAULT_PACE, CLOCK)
    assert slow.seconds == pytest.approx(1.5 * estimate.segments[0])


@pytest.mark.parametrize(("multiple", "form"), [(1, 1), (8, 8), (4, 4)])
@pytest.mark.parametrize("fps", [8.0, 23.976, 24.0, 25.0, 60.0])
def test_video_frames_hold_the_speech_and_have_the_form_that_is_asked(multiple, form, fps):
    estimate = estimate_length(one(FOURTEEN), DEFAULT_PACE, CLOCK)
    count = estimate.video_frames(fps, multiple)
    assert (count - 1) % form == 0 and count / fps >= estimate.seconds - 1e-6
    assert (count - form) / fps < estimate.seconds, "the next smaller one would be too short"


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_frame_rate_that_is_none_is_refused(fps):
    with pytest.raises(InputError, match="frame rate"):
        estimate_length(one("Yes."), DEFAULT_PACE, CLOCK).video_frames(fps)


def test_a_sample_of_the_speaker_tells_the_speed(tiny_checkpoint):
    front_end = load_front_end(open_checkpoint(tiny_checkpoint))
    natural = estimated_text(front_end, TINY, DEFAULT_PACE, FOURTEEN).seconds
    assert speed_of(one(FOURTEEN), natural / 2, DEFAULT_PACE, CLOCK) == pytest.approx(2.0, rel=0.05)
    sampled = estimated_text(front_end, TINY, DEFAULT_PACE, "Yes, of course.", sample=(natural / 2, FOURTEEN))
    usual = estimated_text(front_end, TINY, DEFAULT_PACE, "Yes, of course.")
    assert sampled.seconds == pytest.approx(usual.seconds / 2, rel=0.05)
    with pytest.raises(InputError, match="words of the sample"):
        estimated_text(front_end, TINY, DEFAULT_PACE, "Yes.", sample=(1.0, " "))


# ---- what is asked --------------------------------------------------------------------------------------------------


def test_half_a_second_for_fourteen_words_and_fifteen_seconds_for_one_are_refused_with_both_figures():
    with pytest.raises(ImpossibleLength, match=r"0\.50 s for words that take about \d\.\d\d s .* Ask between"):
        judged(one(FOURTEEN), Duration("seconds", 0.5))
    with pytest.raises(ImpossibleLength, match=r"15\.00 s for words that take about 0\.\d\d s"):
        judged(one("Yes."), Duration("seconds", 15.0))


@pytest.mark.parametrize("unit", ["seconds", "samples", "frames", "tokens", "factor"])
@pytest.mark.parametrize(
    ("ratio", "outcome"),
    [(0.4, "refused"), (0.6, "hurried"), (0.8, ""), (1.0, ""), (1.3, ""), (1.6, "drawn out"), (2.5, "refused")],
)
@pytest.mark.parametrize("tagged", [True, False])
def test_a_length_is_judged_in_every_unit_for_the_whole_and_for_a_segment(unit, ratio, outcome, tagged):
    seconds = natural_seconds(one(FOURTEEN).segments[0], DEFAULT_PACE) * ratio
    per_second = {
        "seconds": 1.0, "samples": 22_050, "frames": 22_050 / 256, "tokens": 22_050 / 256 / CLOCK.frames_per_token,
        "factor": ratio / seconds,
    }  # fmt: skip
    duration = Duration(unit, seconds * per_second[unit])
    text, whole = (one(FOURTEEN, duration), None) if tagged else (one(FOURTEEN), duration)
    if outcome == "refused":
        with pytest.raises(ImpossibleLength):
            judged(text, whole)
    warnings = " ".join(judged(text, whole, allow_any=True).values())
    assert (outcome in warnings) if outcome in ("hurried", "drawn out") else bool(warnings) == (outcome == "refused")


def test_segments_that_divide_a_length_are_judged_together_without_their_pauses():
    text = PreparedText("", "", one(FOURTEEN, pause=1.0).segments + one("Yes.").segments)
    natural = estimate_length(text, DEFAULT_PACE, CLOCK).seconds
    assert judged(text, Duration("seconds", natural)) == {}
    plans = plan_segments(text.segments, Duration("seconds", natural), CLOCK, trained=True)
    (asked,) = asked_lengths(text.segments, plans, CLOCK, DEFAULT_PACE).values()
    assert asked.asked == pytest.approx(natural - 1.0, abs=0.1)


def test_a_free_length_and_an_unknown_pace_are_not_judged():
    assert judged(one("Yes.")) == {}
    assert judged(one("Yes."), Duration("seconds", 15.0), pace=None) == {}


def test_a_length_that_was_estimated_with_the_default_pace_says_so():
    with pytest.raises(ImpossibleLength, match="default pace"):
        judged(one("Yes."), Duration("seconds", 15.0), pace=DEFAULT_PACE)
    with pytest.raises(ImpossibleLength) as caught:
        judged(one("Yes."), Duration("seconds", 15.0))
    assert "default pace" not in str(caught.value)


def test_the_limits_are_wider_where_the_pace_was_not_measured():
    natural = natural_seconds(one(FOURTEEN).segments[0], DEFAULT_PACE)
    fast = Duration("seconds", 0.4 * natural)
    with pytest.raises(ImpossibleLength):
        judged(one(FOURTEEN), fast)
    assert "hurried" in judged(one(FOURTEEN), fast, pace=DEFAULT_PACE)[0]
    assert judged(one(FOURTEEN), Duration("seconds", 0.6 * natural), pace=DEFAULT_PACE) == {}


def test_text_to_semantic_refuses_warns_or_allows(caplog):
    handle = replace(tiny_handle(tiny_model()), pace=Pace(segment=0.4, syllable=0.1, letter=0.0, measured=True))
    text, speaker = prepared((5, 9, 30)), tiny_speaker()
    natural = natural_seconds(text.segments[0], handle.pace)
    with pytest.raises(ImpossibleLength):
        text_to_semantic(handle, text, speaker, duration=Duration("seconds", POSSIBLE_LENGTH[0] * natural * 0.9))
    with caplog.at_level(logging.WARNING):
        hurried = text_to_semantic(handle, text, speaker, duration=Duration("seconds", 0.6 * natural))
    assert "hurried" in hurried.reports[0].warnings[0] and "hurried" in caplog.text
    allowed = text_to_semantic(
        handle, text, speaker, duration=Duration("tokens", 2), decoding=DecodingSettings(allow_any_length=True)
    )
    assert allowed.token_lengths.tolist() == [2]


# ---- the numbers of a checkpoint ------------------------------------------------------------------------------------


def test_the_mini_has_a_measured_pace_whose_error_is_stated():
    pace = pace_of(open_checkpoint("mini"))
    assert pace.measured and pace.median_error is not None and pace.median_error <= 0.12
    assert "median error" in pace.describe()


def test_a_checkpoint_without_numbers_has_the_default_pace_and_says_so(tiny_checkpoint):
    assert load_t2s(open_checkpoint(tiny_checkpoint)).pace == DEFAULT_PACE
    assert "default" in DEFAULT_PACE.describe()


def test_a_pace_survives_writing_reading_and_conversion(write_tiny, tmp_path):
    folder = write_tiny(tmp_path / "tiny")
    pace = Pace(0.3, 0.1, 0.02, 0.15, 0.2, 0.3, measured=True, median_error=0.08)
    write_pace(folder, pace, {"texts": 3})
    assert pace_of(open_checkpoint(folder)) == pace
    convert(open_checkpoint(folder), tmp_path / "half", precision="fp16")
    assert read_pace(tmp_path / "half" / PACE_NAME) == pace


@pytest.mark.parametrize(
    "content",
    [
        "[]", "{}", '{"seconds": 3}', '{"seconds": {"segment": 1}}', "not JSON", '{"seconds": null}',
        json.dumps({"seconds": dict.fromkeys(("segment", "syllable", "letter", "syllabic", "comma", "stop"), -1)}),
        json.dumps({"seconds": dict.fromkeys(("segment", "syllable", "letter", "syllabic", "comma", "stop"), "1")}),
        json.dumps({"seconds": dict.fromkeys(("segment", "syllable", "letter", "syllabic", "comma", "stop"), 0)}),
        json.dumps({"seconds": dict.fromkeys(("segment", "syllable", "letter", "syllabic", "comma", "stop"), 1e9)}),
    ],
)  # fmt: skip
def test_a_pace_file_that_cannot_be_used_is_named(content, tmp_path):
    (tmp_path / PACE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=PACE_NAME):
        read_pace(tmp_path / PACE_NAME)
