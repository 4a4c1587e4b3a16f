"""Steps as graphs, proven without an accelerator: a tape in place of the graph, tensors that only claim a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from indextts2.errors import Cancelled
from indextts2.sampling import SAMPLERS, SamplingSettings
from indextts2.stages import semantic_to_mel as s2m_stage
from indextts2.stages.graphs import Graphed, graph_maker
from indextts2.stages.semantic_to_mel import FlowSettings, semantic_to_mel
from indextts2.stages.t2s.decode import decode
from indextts2.stages.t2s.prefix import Phase
from tests.stages.speaking import TEXTS, emotion_vector, prefilled, tiny_model
from tests.stages.test_semantic_to_mel import s2m, speaker, speech  # noqa: F401  (fixtures)
from tests.stages.test_step import NothingWithTheHost, fixed_length, started

LIMIT = 70

CLAIMED = torch.device("cuda" if torch.backends.cuda.is_built() else "lazy", 0)
"""An accelerator that tensors say they lie on. A torch built without CUDA cannot index tensors that claim it, but those
of its lazy device it can; either device mixes with the CPU as little as the other."""


class Tape(TorchDispatchMode):
    """Records every operation once, and replays them on the same memory without any Python of the step."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        known: dict[int, Tensor] = {}

        def current(tensor: Tensor) -> Tensor:
            return known.get(id(tensor), tensor)

        for func, args, kwargs, recorded in self.operations:
            found = func(*tree_map_only(Tensor, current, args), **tree_map_only(Tensor, current, kwargs))
            before = recorded if isinstance(recorded, tuple | list) else (recorded,)
            after = found if isinstance(found, tuple | list) else (found,)
            known |= {id(one): other for one, other in zip(before, after, strict=True) if isinstance(one, Tensor)}


class Tapes:
    """The graph interface on a CPU."""

    def __init__(self) -> None:
        self.captures = self.replays = 0

    def warm_up(self, run: Callable[[], None]) -> None:
        run()

    def capture(self, run: Callable[[], None]) -> Callable[[], None]:
        tape = Tape()
        with tape, NothingWithTheHost():
            run()
        self.captures += 1

        def replay() -> None:
            self.replays += 1
            tape.replay()

        return replay


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def case(model, mode="beam", scheduled=False):
    how = SamplingSettings(mode=mode, max_tokens=LIMIT, repetition_penalty=2.0)
    changing = [Phase(0, emotion_vector(1)), Phase(1, emotion_vector(2))]
    ready = prefilled(model, TEXTS, [changing] * len(TEXTS) if scheduled else None)
    return ready, fixed_length(model, TEXTS, how), how


def tokens_of(takes) -> list[list[int]]:
    return [take.tokens.tolist() for take in takes]


@pytest.mark.parametrize("scheduled", [False, True], ids=["one emotion", "a schedule"])
@pytest.mark.parametrize("mode", SAMPLERS)
def test_replayed_steps_choose_the_tokens_of_the_loop(model, mode, scheduled):
    ready, job, how = case(model, mode, scheduled)
    tapes = Tapes()
    found = decode(model, ready, job, how, graphs=tapes)
    wanted = decode(model, ready, job, how)
    assert tokens_of(found) == tokens_of(wanted) and len(found[0].tokens) == 33
    assert [take.phases.tolist() for take in found] == [take.phases.tolist() for take in wanted]
    assert tapes.captures <= 2 < tapes.replays, "captured once per length and then replayed"


def test_an_evaluation_of_the_flow_is_captured_once_and_gives_the_same_mel(s2m, speaker, monkeypatch):  # noqa: F811
    settings = FlowSettings(steps=7)
    given = speech(6, 10, 3, frames=(0, 30, 12))
    wanted = semantic_to_mel(s2m, given, speaker, flow=settings, seed=5).mel
    tapes = Tapes()
    monkeypatch.setattr(s2m_stage, "graph_maker", lambda device: tapes)
    found = semantic_to_mel(s2m, given, speaker, flow=settings, seed=5).mel
    assert torch.equal(found, wanted)
    assert (tapes.captures, tapes.replays) == (1, 7)


class Failing(Tapes):
    def capture(self, run):
        run()
        raise RuntimeError("operation not permitted when stream is capturing")


def test_what_cannot_be_captured_is_done_step_by_step_with_one_line(model, caplog):
    ready, job, how = case(model)
    found = decode(model, ready, job, how, graphs=Failing())
    assert tokens_of(found) == tokens_of(decode(model, ready, job, how))
    assert len([one for one in caplog.records if "could not be captured" in one.message]) == 1


