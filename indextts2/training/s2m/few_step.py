"""Distil a guided flow of many steps into one of few evaluations without guidance.

Student and teacher begin with the same weights. The teacher solves the flow in small guided steps; the student takes a
few large ones from the same noise, each of which should reach the state that the teacher has at that time. So the
student's velocity becomes the mean of the teacher's over a step, with the guidance in it.

Source: progressive distillation (Salimans and Ho, arXiv 2202.00512) with the guidance distilled too (Meng et al., arXiv
2210.03142), for the velocity of a flow. Differs from them: all halvings are taken at once, since teacher and student
share four times only, and the student continues from where its own step ended, as it does when it speaks, with
gradients through its whole way.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...config import Config, FlowPlan
from ...errors import InputError, TrainingError
from ...models.s2m import FlowExample, SemanticToMel
from ...stages.ode import step_grid
from ..configuration import config_of
from ..data.feature_store import FeatureStore
from ..loop.export import PLAN
from ..loop.part import MAIN, LoopSettings, Metrics, Models, Part, StepTools
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .data import S2MData, S2MDataSettings
from .train import MODEL, flow_example, held_out_batches, token_embedding

NAME = "s2m_few"
TIME_TOLERANCE = 1e-6
HELD_OUT_SEED = 2


@dataclass(frozen=True, slots=True)
class FewStepRecipe:
    """Recipe of a flow of few steps.

    checkpoint: whose semantic-to-mel is distilled, in any layout; the sizes and the tokens' embedding are its own too.
    steps, grid: what the student learns to be solved with. teacher_steps, teacher_grid: how the teacher is solved; its
    times must hold those of the student. guidance: of the teacher, None for what the checkpoint says.
    """

    checkpoint: str
    features: str = ".train/features"
    latents: str = ""  # folder of the T2S latents, empty where there are none
    latent_probability: float = 1.0  # share of targets that see their latent, as they do when speaking
    data: S2MDataSettings = field(default_factory=lambda: S2MDataSettings(other_prompt=0.9))
    steps: int = 4
    grid: str = "sway"
    teacher_steps: int = 12
    teacher_grid: str = "epss"
    guidance: float | None = None
    loop: LoopSettings = LoopSettings(max_steps=3000, learning_rate=1e-4)

    @property
    def plan(self) -> FlowPlan:
        """How the student is solved."""
        return FlowPlan(self.steps, self.grid, guidance=0.0, distilled=True)


class FewStepPart(Part):
    """The distillation as a part of the training loop."""

    name = NAME

    def __init__(self, recipe: FewStepRecipe, config: Config | None = None, *, embedding: Tensor | None = None) -> None:
        """config, embedding: None reads them from the checkpoint.

        Raises TrainingError for a checkpoint that is distilled already or has no T2S latents, ConfigError, and
        InputError for grids that do not meet.
        """
        config = config_of(recipe.checkpoint) if config is None else config
        if config.s2m.content != "latent":
            raise TrainingError("A flow that reads what the codec decodes (IndexTTS-2.5) cannot be distilled here yet.")
        if config.s2m.defaults.distilled:
            raise TrainingError(f"The flow of {recipe.checkpoint} is distilled already. Name the one it came from.")
        self.recipe, self.config = recipe, config
        self.grid = step_grid(recipe.grid, recipe.steps)
        self.teacher_grid = step_grid(recipe.teacher_grid, recipe.teacher_steps)
        self.meeting = meeting_steps(self.teacher_grid, self.grid)
        self.guidance = config.s2m.defaults.guidance if recipe.guidance is None else recipe.guidance
        own = token_embedding(recipe.checkpoint, "codec", config) if embedding is None else embedding
        self.embedding = own
        store = FeatureStore(Path(recipe.features))
        store.preload("tokens", "style", "mel")
        latents = FeatureStore(Path(recipe.latents)) if recipe.latents else None
        if latents is not None:
            latents.preload("latent")
        rate = config.s2m.frames_per_token
        self.data = S2MData(store, recipe.data, rate, latents=latents)
        self.held_out = held_out_batches(store, latents, recipe.data, rate)
        self.teacher = self._loaded()

    def identity(self) -> dict[str, Any]:
        flow = self.config.s2m.flow
        return {"width": flow.width, "depth": flow.depth, PLAN: asdict(self.recipe.plan)}

    def build(self) -> dict[str, nn.Module]:
        return {MODEL: copy.deepcopy(self.teacher).requires_grad_(True)}

    def prepare(self, device: torch.device) -> None:
        super().prepare(device)
        self.embedding, self.teacher = self.embedding.to(device), self.teacher.to(device)

    def batch(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        return self.data.batch(generator)

    def train_step(self, models: Models, batch: dict[str, Tensor], tools: StepTools) -> Metrics:
        with tools.accelerator.autocast():  # of the whole way: the wrapper of a model casts its `forward` alone
            loss, metrics = self.loss(models, batch, tools.generator)
        return {"loss": loss.detach(), **metrics, "gradient_norm": tools.descend(loss, MAIN)}

    def loss(self, models: Models, batch: dict[str, Tensor], generator: torch.Generator) -> tuple[Tensor, Metrics]:
        """Sum over the steps of the absolute distance to the teacher's states, in units of the log-mel."""
        example, start = self._example(batch, generator, self.recipe.latent_probability)
        wanted = self._teacher_states(example, start)
        found = states(cast(SemanticToMel, models[MODEL]), example, start, self.grid, guidance=0.0)
        apart = torch.stack([distance(a, b) for a, b in zip(found[1:], wanted[1:], strict=True)])
        return apart.sum(), {"distance": apart[-1].detach()}

    def evaluate(self, models: Models) -> dict[str, float]:
        """Distance of the finished mel to the teacher's: the student's, and the teacher's own by the student's plan."""
        generator = torch.Generator().manual_seed(HELD_OUT_SEED)
        values: dict[str, list[float]] = {"distance": [], "undistilled": []}
        for batch in self.held_out:
            moved = {name: value.to(self.device) for name, value in batch.items()}
            example, start = self._example(moved, generator, 1.0)
            wanted = self._teacher_states(example, start)[-1]
            student = cast(SemanticToMel, models[MODEL])
            for name, model in (("distance", student), ("undistilled", self.teacher)):
                found = states(model, example, start, self.grid, guidance=0.0)[-1]
                values[name].append(float(distance(found, wanted)))
        return {name: sum(found) / len(found) for name, found in values.items() if found}

    def _example(
        self, batch: dict[str, Tensor], generator: torch.Generator, latent_probability: float
    ) -> tuple[FlowExample, Tensor]:
        """The conditions of a batch, and its noise as strong as when speaking: (batch, bands, target frames)."""
        example, _ = flow_example(
            batch, self.embedding, generator, latent_probability=latent_probability, condition_dropout=0.0
        )
        noise = torch.randn(batch["mel"].shape, generator=generator).to(batch["mel"])
        return example, self.config.s2m.noise_scale * noise

    @torch.no_grad()
    def _teacher_states(self, example: FlowExample, start: Tensor) -> list[Tensor]:
        """The teacher's mel at the times of the student's grid."""
        found = states(self.teacher, example, start, self.teacher_grid, guidance=self.guidance)
        return [found[step] for step in self.meeting]

    def _loaded(self) -> SemanticToMel:
        model = SemanticToMel(self.config.s2m)
        model.load_state_dict(export_weights(Path(self.recipe.checkpoint), MODEL))
        return model.eval().requires_grad_(False)


