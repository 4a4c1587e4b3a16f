"""Solving the flow from noise to mel: step grids, the solvers, and noise that is the same on every device."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..checks import check_whole
from ..contracts import Progress, no_progress
from ..errors import InputError

Grid = Callable[[int], Tensor]
"""Number of steps -> times at which the velocity is asked for, and the final 1: (steps + 1,) float32, rising from 0."""

Solver = Callable[[Tensor, Sequence[float], Sequence[Tensor]], Tensor]
"""(state, widths of the steps so far, the last few velocities), each with the newest last -> the next state."""

VELOCITIES_KEPT = 4

SWAY = -1.0
"""Strength of sway sampling: negative values take more steps near the noise (F5-TTS, arXiv 2410.06885)."""

EPSS_UNIT = 32
EPSS = {
    7: (0, 2, 4, 6, 8, 16, 24, 32),
    10: (0, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32),
    12: (0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32),
}
"""Empirically pruned step grids of F5-TTS in units of 1/32, before the sway (docs/spec/s2m.md#step-grids)."""

ROW_STRIDE = 0x9E3779B97F4A7C15
"""Odd constant (golden ratio of 2^64) that spreads the seeds of the rows of one batch far apart."""

SEED_RANGE = 1 << 63


def uniform(steps: int) -> Tensor:
    """The official grid: even steps."""
    return torch.linspace(0, 1, steps + 1)


def sway(steps: int) -> Tensor:
    """Even steps bent towards the noise."""
    return _swayed(uniform(steps))


def epss(steps: int) -> Tensor:
    """Empirically pruned steps, for 7, 10 and 12. Raises InputError for other numbers."""
    if steps not in EPSS:
        choices = ", ".join(str(count) for count in EPSS)
        raise InputError(f"The epss grid exists for {choices} steps, not for {steps}. Use one of these, or 'sway'.")
    return _swayed(torch.tensor(EPSS[steps], dtype=torch.float32) / EPSS_UNIT)


def euler(state: Tensor, widths: Sequence[float], velocities: Sequence[Tensor]) -> Tensor:
    """The official solver: straight on."""
    return state + widths[-1] * velocities[-1]


def ab2(state: Tensor, widths: Sequence[float], velocities: Sequence[Tensor]) -> Tensor:
    """Adams-Bashforth of order 2 for uneven steps: extrapolates with the velocity of the step before."""
    if len(velocities) < 2:
        return euler(state, widths, velocities)
    half = widths[-1] / widths[-2] / 2.0
    return state + widths[-1] * ((1.0 + half) * velocities[-1] - half * velocities[-2])


GRIDS: dict[str, Grid] = {
    "uniform": uniform,
    "sway": sway,
    "epss": epss,
}

SOLVERS: dict[str, Solver] = {
    "euler": euler,
    "ab2": ab2,
}


FOR_EVEN_STEPS = frozenset({"ab2"})
"""Solvers that only help where steps are even: with guidance they are worse than Euler on every bent grid."""

STEPS_OF_GRID = {"epss": 10}
"""Steps of a grid that does not exist for the official number."""


def step_grid(grid: str, steps: int) -> Tensor:
    """Times of a grid by its name: (steps + 1,) float32.

    Raises InputError for an unknown grid or an impossible number of steps.
    """
    if grid not in GRIDS:
        raise InputError(f"The step grid is one of {', '.join(GRIDS)}, but got '{grid}'.")
    if steps < 1:
        raise InputError(f"At least 1 step is needed, but got {steps}.")
    return GRIDS[grid](steps)


def check_solver(solver: str, grid: str = "uniform") -> None:
    """Raises InputError for an unknown solver, and for one that loses on a bent grid (docs/performance.md)."""
    if solver not in SOLVERS:
        raise InputError(f"The solver is one of {', '.join(SOLVERS)}, but got '{solver}'.")
    if solver in FOR_EVEN_STEPS and grid != "uniform":
        raise InputError(f"The solver {solver} is for the uniform grid; on the {grid} grid euler is nearer. Use euler.")


def _swayed(time: Tensor) -> Tensor:
    return time + SWAY * (torch.cos(math.pi / 2 * time) - 1 + time)


def integrate(
    velocity: Callable[[int, Tensor], Tensor],
    grid: Tensor,
    start: Tensor,
    *,
    solver: str = "euler",
    progress: Progress = no_progress,
) -> Tensor:
    """Follow velocity(step, state) along the grid from `start`; every solver asks for one velocity per step.

    Raises InputError for an unknown solver.
    """
    check_solver(solver)
    state, steps = start, len(grid) - 1
    widths = grid.diff().tolist()
    velocities: list[Tensor] = []
    for step in range(steps):
        progress(step, steps)
        velocities = [*velocities[1 - VELOCITIES_KEPT :], velocity(step, state)]
        state = SOLVERS[solver](state, widths[: step + 1], velocities)
    progress(steps, steps)
    return state


def row_noise(seed: int, row: int, frame_count: int, bands: int) -> Tensor:
    """Standard normal noise of one row, (bands, frames), always drawn on the CPU.

    It depends on the seed and the row alone, so a row sounds the same in any batch and on any device.
    """
    generator = torch.Generator().manual_seed((check_whole("seed", seed) + row * ROW_STRIDE) % SEED_RANGE)
    return torch.randn(frame_count, bands, generator=generator).T
