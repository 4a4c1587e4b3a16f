"""The picture of the chain shows the functions and values that there are."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

from indextts2 import contracts
from tools.chain_picture import ARROWS, BOXES, GIVEN, PICTURE, draw


def function_of(name):
    (box,) = [box for box in BOXES if box.function == name]
    return getattr(import_module(f"indextts2.stages.{box.module}"), name)


def classes(annotation):
    return set(re.findall(r"\w+", str(annotation)))


def test_the_picture_is_current():
    assert PICTURE.read_text(encoding="utf-8") == draw(), "run python -m tools.chain_picture"


def test_every_arrow_connects_what_is_drawn_and_carries_a_contract():
    drawn = {box.function for box in BOXES} | {given.text for given in GIVEN}
    assert {end for arrow in ARROWS for end in (arrow.source, arrow.target)} == drawn
    assert all(not arrow.label or inspect.isclass(getattr(contracts, arrow.label)) for arrow in ARROWS)


@pytest.mark.parametrize("arrow", ARROWS, ids=lambda arrow: f"{arrow.source}-{arrow.target}")
def test_a_value_is_what_one_function_returns_and_the_next_takes(arrow):
    names = {box.function for box in BOXES}
    if arrow.source in names:
        assert arrow.label in classes(inspect.signature(function_of(arrow.source)).return_annotation)
    if arrow.target in names:
        parameters = inspect.signature(function_of(arrow.target)).parameters.values()
        taken = set().union(*(classes(parameter.annotation) for parameter in parameters))
        assert (arrow.label or "str") in taken
