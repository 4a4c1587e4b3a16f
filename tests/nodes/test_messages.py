"""Messages in the host name the fault, and a type that fits into its dialog."""

from __future__ import annotations

import pytest
import torch

WHOLE = (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool)
DECIMAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def shown_type(error: type) -> str:
    """As the host writes it: module and name."""
    return f"{error.__module__}.{error.__qualname__}"


def every_error(base: type) -> set[type]:
    return {base}.union(*(every_error(child) for child in base.__subclasses__()))


def test_the_type_of_every_error_is_shown_without_the_path_of_the_pack(pack):
    pack.part("indextts2.values.files"), pack.part("indextts2.script.header")  # which have errors of their own
    shown = {shown_type(error) for error in every_error(pack.errors.IndexTTS2Error)}
    assert "indextts2.errors.InputError" in shown and len(shown) > 10
    assert all("/" not in name and "_x_" not in name and len(name) < 60 for name in shown), shown


def check(pack, dtype):
    checks = pack.part("nodes.checks")
    audio = {"waveform": torch.zeros(1, 1, 100, dtype=dtype), "sample_rate": 22_050}
    checks.check_input(checks.io.Audio.Input("reference"), audio)


@pytest.mark.parametrize("dtype", [*WHOLE, torch.complex64], ids=str)
def test_samples_that_are_no_decimal_numbers_are_refused_by_their_type(pack, dtype):
    with pytest.raises(pack.errors.AudioError, match=str(dtype).removeprefix("torch.")) as caught:
        check(pack, dtype)
    assert "at least one sample" not in str(caught.value)


@pytest.mark.parametrize("dtype", DECIMAL, ids=str)
def test_samples_of_any_decimal_type_are_taken(pack, dtype):
    check(pack, dtype)
