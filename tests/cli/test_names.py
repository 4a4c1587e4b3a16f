"""Names of files on the command line: what no file can be called is refused in one line, before the work."""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

import pytest

from indextts2.cli import main as program
from indextts2.errors import InputError
from tools.attack.mutations import NAMES

CUES = "1\n00:00:00,500 --> 00:00:02,600\nGood day.\n"
GIVEN: dict[str, tuple[list[str], list[str]]] = {
    "speak": (["Hello."], []),
    "script": (["cues.srt"], []),
    "cues": (["cues.srt"], []),
    "direct": (["cues.srt"], []),
    "lipsync": (["a.wav"], ["--output=b.wav"]),
    "text": (["Hello."], []),
    "estimate": (["Hello."], []),
    "info": ([""], []),
    "download": (["2.0"], []),
    "convert": (["mini", "copy"], []),
    "train": (["tokenizer", "recipe.yaml", "run"], []),
    "export": (["made"], ["--config=mini", "--vocoder=run"]),
    "evaluate": (["corpus"], ["--output=report"]),
    "pace": (["texts.txt"], ["--held-out=texts.txt"]),
    "bench": ([], []),
}
"""Command -> arguments and options that it needs beside the name under test."""

NO_NAMES = {
    "text", "--language", "--emotion-text", "--kind", "--encoding", "--sample-text", "--revision", "--parts", "part",
    "--licence", "--provenance", "--name", "--config",
}  # fmt: skip
"""Options of words that name no file here."""

TOO_LATE = "the work has begun"
WORK = (
    "loading.checkpoint.load_speech", "loading.checkpoint.load_encoder", "loading.checkpoint.load_t2s",
    "loading.checkpoint.load_front_end", "loading.text_to_emotion.load_text_to_emotion", "evaluation.open_listeners",
    "loading.download.download.download_official", "loading.convert.convert", "loading.describe.describe",
)  # fmt: skip
IMPOSSIBLE = {name for name in NAMES if "\0" in name or "\ud800" in name or len(name) > 255}
PER_OPTION = 2


def named() -> list[tuple[str, str, int]]:
    """(command, option, place among the positional ones) of all that may name a file."""
    commands = next(one for one in program.build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    found = []
    for command, parser in commands.choices.items():
        places = count()
        for action in parser._actions:
            place = -1 if action.option_strings else next(places)
            option = action.option_strings[-1] if action.option_strings else action.dest
            words = action.type in (None, str, Path) or getattr(action.type, "__name__", "") == "lora_choice"
            if words and action.nargs != 0 and action.choices is None and option not in NO_NAMES:
                found.append((command, option, place))
    return found


def arguments(command: str, option: str, place: int, name: str) -> list[str]:
    words, options = GIVEN[command]
    if place < 0:
        return [command, *options, f"{option}={name}", "--", *words]
    return [command, *options, "--", *words[:place], name, *words[place + 1 :]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to stand in, in which no command gets as far as its work."""
    parser = program.build_parser()
    monkeypatch.setattr(program, "build_parser", lambda: parser)

    def begun(*inputs, **named):
        raise InputError(TOO_LATE)

    for work in WORK:
        monkeypatch.setattr(f"indextts2.{work}", begun)
    (tmp_path / "inner").mkdir()
    for name, text in (("cues.srt", CUES), ("texts.txt", "Hello.\n")):
        (tmp_path / "inner" / name).write_text(text)
    monkeypatch.chdir(tmp_path / "inner")
    return tmp_path / "inner"


def test_the_walk_finds_what_names_files():
    found = {(command, option) for command, option, _ in named()}
    assert {("speak", "--output"), ("script", "script"), ("script", "--cast"), ("export", "--vocoder")} <= found
    assert {command for command, _ in found} == set(program.COMMANDS) == set(GIVEN)


def test_a_hostile_name_ends_every_command_in_one_line(folder, capsys):
    names = list(NAMES)
    for number, (command, option, place) in enumerate(named()):
        for name in [names[(number * PER_OPTION + step) % len(names)] for step in range(PER_OPTION)]:
            given = arguments(command, option, place, name)
            code = program.main(given)
            errors = capsys.readouterr().err
            where = f"{command} {option} {name[:20]!r}: {errors[:300]}"
            assert code in (0, 1, 2) and errors.count(program.PROGRAM) == (code != 0), where
            assert "Traceback" not in errors and len(errors) < 2_200, where


OUTPUTS = [(command, option, place) for command, option, place in named() if option in ("--output", "--captions")]


@pytest.mark.parametrize(("command", "option", "place"), OUTPUTS, ids=[f"{one[0]} {one[1]}" for one in OUTPUTS])
def test_a_name_that_no_output_can_have_is_refused_before_the_work(folder, capsys, command, option, place):
    for name in IMPOSSIBLE:
        suffix = {"--output": ".wav", "--captions": ".srt"}[option] if command in ("speak", "lipsync") else ".srt"
        assert program.main(arguments(command, option, place, name + suffix)) in (1, 2)
        assert TOO_LATE not in capsys.readouterr().err, f"{command} {option} {name[:20]!r}"
