"""Conformer and perceiver: masks, lengths, gradients, and the geometry the emotion algebra relies on."""

from __future__ import annotations

import pytest
import torch

from indextts2.config import ConditionerConfig
from indextts2.errors import InputError
from indextts2.models.conditioner import Conformer, Perceiver, condition_latents, sinusoids, subsampled

CONFIG = ConditionerConfig(
    input_dim=12, width=8, feed_forward=16, heads=2, blocks=2, kernel=7, latents=3, latent_dim=10,
    perceiver_head_dim=4, positions=30,
)  # fmt: skip


@pytest.fixture
def halves():
    torch.manual_seed(0)
    conformer, perceiver = Conformer(CONFIG), Perceiver(CONFIG)
    for parameter in (*conformer.parameters(), *perceiver.parameters()):
        torch.nn.init.normal_(parameter, std=0.4)
    return conformer.eval(), perceiver.eval()


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [3, 4, 7, 20])
def test_any_length_gives_the_same_number_of_latents(halves, count):
    assert condition_latents(*halves, noise(2, count, 12)).shape == (2, 3, 10)
    assert halves[0](noise(2, count, 12))[0].shape == (2, subsampled(count), 8)


def test_padding_changes_nothing(halves):
    features, lengths = noise(3, 21, 12), torch.tensor([21, 13, 8])
    mask = torch.arange(21) < lengths[:, None]
    together = condition_latents(*halves, features * mask[..., None] + 9.0 * ~mask[..., None], mask)
    for row, length in enumerate(lengths.tolist()):
        alone = condition_latents(*halves, features[row : row + 1, :length])
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-5, atol=1e-5)


def test_the_order_of_frames_matters(halves):
    features = noise(1, 15, 12)
    assert not torch.allclose(condition_latents(*halves, features), condition_latents(*halves, features.flip(1)))


def test_a_reference_outside_the_table_is_refused_with_both_limits(halves):
    for count in (2, 64):
        with pytest.raises(InputError, match=f"3 to 62 feature frames, but has {count}"):
            condition_latents(*halves, noise(1, count, 12))


def test_the_longest_promised_reference_is_accepted(halves):
    assert condition_latents(*halves, noise(1, 62, 12)).shape == (1, 3, 10)


def test_latents_lie_on_an_ellipsoid(halves):
    """docs/spec/control.md#geometry: ||x / gamma|| is the root of the width, whatever the reference."""
    latents = condition_latents(*halves, noise(4, 15, 12)) / halves[1].norm.gamma
    torch.testing.assert_close(latents.norm(dim=-1), torch.full((4, 3), 10.0**0.5))


def test_every_parameter_gets_a_gradient(halves):
    condition_latents(*halves, noise(2, 15, 12)).square().sum().backward()
    flat = [name for half in halves for name, p in half.named_parameters() if p.grad is None or not p.grad.any()]
    assert flat == []


def test_positions_are_sines_then_cosines():
    table = sinusoids(3, 4, torch.zeros(1))
    torch.testing.assert_close(table[0], torch.tensor([0.0, 1.0, 0.0, 1.0]))
    torch.testing.assert_close(table[2, :2], torch.tensor([2.0, 2.0]).sin().lerp(torch.tensor([2.0, 2.0]).cos(),
                                                                                 torch.tensor([0.0, 1.0])))  # fmt: skip
