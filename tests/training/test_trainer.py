"""The training loop: repeatable, resumable, with a moving average, curves and a clean end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from indextts2.errors import ConfigError, TrainingError
from indextts2.training.loop import trainer
from indextts2.training.loop.curves import TrainingLog, plot_curves, read_log
from indextts2.training.loop.part import LoopSettings, Part, StepTools
from indextts2.training.loop.recipe import from_mapping, load_recipe, to_mapping
from indextts2.training.loop.state import MovingAverage, export_weights, load_state
from indextts2.training.loop.trainer import learning_rate_scale, train

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = LoopSettings(
    max_steps=12, learning_rate=1e-2, final_learning_rate=1e-3, warmup_steps=3, log_steps=2, evaluate_steps=4, cpu=True
)


class ToyPart(Part):
    """Learns to copy its input through a layer with dropout; can ask the process to end after a given step."""

    name = "toy"

    def __init__(self, *, width=6, stop_after=None):
        self.width, self.stop_after = width, stop_after

    def build(self):
        frozen = nn.Sequential(nn.Dropout(0.9), nn.Linear(self.width, self.width)).requires_grad_(False)
        trained = nn.Sequential(nn.Linear(self.width, 16), nn.Dropout(0.3), nn.Linear(16, self.width))
        return {"model": nn.ModuleDict({"frozen": frozen, "trained": trained})}

    def identity(self):
        return {"width": self.width}

    def batch(self, step, generator):
        if step == self.stop_after:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"values": torch.randn(8, self.width, generator=generator)}

    def loss(self, models, batch, generator):
        model = models["model"]
        noise = 0.01 * torch.randn(batch["values"].shape, generator=generator)
        made = model["trained"](batch["values"]) + noise
        assert not model["frozen"][0].training or list(model["frozen"].parameters())[0].requires_grad
        return (made - batch["values"]).square().mean(), {"spread": made.detach().std()}

    def evaluate(self, models):
        return {"weight": float(models["model"]["trained"][0].weight.abs().mean())}


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path):
    settings = replace(SETTINGS, ema_decay=0.9)
    assert train(ToyPart(), settings, tmp_path / "whole").reason == "done"
    first = train(ToyPart(stop_after=4), settings, tmp_path / "parts")
    assert (first.reason, first.step) == ("signal", 5)
    train(ToyPart(), settings, tmp_path / "parts")

    whole, parts = load_state(tmp_path / "whole"), load_state(tmp_path / "parts")
    for group in ("models", "average"):
        for key, value in whole[group]["model"].items():
            assert value.equal(parts[group]["model"][key]), (group, key)
    moments = [state["optimisers"]["main"]["state"][0]["exp_avg"] for state in (whole, parts)]
    assert moments[0].equal(moments[1])


def test_a_run_leaves_the_global_random_state_as_it_was(tmp_path):
    before = torch.get_rng_state()
    train(ToyPart(), SETTINGS, tmp_path)
    assert torch.get_rng_state().equal(before)


def test_another_seed_gives_other_weights(tmp_path):
    train(ToyPart(), SETTINGS, tmp_path / "a")
    train(ToyPart(), replace(SETTINGS, seed=1), tmp_path / "b")
    weights = [export_weights(tmp_path / name, "model")["trained.0.weight"] for name in "ab"]
    assert not weights[0].equal(weights[1])


def test_training_makes_the_loss_smaller(tmp_path):
    train(ToyPart(), replace(SETTINGS, max_steps=150, final_learning_rate=None), tmp_path)
    losses = [float(row["loss"]) for row in read_log(tmp_path / "log.csv") if row["loss"]]
    assert losses[-1] < 0.6 * losses[0]


def test_frozen_weights_stay_as_they_were(tmp_path):
    train(ToyPart(), replace(SETTINGS, max_steps=1), tmp_path)
    before = export_weights(tmp_path, "model")
    train(ToyPart(), SETTINGS, tmp_path)
    after = export_weights(tmp_path, "model")
    assert before["frozen.1.weight"].equal(after["frozen.1.weight"])
    assert not before["trained.0.weight"].equal(after["trained.0.weight"])


def test_the_horizon_may_be_moved_when_a_run_is_resumed(tmp_path):
    train(ToyPart(), replace(SETTINGS, max_steps=4), tmp_path)
    result = train(ToyPart(), replace(SETTINGS, max_steps=9), tmp_path)
    assert result.step == 9
    assert [int(row["step"]) for row in read_log(tmp_path / "log.csv")] == [2, 4, 4, 6, 8, 8]


def test_decay_and_betas_of_a_resumed_run_are_those_of_the_recipe(tmp_path):
    train(ToyPart(), replace(SETTINGS, max_steps=2), tmp_path)
    train(ToyPart(), replace(SETTINGS, max_steps=4, weight_decay=0.5, betas=(0.5, 0.9)), tmp_path)
    groups = load_state(tmp_path)["optimisers"]["main"]["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]
    assert [tuple(group["betas"]) for group in groups] == [(0.5, 0.9)] * 2


def test_a_resumed_run_may_gain_a_module_whose_optimiser_starts_anew(tmp_path, caplog):
    class Wider(ToyPart):
        def build(self):
            return super().build() | {"reader": nn.Linear(self.width, 1)}

        def loss(self, models, batch, generator):
            loss, metrics = super().loss(models, batch, generator)
            return loss + models["reader"](batch["values"]).square().mean(), metrics

    train(ToyPart(), replace(SETTINGS, max_steps=4), tmp_path)
    before = export_weights(tmp_path, "model")["trained.0.weight"]
    assert (
        train(Wider(), replace(SETTINGS, max_steps=5, learning_rate=1e-6, final_learning_rate=None), tmp_path).step == 5
    )
    assert "starts anew" in caplog.text
    torch.testing.assert_close(export_weights(tmp_path, "model")["trained.0.weight"], before, atol=1e-4, rtol=0)
    assert export_weights(tmp_path, "reader")["weight"].shape == (1, 6)


class Scaled:
    """An optimiser as accelerate wraps it in fp16: the scaler's step and the update of its scale are one call."""

    def __init__(self, inner, scaler):
        self.inner, self.scaler = inner, scaler
        self.param_groups, self.zero_grad = inner.param_groups, inner.zero_grad

    def step(self):
        self.scaler.step(self.inner)
        self.scaler.update()


