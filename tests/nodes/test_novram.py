"""A host started with --novram leaves modules that are not of its own kind behind; nodes place them for the run."""

from __future__ import annotations

import logging

import pytest
import torch
from comfy import model_management
from torch import nn

CPU, DEVICE = torch.device("cpu"), torch.device("meta")


class LeftBehind:
    """A patcher as the host leaves it: asked to load, and nothing moved. Its patches follow `patch_model`."""

    def __init__(self) -> None:
        self.model, self.load_device, self.offload_device = nn.Linear(2, 2), DEVICE, CPU
        self.patched = False

    def patch_model(self, device_to: torch.device) -> None:
        self.model.to(device_to)
        self.patched = True

    def unpatch_model(self, device_to: torch.device) -> None:
        self.model.to_empty(device=device_to)
        self.patched = False


def places(patcher: LeftBehind) -> set[str]:
    return {weight.device.type for weight in patcher.model.parameters()}


@pytest.fixture
def left_behind(pack, monkeypatch):
    monkeypatch.setattr(model_management, "load_models_gpu", lambda *models, **options: None)
    model_management.reset()
    patcher = LeftBehind()
    return patcher, pack.part("nodes.host.services").Loaded("models", patcher)


def test_a_model_the_host_left_behind_computes_on_its_device_with_its_patches(pack, left_behind, caplog):
    patcher, loaded = left_behind
    with caplog.at_level(logging.INFO), pack.part("nodes.host.services").running(loaded):
        assert places(patcher) == {"meta"} and patcher.patched
    assert places(patcher) == {"cpu"} and not patcher.patched
    assert "--novram" in caplog.text


def test_it_goes_back_when_the_run_fails(pack, left_behind):
    patcher, loaded = left_behind
    with pytest.raises(RuntimeError), pack.part("nodes.host.services").running(loaded):
        raise RuntimeError
    assert places(patcher) == {"cpu"} and not patcher.patched


def test_a_model_that_the_host_placed_stays_where_it_is(pack, left_behind, caplog):
    patcher, loaded = left_behind
    patcher.load_device = CPU
    with caplog.at_level(logging.INFO), pack.part("nodes.host.services").running(loaded):
        assert places(patcher) == {"cpu"} and not patcher.patched
    assert not caplog.text
