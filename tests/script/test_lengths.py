"""Lines whose words cannot be spoken in the length they ask for: named first, and the rest of the script is spoken."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from indextts2.cli.main import main
from indextts2.contracts import Duration
from indextts2.script.fit import Fit, FitSettings, Slot, plan_fit, unnatural_length
from indextts2.script.mix import MixSettings, mix
from indextts2.script.report import describe, script_report
from indextts2.script.run import speak_script
from tests.script.conftest import FAST

RATE = 22_050
LONG = "The old captain told us a long story about the storm and the sea."
ANY = replace(FAST, decoding=replace(FAST.decoding, allow_any_length=True))


def test_a_refused_line_does_not_lose_the_script_and_is_named_before_anything_is_spoken(models, job, caplog):
    work = job(f"Anna [seconds 0.3]: {LONG}\nBen: Good day.\nAnna [seconds 0.2] : {LONG}")
    assert work.script.lines[0].duration == Duration("seconds", 0.3)
    with caplog.at_level(logging.WARNING):
        spoken = speak_script(work, lambda: models)
    assert [line.report.status for line in spoken] == ["refused", "spoken", "refused"]
    assert "Line 1" in caplog.text and "Line 3" in caplog.text and "2 lines" in caplog.text
    timeline = mix(work.script, spoken, RATE, MixSettings())
    assert [one.line for one in timeline.placements] == [1]
    report = script_report(work.script, spoken, timeline)
    assert [one["line"] for one in report["refused"]] == [1, 3]
    assert "0.30 s for words that take about" in report["refused"][0]["reason"]
    assert "its length cannot be spoken" in describe(work.script, spoken, timeline)


def test_lengths_of_tags_inside_a_line_are_refused_too(models, job):
    spoken = speak_script(job(f"Anna: Hello. [seconds 0.2] {LONG}\nBen: Good day."), lambda: models)
    assert [line.report.status for line in spoken] == ["refused", "spoken"]


def test_any_length_is_spoken_where_it_is_allowed(models, job):
    spoken = speak_script(job("Anna [seconds 0.2]: Good day to you.", ANY), lambda: models)
    assert spoken[0].report.status == "spoken" and spoken[0].audio.shape[0] == round(0.2 * RATE)


def test_a_cue_that_is_too_short_by_the_estimate_is_named_first_and_tried(models, job, caplog):
    work = job(f"Anna [start 0; end 0.3]: {LONG}\nBen [start 0.4; end 1.4]: Good day.")
    with caplog.at_level(logging.WARNING):
        spoken = speak_script(work, lambda: models)
    assert "Line 1: Time before the next cue: 0.40 s for words that take about" in caplog.text
    assert spoken[0].report.status != "refused"


@pytest.mark.parametrize("controls_length", [True, False])
def test_a_cue_never_makes_speech_shorter_than_half_unless_any_length_is_allowed(controls_length):
    settings = FitSettings(squeeze=0.3)
    slot = Slot(4_000, 4_000)
    refused = plan_fit(10_000, slot, settings, controls_length=controls_length)
    assert not refused.fits and refused.needs == 5_000
    allowed = plan_fit(10_000, slot, settings, controls_length=controls_length, allow_any_length=True)
    assert allowed.fits and allowed.samples == 4_000


@pytest.mark.parametrize(("samples", "said"), [(12_000, "hurried"), (18_000, ""), (30_000, "drawn out"), (None, "")])
def test_a_line_that_was_fitted_far_from_its_natural_length_says_both(samples, said):
    fit = Fit(samples, natural=21_000, pauses=1_000)
    warnings = unnatural_length(fit, "Good day to you.", RATE)
    assert len(warnings) == bool(said)
    assert all(said in one and "for words that take about 0.91 s" in one for one in warnings)


def test_the_command_reports_refused_lines_and_speaks_the_others(command, tmp_path, capsys):
    (tmp_path / "play.txt").write_text(f"Anna [seconds 0.2]: {LONG}\nBen: Hello.", encoding="utf-8")
    assert main([*command("out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [one["line"] for one in report["refused"]] == [1] and report["lines_spoken"] == 1
    assert report["lines"][0]["file"] == "" and (tmp_path / "out" / report["lines"][1]["file"]).is_file()
