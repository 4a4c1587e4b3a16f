"""Pickled weight files: refused where torch's reader is unsafe, bounded in what they may build."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from indextts2.errors import CheckpointError, TrainingError
from indextts2.loading.pickles import load_pickle
from indextts2.loading.tensors import read_section, read_tensors
from indextts2.training.loop.state import load_state


def shared_bomb(levels: int) -> dict:
    inner: object = {"weight": torch.zeros(1)}
    for _ in range(levels):
        inner = {str(number): inner for number in range(10)}
    return {"model": inner}


def looped() -> dict:
    tree: dict = {"weight": torch.zeros(1)}
    tree["again"] = tree
    return tree


def nested(levels: int) -> dict:
    tree: dict = {"weight": torch.zeros(1)}
    for _ in range(levels):
        tree = {"model": tree}
    return tree


def list_loop() -> dict:
    items: list = []
    items.append([items])
    return {"weight": torch.zeros(1), "other": items}


BOMBS = {"shared": shared_bomb(12), "looped": looped(), "nested": nested(80), "a list in itself": list_loop()}


@pytest.mark.parametrize("tree", BOMBS.values(), ids=BOMBS)
def test_what_would_grow_without_bounds_is_refused(tmp_path, tree):
    path = tmp_path / "bomb.pth"
    torch.save(tree, path)
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match="which no weight file does") as caught:
        read_section(path, ("model",))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_values_that_are_shared_now_and_then_are_read(tmp_path):
    weight = torch.arange(3.0)
    part = {"weight": weight}
    torch.save({"model": part, "best": part, "step": 5, "names": ["a", ("b", 2.5)]}, tmp_path / "fine.pth")
    assert torch.equal(read_section(tmp_path / "fine.pth", ("model",))["weight"], weight)


@pytest.mark.parametrize("version", ["2.4.1", "2.5.1+cu121", "2.6.0", "2.9.1+cpu"])
def test_pickles_are_refused_on_versions_of_torch_that_are_unsafe(tmp_path, monkeypatch, version):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "w.pth")
    save_file({"weight": torch.zeros(1)}, tmp_path / "w.safetensors")
    monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(CheckpointError, match="safetensors"):
        read_tensors(tmp_path / "w.pth")
    assert set(read_tensors(tmp_path / "w.safetensors")) == {"weight"}


@pytest.mark.parametrize("version", ["2.10.0", "2.13.0+cpu", "3.0.0a0+git1234", "unknown"])
def test_pickles_are_read_on_later_versions(tmp_path, monkeypatch, version):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "w.pth")
    monkeypatch.setattr(torch, "__version__", version)
    assert set(load_pickle(tmp_path / "w.pth")) == {"weight"}


@pytest.mark.parametrize("state", [[1, 2], 5, "x", torch.zeros(2), {"format": "x"}, {}, {"format": None}], ids=str)
def test_a_training_state_that_is_none_is_refused_in_one_sentence(tmp_path, state):
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(TrainingError, match="state"):
        load_state(tmp_path)
