"""What a GPU has to show, tried with tiny models on a CPU; and times of another installation beside ours."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import torch

from indextts2.errors import InputError, TrainingError
from tools import compare_official, gpu_check
from tools.benchmarks import processor


@pytest.fixture
def case(tmp_path):
    return gpu_check.Case(torch.device("cpu"), "tiny", tmp_path, seconds=0.2)


@pytest.mark.parametrize("name", ["parity", "first audio", "stages fp32", "stages int8", "batches"])
def test_every_check_gives_figures_on_a_cpu(name, case, monkeypatch):
    monkeypatch.setattr(gpu_check, "BATCHES", (2,))
    monkeypatch.setattr(gpu_check, "SAMPLED", 6)
    found = gpu_check.CHECKS[name](case)
    figures = [value for row in found.values() for value in (row.values() if isinstance(row, dict) else (row,))]
    assert figures and all(value is None or isinstance(value, bool) or 0.0 <= value < 1e6 for value in figures)
    assert name != "parity" or (found["same_tokens"] and found["mel"] == 0.0)


def test_a_run_resumes_after_what_is_written_and_tells_what_failed_and_what_is_missing(case, tmp_path, monkeypatch):
    done: list[str] = []

    def failing(_case):
        done.append("second")
        raise RuntimeError("out of memory")

    def checked(name):
        return lambda _case: done.append(name) or {"value": 1.0}

    checks = {"first": checked("first"), "second": failing, "third": checked("third")}
    monkeypatch.setattr(gpu_check, "CHECKS", checks)
    out = tmp_path / "out.json"
    assert gpu_check.run(case, out, 0.0)["missing"] == ["first", "second", "third"]
    found = gpu_check.run(case, out, 1.0)
    assert found["missing"] == ["second"] and "out of memory" in found["checks"]["second"]["error"]
    assert gpu_check.run(case, out, 1.0)["checks"]["third"] == found["checks"]["third"]
    assert done == ["first", "second", "third", "second"]
    assert json.loads(out.read_text(encoding="utf-8"))["machine"]["torch"] == torch.__version__
    with pytest.raises(TrainingError, match="Name another file"):
        gpu_check.run(replace(case, size="full"), out, 1.0)


def test_the_command_checks_graphs_and_cancel_and_needs_a_gpu_unless_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "CHECKS", {name: gpu_check.CHECKS[name] for name in ("graphs", "cancel")})
    monkeypatch.setattr(gpu_check, "SAMPLED", 6)
    out = tmp_path / "out.json"
    assert gpu_check.main(["--device", "cpu", "--size", "tiny", "--out", str(out)]) == 0
    checks = json.loads(out.read_text(encoding="utf-8"))["checks"]
    assert checks["graphs"]["same_tokens"] and checks["graphs"]["mel"] == 0.0 and not checks["graphs"]["graphs"]
    assert checks["cancel"]["t2s"] > 0.0 and checks["cancel"]["s2m"] > 0.0
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_check.main(["--out", str(out)]) == 2 and "--device cpu" in capsys.readouterr().err


PROGRAM = """
import sys, wave
def speak(text, reference, output):
    sum(range(20_000 * len(text)))
    with wave.open(output, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 400 * len(text)))
if __name__ == "__main__":
    speak(*sys.argv[1:])
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A stand-in for another installation: 0.05 s of silence for a character."""
    (tmp_path / "their_program.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "their_program.py"


def test_a_command_and_an_entry_are_timed_turn_by_turn_into_one_table(program, tmp_path):
    commands = {
        "theirs": compare_official.command_of(f"{sys.executable} {program} {{text}} {{reference}} {{output}}"),
        "ours": compare_official.entry_command(sys.executable, "their_program:speak"),
    }
    found = compare_official.compare(commands, tmp_path / "voice.wav", repeats=1, threads=1)
    for figures in found.values():
        assert figures["speech_seconds"] == pytest.approx(0.05 * len(compare_official.LONG))
        assert figures["processor_seconds"] > 0.0 and figures["peak_mebibytes"] > 1.0
    assert compare_official.table(found).startswith("| | theirs | ours | ratio |")


def test_the_cost_of_a_second_is_told_apart_from_the_start():
    runs = {"short": [compare_official.Run(5.0, 10.0, 1.0)], "long": [compare_official.Run(11.0, 12.0, 4.0)]}
    found = compare_official.summary(runs)
    assert (found["processor_per_second_of_speech"], found["processor_to_begin"]) == (2.0, 3.0)


def test_what_cannot_be_compared_says_why(program, tmp_path, capsys):
    with pytest.raises(InputError, match="lacks {output}"):
        compare_official.command_of("speak {text} {reference}")
    with pytest.raises(InputError, match="module:function"):
        compare_official.entry_command("python", "module")
    given = ["--reference", str(tmp_path / "voice.wav"), "--entry", "their_program:missing"]
    assert compare_official.main(given) == 1
    assert "missing" in capsys.readouterr().err


def test_the_rows_of_the_table_are_measured_once_and_written_between_the_marks(tmp_path, monkeypatch):
    rows = {"one": lambda measured: 1.5, "two": lambda measured: 2.0 * measured.row("one")}
    monkeypatch.setattr(processor, "ROWS", rows)
    docs, known = tmp_path / "page.md", tmp_path / "rows.json"
    docs.write_text(f"Before.\n{processor.BEGIN}\nold\n{processor.END}\nAfter.\n", encoding="utf-8")
    given = ["--size", "tiny", "--json", str(known), "--docs", str(docs)]
    assert processor.main(given) == 0
    text = docs.read_text(encoding="utf-8")
    assert "| one | 1.5 |\n| two | 3 |" in text and "old" not in text
    assert text.startswith("Before.") and text.endswith("After.\n")
    monkeypatch.setitem(rows, "one", lambda measured: pytest.fail("it was known"))
    assert processor.main(given) == 0 and docs.read_text(encoding="utf-8") == text
    docs.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="should have the marks"):
        processor.main(given)


def test_a_sentence_is_added_up_from_its_parts(case):
    parts = {
        "vocoder, 5 s": 1.0,
        "encode a reference of 5 s": 10.0,
        "prefill and one token": 100.0,
        "a step of text to semantic, three beams, fp32": 2.0,
        "a guided step of the flow, 5 s after a reference of 5 s": 3.0,
    }
    assert processor.Measured(case, parts).row("whole sentence of 5 s, exact") == 111.0 + 25 * 2.0 + 25 * 3.0


def test_a_step_of_the_decode_is_measured(case):
    measured = processor.Measured(case, {})
    assert measured.row("a step of text to semantic, three beams, fp32") >= 0.0
