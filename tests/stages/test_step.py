"""The decode step keeps what a captured graph needs: fixed addresses, and nothing asked of or taken from the host."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from indextts2.sampling import SAMPLERS, SamplingSettings, TokenNoise
from indextts2.stages.duration import GuidedSettings, SegmentPlan, stop_rules
from indextts2.stages.t2s.decode import DecodeJob, first_state
from indextts2.stages.t2s.prefix import Phase
from indextts2.stages.t2s.step import DecodeStep
from tests.stages.speaking import TEXTS, emotion_vector, plain_job, prefilled, tiny_model, tokens

STEPS = 40
GUARDED = (0, 1, STEPS - 1)  # steps under the guard, which is slow
LIMIT = 60
EIGHT = (TEXTS * 3)[:8]
aten = torch.ops.aten
HOST_READS = {
    aten._local_scalar_dense, aten.nonzero, aten.nonzero_numpy, aten.masked_select, aten.is_nonzero, aten.equal,
    aten.argwhere, aten._unique2, aten.unique_dim, aten.unique_consecutive, aten.bincount,
}  # fmt: skip
FROM_THE_HOST = {aten.lift_fresh, aten.lift_fresh_copy}


class NothingWithTheHost(TorchDispatchMode):
    """Refuses operations that wait for the device, and tensors made of numbers of the host."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket in HOST_READS | FROM_THE_HOST:
            raise AssertionError(f"{func} inside a step")
        if func.overloadpacket in (aten.index, aten.index_put, aten.index_put_):
            masks = [one for one in args[1] if one is not None and one.dtype in (torch.bool, torch.uint8)]
            assert not masks, f"{func} with a mask has to count its entries"
        if func.overloadpacket is aten.repeat_interleave and func._overloadname == "Tensor":
            raise AssertionError(f"{func} has to sum its repeats")
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def fixed_length(model, texts, how):
    plan = SegmentPlan(tokens(33, "forced"), "forced", 33)
    bias, limit = stop_rules(plan, LIMIT, GuidedSettings())
    rows = tuple(range(len(texts)))
    return DecodeJob(rows, rows, torch.full((len(rows),), limit), bias.expand(len(rows), -1))


def free_length(model, texts, how):
    rows = tuple(range(len(texts)))
    return plain_job(model, rows, rows, how)


def started(model, mode="beam", texts=TEXTS[:1], job=free_length, *, scheduled=False):
    """A step, its first state, and the noise of it."""
    how = SamplingSettings(mode=mode, max_tokens=LIMIT, repetition_penalty=2.0)
    changing = [Phase(0, emotion_vector(1)), Phase(1, emotion_vector(2))]
    ready = prefilled(model, texts, [changing] * len(texts) if scheduled else None)
    wanted = job(model, texts, how)
    state = first_state(model, ready, wanted, how)
    state.reserve(state.cache.max_rows)
    return DecodeStep(model, how, ready.prefix.rows), state, TokenNoise(wanted.seeds, state.noise)


def run(step, state, noise, steps=STEPS):
    for number in range(steps):
        if number % len(state.noise) == 0:
            noise.refill()
        step(state)
    return state


@pytest.mark.parametrize("scheduled", [False, True], ids=["one emotion", "a schedule"])
@pytest.mark.parametrize("job", [free_length, fixed_length])
@pytest.mark.parametrize("texts", [TEXTS[:1], EIGHT], ids=["one item", "eight items"])
@pytest.mark.parametrize("mode", SAMPLERS)
def test_a_step_moves_no_buffer_and_asks_the_host_for_nothing(model, mode, texts, job, scheduled):
    step, state, noise = started(model, mode, texts, job, scheduled=scheduled)
    addresses = {name: (buffer.data_ptr(), buffer.shape) for name, buffer in state.buffers().items()}
    before = state.logits.clone()
    noise.refill()
    for number in range(STEPS):
        with NothingWithTheHost() if number in GUARDED else nullcontext(), torch.no_grad():
            step(state)
        if (number + 1) % len(state.noise) == 0:
            noise.refill()
    assert {name: (buffer.data_ptr(), buffer.shape) for name, buffer in state.buffers().items()} == addresses
    assert int(state.position) == STEPS and not torch.equal(state.logits, before)
    assert bool(state.hypotheses.tokens[:STEPS].any())


def test_every_tensor_of_a_state_is_among_its_buffers(model):
    _, state, _ = started(model, scheduled=True)
    names = set(state.buffers())
    assert {"position", "logits", "attn_mask", "cache.keys", "hypotheses.scores", "hypotheses.finished.scores"} <= names
    assert {"noise", "hypotheses.tokens", "hypotheses.parents", "tracker.belief", "tracker.probe.keys"} <= names


def test_no_two_buffers_of_a_state_share_memory(model):
    for scheduled in (False, True):
        _, state, _ = started(model, texts=EIGHT, scheduled=scheduled)
        addresses = [buffer.untyped_storage().data_ptr() for buffer in state.buffers().values()]
        assert len(set(addresses)) == len(addresses)


def test_steps_beyond_the_end_change_no_result(model):
    """A replayed graph runs on until the host looks again."""
    for mode in SAMPLERS:
        step, state, noise = started(model, mode, TEXTS, fixed_length, scheduled=True)
        run(step, state, noise, 34)
        assert bool(state.hypotheses.done.all())
        kept = {name: buffer.clone() for name, buffer in state.buffers().items() if "finished" in name}
        paths, stalled = [state.hypotheses.path(item) for item in range(3)], state.tracker.stalled.clone()
        run(step, state, noise, 14)
        for name, buffer in state.buffers().items():
            assert name not in kept or torch.equal(buffer, kept[name])
        for item, (tokens_, _) in enumerate(paths):
            assert torch.equal(state.hypotheses.path(item)[0], tokens_)
        assert torch.equal(state.tracker.stalled, stalled)


def test_the_guard_of_these_tests_notices_what_it_is_there_for():
    values = torch.arange(3)
    for fault in (
        lambda: values.sum().item(), lambda: values.nonzero(), lambda: values[values > 1], lambda: bool(values.any()),
        lambda: torch.tensor([1]), lambda: values[[0, 2]],
    ):  # fmt: skip
        with pytest.raises(AssertionError), NothingWithTheHost():
            fault()


@pytest.mark.slow
@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("mode", ["beam", "sample"])
def test_a_compiled_step_has_no_graph_break_and_makes_the_same_tokens(model, mode, scheduled):
    step, eager, noise = started(model, mode, TEXTS, scheduled=scheduled)
    again, compiled, same_noise = started(model, mode, TEXTS, scheduled=scheduled)
    with torch.no_grad():
        run(step, eager, noise)
        run(torch.compile(again, fullgraph=True), compiled, same_noise)
    assert torch.equal(eager.hypotheses.tokens, compiled.hypotheses.tokens)
    assert torch.equal(eager.hypotheses.done, compiled.hypotheses.done)
