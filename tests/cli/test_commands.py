"""The command line: results on the output, one line per failure on the error stream, exit codes 0, 1 and 2."""

from __future__ import annotations

import io
import json
import logging
import os
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import torch

from indextts2.audio.io import read_audio, write_wav
from indextts2.bench.stages import STAGES
from indextts2.cli.main import COMMANDS, build_parser, main
from indextts2.contracts import Waveform
from indextts2.loading.checkpoint import open_checkpoint

FAST = ["--steps", "2", "--max-tokens", "30"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "reference.wav"
    noise = torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(0))
    write_wav(path, Waveform((0.1 * noise).clamp(-1, 1), 24_000))
    return path


@pytest.fixture
def speak(tiny_checkpoint, reference, tmp_path, capsys):
    """Runs `speak` with the tiny checkpoint; returns exit code, output, errors and the path of the file."""

    def run(*arguments: str, text: str = "Hello there."):
        wav = tmp_path / "out.wav"
        given = ["speak", text, "--checkpoint", str(tiny_checkpoint), "--reference", str(reference), "-o", str(wav)]
        code = main([*given, *FAST, *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err, wav

    return run


def one_line(text: str) -> str:
    assert text.endswith("\n") and text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


def test_speaking_writes_a_file_of_exactly_the_seconds_asked_for(speak):
    code, output, errors, wav = speak("--seconds", "0.987", "--emotion", "happy=.6,surprised=.2")
    assert (code, errors) == (0, "")
    assert read_audio(wav).samples.shape[-1] == round(0.987 * 22_050)
    assert "asked: 0.987 seconds" in output and "real-time factor" in output and "seeds: t2s 0" in output


def test_the_json_of_speaking_reports_asked_and_real_length_tokens_and_seeds(speak):
    code, output, _, wav = speak("--tokens", "20", "--seed", "5", "--json")
    result = json.loads(output)
    assert code == 0
    assert result["asked"] == "20 tokens" and result["tokens"] == 20
    assert result["samples"] == read_audio(wav).samples.shape[-1]
    assert result["seeds"] == {"t2s": 5, "s2m": 5, "emotion": 5}
    assert result["real_time_factor"] > 0 and result["segments"][0]["token_target"] == 20


def test_what_the_text_lost_is_noted(speak):
    text = "<pause 2s> Hello 世界. [happy 0.6x]"
    code, output, _, _ = speak("--tokens", "29", text=text)
    assert code == 0 and "Note: A pause before the first word is left out" in output
    warnings = json.loads(speak("--tokens", "29", "--json", text=text)[1])["warnings"]
    assert len(warnings) == 4 and "[happy 0.6x]" in " ".join(warnings)


def test_lengths_of_single_segments_are_all_named(speak):
    text = "[tokens 20] Hello there. [tokens 15] Good morning."
    _, output, _, _ = speak("--json", text=text)
    result = json.loads(output)
    assert result["asked"] == "20 tokens, 15 tokens" and result["tokens"] == 35


def test_the_same_seed_gives_the_same_file_and_another_seed_another(speak):
    contents = []
    for seed in ("1", "1", "2"):
        _, _, _, wav = speak("--tokens", "12", "--seed", seed)
        contents.append(wav.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_frames_and_factor_are_lengths_too(speak):
    _, output, _, wav = speak("--frames", "70", "--json")
    assert read_audio(wav).samples.shape[-1] == 70 * 256
    code, output, _, _ = speak("--factor", "0.5", "--json")
    assert code == 0 and json.loads(output)["asked"] == "0.5 times the natural length"


def test_an_emotion_recording_changes_the_speech(speak, reference):
    _, _, _, wav = speak("--tokens", "12")
    plain = wav.read_bytes()
    louder = reference.with_name("emotion.wav")
    tone = torch.sin(torch.arange(16_000) / 16_000 * 440 * 6.283).view(1, 1, -1)
    write_wav(louder, Waveform(0.5 * tone, 16_000))
    _, _, _, wav = speak("--tokens", "12", "--emotion-audio", str(louder))
    assert wav.read_bytes() != plain


def test_text_can_come_from_the_standard_input(speak, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Good morning."))
    code, output, _, _ = speak("--json", text="-")
    assert code == 0 and len(json.loads(output)["segments"]) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--emotion", "joy=1"], "Unknown emotion joy; known are happy"),
        (["--emotion", "happy"], "such as happy=.6"),
        (["--emotion", "happy=-1"], "not negative"),
        (["--emotion", "happy=nan"], "finite"),
        (["--seconds", "-3"], "a number above zero is expected, but got '-3'"),
        (["--seconds", "inf"], "above zero"),
        (["--tokens", "2.5"], "a whole number is expected"),
        (["--seconds", "2", "--tokens", "3"], "not allowed with"),
        (["--emotion", "happy=1", "--emotion-text", "sad"], "not allowed with"),
        (["--emotion-strength", "-1"], "zero or more"),
        (["--emotion", "happy=.5", "--emotion-strength", "1.5"], "1.5 needs --emotion-audio"),
        (["--emotion-text", "sad", "--emotion-strength", "2"], "2 needs --emotion-audio"),
        (["--duration-method", "guided"], "--duration-method needs a length"),
        (["--duration-slot", "a"], "--duration-slot needs a length"),
        (["--top-p", "1.5"], "top_p"),
        (["--device", "toaster"], "no kind of device"),
        (["--device", "cuda:99"], "not available"),
        (["--precision", "int4"], "invalid choice"),
        (["--steps", "0"], "above zero"),
        (["--solver", "heun"], "one of euler, ab2 is expected, but got 'heun'"),
        (["--mode", "magic"], "one of beam, sample, greedy, beam_search is expected, but got 'magic'"),
        (["--typical", "1"], "typical lies between 0 and 1, but got 1.0"),
        (["--grid", "epss", "--steps", "9"], "epss grid exists for 7, 10, 12 steps, not for 9"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(speak, arguments, complaint):
    code, output, errors, wav = speak(*arguments)
    assert (code, output) == (2, "")
    assert complaint in one_line(errors)
    assert not wav.exists()


def test_an_error_is_one_line_and_exit_code_1(speak, tmp_path):
    for arguments, text, complaint in (
        ([], "  ", "The text is empty"),
        (["--reference", str(tmp_path / "none.wav")], "Hi.", "no audio file"),
        (["--checkpoint", str(tmp_path / "none")], "Hi.", "no checkpoint"),
        (["--emotion-text", "What a day!"], "Hi.", "No text-to-emotion model"),
        (["--steps", "7", "--grid", "epss", "--tokens", "40"], "Hello there.", "tokens were asked"),
    ):
        code, output, errors, _ = speak(*arguments, text=text)
        assert (code, output) == (1, "")
        assert complaint in one_line(errors)


def test_an_unknown_speaker_and_a_folder_as_output_are_wrong_usage(tiny_checkpoint, reference, tmp_path, capsys):
    base = ["speak", "Hi.", "--checkpoint", str(tiny_checkpoint)]
    assert main([*base, "--speaker", "nobody", "-o", str(tmp_path / "a.wav")]) == 2
    assert "no speaker 'nobody'" in one_line(capsys.readouterr().err)
    assert main([*base, "--reference", str(reference), "-o", str(tmp_path)]) == 2
    assert "cannot be written" in one_line(capsys.readouterr().err)


def test_progress_is_shown_on_the_error_stream_only_when_asked_for(speak):
    _, output, errors, _ = speak("--tokens", "12", "--progress", "--json")
    json.loads(output)
    assert "speaking" in errors


def test_info_lists_parts_precision_licence_and_completeness(tiny_checkpoint, capsys):
    assert main(["info", str(tiny_checkpoint), "--json", "--verify"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["complete"] and result["damaged"] == [] and result["licence"] == "CC0-1.0"
    vocoder = next(part for part in result["parts"] if part["name"] == "vocoder")
    assert vocoder["precision"] == "fp32" and vocoder["parameters"] > 1000


def test_info_names_missing_and_damaged_parts(tiny_checkpoint, tmp_path, capsys):
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "c"))
    (folder / "vocoder.safetensors").unlink()
    content = (folder / "s2m.safetensors").read_bytes()
    (folder / "s2m.safetensors").write_bytes(content[:-100])
    assert main(["info", str(folder), "--verify"]) == 0
    text = capsys.readouterr().out
    assert "missing: vocoder" in text and "damaged: s2m.safetensors" in text


def test_info_without_a_name_lists_what_is_found(tiny_checkpoint, monkeypatch, capsys):
    monkeypatch.setenv("INDEXTTS2_MODELS", str(tiny_checkpoint.parent))
    assert main(["info", "--json"]) == 0
    names = {one["name"] for one in json.loads(capsys.readouterr().out)["checkpoints"]}
    assert tiny_checkpoint.name in names


def test_a_checkpoint_can_be_given_by_name(tiny_checkpoint, monkeypatch, capsys):
    monkeypatch.setenv("INDEXTTS2_MODELS", str(tiny_checkpoint.parent))
    assert main(["info", tiny_checkpoint.name]) == 0
    assert "complete" in capsys.readouterr().out


def test_convert_writes_a_complete_checkpoint_in_the_precision_asked_for(tiny_checkpoint, tmp_path, capsys):
    assert main(["convert", str(tiny_checkpoint), str(tmp_path / "half"), "--precision", "fp16", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["complete"]
    assert open_checkpoint(tmp_path / "half").fingerprints == open_checkpoint(tiny_checkpoint).fingerprints
    assert main(["convert", str(tiny_checkpoint), str(tmp_path / "half")]) == 1
    assert "not empty" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("below", ["", "x"])
def test_a_file_where_a_folder_is_wanted_is_one_line(tiny_checkpoint, tmp_path, capsys, below):
    (tmp_path / "afile").write_text("here")
    assert main(["convert", str(tiny_checkpoint), str(tmp_path / "afile" / below)]) == 1
    assert "cannot be made a folder" in one_line(capsys.readouterr().err)


def test_the_home_of_nobody_is_an_unknown_checkpoint(capsys):
    assert main(["info", "~nosuch_user/x"]) == 1
    assert "no checkpoint '~nosuch_user/x'" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("kind", [[], ["--memory"]])
def test_bench_looks_at_its_file_before_the_work(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("indextts2.cli.bench.checkpoint_of", lambda options: pytest.fail("the work began"))
    assert main(["bench", *kind, "--json", str(tmp_path / "none" / "x.json")]) == 2
    assert "cannot be written" in one_line(capsys.readouterr().err)


def test_a_fault_of_the_disk_is_one_line(monkeypatch, capsys):
    def fail(options: object) -> None:
        raise PermissionError(13, "Permission denied", "/closed")

    monkeypatch.setattr("indextts2.cli.info._list_all", fail)
    assert main(["info"]) == 1
    assert "/closed: Permission denied. Check" in one_line(capsys.readouterr().err)


def test_bench_reports_every_stage_with_machine_and_versions(tiny_checkpoint, tmp_path, capsys):
    file = tmp_path / "bench.json"
    given = ["--checkpoint", str(tiny_checkpoint), "--repeats", "2", "--seconds", "0.5", "--steps", "1"]
    assert main(["bench", *given, "--json", str(file)]) == 0
    result = json.loads(file.read_text("utf-8"))
    assert tuple(result["stages"]) == STAGES
    assert result["machine"]["torch"] == torch.__version__
    figures = result["stages"]["mel to audio"]
    assert figures["minimum_seconds"] <= figures["median_seconds"] <= figures["maximum_seconds"]
    assert "real-time factor" in capsys.readouterr().out
    assert main(["bench", *given, "--stage", "lunch"]) == 2


def test_training_an_unknown_part_lists_the_known_ones(capsys, tmp_path):
    assert main(["train", "nothing", "recipe.yaml", str(tmp_path)]) == 2
    assert "known are" in one_line(capsys.readouterr().err)


def test_training_with_a_missing_recipe_is_an_error(capsys, tmp_path):
    assert main(["train", "vocoder", str(tmp_path / "none.yaml"), str(tmp_path)]) == 1
    assert "none.yaml" in one_line(capsys.readouterr().err)


def test_a_command_leaves_the_logging_of_the_program_as_it_was(capsys, tmp_path):
    logger, root = logging.getLogger("indextts2"), logging.getLogger()
    before = (logger.level, list(logger.handlers), root.level, list(root.handlers))
    assert main(["train", "t2s", str(tmp_path / "none.yaml"), str(tmp_path), "--verbose"]) == 1
    assert (logger.level, list(logger.handlers), root.level, list(root.handlers)) == before


def test_no_command_and_an_unknown_one_are_wrong_usage(capsys):
    assert main([]) == 2
    one_line(capsys.readouterr().err)
    assert main(["sing"]) == 2
    assert "invalid choice" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"python -m indextts2 {command}" in capsys.readouterr().out
    assert command in build_parser().format_help()


def test_stopping_by_the_keyboard_ends_quietly(speak, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("indextts2.stages.speak.speak", interrupt)
    code, _, errors, _ = speak()
    assert code == 130 and one_line(errors) == "Stopped.\n"


@pytest.mark.parametrize(
    ("command", "name", "kept", "wanted"),
    [
        ("script", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", None, "16"),  # bounds the kernels torch keeps
        ("script", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "5", "5"),
        ("script", "LRU_CACHE_CAPACITY", None, "16"),
        ("info", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", None, None),
        ("speak", "OMP_WAIT_POLICY", None, "PASSIVE"),  # threads do not spin
        ("speak", "OMP_WAIT_POLICY", "ACTIVE", "ACTIVE"),
    ],
)
def test_a_command_sets_what_torch_reads_when_it_is_imported_unless_the_user_has(
    command, name, kept, wanted, monkeypatch, capsys
):
    for variable in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(variable, "")  # so that both are put back afterwards
        monkeypatch.delenv(variable)
    if kept is not None:
        monkeypatch.setenv(name, kept)
    monkeypatch.setattr(sys, "argv", ["indextts2", command, "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("indextts2", run_name="__main__")
    assert stop.value.code == 0 and command in capsys.readouterr().out
    assert os.environ.get(name) == wanted
