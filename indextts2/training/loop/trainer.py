"""The training loop of every part: resumable, repeatable, with curves (see part.py for what a part is).

A run lives in one folder: `state.pt` to go on from, `log.csv`, `curves.png`. Killing it at any time and starting it
again gives the weights of an uninterrupted run, bit for bit on a CPU, as long as the schedule counts steps.
"""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import MissingDependency, TrainingError
from .curves import TrainingLog, plot_curves
from .part import LoopSettings, Metrics, Part, StepTools
from .state import MovingAverage, load_state, save_state

logger = logging.getLogger(__name__)

LOG_FILE = "log.csv"
CURVES_FILE = "curves.png"
SEED_STRIDE = 1_000_003  # primes that keep the seeds of neighbouring steps and processes apart
PROCESS_STRIDE = 7_919
SEED_LIMIT = 2**63
QUIET_BAR_SECONDS = 60.0  # between two lines of the progress bar in a log file
LIVE_BAR_SECONDS = 0.5
REJECTED_LIMIT = 50  # updates in a row that were not finite


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Outcome of a call of `train`. reason: "done", "minutes" or "signal"."""

    step: int
    minutes: float
    reason: str


def train(part: Part, settings: LoopSettings, folder: Path) -> TrainingResult:
    """Train, or go on training, until the schedule ends, time is up or the process is asked to end."""
    return _Run(part, settings, folder).loop()


def learning_rate_scale(settings: LoopSettings, step: int, progress: float) -> float:
    """Factor on the learning rate: linear warm-up, then a cosine down to the final rate."""
    warm = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    if settings.final_learning_rate is None:
        return warm
    final = settings.final_learning_rate / settings.learning_rate
    done = min(1.0, progress / settings.decay_share)
    return warm * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done)))


@contextmanager
def seeded_step(seed: int, step: int, process: int) -> Iterator[torch.Generator]:
    """A generator for this step, with dropout seeded likewise and the global state put back afterwards."""
    mixed = (seed * SEED_STRIDE + step + process * PROCESS_STRIDE * SEED_STRIDE) % SEED_LIMIT
    with torch.random.fork_rng():
        torch.manual_seed(mixed)  # dropout has no generator argument
        yield torch.Generator().manual_seed(mixed)


class _Run:
    """One call of `train`."""

    def __init__(self, part: Part, settings: LoopSettings, folder: Path) -> None:
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise MissingDependency("Training needs accelerate: pip install accelerate matplotlib tqdm") from error
        self.part, self.settings, self.folder = part, settings, folder
        try:
            self.accelerator = Accelerator(mixed_precision=settings.mixed_precision, cpu=settings.cpu)
        except ValueError as error:  # accelerate keeps one precision and device for the whole process
            raise TrainingError(f"{part.name} cannot be trained in this process: {error}") from error
        if part.one_process and self.accelerator.num_processes > 1:
            raise TrainingError(f"{part.name} trains in one process. Start it without `accelerate launch`.")
        with seeded_step(settings.seed, -1, 0):  # initial weights
            built = part.build()
        part.prepare(self.accelerator.device)
        optimisers = part.optimisers(built, settings)
        self.base_rates = {name: [group["lr"] for group in o.param_groups] for name, o in optimisers.items()}
        # evaluation_mode: mixed precision without the wrapper of several processes (see average_gradients)
        self.models: dict[str, nn.Module] = {
            name: model.to(self.accelerator.device)
            if name in part.full_precision
            else self.accelerator.prepare_model(model, evaluation_mode=True)
            for name, model in built.items()
        }
        self.optimisers = {name: self.accelerator.prepare(optimiser) for name, optimiser in optimisers.items()}
        bare = {name: self.accelerator.unwrap_model(self.models[name]) for name in part.averaged(built)}
        self.average = MovingAverage(bare, settings.ema_decay) if settings.ema_decay else None
        self.step, self.earlier_minutes, self.rejected = 0, 0.0, 0
        self._resume()
        self.started = self.saved_at = time.monotonic()
        self.stop_requested = False
        self.now = self.earlier_minutes

    @property
    def minutes(self) -> float:
        return self.earlier_minutes + (time.monotonic() - self.started) / 60

    @property
    def progress(self) -> float:
        horizon = self.settings.horizon_minutes
        share = self.now / horizon if horizon else self.step / self.settings.max_steps
        return min(1.0, share)

    def loop(self) -> TrainingResult:
        from tqdm import tqdm

        log = TrainingLog(self.folder / LOG_FILE, last_step=self.step) if self.accelerator.is_main_process else None
        quiet = QUIET_BAR_SECONDS if not sys.stderr.isatty() else LIVE_BAR_SECONDS
        sums = _Sums()
        self._training_mode()
        with (
            self._signals(),
            tqdm(
                total=self.settings.max_steps,
                initial=self.step,
                desc=self.part.name,
                mininterval=quiet,
                maxinterval=2 * quiet,
                disable=log is None,
            ) as bar,
        ):
            while (reason := self._reason_to_stop()) is None:
                rate = self._set_rates()
                metrics = self._one_step()
                self.step += 1
                if log is not None:
                    sums.add(metrics)
                bar.update()
                if self.step % self.settings.log_steps == 0 and log is not None:
                    means = sums.means()
                    log.append({"step": self.step, "minutes": self.minutes, "learning_rate": rate, **means})
                    bar.set_postfix(
                        {"loss": f"{means.get('loss', math.nan):.4g}", "rate": f"{rate:.2e}"}, refresh=False
                    )
                if self.settings.evaluate_steps and self.step % self.settings.evaluate_steps == 0:
                    self._evaluate(log)
                self._maybe_save()
        self._save()
        return TrainingResult(self.step, self.minutes, reason)

    def _one_step(self) -> Metrics:
        with seeded_step(self.settings.seed, self.step, self.accelerator.process_index) as generator:
            batch = to_device(self.part.batch(self.step, generator), self.accelerator.device)
            tools = StepTools(
                self.step, self.progress, generator, self.optimisers, self.accelerator, self.settings.clip_norm
            )
            metrics = self.part.train_step(self.models, batch, tools)
        norm = metrics.get("gradient_norm", 0.0)
        self.rejected = 0 if math.isfinite(float(norm)) else self.rejected + 1
        if self.rejected > REJECTED_LIMIT:
            raise TrainingError(
                f"{self.part.name}: {self.rejected} gradients in a row were not finite, up to step {self.step}. "
                "Lower the learning rate, or look for damaged data."
            )
        if self.average is not None:
            self.average.update(self.step)
        return metrics

    def _set_rates(self) -> float:
        scale = learning_rate_scale(self.settings, self.step, self.progress)
        for name, optimiser in self.optimisers.items():
            for group, base in zip(optimiser.param_groups, self.base_rates[name], strict=True):
                group["lr"] = base * scale
        return self.settings.learning_rate * scale

    def _reason_to_stop(self) -> str | None:
        self._synchronise()
        if self.stop_requested:
            return "signal"
        if self.step >= self.settings.max_steps:
            return "done"
        limit = self.settings.max_minutes
        return "minutes" if limit is not None and self.now >= limit else None

    def _synchronise(self) -> None:
        """All processes go by the clock of the first, and stop together."""
        self.now = self.minutes
        if self.accelerator.num_processes > 1:
            own = [self.minutes if self.accelerator.is_main_process else 0.0, float(self.stop_requested)]
            shared = self.accelerator.reduce(torch.tensor(own, device=self.accelerator.device), reduction="sum")
            self.now, self.stop_requested = float(shared[0]), float(shared[1]) > 0

    def _training_mode(self) -> None:
        """Train mode, except for modules whose weights are all frozen: their dropout and statistics stay off."""
        for model in self.models.values():
            model.train()
            for module in model.modules():
                weights = list(module.parameters())
                if weights and not any(weight.requires_grad for weight in weights):
                    module.eval()

    @torch.no_grad()
    def _evaluate(self, log: TrainingLog | None) -> None:
        for model in self.models.values():
            model.eval()
        with seeded_step(self.settings.seed, -2, 0):
            if self.average is None:
                numbers = self.part.evaluate(self.models)
            else:
                with self.average.in_place():
                    numbers = self.part.evaluate(self.models)
        self._training_mode()
        if log is not None:
            named = {f"held_out_{name}": value for name, value in numbers.items()}
            rate = self.settings.learning_rate * learning_rate_scale(self.settings, self.step, self.progress)
            log.append({"step": self.step, "minutes": self.minutes, "learning_rate": rate, **named})
            plot_curves(self.folder / LOG_FILE, self.folder / CURVES_FILE)

    def _maybe_save(self) -> None:
        due = (time.monotonic() - self.saved_at) / 60 >= self.settings.checkpoint_minutes
        every = self.settings.checkpoint_steps
        if due or (every and self.step % every == 0):
            self._save()

    def _save(self) -> None:
        self.saved_at = time.monotonic()
        if not self.accelerator.is_main_process:
            return
        save_state(
            self.folder,
            {
                "part": self.part.name,
                "identity": self.part.identity(),
                "step": self.step,
                "minutes": self.minutes,
                "seed": self.settings.seed,
                "models": {n: self.accelerator.unwrap_model(m).state_dict() for n, m in self.models.items()},
                "average": self.average.values if self.average is not None else {},
                "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            },
        )

    def _resume(self) -> None:
        state = load_state(self.folder)
        if state is None:
            return
        for what, found in (
            ("part", self.part.name),
            ("identity", self.part.identity()),
            ("seed", self.settings.seed),
        ):
            if state[what] != found:
                raise TrainingError(
                    f"{self.folder} holds a run whose {what} is {state[what]}, but {found} is asked for now. "
                    "Train in another folder, or remove the old state."
                )
        for name, model in self.models.items():
            if name in state["models"]:
                self.accelerator.unwrap_model(model).load_state_dict(state["models"][name])
            else:
                logger.info("%s: %s is new and starts untrained", self.part.name, name)
        for name, optimiser in self.optimisers.items():
            if name in state["optimisers"]:
                self._resume_optimiser(name, optimiser, state["optimisers"][name])
        if self.average is not None:
            self.average.load(state["average"] or {name: state["models"].get(name, {}) for name in self.models})
        self.step, self.earlier_minutes = state["step"], state["minutes"]
        logger.info("%s: going on from step %d", self.part.name, self.step)

    def _resume_optimiser(self, name: str, optimiser: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
        """Take over the moments; decay and betas are those of the recipe. Other weights than before: no moments."""
        wanted = [{key: value for key, value in group.items() if key != "params"} for group in optimiser.param_groups]
        sizes = [
            [len(group["params"]) for group in groups] for groups in (optimiser.param_groups, saved["param_groups"])
        ]
        if sizes[0] != sizes[1]:
            logger.warning(
                "%s: the optimiser %s now has other weights than before and starts anew", self.part.name, name
            )
            return
        optimiser.load_state_dict(saved)
        for group, values in zip(optimiser.param_groups, wanted, strict=True):
            group.update(values)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C end the loop after the running step, with everything saved."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def request_stop(number: int, frame: FrameType | None) -> None:
            self.stop_requested = True

        previous = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


class _Sums:
    """Means of the metrics since the last row of the log."""

    def __init__(self) -> None:
        self.values: dict[str, list[Tensor | float]] = {}

    def add(self, metrics: Metrics) -> None:
        for name, value in metrics.items():
            self.values.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        result = {name: sum(float(value) for value in values) / len(values) for name, values in self.values.items()}
        self.values = {}
        return result


def to_device(batch: Any, device: torch.device) -> Any:
    """Move the tensors of a nested batch."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)(to_device(value, device) for value in batch)
    return batch
