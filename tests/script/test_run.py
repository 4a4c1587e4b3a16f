"""Scripts spoken with the tiny checkpoint: exact lengths, resuming, sharing out, the files of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from indextts2.audio.io import read_audio
from indextts2.cli.main import main
from indextts2.errors import Cancelled, InputError
from indextts2.script.fit import FitSettings
from indextts2.script.mix import MixSettings, mix
from indextts2.script.model import samples_of
from indextts2.script.read import read_script_file
from indextts2.script.run import finished_lines, run_lines, speak_script
from indextts2.script.store import LineStore
from indextts2.script.take_scores import TakeSettings

from .conftest import FAST, SCRIPT

RATE = 22_050


def same(first, second) -> bool:
    return all(
        torch.equal(one.audio, two.audio) and one.report == two.report for one, two in zip(first, second, strict=True)
    )


def test_cues_and_own_lengths_are_met_to_the_sample(models, job):
    spoken = speak_script(job(), lambda: models)
    assert [line.audio.shape[0] for line in spoken] == [round(0.6 * RATE), round(0.6 * RATE), round(0.5 * RATE)]
    assert all(line.report.status == "spoken" for line in spoken)
    assert spoken[1].report.asked == "0.600 s of its cue" and spoken[2].report.asked == "0.5 seconds"
    assert "model" in spoken[0].report.method and spoken[0].report.sample_count == spoken[0].audio.shape[0]


def test_the_timeline_starts_every_cue_at_its_sample_and_the_srt_reads_back_the_same(models, job, tmp_path):
    work = job()
    timeline = mix(work.script, speak_script(work, lambda: models), RATE, MixSettings(gap=0.25))
    starts = [one.start for one in timeline.placements]
    assert starts == [samples_of(100, RATE), samples_of(900, RATE), samples_of(1500, RATE) + round(0.25 * RATE)]
    assert timeline.waveform.samples.shape[-1] == starts[2] + round(0.5 * RATE)
    assert timeline.script is not None
    from indextts2.script.read import write_script_file

    write_script_file(timeline.script, tmp_path / "real.srt")
    assert read_script_file(tmp_path / "real.srt") == timeline.script


def test_a_stopped_job_goes_on_with_its_finished_lines_and_gives_the_same(models, job, tmp_path):
    work, store = job(), LineStore(tmp_path / "lines")
    whole = speak_script(work, lambda: models)

    def stop(done: int, total: int) -> None:
        if done >= 1500:
            raise Cancelled("stopped by the test")

    with pytest.raises(Cancelled):
        run_lines(work, lambda: models, store, progress=stop)
    assert [line is not None for line in finished_lines(work, store)] == [True, False, False]
    assert run_lines(work, lambda: models, store) == 2
    assert same(whole, finished_lines(work, store))
    assert run_lines(work, lambda: pytest.fail("nothing is left to speak"), store) == 0


def test_shares_of_several_processes_make_the_same_lines(models, job, tmp_path):
    work = job()
    whole = speak_script(work, lambda: models)
    store = LineStore(tmp_path)
    assert [run_lines(work, lambda: models, store, shard=(process, 2)) for process in (1, 0)] == [1, 2]
    assert same(whole, finished_lines(work, store))


def test_a_damaged_finished_line_is_spoken_again(models, job, tmp_path):
    work, store = job(), LineStore(tmp_path)
    run_lines(work, lambda: models, store)
    victim = sorted(tmp_path.iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:100])
    assert run_lines(work, lambda: models, store) == 1


def test_changing_one_line_leaves_the_others_finished(models, job, tmp_path):
    store = LineStore(tmp_path)
    run_lines(job(), lambda: models, store)
    assert run_lines(job(SCRIPT.replace("Good day", "Good morning")), lambda: models, store) == 1
    assert run_lines(job(SCRIPT.replace("seconds 0.5", "seconds 0.5; seed 9")), lambda: models, store) == 1


def test_a_language_the_checkpoint_does_not_speak_is_named_in_the_report(models, job):
    spoken = speak_script(
        job("Anna [language fr; seconds 0.4]: Hello.\nAnna [language en; seconds 0.4]: Hi."), lambda: models
    )
    marked = [any("marked as 'fr'" in warning for warning in line.report.warnings) for line in spoken]
    assert marked == [True, False]


def test_a_line_without_words_is_reported_as_silent(models, job):
    spoken = speak_script(job("Anna [seconds 0.4]: Hello.\nBen: ♪♪♪"), lambda: models)
    assert [line.report.status for line in spoken] == ["spoken", "silent"]
    assert spoken[1].audio.numel() == 0 and spoken[1].report.warnings


def test_takes_are_decoded_scored_and_the_best_is_kept(models, job):
    from dataclasses import replace

    settings = replace(FAST, takes=TakeSettings(count=3, listen=2, retries=1, judge_speaker=True))
    report = speak_script(job("Anna: Hello there.", settings), lambda: models)[0].report
    assert [take.number for take in report.takes] == [0, 1, 2] * (len(report.takes) // 3)
    assert sum(take.silence_share is not None for take in report.takes) == 2 * (len(report.takes) // 3)
    best = [take for take in report.takes if (take.seed, take.number) == (report.seed, report.chosen)]
    rendered = [take for take in report.takes if take.silence_share is not None]
    assert best[0].cost == min(take.cost for take in rendered if bool(take.faults) == bool(best[0].faults))


def test_a_degenerate_take_is_tried_again_with_the_next_seed(models, job):
    from dataclasses import replace

    endless = replace(FAST, takes=TakeSettings(retries=2, listen=1))
    report = speak_script(job("Anna: Hello there.", endless, seed=5), lambda: models)[0].report
    if report.takes[0].faults:
        assert [take.seed for take in report.takes][:2] == [5, 6]
    else:
        assert len(report.takes) == 1


def test_a_line_that_cannot_fit_is_listed_with_what_it_needs_and_nothing_is_cut(models, job):
    from dataclasses import replace

    settings = replace(FAST, fit=FitSettings(squeeze=0.8))
    work = job("Anna [start 0; seconds 0.6]: Hello.\nBen [start 0.3; end 0.8]: Good day.", settings)
    spoken = speak_script(work, lambda: models)
    assert spoken[0].report.status == "unfit" and spoken[0].audio.shape[0] == round(0.6 * RATE)
    timeline = mix(work.script, spoken, RATE, MixSettings())
    assert [(one.line, one.needs) for one in timeline.unfit] == [(0, round(0.6 * RATE))]
    assert [one.line for one in timeline.placements] == [1]
    shifted = mix(work.script, spoken, RATE, MixSettings(overflow="shift"))
    assert [one.start for one in shifted.placements] == [0, round(0.6 * RATE)] and not shifted.unfit
    over = mix(work.script, spoken, RATE, MixSettings(overflow="overlap"))
    assert [one.start for one in over.placements] == [0, samples_of(300, RATE)]


def test_a_line_whose_pauses_exceed_its_cue_is_listed_and_the_others_are_spoken(models, job):
    work = job("Anna [start 0; end 2]: Hello <pause 3s> there.\nBen [start 2.5; end 3.1]: Good day.")
    spoken = speak_script(work, lambda: models)
    assert [line.report.status for line in spoken] == ["unfit", "spoken"]
    assert spoken[0].report.needs_samples > 3 * RATE and spoken[0].audio.shape[0] > spoken[0].report.needs_samples
    timeline = mix(work.script, spoken, RATE, MixSettings())
    assert [one.line for one in timeline.unfit] == [0] and [one.line for one in timeline.placements] == [1]


def test_lengths_stated_inside_a_line_that_exceed_its_cue_do_not_end_the_run(models, job):
    text = "[seconds 0.7] Hello. " * 4 + "[calm] And you."
    work = job(f"Anna [start 0; end 0.4]: {text}\nBen [start 0.5; end 1]: Good day.")
    spoken = speak_script(work, lambda: models)
    assert [line.report.status for line in spoken] == ["unfit", "spoken"]


def test_a_cue_longer_than_one_take_is_left_to_the_stretch(models, job):
    """The tiny checkpoint never ends by itself, so the cue has to be trusted, and a take has 19 tokens at most."""
    line = speak_script(job("Anna [start 0; end 3]: Hello there. <pause 0.1s> You."), lambda: models)[0]
    assert line.report.status == "spoken" and line.audio.shape[0] == 3 * RATE
    assert line.report.stretch > 1.5 and line.report.token_count <= 38


def test_an_error_names_the_line(models, job):
    with pytest.raises(InputError, match=r"Line 1 of the script \('Hello.*pauses"):
        speak_script(job("Anna [seconds 0.2]: Hello. <pause 1s> You."), lambda: models)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_writes_lines_timeline_subtitles_and_report(command, tmp_path, capsys):
    assert main(command("out")) == 0
    words = capsys.readouterr().out
    assert "3 of 3 lines" in words
    found = contents(tmp_path / "out")
    assert {"timeline.wav", "script.srt", "report.json", "lines/0001_Anna.wav", "lines/0002_Ben.wav"} <= set(found)
    report = json.loads(found["report.json"])
    assert report["samples"] == read_audio(tmp_path / "out" / "timeline.wav").samples.shape[-1]
    assert [line["first_sample"] for line in report["lines"]][:2] == [samples_of(100, RATE), samples_of(900, RATE)]
    assert read_script_file(tmp_path / "out" / "script.srt").lines[1].start_ms == 900
    assert main([*command("out"), "--json"]) == 0
    assert contents(tmp_path / "out") == found


@pytest.mark.parametrize("name", ["report.json", "script.srt"])
def test_a_file_that_cannot_be_written_is_named_in_one_line(command, tmp_path, capsys, name):
    (tmp_path / "out" / name).mkdir(parents=True)
    assert main(command("out")) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and f"{name} cannot be written" in errors


def test_a_fault_in_the_script_is_one_line(command, tmp_path, capsys):
    (tmp_path / "play.txt").write_text("Anna [hapy .6]: Hi.", encoding="utf-8")
    assert main([*command("out"), "--strict"]) == 1
    assert "Line 1, column 7: 'hapy .6' is no setting" in capsys.readouterr().err
