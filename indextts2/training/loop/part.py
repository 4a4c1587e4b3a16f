"""Interface between the training loop and a part of the model: build it, make a batch, compute a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ...checks import check_fields
from ...errors import TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator

Models = Mapping[str, nn.Module]
Metrics = dict[str, Tensor | float]
MAIN = "main"
"""Name of the optimiser of parts that have just one."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Schedule, limits and optimiser of a training run. Every value but the seed may be changed when it resumes."""

    max_steps: int  # end of the schedule and of the run
    learning_rate: float = 1e-3
    final_learning_rate: float | None = None  # None: constant
    decay_share: float = 1.0  # of the schedule, after which the final rate is reached
    warmup_steps: int = 0
    max_minutes: float | None = None  # of the run itself, over all restarts; None for no limit
    horizon_minutes: float | None = None
    """If given, the schedule follows minutes, not steps. Such a run cannot be repeated bit for bit, but with
    max_minutes it ends on time, whatever the machine does beside it."""
    seed: int = 0
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    ema_decay: float = 0.0  # 0: no moving average
    checkpoint_minutes: float = 3.0
    checkpoint_steps: int = 0  # 0: by minutes alone
    log_steps: int = 20
    evaluate_steps: int = 500
    mixed_precision: str = "no"
    cpu: bool = False

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)


@dataclass(frozen=True, slots=True)
class StepTools:
    """Tools of a training step.

    progress: share of the schedule that is done, 0 to 1. generator: on the CPU, seeded by (seed, step, process).
    """

    step: int
    progress: float
    generator: torch.Generator
    optimisers: Mapping[str, torch.optim.Optimizer]
    accelerator: Accelerator
    clip_norm: float

    def descend(self, loss: Tensor, name: str = MAIN) -> Tensor:
        """One update of one optimiser; returns the gradient's norm. An update that is not finite is left out.

        In fp16 the scaler does that itself, and lowers its scale by it.
        """
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        average_gradients(weights, self.accelerator)
        norm = self.accelerator.clip_grad_norm_(weights, self.clip_norm)
        if bool(torch.isfinite(norm)) or self.accelerator.scaler is not None:
            optimiser.step()
        return norm


class Part(ABC):
    """One trainable part. Subclasses hold their data and configuration; the loop holds everything else.

    Everything random must come from the generators that are passed in, or from dropout: the loop seeds both by the
    step, so that a resumed run repeats an uninterrupted one.
    """

    name: str
    one_process: bool = False
    """True for parts that keep running means of their batches, which several processes would not share."""
    full_precision: tuple[str, ...] = ()
    """Names of the modules that compute in fp32 whatever `mixed_precision` says."""

    @abstractmethod
    def build(self) -> dict[str, nn.Module]:
        """The modules whose state is saved, by name. Freeze what is not to be trained with requires_grad_(False)."""

    @abstractmethod
    def batch(self, step: int, generator: torch.Generator) -> Any:
        """The batch of this step: tensors on the CPU, in any nesting of tuples, lists and dictionaries."""

    @abstractmethod
    def loss(self, models: Models, batch: Any, generator: torch.Generator) -> tuple[Tensor, Metrics]:
        """The loss to descend and numbers to log; not needed by parts with a train_step of their own."""

    def identity(self) -> dict[str, Any]:
        """Plain values that must be equal when a run is resumed: sizes above all."""
        return {}

    def prepare(self, device: torch.device) -> None:
        """Called once before the first step; parts that hold a frozen teacher move it to the device here."""
        self.device = device

    def averaged(self, models: Models) -> tuple[str, ...]:
        """Names of the modules that get an exponential moving average."""
        return tuple(models)

    def optimisers(self, models: Models, settings: LoopSettings) -> dict[str, torch.optim.Optimizer]:
        """One AdamW over everything that is not frozen. The loop multiplies each group's rate by the schedule."""
        weights = [weight for model in models.values() for weight in model.parameters() if weight.requires_grad]
        return {MAIN: adamw(weights, settings)}

    def train_step(self, models: Models, batch: Any, tools: StepTools) -> Metrics:
        """One step; parts with several optimisers write their own."""
        loss, metrics = self.loss(models, batch, tools.generator)
        norm = tools.descend(loss)
        return {"loss": loss.detach(), **metrics, "gradient_norm": norm}

    def evaluate(self, models: Models) -> dict[str, float]:
        """Numbers on held-out data, computed without gradients with the averaged weights."""
        return {}


def adamw(weights: list[nn.Parameter], settings: LoopSettings, *, rate: float | None = None) -> torch.optim.AdamW:
    """AdamW that spares vectors (biases, norms) from weight decay. `rate` None means the settings' learning rate."""
    groups = [
        {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate if rate is None else rate,
        betas=settings.betas,
        fused=True,
    )


def average_gradients(weights: list[nn.Parameter], accelerator: Accelerator) -> None:
    """Give every process the mean gradient of all; with one process nothing is done.

    The loop does this by itself, so that parts may call any method of their models; the usual wrapper passes on
    `forward` alone.
    """
    if accelerator.num_processes == 1:
        return
    grads = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
    flat = accelerator.reduce(torch.cat([grad.flatten() for grad in grads]), reduction="mean")
    for weight, mean in zip(weights, flat.split([grad.numel() for grad in grads]), strict=True):
        weight.grad = mean.view_as(weight)
