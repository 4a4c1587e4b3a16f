"""Generated checkpoints go through the same loaders and stages as real ones, at any size and precision."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from indextts2.bench.stages import BenchSettings, benchmark
from indextts2.cli.main import build_parser
from indextts2.config import FlowPlan
from indextts2.loading.checkpoint import empty_model
from indextts2.loading.generated import full_size_config, generated_checkpoint, generated_sources
from indextts2.loading.parts import module_parts

from ..conftest import TINY


def test_every_stage_of_generated_weights_is_timed_and_compared_with_its_floor(tiny_tokenizer):
    checkpoint = generated_checkpoint("int8", TINY, tokenizer=tiny_tokenizer)
    result = benchmark(checkpoint, settings=BenchSettings(seconds=1.0, repeats=1, steps=2, floor=True))
    assert result["tokens_per_second"] > 0 and result["device_limits"]["bytes_per_second"] > 0
    for name, figures in result["stages"].items():
        assert figures["operations"] > 0 and 0 < figures["share"] < 1, name
        assert figures["share"] == max(figures["arithmetic_share"], figures["reading_share"]), name


@pytest.mark.parametrize(("asked", "done"), [(None, 3), (2, 2)])
def test_the_flow_is_timed_in_the_steps_that_the_checkpoint_says_unless_others_are_asked(tiny_tokenizer, asked, done):
    config = replace(TINY, s2m=replace(TINY.s2m, defaults=FlowPlan(3, "uniform", "euler", 0.7)))
    checkpoint = generated_checkpoint("fp32", config, tokenizer=tiny_tokenizer)
    stages = ("semantic to mel",)
    result = benchmark(checkpoint, settings=BenchSettings(1.0, 1, asked, stages, floor=True, warm_up=False))
    weights = result["weights_mebibytes"]["s2m"] * 2**20
    assert result["steps"] == done
    assert result["stages"]["semantic to mel"]["weight_bytes_read"] == pytest.approx(done * weights)


def test_the_same_seed_gives_the_same_weights_in_any_order(tiny_tokenizer):
    sources = generated_sources(TINY, "t2s", seed=3)
    first = {key: make() for key, make in sources.items()}
    assert all(torch.equal(first[key], sources[key]()) for key in reversed(first))


def test_the_full_size_has_the_published_number_of_parameters():
    counts = {
        part: sum(value.numel() for value in empty_model(full_size_config(), part).state_dict().values())
        for part in module_parts()
    }
    assert counts["vocoder"] == pytest.approx(112_199_472, rel=1e-4)
    assert counts["codec"] == pytest.approx(22_102_912 + 83_984, rel=1e-3)
    assert counts["semantic_encoder"] == pytest.approx(411.2e6, rel=0.01)


def test_the_command_offers_full_size_and_every_kind_of_weights():
    options = build_parser().parse_args(["bench", "--full-size", "--weights", "int8"])
    assert options.full_size and options.weights == "int8"
