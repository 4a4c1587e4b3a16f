"""One model at a time on the device: what is brought, what leaves, and that the host's weights stay what they are."""

from __future__ import annotations

import pytest
import torch

from indextts2.contracts import Duration, Waveform
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.runtime.offload import Offload
from indextts2.sampling import SamplingSettings
from indextts2.stages.handles import modules_of
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import SpeakSettings, speak


@pytest.fixture
def models(tiny_checkpoint):
    return load_speech(open_checkpoint(tiny_checkpoint))


def devices(models) -> dict[str, set[str]]:
    return {
        part: {value.device.type for module in group for value in module.state_dict().values()}
        for part, group in modules_of(models).items()
    }


def test_only_the_part_that_runs_is_on_the_device(models):
    offload = Offload(models, "meta")  # a device that this machine has, and that is not the host's
    for part in ("encoder", "t2s", "t2s", "vocoder"):
        offload.begin(part)
        found = devices(models)
        assert found.pop(part) == {"meta"}
        assert all(kinds == {"cpu"} for kinds in found.values())


def test_weights_come_home_without_a_copy(models):
    before = {
        (part, index, name): value.data_ptr()
        for part, group in modules_of(models).items()
        for index, module in enumerate(group)
        for name, value in module.state_dict().items()
    }
    offload = Offload(models, "meta")
    for part in modules_of(models):
        offload.begin(part)
    offload.end()
    for (part, index, name), place in before.items():
        assert modules_of(models)[part][index].state_dict()[name].data_ptr() == place


def test_a_weight_that_stands_in_two_places_stays_one(models):
    vocoder = models.vocoder.model
    vocoder.twin = torch.nn.Module()
    vocoder.twin.weight = next(vocoder.parameters())
    Offload(models, "meta").begin("vocoder")
    assert next(vocoder.parameters()) is vocoder.twin.weight


def test_speech_is_the_same_with_and_without(models):
    samples = torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(0))
    settings = SpeakSettings(sampling=SamplingSettings(max_tokens=40), flow=FlowSettings(steps=2))
    given = {"duration": Duration("tokens", 10), "settings": settings}
    noise = Waveform((0.1 * samples).clamp(-1, 1), 24_000)
    plain = speak(models, "Hello there.", noise, **given)
    seen: list[str] = []
    offload = Offload(models, "cpu")

    def begin(part: str) -> None:
        seen.append(part)
        offload.begin(part)

    moved = speak(models, "Hello there.", noise, **given, begin=begin)
    assert torch.equal(moved.waveform.samples, plain.waveform.samples)
    assert list(dict.fromkeys(seen)) == ["encoder", "t2s", "s2m", "vocoder"]