def states(model: SemanticToMel, example: FlowExample, start: Tensor, grid: Tensor, *, guidance: float) -> list[Tensor]:
    """The mel at every time of a grid, solved with Euler: (batch, bands, target frames) each, the first is `start`."""
    context = model.training_context(example, guided=guidance != 0.0)
    times = model.time_conditions(grid[:-1].to(start.device))
    prompt_frames, reached = example.prompt_mel.shape[-1], [start]
    for step, width in enumerate(grid.diff().tolist()):
        noisy = F.pad(reached[-1], (prompt_frames, 0))
        velocity = model.velocity(noisy, times.at(step), context, guidance=guidance)
        reached.append(reached[-1] + width * velocity[..., prompt_frames:].float())
    return reached


def distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute distance of two mels."""
    return (found - wanted).abs().mean()


def meeting_steps(teacher: Tensor, student: Tensor) -> list[int]:
    """Index of every time of the student's grid in the teacher's. Raises InputError where one is missing."""
    steps = []
    for time in student.tolist():
        nearest = int((teacher - time).abs().argmin())
        if abs(float(teacher[nearest]) - time) > TIME_TOLERANCE:
            raise InputError(
                f"The teacher's grid has no time {time:.4f}, where the student should meet it. Use the student's grid "
                f"with a multiple of its {len(student) - 1} steps, or for the mini epss with 10 or 12."
            )
        steps.append(nearest)
    return steps


def train_s2m_few(recipe_file: Path, folder: Path) -> TrainingResult:
    """Distil as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, FewStepRecipe)
    return train(FewStepPart(recipe), recipe.loop, folder)
