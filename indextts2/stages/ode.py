"""Solving the flow from noise to mel: step grids, the solvers, and noise that is the same on every device."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..contracts import Progress, no_progress
from ..errors import InputError

GRIDS = ("uniform", "sway", "epss")
SOLVERS = ("euler", "ab2")

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


def step_grid(grid: str, steps: int) -> Tensor:
    """Times at which the velocity is asked for, and the final 1: (steps + 1,) float32, rising from 0.

    "uniform" is the official grid. "sway" bends it towards the noise. "epss" exists for 7, 10 and 12 steps.
    Raises InputError for an unknown grid or an impossible number of steps.
    """
    check_grid(grid, steps)
    if grid == "epss":
        return _sway(torch.tensor(EPSS[steps], dtype=torch.float32) / EPSS_UNIT)
    uniform = torch.linspace(0, 1, steps + 1)
    return _sway(uniform) if grid == "sway" else uniform


def check_grid(grid: str, steps: int) -> None:
    """Raises InputError for an unknown grid or an impossible number of steps."""
    if grid not in GRIDS:
        raise InputError(f"The step grid is one of {', '.join(GRIDS)}, but got '{grid}'.")
    if steps < 1:
        raise InputError(f"At least 1 step is needed, but {steps} were asked.")
    if grid == "epss" and steps not in EPSS:
        choices = ", ".join(str(count) for count in EPSS)
        raise InputError(f"The epss grid exists for {choices} steps, not for {steps}. Use one of these, or 'sway'.")


def check_solver(solver: str) -> None:
    """Raises InputError for an unknown solver."""
    if solver not in SOLVERS:
        raise InputError(f"The solver is one of {', '.join(SOLVERS)}, but got '{solver}'.")


def _sway(time: Tensor) -> Tensor:
    return time + SWAY * (torch.cos(math.pi / 2 * time) - 1 + time)


def integrate(
    velocity: Callable[[int, Tensor], Tensor],
    grid: Tensor,
    start: Tensor,
    *,
    solver: str = "euler",
    progress: Progress = no_progress,
) -> Tensor:
    """Follow velocity(step, state) along the grid from `start`; both solvers ask for one velocity per step.

    "euler" is the official solver. "ab2" (Adams-Bashforth of order 2, for uneven steps) extrapolates with the velocity
    of the step before. Raises InputError for an unknown solver.
    """
    check_solver(solver)
    state, before, last_width = start, None, 1.0
    steps = len(grid) - 1
    widths = grid.diff().tolist()
    for step, width in enumerate(widths):
        progress(step, steps)
        now = velocity(step, state)
        if solver == "ab2" and before is not None:
            half = width / last_width / 2.0
            state = state + width * ((1.0 + half) * now - half * before)
        else:
            state = state + width * now
        before, last_width = now, width
    progress(steps, steps)
    return state


def row_noise(seed: int, row: int, frame_count: int, bands: int) -> Tensor:
    """Standard normal noise of one row, (bands, frames), always drawn on the CPU.

    It depends on the seed and the row alone, so a row sounds the same in any batch and on any device.
    """
    generator = torch.Generator().manual_seed((seed + row * ROW_STRIDE) % SEED_RANGE)
    return torch.randn(frame_count, bands, generator=generator).T
