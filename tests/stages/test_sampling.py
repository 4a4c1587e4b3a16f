"""Draws: their law, noise that depends on its own seed alone, one penalty for all modes."""

from __future__ import annotations

import itertools

import pytest
import torch

from indextts2.sampling import (
    NOISE_BLOCK,
    SamplingSettings,
    TokenNoise,
    keep_top_k,
    keep_top_p,
    penalise_repeats,
    row_seed,
    sample_without_replacement,
    starting_scores,
    truncate,
)

DRAWS = 40_000


def test_draws_without_replacement_follow_the_law_of_successive_draws():
    weights = torch.tensor([0.5, 0.3, 0.15, 0.05])
    noise = torch.empty(DRAWS, 4).exponential_(generator=torch.Generator().manual_seed(0))
    drawn = sample_without_replacement(weights.log().expand(DRAWS, -1), noise, 2)
    for first, second in itertools.permutations(range(4), 2):
        law = float(weights[first] * weights[second] / (1 - weights[first]))
        share = float(((drawn[:, 0] == first) & (drawn[:, 1] == second)).float().mean())
        assert share == pytest.approx(law, abs=0.01), (first, second)


def test_entries_of_weight_zero_are_drawn_last():
    noise = torch.empty(100, 4).exponential_(generator=torch.Generator().manual_seed(0))
    drawn = sample_without_replacement(
        torch.tensor([float("-inf"), 0.0, float("-inf"), -3.0]).expand(100, -1), noise, 4
    )
    assert set(drawn[:, :2].flatten().tolist()) == {1, 3}


def test_noise_of_an_item_does_not_depend_on_its_neighbours():
    together, alone = torch.empty(NOISE_BLOCK, 3, 7), torch.empty(NOISE_BLOCK, 1, 7)
    sources = TokenNoise((4, 5, 6), together), TokenNoise((5,), alone)
    for _ in range(3):
        before = alone.clone()
        for source in sources:
            source.refill()
        assert torch.equal(together[:, 1], alone[:, 0]) and not torch.equal(alone, before)


def test_row_seeds_differ_between_segments_and_takes_and_stay_the_same():
    seeds = {row_seed(seed, segment, take) for seed in range(4) for segment in range(5) for take in range(6)}
    assert len(seeds) == 4 * 5 * 6
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert row_seed(1, 2, 3) == 1138364116778193076  # a change would change every saved workflow's sound


def test_the_repetition_penalty_raises_a_probability_to_its_power_in_every_mode():
    logits = torch.tensor([2.0, 0.5, -1.0])
    used = torch.tensor([True, False, False])
    for mode in ("beam", "sample", "greedy", "beam_search"):
        scores = penalise_repeats(starting_scores(logits, SamplingSettings(mode=mode)), used, 10.0)
        torch.testing.assert_close(scores[0].exp(), logits.softmax(-1)[0] ** 10)
    raw = starting_scores(logits, SamplingSettings(mode="sample", official_logits=True))
    assert torch.equal(raw, logits)
    beams = starting_scores(logits, SamplingSettings(mode="beam", official_logits=True))
    torch.testing.assert_close(beams, logits.log_softmax(-1))


def test_top_k_keeps_ties_and_the_entries_a_beam_needs():
    scores = torch.tensor([1.0, 3.0, 3.0, 3.0, 0.0])
    assert torch.isfinite(keep_top_k(scores, 2, 1)).tolist() == [False, True, True, True, False]
    assert torch.isfinite(keep_top_k(torch.tensor([1.0, 2.0, 3.0]), 1, 2)).tolist() == [False, True, True]
    assert torch.equal(keep_top_k(scores, 0, 1), scores)


def test_top_p_keeps_the_smallest_set_that_holds_the_mass():
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    assert torch.isfinite(keep_top_p(scores, 0.7, 1)).tolist() == [True, True, False, False]
    assert torch.isfinite(keep_top_p(scores, 0.4, 2)).tolist() == [True, True, False, False]
    assert torch.equal(keep_top_p(scores, 1.0, 1), scores)


def test_modes_without_chance_ignore_what_shapes_chance():
    scores = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    for mode in ("greedy", "beam_search"):
        assert torch.equal(truncate(scores, SamplingSettings(mode=mode, top_k=1, temperature=0.1, typical=0.5)), scores)
