"""Lines that are accepted keep their bytes; the others are spoken again with new seeds, and a stopped run resumes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from indextts2.cli.main import main
from indextts2.errors import InputError
from indextts2.script.accepted import TakesFile, accepted_seeds, line_numbers, retake_seed
from indextts2.script.model import LARGEST_SEED, Line
from indextts2.script.read import read_script_file
from indextts2.script.run import speak_script
from indextts2.script.store import LineStore

LINES = (Line("One."), Line("Two."), Line("One.", seed=5))


@pytest.mark.parametrize(("text", "found"), [("1", (0,)), ("1,3-5", (0, 2, 3, 4)), (" 2 - 3 , 2", (1, 2))])
def test_lines_are_written_as_numbers_and_ranges(text, found):
    assert line_numbers(text, 5) == found


@pytest.mark.parametrize("text", ["", "0", "6", "3-2", "a", "1,,2", "1-"])
def test_what_is_no_line_is_refused(text):
    with pytest.raises(InputError, match=r"1,4-6|lines 1 to 5"):
        line_numbers(text, 5)


def test_accepted_rows_give_seeds_and_a_line_with_its_own_seed_keeps_that():
    assert accepted_seeds("17: 1, 3\n4: 2", LINES) == {0: 17, 1: 4}
    assert accepted_seeds("", LINES) == {}
    for wrong in ("1", "x: 1", "17: 9", "1: 1; 2: 1", f"{LARGEST_SEED + 1}: 1"):
        with pytest.raises(InputError):
            accepted_seeds(wrong, LINES)


def test_every_retake_has_another_seed_and_the_first_is_the_lines_own():
    seeds = [retake_seed(7, count) for count in range(5)]
    assert seeds[0] == 7 and len(set(seeds)) == 5 and all(0 <= seed <= LARGEST_SEED for seed in seeds)
    assert retake_seed(8, 1) != seeds[1]


def test_decisions_stay_with_their_lines_when_the_script_is_edited(tmp_path):
    file = TakesFile.open(tmp_path / "takes.json", LINES)
    file.retake([1])
    file.finish([2], ["a", "b", "c"])
    file.save()
    edited = (Line("Before."), *LINES[1:], Line("One."))
    again = TakesFile.open(tmp_path / "takes.json", edited)
    assert [state.retakes for state in again.states] == [0, 1, 0, 0]
    assert [state.accepted for state in again.states] == ["", "", "", "c"]  # the second "One."


def test_the_same_retake_again_resumes_a_stopped_run_and_is_new_after_it(tmp_path):
    file = TakesFile.open(tmp_path / "takes.json", LINES)
    file.retake([0, 1])
    file.save()
    stopped = TakesFile.open(tmp_path / "takes.json", LINES)
    stopped.retake([0, 1])
    assert [state.retakes for state in stopped.states] == [1, 1, 0]
    stopped.finish([], [])
    stopped.retake([0, 1])
    assert [state.retakes for state in stopped.states] == [2, 2, 0]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2, "lines": []}', '{"format": 1, "lines": [{}]}'])
def test_a_damaged_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "takes.json").write_text(content)
    with pytest.raises(InputError, match=r"takes\.json is damaged"):
        TakesFile.open(tmp_path / "takes.json", LINES)


def test_an_accepted_line_whose_sound_is_gone_is_spoken_again_with_a_note(tmp_path):
    file = TakesFile.open(tmp_path / "takes.json", LINES)
    file.finish([0], ["a", "b", "c"])
    kept, notes = file.kept(LineStore())
    assert kept == {} and "Line 1 was accepted, but its sound is gone" in notes[0]


def test_a_job_keeps_accepted_lines_and_speaks_the_others_with_other_seeds(models, job):
    work, store = job(), LineStore()
    first = speak_script(work, lambda: models, store=store)
    again = replace(job(seed=9), seeds={1: 4}, kept={0: work.keys()[0]})
    second = speak_script(again, lambda: models, store=store)
    assert torch.equal(first[0].audio, second[0].audio)
    assert [line.report.seed for line in second] == [0, 4, 9]
    assert not torch.equal(first[1].audio, second[1].audio) and not torch.equal(first[2].audio, second[2].audio)


def wavs(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "lines").glob("*.wav"))}


def test_the_command_accepts_lines_and_speaks_others_again(command, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command("out")) == 0
    first = wavs(out)
    assert not (out / "takes.json").exists()
    assert main([*command("out"), "--accept", "1,3"]) == 0
    assert wavs(out) == first
    assert main([*command("out"), "--retake", "rest"]) == 0
    second = wavs(out)
    changed = [name for name in first if first[name] != second[name]]
    assert changed == ["0002_Ben.wav"]
    assert main([*command("out"), "--seed", "6", "--only-accepted"]) == 0  # another seed does not touch them
    third = wavs(out)
    assert third["0001_Anna.wav"] == first["0001_Anna.wav"] and third["0003_Anna.wav"] == first["0003_Anna.wav"]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [line["accepted"] for line in report["lines"]] == [True, False, True]
    assert [line["retakes"] for line in report["lines"]] == [0, 1, 0] and report["lines_spoken"] == 2
    assert [line.text for line in read_script_file(out / "script.srt").lines] == ["Hello there.", "I am well."]
    capsys.readouterr()
    for wrong, complaint in (
        (["--accept", "9"], "lines 1 to 3"),
        (["--retake", "x"], "written as 1,4-6"),
        (["--accept", "1", "--retake", "1"], "at once"),
    ):
        assert main([*command("out"), *wrong]) == 2
        assert complaint in capsys.readouterr().err
