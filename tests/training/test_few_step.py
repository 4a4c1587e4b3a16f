"""A guided flow of many steps becomes one of few evaluations, which its checkpoint says and its settings respect."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
import yaml

from indextts2.config import FlowPlan
from indextts2.errors import InputError, TrainingError
from indextts2.loading.checkpoint import open_checkpoint
from indextts2.loading.native import About
from indextts2.models.s2m import SemanticToMel
from indextts2.stages.ode import step_grid
from indextts2.stages.semantic_to_mel import PRESETS, FlowSettings
from indextts2.training.loop.curves import read_log
from indextts2.training.loop.export import export_checkpoint
from indextts2.training.loop.part import LoopSettings
from indextts2.training.loop.trainer import train
from indextts2.training.s2m.data import S2MDataSettings
from indextts2.training.s2m.few_step import FewStepPart, FewStepRecipe, meeting_steps, states, train_s2m_few
from tests.training.test_s2m import toy_batch, write_store

DISTILLED = FlowPlan(4, "sway", guidance=0.0, distilled=True)
DATA = {"batch_frames": 40, "crop_tokens": [10], "crop_shares": [1.0]}
LOOP = LoopSettings(max_steps=2, evaluate_steps=2, log_steps=1, ema_decay=0.9, cpu=True)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, tiny_checkpoint):
    folder = tmp_path_factory.mktemp("few")
    write_store(folder / "features")
    data = S2MDataSettings(batch_frames=40, crop_tokens=(10,), crop_shares=(1.0,))
    settings = {"teacher_steps": 7, "guidance": 8.0}  # random weights hardly follow their conditions by themselves
    return FewStepRecipe(str(tiny_checkpoint), str(folder / "features"), data=data, loop=LOOP, **settings)


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    """A finished run, interrupted once on its way."""
    folder = tmp_path_factory.mktemp("few_run")
    train(FewStepPart(recipe), replace(LOOP, max_steps=1), folder)
    train(FewStepPart(recipe), LOOP, folder)
    return folder


def test_the_loss_falls_and_few_steps_come_nearer_to_the_teacher_than_without_training(recipe):
    part, batch = FewStepPart(recipe), toy_batch(2)
    models = part.build()
    optimiser = torch.optim.Adam(models["s2m"].parameters(), lr=1e-3)
    losses, distances = [], []
    for _ in range(10):
        loss, metrics = part.loss(models, batch, torch.Generator().manual_seed(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        distances.append(float(metrics["distance"]))
    assert losses[-1] < 0.8 * losses[0]
    assert distances[-1] < 0.8 * distances[0]  # the first is that of four steps of the teacher's own weights


def test_a_resumed_run_goes_on_and_tells_how_far_the_teacher_is_without_training(run):
    rows = read_log(run / "log.csv")
    assert [row["step"] for row in rows if row.get("loss")] == ["1", "2"]
    held_out = next(row for row in rows if row.get("held_out_distance"))
    assert float(held_out["held_out_undistilled"]) > 0.0


def test_the_checkpoint_of_a_distilled_flow_says_its_steps_and_that_guidance_is_off(run, tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "c")
    export_checkpoint(folder, {"s2m": run}, About())
    assert open_checkpoint(folder).config.s2m.defaults == DISTILLED
    export_checkpoint(tmp_path / "d", {"s2m": folder}, About(), config=open_checkpoint(tiny_checkpoint).config)
    assert open_checkpoint(tmp_path / "d").config.s2m.defaults == DISTILLED
    export_checkpoint(folder, {"s2m": tiny_checkpoint}, About())
    assert open_checkpoint(folder).config.s2m.defaults == FlowPlan()
    with pytest.raises(TrainingError, match="distilled already"):
        FewStepPart(FewStepRecipe(str(tmp_path / "d")))


@pytest.mark.parametrize(
    "asked", [FlowSettings(), *PRESETS.values(), FlowSettings(steps=8), FlowSettings(guidance=0.7)]
)
def test_a_distilled_flow_is_solved_in_its_own_way_and_says_so_where_another_was_asked(asked):
    assert asked.plan(DISTILLED) == DISTILLED
    assert bool(asked.displaced_by(DISTILLED)) == (asked != FlowSettings())
    assert not FlowSettings(steps=4, grid="sway", guidance=0.0).displaced_by(DISTILLED)
    assert not asked.displaced_by(FlowPlan(steps=4, grid="sway"))


def test_the_command_trains_what_the_recipe_says(recipe, tmp_path):
    path = tmp_path / "few.yaml"
    given = {
        "checkpoint": recipe.checkpoint,
        "features": recipe.features,
        "guidance": 0.5,
        "data": DATA,
        "teacher_grid": "uniform",
    }
    path.write_text(yaml.safe_dump(given | {"loop": {"max_steps": 1, "cpu": True}}), encoding="utf-8")
    with pytest.raises(InputError, match=r"no time 0\.0761"):
        train_s2m_few(path, tmp_path / "run")
    given |= {"teacher_steps": 4, "teacher_grid": "sway"}
    path.write_text(yaml.safe_dump(given | {"loop": {"max_steps": 1, "cpu": True}}), encoding="utf-8")
    assert train_s2m_few(path, tmp_path / "run").step == 1


def test_teacher_and_student_meet_at_the_students_times():
    student = step_grid("sway", 4)
    for grid, steps in (("epss", 10), ("epss", 12), ("sway", 16), ("sway", 4)):
        teacher = step_grid(grid, steps)
        torch.testing.assert_close(teacher[meeting_steps(teacher, student)], student)


def test_training_follows_the_way_of_speaking(recipe):
    """The student's last state is what semantic-to-mel's own solver makes of the same noise."""
    from indextts2.stages.ode import integrate

    part = FewStepPart(recipe)
    model = part.build()["s2m"]
    assert isinstance(model, SemanticToMel)
    batch = part.batch(0, torch.Generator().manual_seed(0))
    example, start = part._example(batch, torch.Generator().manual_seed(1), 1.0)
    with torch.no_grad():
        found = states(model, example, start, part.grid, guidance=0.7)[-1]
        prompt_frames = example.prompt_mel.shape[-1]
        context = model.training_context(example, guided=True)
        times = model.time_conditions(part.grid[:-1])
        is_target = (torch.arange(prompt_frames + start.shape[-1]) >= prompt_frames).float()
        whole = integrate(
            lambda step, state: model.velocity(state, times.at(step), context, guidance=0.7) * is_target,
            part.grid,
            torch.nn.functional.pad(start, (prompt_frames, 0)),
        )
    torch.testing.assert_close(found, whole[..., prompt_frames:], rtol=1e-4, atol=1e-4)
