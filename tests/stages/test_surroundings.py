"""Whatever state torch is in around it, `speak` makes the same speech and leaves that state as it was."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from indextts2.contracts import Duration
from indextts2.errors import InputError
from indextts2.loading.checkpoint import load_speech, open_checkpoint
from indextts2.stages.speak import speak
from indextts2.surroundings import TF32_SWITCH, with_torch_defaults

from .test_speak import FAST, TEXT, noise


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def with_gradients():
    with torch.enable_grad():
        yield


SURROUNDINGS = {
    "autocast to bfloat16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "float64 by default": lambda: default_dtype(torch.float64),
    "bfloat16 by default": lambda: default_dtype(torch.bfloat16),
    "inference mode": torch.inference_mode,
    "gradients": with_gradients,
    "deterministic algorithms": deterministic,
    "another default device": lambda: torch.device("meta"),
}


def state() -> tuple:
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.get_autocast_dtype("cpu"),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
        torch.random.get_rng_state().sum().item() if torch.get_default_device().type == "cpu" else None,
    )


def speech(folder) -> torch.Tensor:
    models = load_speech(open_checkpoint(folder))
    return speak(models, TEXT, noise(), settings=FAST, duration=Duration("tokens", 10)).waveform.samples


@pytest.fixture(scope="module")
def plain(tiny_checkpoint):
    return speech(tiny_checkpoint)


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_speech_and_surroundings_stay_as_they_are(tiny_checkpoint, plain, surroundings):
    wave = noise()
    with surroundings():
        before = state()
        models = load_speech(open_checkpoint(tiny_checkpoint))
        samples = speak(models, TEXT, wave, settings=FAST, duration=Duration("tokens", 10)).waveform.samples
        assert state() == before
    assert samples.dtype == torch.float32 and samples.device.type == "cpu"
    assert torch.equal(samples, plain)


@pytest.mark.parametrize("asked", ["1", "0", None])
@pytest.mark.parametrize("before", [False, True])
def test_products_of_few_bits_are_allowed_for_a_stage_only(asked, before, monkeypatch):
    products = (torch.backends.cuda.matmul, torch.backends.cudnn)
    if asked is not None:
        monkeypatch.setenv(TF32_SWITCH, asked)

    @with_torch_defaults
    def stage(fail: bool) -> list[bool]:
        if fail:
            raise InputError("a fault")
        return [one.allow_tf32 for one in products]

    with tf32(before):
        assert stage(fail=False) == [before if asked is None else asked == "1"] * 2
        with pytest.raises(InputError):
            stage(fail=True)
        assert [one.allow_tf32 for one in products] == [before] * 2


@contextmanager
def tf32(allowed: bool):
    products = (torch.backends.cuda.matmul, torch.backends.cudnn)
    kept = [one.allow_tf32 for one in products]
    for one in products:
        one.allow_tf32 = allowed
    try:
        yield
    finally:
        for one, before in zip(products, kept, strict=True):
            one.allow_tf32 = before
