"""Counting memory: what is alive at most, with the products computed and left out, at any size."""

from __future__ import annotations

import json

import pytest
import torch

from indextts2.bench.memory import FILL, MemoryCase, TensorPeak, bytes_of, memory_of
from indextts2.cli.main import main
from indextts2.loading.checkpoint import load_speech
from indextts2.loading.generated import generated_checkpoint
from indextts2.loading.parts import module_parts
from indextts2.stages.handles import modules_of

from ..conftest import TINY

CASE = MemoryCase(reference_seconds=1.0, seconds=0.5)
KILOBYTE = 1024


@pytest.fixture(scope="module")
def models(tiny_tokenizer):
    return load_speech(generated_checkpoint("fp32", TINY, tokenizer=tiny_tokenizer))


def test_the_peak_is_what_is_alive_at_the_same_time():
    with TensorPeak() as peak:
        first = torch.zeros(KILOBYTE, dtype=torch.uint8)
        second = first + 1
        del first
        third = second + 1
        del second, third
        torch.zeros(2 * KILOBYTE, dtype=torch.uint8)
    assert peak.peak == 2 * KILOBYTE and peak.alive == 0


def test_views_and_known_weights_do_not_count():
    layer = torch.nn.Linear(64, 64)
    with torch.no_grad(), TensorPeak([layer]) as peak:
        held = layer.weight.t()[:4]
    assert held.numel() and peak.peak == 0


@pytest.mark.parametrize("kind", ["product", "convolution", "attention"])
def test_leaving_products_out_changes_numbers_and_no_size(kind):
    jobs = {
        "product": lambda: torch.ones(3, 4) @ torch.ones(4, 5),
        "convolution": lambda: torch.nn.functional.conv1d(torch.ones(1, 4, 9), torch.ones(6, 4, 3)),
        "attention": lambda: torch.nn.functional.scaled_dot_product_attention(*torch.ones(3, 1, 2, 5, 8)),
    }
    with torch.no_grad(), TensorPeak() as whole:
        wanted = jobs[kind]()
    with torch.no_grad(), TensorPeak(leave_out_products=True) as short:
        found = jobs[kind]()
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    assert bool((found == FILL).all()) and not bool((wanted == FILL).any())
    assert short.peak == pytest.approx(whole.peak, rel=0.5)


def test_a_stage_without_its_products_is_counted_a_little_larger_and_never_smaller(models):
    def peak(leave_out: bool) -> int:
        from indextts2.bench.stages import noise_recording
        from indextts2.stages.reference import encode_reference

        known = modules_of(models)["encoder"]
        with torch.no_grad(), TensorPeak(known, leave_out_products=leave_out) as counted:
            encode_reference(models.encoder, noise_recording())
        return counted.peak

    peak(True)  # filters and windows that are made once belong to no stage
    assert peak(False) <= peak(True) <= 1.3 * peak(False)


def test_every_part_has_weights_and_work_and_more_speech_needs_more(models):
    short, long = memory_of(models, CASE), memory_of(models, MemoryCase(reference_seconds=1.0, seconds=2.0))
    assert [part.part for part in short] == ["encoder", "t2s", "s2m", "vocoder"]
    for one, other in zip(short, long, strict=True):
        assert one.weights == other.weights > 0 and 0 < one.work <= other.work
    assert long[1].work > short[1].work and long[2].work > short[2].work
    assert short[1].weights == bytes_of(models.t2s.model)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_zeros_have_the_sizes_of_generated_weights(precision, tiny_tokenizer):
    zeros = generated_checkpoint(precision, TINY, tokenizer=tiny_tokenizer, seed=None)
    noise = generated_checkpoint(precision, TINY, tokenizer=tiny_tokenizer)
    for part in module_parts():
        kinds = [{key: (value.dtype, value.shape) for key, value in one.read(part).items()} for one in (zeros, noise)]
        assert kinds[0] == kinds[1]


def test_the_command_adds_up_what_a_device_needs(tiny_checkpoint, tmp_path, capsys):
    file = tmp_path / "memory.json"
    given = ["--checkpoint", str(tiny_checkpoint), "--seconds", "0.5", "--reference-seconds", "1"]
    assert main(["bench", "--memory", *given, "--json", str(file)]) == 0
    result = json.loads(file.read_text("utf-8"))
    parts = result["parts"].values()
    assert result["one_at_a_time_bytes"] == max(part["weight_bytes"] + part["work_bytes"] for part in parts)
    assert result["one_at_a_time_bytes"] < result["all_at_once_bytes"]
    assert "one part at a time" in capsys.readouterr().out
