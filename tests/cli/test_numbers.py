"""Numbers of the command line: every numeric option of every command refuses what is no usable number."""

from __future__ import annotations

import argparse
from functools import cache

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


@cache
def numeric_options() -> dict[tuple[str, str], argparse.Action]:
    """Every option whose type makes numbers of digits, by its command and its name."""
    commands = next(one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    return {
        (command, action.option_strings[-1]): action
        for command, parser in commands.choices.items()
        for action in parser._actions
        if action.option_strings and action.type is not None and is_number(action.type)
    }


def is_number(kind) -> bool:
    try:
        return isinstance(kind("1"), int | float)
    except argparse.ArgumentTypeError:
        return False


def test_the_walk_finds_the_options_of_every_command_that_has_numbers():
    found = numeric_options()
    assert {"speak", "script", "bench", "evaluate", "train", "download"} <= {command for command, _ in found}
    assert ("speak", "--seconds") in found and found["script", "--stretch"].nargs == 2


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_every_numeric_option_refuses_what_is_no_usable_number(value, capsys):
    for (command, option), action in numeric_options().items():
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            action.type(value)
        assert "is expected, but got " in str(caught.value) and len(str(caught.value)) < 300, (command, option)


def test_no_numeric_option_takes_the_bare_types_of_python():
    for (command, option), action in numeric_options().items():
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
