"""Cancel inside a step: seen between the modules of every model, without any change of the results."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from indextts2.errors import Cancelled
from indextts2.models.flow import QUERIES_AT_ONCE
from indextts2.models.s2m import SemanticToMel
from indextts2.models.t2s import TextToSemantic
from indextts2.models.vocoder import Vocoder
from indextts2.runtime.interrupt import heavy_modules, interruptible

LONG_FRAMES = 20_000  # of one segment: almost four minutes
CANCEL_SECONDS = 1.0


@pytest.fixture
def s2m(tiny_config, tiny_parts) -> SemanticToMel:
    model = SemanticToMel(tiny_config.s2m).eval()
    model.load_state_dict(tiny_parts["s2m"])
    return model


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def one_step(model: SemanticToMel, frames: int) -> Tensor:
    """One step of the flow over one row."""
    flow = model.config.flow
    context = model.context(
        noise(1, flow.bands, frames), noise(1, flow.style_dim), noise(1, frames, flow.content_dim), guided=False
    )
    return model.velocity(noise(1, flow.bands, frames), model.time_conditions(torch.zeros(1)), context)


def test_within_one_step_over_20000_frames_cancel_is_never_more_than_a_second_away(s2m):
    checks = [time.thread_time()]
    with interruptible([s2m], lambda: checks.append(time.thread_time())):
        one_step(s2m, LONG_FRAMES)
    checks.append(time.thread_time())
    longest = max(later - earlier for earlier, later in zip(checks, checks[1:], strict=False))
    assert checks[-1] - checks[0] > 2 * longest, "the step has many parts"
    assert longest < CANCEL_SECONDS


def test_a_cancelled_step_ends_at_once_and_leaves_the_model_as_it_was(s2m):
    whole = one_step(s2m, 40)
    checks = 0

    def check():
        nonlocal checks
        checks += 1
        if checks > 5:
            raise Cancelled("stop")

    with pytest.raises(Cancelled), interruptible([s2m], check):
        one_step(s2m, 40)
    assert checks == 6
    assert all(not part._forward_pre_hooks for part in s2m.modules())
    assert torch.equal(one_step(s2m, 40), whole)


def test_being_interruptible_changes_no_result(s2m, tiny_config, tiny_parts):
    t2s, vocoder = TextToSemantic(tiny_config.t2s).eval(), Vocoder(tiny_config.vocoder).eval()
    t2s.load_state_dict(tiny_parts["t2s"])
    vocoder.load_state_dict(tiny_parts["vocoder"])
    mel, rows = noise(1, tiny_config.mel.bands, 9), noise(1, 5, tiny_config.t2s.dim)
    runs = {
        "semantic-to-mel": lambda: one_step(s2m, 30),
        "vocoder": lambda: vocoder(mel),
        "text-to-semantic": lambda: t2s.states(rows).hidden,
    }
    counts = dict.fromkeys(runs, 0)
    for name, run in runs.items():

        def check(name=name):
            counts[name] += 1

        with torch.no_grad():
            plain = run()
            with interruptible([s2m, t2s, vocoder], check):
                assert torch.equal(run(), plain), name
    assert all(count > 5 for count in counts.values()), counts


def test_attention_in_pieces_equals_attention_at_once(s2m, monkeypatch):
    frames = 3 * 16 + 5
    at_once = one_step(s2m, frames)
    assert frames < QUERIES_AT_ONCE
    monkeypatch.setattr("indextts2.models.flow.QUERIES_AT_ONCE", 16)
    torch.testing.assert_close(one_step(s2m, frames), at_once, rtol=1e-5, atol=1e-6)


def test_only_modules_that_hold_a_matrix_are_checked_before(s2m):
    parts = heavy_modules(s2m)
    assert any(isinstance(part, torch.nn.Linear) for part in parts)
    assert any(isinstance(part, torch.nn.Conv1d) for part in parts)
    assert not any(isinstance(part, torch.nn.LayerNorm) for part in parts)
