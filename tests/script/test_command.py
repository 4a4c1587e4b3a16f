"""The script command as a whole: exact times, no clicks, the same bytes however it was interrupted or shared out."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from indextts2 import atomic
from indextts2.audio.io import pcm_bytes, read_audio
from indextts2.cli.main import main
from indextts2.folder_lock import only_process
from indextts2.script.model import clock, samples_of
from indextts2.script.read import read_script, read_script_file
from indextts2.script.store import LineStore

ROOT = Path(__file__).parent.parent.parent
RATE = 22_050
CUES = 60


def subtitles() -> str:
    """Sixty cues at odd milliseconds, some of them touching the next."""
    dice, at, cues = random.Random(60), 137, []
    for number in range(CUES):
        end = at + dice.randint(251, 499)
        cues.append(f"{number + 1}\n{clock(at)} --> {clock(end)}\n{'Anna' if number % 3 else 'Ben'}: Hello there.\n")
        at = end + dice.choice([0, 1, dice.randint(2, 300)])
    return "\n".join(cues)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_sixty_cues_become_a_track_that_is_exact_to_the_sample_and_does_not_click(command, tmp_path):
    (tmp_path / "play.txt").unlink()
    (tmp_path / "sixty.srt").write_text(subtitles(), encoding="utf-8")
    arguments = [argument.replace("play.txt", "sixty.srt") for argument in command("out")]
    assert main([*arguments, "--json"]) == 0
    asked = read_script(subtitles()).lines
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert len(asked) == CUES == report["lines_spoken"]
    starts = [line["first_sample"] for line in report["lines"]]
    ends = [line["end_sample"] for line in report["lines"]]
    assert starts == [samples_of(line.start_ms or 0, RATE) for line in asked]
    assert ends == [samples_of(line.end_ms or 0, RATE) for line in asked]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    written = read_script_file(tmp_path / "out" / "script.srt").lines
    assert [(line.start_ms, line.end_ms) for line in written] == [(line.start_ms, line.end_ms) for line in asked]
    steps = read_audio(tmp_path / "out" / "timeline.wav").samples[0, 0].diff().abs()
    joins = torch.tensor([0, *(place for edge in (starts, ends) for at in edge for place in (at - 1, at))])
    inside = torch.ones(len(steps), dtype=torch.bool)
    inside[joins.clamp(max=len(steps) - 1)] = False
    assert float(steps[~inside].max()) < 0.1 * float(steps[inside].max())


class Killed(BaseException):
    """Nobody catches it, as nobody catches a signal."""


@pytest.mark.parametrize("moment", [2, 3, 8])
def test_a_run_that_was_killed_while_it_wrote_goes_on_to_the_same_bytes(command, tmp_path, monkeypatch, moment):
    """Between any two steps of keeping lines and writing the result."""
    assert main(command("whole")) == 0
    left = [moment]

    def counted(real):
        def step(*inputs, **named):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real(*inputs, **named)

        return step

    from indextts2.audio import io as audio_io

    with monkeypatch.context() as patch:
        patch.setattr(LineStore, "put", counted(LineStore.put))
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(audio_io, "write_wav", counted(audio_io.write_wav))
        with pytest.raises(Killed):
            main(command("killed"))
    assert main(command("killed")) == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_run_that_was_shot_at_any_time_goes_on_to_the_same_bytes(command, tmp_path):
    assert main(command("whole")) == 0
    dice = random.Random(9)
    program = [sys.executable, "-m", "indextts2", *command("shot")]
    for _ in range(3):
        process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wanted = dice.randint(0, 2)
        finished = tmp_path / "shot" / "finished"
        while (
            process.poll() is None and (len(list(finished.glob("*.safetensors"))) if finished.is_dir() else 0) < wanted
        ):
            time.sleep(0.01)
        time.sleep(dice.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run(program, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert contents(tmp_path / "shot") == contents(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_two_processes_write_the_same_bytes_as_one(command, tmp_path, launcher):
    pytest.importorskip("accelerate")
    assert main(command("one")) == 0
    start = {
        "torchrun": ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"],
        "accelerate": ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
                       "--mixed_precision", "no", "--dynamo_backend", "no"],
    }[launcher]  # fmt: skip
    program = [sys.executable, *start, "-m", "indextts2", *command("two")]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_lines_are_written_to_standard_output_in_their_order_as_soon_as_they_are_ready(command, tmp_path, capsysbinary):
    assert main(command("out")) == 0
    capsysbinary.readouterr()
    assert main([*command("streamed"), "--stream", "raw"]) == 0
    written = capsysbinary.readouterr().out
    lines = [read_audio(path).samples[0, 0] for path in sorted((tmp_path / "out" / "lines").glob("*.wav"))]
    assert len(lines) > 1 and written == b"".join(pcm_bytes(line) for line in lines)
    assert contents(tmp_path / "streamed" / "lines") == contents(tmp_path / "out" / "lines")


def test_a_second_command_on_the_same_folder_is_refused_by_name(command, tmp_path, capsys):
    with only_process(tmp_path / "out"):
        assert main(command("out")) == 1
    assert "out is being written by another command (process" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["timeline.wav", "script.srt", "report.json", "0001_Anna.wav"])
def test_a_failed_run_names_the_file_keeps_the_old_one_and_leaves_nothing_beside(
    command, tmp_path, monkeypatch, capsys, name
):
    assert main(command("out")) == 0
    before = contents(tmp_path / "out")
    real = atomic._put

    def full(file, beside, target):
        if target.name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, beside, target)

    monkeypatch.setattr(atomic, "_put", full)
    capsys.readouterr()
    assert main(command("out")) == 1
    errors = capsys.readouterr().err
    assert name in errors and "the disk is full" in errors and "The file that was there is unchanged." in errors
    assert contents(tmp_path / "out") == before
