"""Eight-bit weights: small, close, and loaded along the same path."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from indextts2.bench.memory import TensorPeak
from indextts2.errors import CheckpointError
from indextts2.loading.checkpoint import load_encoder, load_speech, load_t2s, open_checkpoint
from indextts2.loading.convert import convert
from indextts2.loading.describe import describe
from indextts2.loading.quantise import KEPT_LAYERS, encoded, layers_to_quantise, with_int8_layers
from indextts2.models import int8_kernels, int8_linear
from indextts2.models.int8_kernels import pack
from indextts2.models.int8_linear import LARGEST_CODE, Int8Linear, quantize
from indextts2.models.transformer import StepLinear


def dequantize(weight, absmax):
    """The float32 matrix that an int8 one stands for."""
    return weight.float() * (absmax.float() / LARGEST_CODE).unsqueeze(1)


@pytest.fixture(scope="module")
def int8(tiny_checkpoint, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "native"
    convert(open_checkpoint(tiny_checkpoint), folder, precision="int8")
    return folder


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_each_number_is_off_by_at_most_half_a_level_of_its_output():
    matrix = noise(20, 30) * torch.logspace(-6, 3, 20).unsqueeze(1)
    levels, peak = quantize(matrix)
    error = (dequantize(levels, peak) - matrix).abs()
    assert bool((error <= (peak * (0.5 / LARGEST_CODE) * (1 + 1e-5)).unsqueeze(1)).all())


def test_an_output_without_weights_stays_zero():
    levels, peak = quantize(torch.zeros(3, 5))
    assert not levels.any() and not peak.any()


def layer_pair(kind: str) -> tuple[nn.Module, Int8Linear]:
    layer = StepLinear(64, 48) if kind == "decode step" else nn.Linear(64, 48, bias=kind != "no bias")
    layer.weight.data = 0.1 * noise(*layer.weight.shape)
    if layer.bias is not None:
        layer.bias.data = noise(48, seed=1)
    holder = nn.ModuleDict({"x": layer})
    stored = {}
    for key, value in holder.state_dict().items():
        stored |= encoded(key, value, layers_to_quantise(holder))
    replaced = with_int8_layers(nn.ModuleDict({"x": layer}), ["x"])
    replaced.load_state_dict(stored, assign=True)
    return layer, replaced["x"]


@pytest.mark.parametrize("kind", ["decode step", "bias", "no bias"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_layer_computes_nearly_the_same_in_every_precision(kind, dtype):
    layer, small = layer_pair(kind)
    x = noise(2, 7, 64, seed=2)
    with torch.no_grad():
        wanted, found = layer(x), small.to(dtype)(x.to(dtype)).float()
    assert found.shape == wanted.shape
    assert float((found - wanted).norm() / wanted.norm()) < 0.02
    assert small.weight.dtype == torch.int8


needs_kernels = pytest.mark.skipif(
    pack(torch.ones(2, 2, dtype=torch.int8), torch.ones(2)) is None, reason="this processor has no int8 kernels"
)


@needs_kernels
def test_integer_products_give_a_batch_the_bits_of_its_rows_alone():
    _, small = layer_pair("decode step")
    x = noise(9, 64, seed=2) * torch.logspace(-3, 3, 9).unsqueeze(1)
    x[4] = 0.0
    with torch.no_grad():
        together = small(x)
        assert all(torch.equal(together[row : row + 1], small(x[row : row + 1])) for row in range(9))
        assert torch.equal(together[4], small.bias)


@needs_kernels
def test_integer_products_are_as_near_as_eight_bits_allow():
    _, small = layer_pair("decode step")
    x = noise(50, 64, seed=2)
    exact = x @ dequantize(small.weight, small.weight_peak).T + small.bias
    with torch.no_grad():
        error = float((small(x) - exact).norm() / (exact - small.bias).norm())
    assert 0 < error < 0.01


@needs_kernels
def test_a_matrix_is_packed_once_and_again_after_it_has_moved():
    _, small = layer_pair("decode step")
    x = noise(2, 64, seed=2)
    with torch.no_grad():
        first = small(x)
        packed = small._packed
        small(x)
        assert packed is not None and small._packed is packed
        small.to(torch.float16).to(torch.float32)
        assert small._packed is None
        torch.testing.assert_close(small(x), first, rtol=1e-2, atol=1e-2)


def test_without_kernels_the_matrix_is_unpacked(monkeypatch):
    _, small = layer_pair("decode step")
    x = noise(2, 64, seed=2)
    monkeypatch.setattr(int8_kernels, "ENGINES", ())
    with torch.no_grad():
        wanted = x @ dequantize(small.weight, small.weight_peak).T + small.bias
        torch.testing.assert_close(small(x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["no bias", "bias"])
def test_a_large_layer_is_unpacked_in_pieces(kind, monkeypatch):
    _, small = layer_pair(kind)
    x = noise(2, 7, 64, seed=2)
    with torch.no_grad():
        whole = small(x)
        monkeypatch.setattr(int8_linear, "UNPACKED", 5 * 64)
        with TensorPeak([small]) as counted:
            torch.testing.assert_close(small(x), whole)
    assert counted.peak < small.weight.numel() * torch.float32.itemsize + x.nbytes + 3 * whole.nbytes


def test_half_precision_does_not_overflow_where_the_plain_layer_does_not():
    layer = nn.Linear(1024, 2, bias=False)
    layer.weight.data = torch.full((2, 1024), 0.5)
    holder = with_int8_layers(nn.ModuleDict({"x": layer}), ["x"])
    holder.load_state_dict(encoded("x.weight", layer.weight, {"x": False}), assign=True)
    found = holder.half()["x"](torch.full((1, 1024), 40.0, dtype=torch.float16))
    torch.testing.assert_close(found.float(), torch.full((1, 2), 20480.0), rtol=0.01, atol=0.0)


def test_only_large_layers_of_t2s_and_encoder_are_stored_so(int8):
    t2s = load_file(int8 / "t2s.safetensors")
    assert t2s["gpt.h.0.attn.c_attn.weight"].dtype == torch.int8
    assert t2s["gpt.h.1.mlp.c_proj.weight_peak"].dtype == torch.float32
    assert all(t2s[f"{name}.weight"].dtype == torch.float16 for name in KEPT_LAYERS)
    assert t2s["mel_embedding.weight"].dtype == torch.float16
    encoder = load_file(int8 / "semantic_encoder.safetensors")
    assert any(value.dtype == torch.int8 for value in encoder.values())
    for part in ("s2m", "vocoder", "codec", "style_encoder"):
        assert not any(value.dtype == torch.int8 for value in load_file(int8 / f"{part}.safetensors").values())


def test_a_checkpoint_in_eight_bits_loads_and_answers_nearly_alike(tiny_checkpoint, int8):
    features = noise(1, 30, 24)
    answers = []
    for folder in (tiny_checkpoint, int8):
        with torch.inference_mode():
            answers.append(load_t2s(open_checkpoint(folder)).model.speaker_condition(features))
    wanted, found = answers
    assert float((found - wanted).norm() / wanted.norm()) < 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_in_eight_bits_stay_so_in_memory(int8, dtype):
    models = load_t2s(open_checkpoint(int8), dtype=dtype)
    layer = models.model.gpt.h[0].attn.c_attn
    assert isinstance(layer, Int8Linear) and layer.weight.dtype == torch.int8
    assert models.model.final_norm.weight.dtype == dtype
    assert next(load_encoder(open_checkpoint(int8)).semantic_encoder.parameters()).dtype == torch.float32


def test_the_whole_chain_speaks_in_eight_bits(int8):
    from indextts2.bench.stages import noise_recording
    from indextts2.contracts import Duration
    from indextts2.stages.prepare_text import prepare_text
    from indextts2.stages.semantic_to_mel import FlowSettings
    from indextts2.stages.speak import SpeakSettings, speak

    models = load_speech(open_checkpoint(int8))
    text = prepare_text(models.t2s.front_end, "Hello there.")
    settings = SpeakSettings(flow=FlowSettings(steps=2))
    speech = speak(models, text, noise_recording(), duration=Duration("tokens", 12), settings=settings)
    assert bool(torch.isfinite(speech.waveform.samples).all())


def test_info_names_the_precision(int8):
    kinds = {part["name"]: part["precision"] for part in describe(open_checkpoint(int8))["parts"]}
    assert "int8" in kinds["t2s"] and "fp16" in kinds["t2s"] and kinds["vocoder"] is not None


def test_lost_digits_do_not_come_back(int8, tmp_path):
    with pytest.raises(CheckpointError, match="eight bits.*original"):
        convert(open_checkpoint(int8), tmp_path / "new")


def test_levels_without_their_scale_are_refused(int8, tmp_path):
    import shutil

    from safetensors.torch import save_file

    folder = Path(shutil.copytree(int8, tmp_path / "own"))
    tensors = load_file(folder / "t2s.safetensors")
    del tensors["gpt.h.0.attn.c_attn.weight_peak"]
    save_file(tensors, folder / "t2s.safetensors")
    with pytest.raises(CheckpointError, match="of another kind: gpt.h.0.attn.c_attn.weight"):
        load_t2s(open_checkpoint(folder))
