"""A few seeded rounds of every target of the attack; hours of it run by hand with `python -m tools.attack`."""

from __future__ import annotations

import pytest

from tools.attack import TARGETS, attack

ROUNDS = {
    "text": 3,
    "tagged text": 3,
    "word timings": 10,
    "recipe": 10,
    "checkpoint": 5,
    "reference cache": 6,
    "speech": 4,
}
USUAL = 20


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_but_the_library_s_own_errors_comes_out(target):
    found = [finding for seed in range(ROUNDS.get(target, USUAL)) if (finding := attack(target, seed)) is not None]
    assert not found, f"{found[0].target}, seed {found[0].seed}\n{found[0].report}"
