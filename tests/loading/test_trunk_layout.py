"""The trunk's matrices are computed as (out, in), and read from files of either layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from indextts2.loading.checkpoint import load_t2s, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.models.transformer import MATRIX, StepLinear, Trunk

DIM = 32  # of the tiny checkpoint


def published(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value.T.contiguous() if MATRIX.fullmatch(key) else value for key, value in tensors.items()}


def rewrite_as_published(folder: Path) -> None:
    """Give a native checkpoint the layout that was written before, (in, out)."""
    path = folder / "t2s.safetensors"
    with safe_open(path, framework="pt") as file:
        tensors, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()
    save_file(published(tensors), path, metadata)


def test_a_trunk_takes_weights_of_either_layout():
    trunk, other, third = (Trunk(2, DIM, 4) for _ in range(3))
    weights = trunk.state_dict()
    other.load_state_dict(weights)
    third.load_state_dict(published(weights))
    for key, value in weights.items():
        assert torch.equal(other.state_dict()[key], value) and torch.equal(third.state_dict()[key], value)
    assert weights["h.0.attn.c_attn.weight"].shape == (3 * DIM, DIM), "loading leaves the caller's tensors alone"


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_checkpoint_written_before_loads_to_the_same_weights(tiny_checkpoint, tmp_path, precision):
    convert(open_checkpoint(tiny_checkpoint), tmp_path / "now", precision=precision)
    wanted = load_t2s(open_checkpoint(tmp_path / "now")).model.state_dict()
    rewrite_as_published(tmp_path / "now")
    found = load_t2s(open_checkpoint(tmp_path / "now")).model.state_dict()
    assert found.keys() == wanted.keys() and all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize("before", ["published", "native"])
def test_converting_writes_matrices_as_they_are_computed(tiny_checkpoint, tmp_path, before):
    convert(open_checkpoint(tiny_checkpoint), tmp_path / "one")
    if before == "published":
        rewrite_as_published(tmp_path / "one")
    convert(open_checkpoint(tmp_path / "one"), tmp_path / "two")
    with safe_open(tmp_path / "two" / "t2s.safetensors", framework="pt") as file:
        assert file.get_slice("gpt.h.0.attn.c_attn.weight").get_shape() == [3 * DIM, DIM]


@pytest.mark.parametrize("rows", [(1,), (3,), (4,), (2, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_for_few_rows_equals_a_linear_layer_and_its_gradients(rows, bias):
    step = StepLinear(24, 40, bias=bias)
    plain = nn.Linear(24, 40, bias=bias)
    plain.load_state_dict(step.state_dict())
    x = torch.randn(*rows, 24, generator=torch.Generator().manual_seed(1))
    found, wanted = step(x), plain(x)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    found.square().sum().backward()
    wanted.square().sum().backward()
    torch.testing.assert_close(step.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-5)
