"""Numbers of the command line: every numeric option of every command refuses what is no usable number."""

from __future__ import annotations

import argparse

import pytest

from indextts2.cli.main import EXIT_USAGE, build_parser, main

HOSTILE = {
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5_000,
    "1e38": "1e38",
    "1e999": "1e999",
    "infinity": "inf",
    "no number": "nan",
    "a superscript": "²",
    "hexadecimal": "0xff",
    "nothing": "",
    "words": "x" * 10_000,
    "a surrogate": "\udcff",
}


def numeric_options() -> list[tuple[str, str, int | str]]:
    """(command, option, values it takes) of every option whose type makes numbers of digits."""
    commands = next(one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    found = []
    for command, parser in commands.choices.items():
        for action in parser._actions:
            if action.option_strings and action.type is not None and is_number(action.type):
                found.append((command, action.option_strings[-1], action.nargs or 1))
    return found


def is_number(kind) -> bool:
    try:
        return isinstance(kind("1"), int | float)
    except argparse.ArgumentTypeError:
        return False


def parser_of(command: str) -> argparse.ArgumentParser:
    commands = next(one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    return commands.choices[command]


def test_the_walk_finds_the_options_of_every_command_that_has_numbers():
    found = numeric_options()
    assert {"speak", "script", "bench", "evaluate", "train", "download"} <= {command for command, _, _ in found}
    assert ("speak", "--seconds", 1) in found and ("script", "--stretch", 2) in found


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_every_numeric_option_refuses_what_is_no_usable_number(value, capsys):
    for command, option, _ in numeric_options():
        action = next(one for one in parser_of(command)._actions if option in one.option_strings)
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            action.type(value)
        assert "is expected, but got " in str(caught.value) and len(str(caught.value)) < 300, (command, option)


def test_no_numeric_option_takes_the_bare_types_of_python():
    for command, option, _ in numeric_options():
        action = next(one for one in parser_of(command)._actions if option in one.option_strings)
        assert action.type not in (int, float, complex), f"{command} {option}"


@pytest.mark.parametrize("option", ["--tokens", "--seconds", "--seed", "--threads"])
def test_a_refused_number_is_one_line_of_the_command(option, capsys):
    for value in ("9" * 400, "1e38", "nan"):
        assert main(["speak", "Hello.", option, value]) == EXIT_USAGE
        errors = capsys.readouterr().err
        assert errors.count("\n") == 1 and option in errors and len(errors) < 300


def test_a_seed_of_either_sign_is_a_number():
    for seed in ("-1", "0", str(2**63 - 1), str(-(2**63))):
        assert build_parser().parse_args(["speak", "Hello.", f"--seed={seed}"]).seed == int(seed)