def test_in_fp16_an_overflow_lowers_the_scale_and_training_goes_on():
    weight = nn.Parameter(torch.ones(2))
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**126)
    optimiser = Scaled(torch.optim.SGD([weight], 0.1), scaler)

    def clip(weights, limit):
        scaler.unscale_(optimiser.inner)
        return torch.nn.utils.clip_grad_norm_(weights, limit)

    accelerator = SimpleNamespace(
        num_processes=1, scaler=scaler, backward=lambda loss: scaler.scale(loss).backward(), clip_grad_norm_=clip
    )
    tools = StepTools(0, 0.0, torch.Generator(), {"main": optimiser}, accelerator, 1.0)
    norms = [float(tools.descend((100.0 * weight).sum())) for _ in range(12)]
    assert norms[0] == float("inf") and norms[-1] == pytest.approx(100.0 * 2**0.5)
    assert torch.isfinite(weight).all() and float(weight[0].detach()) < 1.0


def test_a_module_may_keep_full_precision_beside_mixed_ones(tmp_path, own_precision):
    mixed = {}

    class Noting(nn.Linear):
        def forward(self, values):
            mixed[self.out_features] = torch.is_autocast_enabled("cpu")
            return super().forward(values)

    class Both(ToyPart):
        full_precision = ("exact",)

        def build(self):
            return super().build() | {"exact": Noting(self.width, 1), "other": Noting(self.width, 2)}

        def loss(self, models, batch, generator):
            more = sum(models[name](batch["values"]).float().square().mean() for name in ("exact", "other"))
            loss, metrics = super().loss(models, batch, generator)
            return loss + more, metrics

    train(Both(), replace(SETTINGS, max_steps=1, evaluate_steps=0, mixed_precision="bf16"), tmp_path)
    assert mixed == {1: False, 2: True}


def test_two_precisions_in_one_process_are_refused_with_a_word(tmp_path, own_precision):
    train(ToyPart(), replace(SETTINGS, max_steps=1, mixed_precision="bf16"), tmp_path / "a")
    with pytest.raises(TrainingError, match="cannot be trained in this process"):
        train(ToyPart(), replace(SETTINGS, max_steps=1, mixed_precision="fp16"), tmp_path / "b")


