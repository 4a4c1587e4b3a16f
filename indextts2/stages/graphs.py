"""Work captured once as a graph of the accelerator and replayed without Python (docs/performance.md).

A graph holds addresses: of the buffers it writes, and of the weights it reads. So whoever captures keeps the buffers,
and the addresses of the weights are compared before every replay, since a host may move a model between two of them.
Any failure means that the work is done step by step from then on, with one line in the log.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

SWITCH = "INDEXTTS2_GRAPHS"
"""Environment variable; 0 makes no graphs."""
WARM_UPS = 2  # runs before a capture, so that libraries have allocated what they need
_capturing = threading.Lock()

Run = Callable[[], None]
"""Work on buffers that stay where they are: it takes and returns nothing."""


class GraphMaker(Protocol):
    """A maker of graphs out of work."""

    def warm_up(self, run: Run) -> None:
        """Run the work once, apart from the stream it is captured on."""
        ...

    def capture(self, run: Run) -> Run:
        """The work as a graph; calling it replays. The work may or may not run while it is captured."""
        ...


class CudaGraphs:
    """Graphs of CUDA and ROCm, on a stream of their own and with one memory pool.

    The plain graph interface is used, which every allocator supports, that of ComfyUI (cudaMallocAsync) too; other
    threads may go on allocating while one captures.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def warm_up(self, run: Run) -> None:
        """Run the work once on the side stream."""
        current = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            run()
        current.wait_stream(self.stream)

    def capture(self, run: Run) -> Run:
        """The work as a CUDA graph. Raises RuntimeError where something in it cannot be captured."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
            run()
        return graph.replay


def graph_maker(device: torch.device) -> GraphMaker | None:
    """The maker of graphs on a device; None where there are none, and where SWITCH turns them off."""
    return CudaGraphs(device) if device.type == "cuda" and makes_graphs() else None


def makes_graphs() -> bool:
    """Whether steps are captured on this machine's accelerator, so that a pool holds what one run needs."""
    return torch.cuda.is_available() and os.environ.get(SWITCH) != "0"


class WeightAddresses:
    """Addresses of the weights of some modules. Names are looked up anew each time: a host may replace a parameter."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        parts = [part for module in modules for part in module.modules()]
        self._slots = [(slots, name) for part in parts for slots in (part._parameters, part._buffers) for name in slots]

    def now(self) -> tuple[int, ...]:
        """One address per weight."""
        return tuple(
            0 if tensor is None else tensor.data_ptr() for slots, name in self._slots for tensor in (slots[name],)
        )


class Graphed:
    """Work on buffers, replayed as a graph where one can be had, and otherwise done as it is.

    run: the work. buffers: every tensor that it changes and that the next run reads; they are put back after a warm-up.
    """

    def __init__(self, run: Run, modules: Sequence[nn.Module], maker: GraphMaker | None) -> None:
        self._run, self._maker = run, maker
        self._weights = WeightAddresses(modules)
        self._captured_at: tuple[int, ...] = ()
        self._graphs: dict[Hashable, Run] = {}

    def __call__(self, key: Hashable, buffers: Sequence[Tensor]) -> None:
        """Do the work once. key: all that shapes it beside the numbers in its buffers; a graph serves one key."""
        if self._maker is None:
            self._run()
            return
        addresses = self._weights.now() + tuple(buffer.data_ptr() for buffer in buffers)
        if addresses != self._captured_at:
            self._graphs.clear()  # the model was moved, or the buffers grew
            self._captured_at = addresses
        if key not in self._graphs and not self._capture(key, buffers, self._maker):
            self._run()
            return
        self._graphs[key]()

    def _capture(self, key: Hashable, buffers: Sequence[Tensor], maker: GraphMaker) -> bool:
        kept = [buffer.clone() for buffer in buffers]
        try:
            with _capturing:
                for _ in range(WARM_UPS):
                    maker.warm_up(self._run)
                    _restore(buffers, kept)
                self._graphs[key] = maker.capture(self._run)
        except (RuntimeError, NotImplementedError) as error:
            logger.warning("This work could not be captured as a graph and is done step by step (%s).", _line(error))
            self.drop()
            return False
        finally:
            _restore(buffers, kept)
        return True

    @property
    def makes_graphs(self) -> bool:
        """Whether work is replayed; False from the first failure on."""
        return self._maker is not None

    def drop(self) -> None:
        """Let all graphs and their memory go, and make no more of them."""
        self._graphs.clear()
        self._maker = None


def _restore(buffers: Sequence[Tensor], kept: Sequence[Tensor]) -> None:
    for buffer, before in zip(buffers, kept, strict=True):
        buffer.copy_(before)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]
