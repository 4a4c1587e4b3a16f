"""Two commands on one output folder: the second is refused by name, and a killed one leaves nothing in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from indextts2 import folder_lock
from indextts2.errors import InputError, TrainingError
from indextts2.folder_lock import NAME, only_process

ROOT = Path(__file__).parent.parent.parent
HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from indextts2.folder_lock import only_process
with only_process(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen:
    program = [sys.executable, "-c", HOLDER, str(folder), str(ROOT)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_command_is_refused_by_name_and_a_killed_one_leaves_nothing_in_the_way(tmp_path):
    folder = tmp_path / "out"
    process = holder(folder)
    try:
        with pytest.raises(TrainingError, match=rf"out is being written by another command \(process {process.pid} of"):
            with only_process(folder, TrainingError):
                pass
    finally:
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()
    assert (folder / NAME).is_file()
    with only_process(folder):
        assert str(os.getpid()) in (folder / NAME).read_text() or os.name == "nt"
    assert list(folder.iterdir()) == []


def test_the_folder_is_free_again_after_a_failure(tmp_path):
    with pytest.raises(ValueError, match="stop"):
        with only_process(tmp_path):
            raise ValueError("stop")
    with only_process(tmp_path):
        with pytest.raises(InputError, match="Wait until it is done, or name another folder"):
            with only_process(tmp_path):
                pass
    assert list(tmp_path.iterdir()) == []


def test_of_many_at_once_one_is_inside_at_any_time(tmp_path):
    inside, most, done = [0], [0], [0]

    def work() -> None:
        while done[0] < 40:
            try:
                with only_process(tmp_path):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    done[0] += 1
                    inside[0] -= 1
            except InputError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_told_and_lets_everybody_in(tmp_path, monkeypatch, caplog):
    def refused(file):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(folder_lock, "_lock", refused)
    with only_process(tmp_path), only_process(tmp_path):
        pass
    assert "without locks" in caplog.text


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file"):
        with only_process(tmp_path / "file"):
            pass


@pytest.mark.skipif(os.name == "nt", reason="there, a file that is open cannot be removed")
def test_a_lock_file_that_goes_between_two_looks_is_taken_anew(tmp_path, monkeypatch, caplog):
    take = folder_lock._lock
    gone = []

    def take_and_lose_once(file):
        take(file)
        if not gone:
            gone.append(file.name)
            monkeypatch.setattr(folder_lock.Path, "exists", lambda self: True)  # seen, and gone at the next look
            os.unlink(file.name)

    monkeypatch.setattr(folder_lock, "_lock", take_and_lose_once)
    with only_process(tmp_path):
        assert gone and (tmp_path / NAME).is_file()
    assert "without locks" not in caplog.text