def test_a_process_without_a_log_keeps_no_metrics(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(trainer._Sums, "add", lambda self, metrics: kept.append(metrics))
    run = trainer._Run(ToyPart(), replace(SETTINGS, max_steps=3, evaluate_steps=0), tmp_path)
    run.accelerator = SimpleNamespace(
        is_main_process=False,
        device=torch.device("cpu"),
        process_index=1,
        num_processes=1,
        scaler=None,
        backward=lambda loss: loss.backward(),
        clip_grad_norm_=torch.nn.utils.clip_grad_norm_,
    )
    assert run.loop().step == 3 and kept == []


def test_a_run_of_other_sizes_or_seed_is_refused(tmp_path):
    train(ToyPart(), SETTINGS, tmp_path)
    with pytest.raises(TrainingError, match="width"):
        train(ToyPart(width=7), SETTINGS, tmp_path)
    with pytest.raises(TrainingError, match="seed"):
        train(ToyPart(), replace(SETTINGS, seed=3), tmp_path)


def test_time_limit_ends_a_run(tmp_path):
    result = train(ToyPart(), replace(SETTINGS, max_minutes=0.0), tmp_path)
    assert (result.step, result.reason) == (0, "minutes")


def test_exported_weights_are_the_moving_average(tmp_path):
    train(ToyPart(), replace(SETTINGS, ema_decay=0.9), tmp_path)
    exported, state = export_weights(tmp_path, "model"), load_state(tmp_path)
    assert exported["trained.0.weight"].equal(state["average"]["model"]["trained.0.weight"])
    assert not exported["trained.0.weight"].equal(state["models"]["model"]["trained.0.weight"])
    assert set(exported) == set(state["models"]["model"])
    with pytest.raises(TrainingError, match="not other"):
        export_weights(tmp_path, "other")


def test_moving_average_follows_its_formula_and_gives_the_weights_back():
    model = nn.Linear(2, 1, bias=False)
    average = MovingAverage({"model": model}, decay=0.75)
    start = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1.0
    average.update(step=1000)
    with average.in_place():
        torch.testing.assert_close(model.weight.detach(), start + 0.25)
    torch.testing.assert_close(model.weight.detach(), start + 1.0)


def test_schedule_warms_up_then_falls_to_the_final_rate_and_stays():
    settings = replace(SETTINGS, warmup_steps=10, decay_share=0.5)
    assert learning_rate_scale(settings, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate_scale(settings, 10, 0.0) == pytest.approx(1.0)
    assert learning_rate_scale(settings, 500, 0.25) == pytest.approx(0.55)
    assert learning_rate_scale(settings, 500, 0.5) == learning_rate_scale(settings, 900, 0.9) == pytest.approx(0.1)


def test_a_damaged_state_is_refused_with_its_name(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"not a state")
    with pytest.raises(TrainingError, match="state.pt"):
        train(ToyPart(), SETTINGS, tmp_path)


def test_gradients_that_are_never_finite_stop_the_run(tmp_path):
    class Broken(ToyPart):
        def loss(self, models, batch, generator):
            loss, metrics = super().loss(models, batch, generator)
            return loss * float("nan"), metrics

    with pytest.raises(TrainingError, match="not finite"):
        train(Broken(), replace(SETTINGS, max_steps=200), tmp_path)


def test_curves_are_drawn_and_the_log_forgets_lost_work(tmp_path):
    log = TrainingLog(tmp_path / "log.csv", last_step=0)
    for step in range(1, 7):
        log.append({"step": step, "minutes": step / 2, "learning_rate": 0.1, "loss": 1.0 / step})
    log.append({"step": 6, "minutes": 3.0, "learning_rate": 0.1, "held_out_loss": 0.4})
    again = TrainingLog(tmp_path / "log.csv", last_step=4)
    again.append({"step": 5, "minutes": 3.0, "learning_rate": 0.1, "loss": 0.5})
    rows = read_log(tmp_path / "log.csv")
    assert [row["step"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[-1]["loss"] == "0.5" and rows[-1]["held_out_loss"] == ""
    plot_curves(tmp_path / "log.csv", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


TWO_PROCESSES = """
import sys
from pathlib import Path
import torch
from torch import nn
from indextts2.training.loop.part import Part
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import train

class Toy(Part):
    name = "toy"
    def __init__(self):
        self.seen = 0.0
    def build(self):
        self.model = nn.Linear(4, 4)
        return {"model": self.model}
    def batch(self, step, generator):
        values = torch.randn(8, 4, generator=generator)
        self.seen += float(values.sum())
        return values
    def loss(self, models, batch, generator):
        return (models["model"](batch) - batch).square().mean(), {}

folder, own = Path(sys.argv[1]), Path(sys.argv[2])
part = Toy()
result = train(part, LoopSettings(max_steps=4, horizon_minutes=10.0, final_learning_rate=1e-4, cpu=True), folder)
torch.save({"weight": part.model.weight.detach(), "seen": part.seen, "step": result.step}, own)
"""


def test_two_processes_see_different_batches_and_keep_the_same_weights(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, str(tmp_path / "run"), str(tmp_path / f"{rank}.pt")],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors.decode()[-2000:]
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert first["seen"] != second["seen"] and first["step"] == second["step"] == 4
    assert first["weight"].equal(second["weight"])
    assert first["weight"].equal(export_weights(tmp_path / "run", "model")["weight"])


@dataclass(frozen=True)
class Inner:
    sizes: tuple[int, ...] = (1, 2)
    rate: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner = Inner()
    limit: float | None = None


def test_a_recipe_is_read_and_written_back_alike(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("name: a\ninner: {sizes: [3, 4, 5], rate: 2e-3}\n", encoding="utf-8")
    recipe = load_recipe(path, Outer)
    assert recipe == Outer("a", Inner((3, 4, 5), 0.002))
    assert from_mapping(Outer, to_mapping(recipe), where="copy") == recipe


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"name": "a", "inner": {"size": [1]}}, "inner: unknown setting size"),
        ({"name": "a", "hear_once": True}, "'hear_once' is called 'cache_emotion_vectors' now"),
        ({"name": "a", "inner": {"sizes": 3}}, "sizes: a list is expected"),
        ({"name": 3}, "name: str is expected"),
        ({"name": "a", "limit": "soon"}, "limit: a number is expected"),
        ({}, "name"),
        ([], "mapping of settings"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key(mapping, words):
    with pytest.raises(ConfigError, match=words):
        from_mapping(Outer, mapping, where="test")
