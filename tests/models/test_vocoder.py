"""The vocoder's own promises: lengths, receptive field, gradients, the compiled form of its filters."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from indextts2.config import VocoderConfig
from indextts2.errors import CheckpointError
from indextts2.models import vocoder as module
from indextts2.models.vocoder import AntiAliasedActivation, Vocoder
from indextts2.training.mini import MINI
from tests.models.folded import folded_weights

TINY_VOCODER = VocoderConfig(
    bands=5,
    initial_channels=8,
    upsample_rates=(4, 2),
    upsample_kernels=(8, 4),
    residual_kernels=(3, 5),
    residual_dilations=((1, 3, 5), (1, 2, 3)),
)


def built(config=TINY_VOCODER):
    model = Vocoder(config).eval()
    model.initialise(torch.Generator().manual_seed(0))
    return model


def random_mel(frames, bands=5, rows=1):
    return torch.randn(rows, bands, frames, generator=torch.Generator().manual_seed(1))


def test_every_frame_becomes_one_hop_of_samples():
    model = built()
    assert model.hop == 8
    for frames in (1, 2, 17):
        assert model(random_mel(frames)).shape == (1, 1, 8 * frames)


@pytest.mark.parametrize("config", [TINY_VOCODER, MINI.vocoder], ids=["tiny", "mini"])
def test_a_frame_is_heard_no_further_than_the_stated_context(config):
    model = built(replace(config, initial_channels=4 << len(config.upsample_rates)))
    context, frames = model.context_frames(), 2 * model.context_frames() + 21
    mel = random_mel(frames, config.bands)
    changed = mel.clone()
    changed[..., frames // 2] += 3.0
    with torch.no_grad():
        difference = (model(mel) - model(changed)).abs().flatten()
    touched = difference.nonzero().flatten() // model.hop
    assert touched.numel() and int(touched.min()) >= frames // 2 - context
    assert int(touched.max()) <= frames // 2 + context
    assert int(touched.max()) - frames // 2 >= context // 3, "the stated context is far too wide"


def test_rows_of_a_batch_do_not_hear_each_other():
    model = built()
    mel = random_mel(9, rows=2)
    with torch.no_grad():
        torch.testing.assert_close(model(mel)[1:], model(mel[1:]))


def test_compiled_filters_equal_the_convolution(monkeypatch):
    activation = AntiAliasedActivation(3, logscale=True)
    with torch.no_grad():
        activation.act.alpha.normal_(generator=torch.Generator().manual_seed(0))
    signal = torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(1))
    plain = activation(signal)
    monkeypatch.setattr(module.torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(activation(signal), plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cached", [1, 100, 1 << 17])
@pytest.mark.parametrize("shape", [(1, 7, 50), (3, 4, 1), (2, 5, 33), (1, 2, 64), (2, 3, 97)])
def test_the_activation_in_blocks_equals_the_differentiable_one(shape, cached, monkeypatch):
    monkeypatch.setattr(module, "CACHED_NUMBERS", cached)
    activation = AntiAliasedActivation(shape[1], logscale=True)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        activation.act.alpha.normal_(generator=generator)
        activation.act.beta.normal_(generator=generator)
    signal = torch.randn(shape, generator=generator)
    with torch.no_grad():
        in_blocks = activation(signal)
    torch.testing.assert_close(in_blocks, activation(signal).detach(), rtol=1e-5, atol=1e-6)


def test_activation_leaves_a_constant_shifted_by_the_snake_alone():
    activation = AntiAliasedActivation(1, logscale=True)
    found = activation(torch.full((1, 1, 30), 0.7))
    wanted = 0.7 + torch.sin(torch.tensor(0.7)).square()
    torch.testing.assert_close(found, wanted.expand_as(found), rtol=1e-4, atol=1e-5)


def test_snake_scales_are_plain_numbers_without_the_logarithm():
    activation = AntiAliasedActivation(1, logscale=False)
    assert float(activation.act.alpha.detach()) == 1.0
    found = activation(torch.full((1, 1, 30), 0.7))
    wanted = 0.7 + torch.sin(torch.tensor(0.7)).square()
    torch.testing.assert_close(found, wanted.expand_as(found), rtol=1e-4, atol=1e-5)


def test_every_weight_gets_a_gradient():
    model = Vocoder(TINY_VOCODER)
    model.initialise(torch.Generator().manual_seed(0))
    model(random_mel(6)).square().sum().backward()
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_bias_and_tanh_at_the_end_follow_the_configuration():
    model = built(replace(TINY_VOCODER, bias_at_end=True, tanh_at_end=True))
    assert "conv_post.bias" in model.state_dict()
    with torch.no_grad():
        model.conv_post.bias.fill_(100.0)
        assert model(random_mel(4)).eq(1.0).all()
    assert "conv_post.bias" not in built().state_dict()


def test_folded_weight_norm_equals_torch_weight_norm():
    conv = nn.utils.parametrizations.weight_norm(nn.ConvTranspose1d(3, 2, 4))
    with torch.no_grad():
        conv.parametrizations.weight.original0.mul_(1.7)
    stored = {
        "up.weight_g": conv.parametrizations.weight.original0,
        "up.weight_v": conv.parametrizations.weight.original1,
        "up.bias": conv.bias,
    }
    folded = folded_weights(stored)
    assert list(folded) == ["up.weight", "up.bias"]
    torch.testing.assert_close(folded["up.weight"], conv.weight)


def test_half_a_weight_norm_is_refused():
    with pytest.raises(CheckpointError, match="lacks a.weight_v"):
        folded_weights({"a.weight_g": torch.ones(2, 1, 1)})
    with pytest.raises(CheckpointError, match="lacks a.weight_g"):
        folded_weights({"a.weight_v": torch.ones(2, 3, 1)})
