"""One evaluation of the flow, captured as a graph for a shape and replayed for the remaining steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..models.flow import TimeConditions
from .graphs import Graphed, GraphMaker


class GraphedVelocity:
    """The velocity as a function of step and state: one evaluation, captured for this shape and replayed."""

    def __init__(
        self,
        velocity: Callable[[TimeConditions, Tensor], Tensor],
        times: TimeConditions,
        start: Tensor,
        modules: Sequence[torch.nn.Module],
        maker: GraphMaker | None,
    ) -> None:
        self._velocity, self._times = velocity, times
        self._state, self._result = torch.empty_like(start), torch.empty_like(start)
        self._time = times.at(0).copy()
        self._work = Graphed(self._evaluate, modules, maker)

    def __call__(self, step: int, state: Tensor) -> Tensor:
        """state: (rows, bands, frames) -> its velocity at the time of a step, the same shape."""
        time = self._times.at(step)
        if not self._work.makes_graphs:
            return self._velocity(time, state)
        self._state.copy_(state)
        self._time.take(time)
        self._work("evaluation", [self._result])
        return self._result.clone()

    def _evaluate(self) -> None:
        self._result.copy_(self._velocity(self._time, self._state))
