"""Semantic-to-mel: rows do not feel each other, spans are exact, what is computed once may be computed once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from indextts2.config import LengthRegulatorConfig, WaveNetConfig
from indextts2.errors import InputError
from indextts2.models.length_regulator import LengthRegulator, frame_to_token
from indextts2.models.s2m import FlowExample, SemanticToMel
from indextts2.models.wavenet import WaveNet, reflection_index

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def model(tiny_config, tiny_parts) -> SemanticToMel:
    built = SemanticToMel(tiny_config.s2m).eval()
    built.load_state_dict(tiny_parts["s2m"])
    return built


def test_one_span_equals_nearest_interpolation_for_every_pair_of_lengths():
    for tokens in (1, 2, 3, 7, 25, 50, 137, 999, 1815):
        for frames in (1, 2, 5, 43, 86, 236, 1718, 3121):
            wanted = F.interpolate(torch.arange(float(tokens))[None, None], size=frames, mode="nearest")[0, 0].long()
            assert torch.equal(frame_to_token([(tokens, frames)]), wanted), (tokens, frames)


def test_spans_map_every_piece_for_itself():
    found = frame_to_token([(2, 4), (3, 0), (2, 2)])
    assert found.tolist() == [0, 0, 1, 1, 5, 6]


def test_a_span_without_tokens_is_refused():
    with pytest.raises(InputError, match="at least 1 token"):
        frame_to_token([(0, 3)])


def test_spans_that_miss_frames_are_refused(model):
    with pytest.raises(InputError, match="cover 5 tokens and 9 frames"):
        model.regulate(noise(1, 5, 24), [10], spans=[[(2, 4), (3, 5)]])


def test_splitting_a_row_at_its_natural_ratio_changes_nothing(model):
    features = noise(1, 6, 24)
    torch.testing.assert_close(
        model.regulate(features, [12], spans=[[(3, 6), (3, 6)]]), model.regulate(features, [12]), **CLOSE
    )


@torch.no_grad()
def test_length_regulator_rows_of_a_batch_equal_single_runs():
    regulator = LengthRegulator(LengthRegulatorConfig(input_dim=8, width=12, layers=4)).eval()
    features, tokens, frames = noise(3, 9, 8), [9, 4, 1], [20, 17, 3]
    maps = [frame_to_token([pair]) for pair in zip(tokens, frames, strict=True)]
    together = regulator(features, maps)
    assert together.shape == (3, 20, 12)
    for row, (token_count, frame_count) in enumerate(zip(tokens, frames, strict=True)):
        alone = regulator(features[row : row + 1, :token_count], maps[row : row + 1])
        torch.testing.assert_close(together[row : row + 1, :frame_count], alone, **CLOSE)
        assert not together[row, frame_count:].any()


@pytest.mark.parametrize("rate", [1, 2])
@torch.no_grad()
def test_wavenet_rows_of_a_batch_equal_single_runs(rate):
    wavenet = WaveNet(WaveNetConfig(width=6, layers=3, kernel=4, dilation_rate=rate)).eval()
    lengths = torch.tensor([15, 9, 2, 1])
    hidden, condition = noise(4, 6, 15), wavenet.condition(noise(4, 6, seed=1))
    mask = (torch.arange(15)[None, None] < lengths[:, None, None]).float()
    together = wavenet(hidden, condition, mask, wavenet.reflection(lengths, 15))
    for row, length in enumerate(lengths.tolist()):
        alone = wavenet(hidden[row : row + 1, :, :length], condition[row : row + 1])
        torch.testing.assert_close(together[row : row + 1, :, :length], alone, **CLOSE)


def test_reflection_mirrors_at_the_rows_own_end():
    assert reflection_index(torch.tensor([4]), 6, (2, 2))[0, :8].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize("guidance", [0.0, 0.7])
@torch.no_grad()
def test_flow_rows_of_a_batch_equal_single_runs(model, guidance):
    lengths = torch.tensor([30, 21, 9])
    prompt, style, condition = noise(3, 20, 30, seed=1), noise(3, 16, seed=2), noise(3, 30, 16, seed=3)
    noisy, times = noise(3, 20, 30, seed=4), model.time_conditions(torch.tensor([0.3]))
    context = model.context(prompt, style, condition, lengths, guided=guidance > 0)
    together = model.velocity(noisy, times, context, guidance=guidance)
    for row, length in enumerate(lengths.tolist()):
        own = slice(row, row + 1)
        alone = model.context(prompt[own, :, :length], style[own], condition[own, :length], guided=guidance > 0)
        wanted = model.velocity(noisy[own, :, :length], times, alone, guidance=guidance)
        torch.testing.assert_close(together[own, :, :length], wanted, **CLOSE)


@pytest.mark.parametrize("lengths", [None, [41, 33, 31]])
@torch.no_grad()
def test_leaving_the_prompt_out_of_the_head_changes_nothing_after_it(model, lengths):
    prompt, style, condition = noise(3, 20, 41, seed=1), noise(3, 16, seed=2), noise(3, 41, 16, seed=3)
    noisy, times = noise(3, 20, 41, seed=4), model.time_conditions(torch.tensor([0.3]))
    known = None if lengths is None else torch.tensor(lengths)
    inputs = {"prompt_mel": prompt, "style": style, "condition": condition, "lengths": known, "guided": True}
    whole = model.velocity(noisy, times, model.context(**inputs), guidance=0.7)
    context = model.context(**inputs, prompt_frames=30)
    assert context.first == 30 - model.estimator.wavenet.reach > 0
    found = model.velocity(noisy, times, context, guidance=0.7)
    for row, length in enumerate(lengths or [41] * 3):
        torch.testing.assert_close(found[row, :, 30:length], whole[row, :, 30:length], **CLOSE)
    assert not found[..., : context.first].any()


@torch.no_grad()
def test_a_table_of_times_equals_one_time_after_the_other(model):
    steps = torch.linspace(0, 1, 5)
    table = model.time_conditions(steps)
    context = model.context(noise(1, 20, 12), noise(1, 16), noise(1, 12, 16), guided=False)
    for step, time in enumerate(steps):
        wanted = model.velocity(noise(1, 20, 12), model.time_conditions(time[None]), context)
        torch.testing.assert_close(model.velocity(noise(1, 20, 12), table.at(step), context), wanted, **CLOSE)


@torch.no_grad()
def test_the_null_branch_equals_zeroed_conditions(model):
    estimator = model.estimator
    zeroed = estimator.content(torch.zeros(1, 20, 7), torch.zeros(1, 16), torch.zeros(1, 7, 16))
    torch.testing.assert_close(estimator.null_content().expand_as(zeroed), zeroed, **CLOSE)


@torch.no_grad()
def test_every_condition_reaches_the_velocity(model):
    inputs = {"prompt_mel": noise(1, 20, 8), "style": noise(1, 16), "condition": noise(1, 8, 16)}
    times, noisy = model.time_conditions(torch.tensor([0.5])), noise(1, 20, 8, seed=9)

    def velocity(**changed: Tensor) -> Tensor:
        return model.velocity(noisy, times, model.context(**(inputs | changed), guided=False))

    plain = velocity()
    for name, value in inputs.items():
        assert not torch.allclose(velocity(**{name: value + 1.0}), plain), name
    assert not torch.allclose(
        model.velocity(noisy, model.time_conditions(torch.tensor([0.6])), model.context(**inputs, guided=False)), plain
    )


def example_of(model: SemanticToMel, *, latent: bool, seen: bool = True) -> FlowExample:
    return FlowExample(
        prompt=noise(2, 4, 24, seed=1),
        target=noise(2, 6, 24, seed=2),
        latent=noise(2, 6, 32, seed=3),
        latent_mask=torch.tensor([latent, latent]),
        prompt_mel=noise(2, 20, model.frame_count(4), seed=4),
        style=noise(2, 16, seed=5),
        noisy=noise(2, 20, model.frame_count(4) + model.frame_count(6), seed=6),
        time=torch.tensor([0.2, 0.8]),
        condition_mask=torch.tensor([seen, seen]),
    )


def test_training_reaches_every_weight(model):
    model.train()
    model(example_of(model, latent=True)).square().mean().backward()
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


@torch.no_grad()
def test_a_withheld_condition_and_a_masked_latent_change_nothing(model):
    hidden = example_of(model, latent=False, seen=False)
    other = replace(hidden, style=hidden.style + 1, target=hidden.target + 1, prompt_mel=hidden.prompt_mel + 1)
    torch.testing.assert_close(model(hidden), model(other))
    masked = example_of(model, latent=False)
    torch.testing.assert_close(model(masked), model(replace(masked, latent=None)))
    assert not torch.allclose(model(masked), model(example_of(model, latent=True)))


def test_frame_count_truncates_like_the_published_constant(tiny_config):
    config = replace(tiny_config.s2m, frames_per_token=1.72)
    model = SemanticToMel(config)
    assert [model.frame_count(tokens) for tokens in (1, 25, 50, 100, 1815)] == [1, 43, 86, 172, 3121]
