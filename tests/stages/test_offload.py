"""One model at a time on the device: what comes, what goes, and that the host's weights stay as they are."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from indextts2.cli.common import load_models
from indextts2.cli.main import build_parser
from indextts2.contracts import Duration, Waveform
from indextts2.errors import InputError
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.runtime.offload import Offload, offloaded
from indextts2.sampling import SamplingSettings
from indextts2.stages.handles import modules_of
from indextts2.stages.semantic_to_mel import FlowSettings
from indextts2.stages.speak import EmotionRequest, SpeakSettings, speak


@pytest.fixture
def models(tiny_checkpoint):
    return load_speech(open_checkpoint(tiny_checkpoint))


def devices(models) -> dict[str, set[str]]:
    return {
        part: {value.device.type for module in group for value in module.state_dict().values()}
        for part, group in modules_of(models).items()
    }


def on_device(models) -> set[str]:
    return {part for part, kinds in devices(models).items() if kinds == {"meta"}}


def test_only_the_part_that_is_used_is_on_the_device(models):
    away = offloaded(models, "meta")  # a device that this machine has, and that is not the host's
    for part in ("encoder", "t2s", "t2s", "vocoder"):
        with away.ready(part) as handle:
            assert handle is getattr(models, part)
            found = devices(models)
            assert found.pop(part) == {"meta"}
            assert all(kinds == {"cpu"} for kinds in found.values())


def test_a_part_is_loaded_once_for_two_uses_in_a_row(models):
    away = offloaded(models, "meta")
    with away.ready("vocoder") as vocoder:
        first = next(vocoder.model.parameters())
    with away.ready("vocoder") as vocoder:
        assert next(vocoder.model.parameters()) is first


def test_parts_in_use_at_the_same_time_are_there_together(models):
    away = offloaded(models, "meta")
    with away.ready("t2s"):
        with away.ready("encoder"):
            assert on_device(models) == {"t2s", "encoder"}
        with away.ready("s2m"):
            assert on_device(models) == {"t2s", "s2m"}
    with away.ready("vocoder"):
        assert on_device(models) == {"vocoder"}


def test_a_part_is_let_go_after_an_error_inside(models):
    away = offloaded(models, "meta")
    with pytest.raises(KeyError), away.ready("t2s"):
        raise KeyError
    with away.ready("vocoder"):
        assert on_device(models) == {"vocoder"}


def test_weights_come_home_without_a_copy(models):
    before = {
        (part, index, name): value.data_ptr()
        for part, group in modules_of(models).items()
        for index, module in enumerate(group)
        for name, value in module.state_dict().items()
    }
    offload = Offload(models, "meta")
    for part in modules_of(models):
        offload.load_to_device(part)
    offload.offload(part)
    assert before
    for (part, index, name), place in before.items():
        assert modules_of(models)[part][index].state_dict()[name].data_ptr() == place


def test_a_weight_that_stands_in_two_places_stays_one(models):
    vocoder = models.vocoder.model
    vocoder.twin = torch.nn.Module()
    vocoder.twin.weight = next(vocoder.parameters())
    Offload(models, "meta").load_to_device("vocoder")
    assert next(vocoder.parameters()) is vocoder.twin.weight


@pytest.mark.parametrize("part", ["text_to_emotion", "decoder", "placement"])
def test_a_part_that_is_not_loaded_is_refused_by_name(models, part):
    with pytest.raises(InputError, match=f"but got '{part}'"), models.ready(part):
        pass


def test_a_handle_places_tensors_where_it_computes_and_leaves_whole_numbers_whole(models):
    t2s = models.t2s
    t2s.model.to("meta", torch.float16)
    assert (t2s.device.type, t2s.dtype) == ("meta", torch.float16)
    placed = t2s.place(torch.zeros(2, dtype=torch.float64))
    assert (placed.device.type, placed.dtype) == ("meta", torch.float16)
    assert t2s.place(torch.zeros(2, dtype=torch.int64)).dtype is torch.int64


def test_a_handle_of_several_modules_places_tensors_for_any_of_them(models):
    encoder = models.encoder
    encoder.style_encoder.to(torch.bfloat16)
    assert encoder.place(torch.zeros(1)).dtype is encoder.dtype is torch.float32
    assert encoder.place(torch.zeros(1), encoder.style_encoder).dtype is torch.bfloat16


def test_speech_is_the_same_with_and_without(models):
    samples = torch.randn(1, 1, 24_000, generator=torch.Generator().manual_seed(0))
    settings = SpeakSettings(sampling=SamplingSettings(max_tokens=40), flow=FlowSettings(steps=2))
    noise = Waveform((0.1 * samples).clamp(-1, 1), 24_000)
    given = {"duration": Duration("tokens", 10), "settings": settings, "emotion": EmotionRequest(recording=noise)}
    plain = speak(models, "Hello there.", noise, **given)
    used: list[str] = []
    offload = Offload(models, "cpu")

    @contextmanager
    def placement(part: str):
        used.append(part)
        with offload(part):
            yield

    moved = speak(replace(models, placement=placement), "Hello there.", noise, **given)
    assert torch.equal(moved.waveform.samples, plain.waveform.samples)
    assert used == ["encoder", "t2s", "encoder", "t2s", "t2s", "s2m", "vocoder"]


@pytest.mark.parametrize("command", [["speak", "Hello."], ["script", "lines.txt"]])
def test_commands_that_speak_take_offload(command, tiny_checkpoint):
    checkpoint = open_checkpoint(tiny_checkpoint)
    kept = load_models(build_parser().parse_args(command), checkpoint, torch.device("cpu"))
    away = load_models(build_parser().parse_args([*command, "--offload"]), checkpoint, torch.device("meta"))
    assert not isinstance(kept.placement, Offload)
    with away.ready("t2s"):
        assert on_device(away) == {"t2s"}
