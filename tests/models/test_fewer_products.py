"""Convolutions with fewer products equal the direct sums."""

import pytest
import torch
import torch.nn.functional as F

from indextts2.models.fewer_products import LEAST_CHANNELS, LEAST_SAMPLES, WideConv, correlate


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("samples", [1, 7, 64, 301])
@pytest.mark.parametrize("dilation", [1, 3, 5])
@pytest.mark.parametrize("taps", [3, 5, 7, 11])
@torch.no_grad()
def test_fewer_products_give_the_direct_sum(taps, dilation, samples):
    signal, weight, bias = normal(2, 5, samples, seed=1), normal(6, 5, taps, seed=2), normal(6, seed=3)
    wanted = F.conv1d(signal.double(), weight.double(), bias.double(), dilation=dilation, padding=taps // 2 * dilation)
    torch.testing.assert_close(correlate(signal, weight, bias, dilation).double(), wanted, rtol=0.0, atol=2e-4)


@torch.no_grad()
def test_long_signals_are_computed_in_parts(monkeypatch):
    signal, weight, bias = normal(1, 4, 500, seed=1), normal(4, 4, 7, seed=2), normal(4, seed=3)
    whole = correlate(signal, weight, bias, 3)
    monkeypatch.setattr("indextts2.models.fewer_products.COLUMNS", 30)
    monkeypatch.setattr("indextts2.models.fewer_products.NUMBERS", 200)
    torch.testing.assert_close(correlate(signal, weight, bias, 3), whole, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_a_wide_convolution_is_that_of_torch_within_rounding():
    conv = WideConv(LEAST_CHANNELS, 7, dilation=3)
    signal = normal(1, LEAST_CHANNELS, LEAST_SAMPLES, seed=1)
    direct = torch.nn.Conv1d.forward(conv, signal)
    assert conv._pays(signal)
    torch.testing.assert_close(conv(signal), direct, rtol=0.0, atol=2e-5)


def test_where_gradients_are_wanted_the_sums_are_direct():
    conv = WideConv(LEAST_CHANNELS, 7)
    signal = normal(1, LEAST_CHANNELS, LEAST_SAMPLES, seed=1)
    assert not conv._pays(signal)
    conv(signal).sum().backward()
    assert conv.weight.grad is not None