class Moving(Tapes):
    """A host that moves the model between two steps."""

    def __init__(self, model: nn.Module, *, swap: bool) -> None:
        super().__init__()
        self.model, self.swap = model, swap

    def capture(self, run):
        replay = super().capture(run)

        def and_then_move() -> None:
            replay()
            if self.replays == 5:
                block = self.model.gpt.h[0].attn.c_proj
                moved = nn.Parameter(block.weight.clone(), requires_grad=False)
                stale = block.weight.data
                if self.swap:
                    block.weight = moved
                else:
                    block.weight.data = moved.data
                stale.fill_(float("nan"))

        return and_then_move


@pytest.mark.parametrize("swap", [False, True], ids=["another memory", "another parameter"])
def test_a_moved_model_is_captured_anew(swap):
    model = tiny_model()
    ready, job, how = case(model)
    wanted = tokens_of(decode(model, ready, job, how))
    moving = Moving(model, swap=swap)
    assert tokens_of(decode(model, ready, job, how, graphs=moving)) == wanted
    assert moving.captures >= 2


def test_cancelling_between_replays_leaves_everything_usable(model):
    ready, job, how = case(model)

    def cancel(done: int, total: int) -> None:
        if done == 9:
            raise Cancelled("stop")

    wanted = tokens_of(decode(model, ready, job, how))
    with pytest.raises(Cancelled):
        decode(model, ready, job, how, cancel, graphs=Tapes())
    assert tokens_of(decode(model, ready, job, how, graphs=Tapes())) == wanted


def test_freed_graphs_are_made_no_more_and_the_work_goes_on():
    counter = torch.zeros(1)
    tapes = Tapes()
    work = Graphed(lambda: counter.add_(1), [], tapes)
    work("one", [counter])
    work("one", [counter])
    assert float(counter) == 2.0 and (tapes.captures, tapes.replays) == (1, 2), "warm-ups are taken back"
    work.drop()
    work("one", [counter])
    assert float(counter) == 3.0 and tapes.captures == 1


def test_a_cpu_makes_no_graphs():
    assert graph_maker(torch.device("cpu")) is None


def on_an_accelerator(mode: FakeTensorMode, tensor: Tensor, dtype: torch.dtype) -> FakeTensor:
    kind = dtype if tensor.is_floating_point() else tensor.dtype
    return FakeTensor(mode, torch.empty(tensor.shape, dtype=kind, device="meta"), CLAIMED)


def placed(mode: FakeTensorMode, module: nn.Module, dtype: torch.dtype) -> nn.Module:
    for part in module.modules():
        for slots in (part._parameters, part._buffers):
            for name, tensor in slots.items():
                if tensor is not None:
                    slots[name] = on_an_accelerator(mode, tensor, dtype)
    return module


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("mode", SAMPLERS)
def test_a_step_mixes_neither_devices_nor_types(mode, dtype):
    model = tiny_model()
    step, state, _ = started(model, mode, TEXTS)
    with FakeTensorMode() as fake, torch.no_grad():
        placed(fake, model, dtype)
        whole_precision = {"noise", "stop_bias"} | {name for name in state.buffers() if "hypotheses" in name}
        for holder, name, full in slots_of(state, ""):
            kind = torch.float32 if full in whole_precision else dtype
            setattr(holder, name, on_an_accelerator(fake, getattr(holder, name), kind))
        step(state)
    assert state.logits.device.type == CLAIMED.type and state.logits.dtype == dtype
    assert state.hypotheses.scores.dtype == torch.float32


def slots_of(value, prefix):
    """(holder, attribute, dotted name) of every tensor of a state."""
    from dataclasses import fields, is_dataclass

    for field in fields(value):
        inner = getattr(value, field.name)
        name = f"{prefix}.{field.name}" if prefix else field.name
        if isinstance(inner, Tensor):
            yield value, field.name, name
        elif is_dataclass(inner):
            yield from slots_of(inner, name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_an_evaluation_of_the_flow_mixes_neither_devices_nor_types(s2m, dtype):  # noqa: F811
    model = s2m.model
    frames, width = 9, s2m.config.s2m.flow.content_dim
    prompt, style, content = torch.zeros(1, 20, frames), torch.zeros(1, 16), torch.zeros(1, frames, width)
    context = model.context(prompt, style, content, None, guided=True)
    times = model.estimator.time_conditions(torch.linspace(0, 1, 3))
    with FakeTensorMode() as fake, torch.no_grad():
        placed(fake, model, dtype)
        moved = replace(
            context,
            content=on_an_accelerator(fake, context.content, dtype),
            rotary=on_an_accelerator(fake, context.rotary, context.rotary.dtype),
        )
        own = type(times)(*(on_an_accelerator(fake, getattr(times, name), dtype) for name in times.__slots__))
        state = on_an_accelerator(fake, torch.zeros(1, 20, 9), dtype)
        velocity = model.velocity(state, own.at(0), moved, guidance=0.7)
    assert velocity.device.type == CLAIMED.type and velocity.dtype == dtype
