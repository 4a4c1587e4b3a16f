"""One model on the compute device at a time, while the others wait in the memory of the host.

The weights of the host are kept as they were loaded, mapped from their files where they were: loading a part copies
them to the device, and offloading it drops the copies, so that nothing is written back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..stages.handles import SpeechModels, modules_of


def offloaded(models: SpeechModels, device: str | torch.device) -> SpeechModels:
    """The same models, loaded on the host, whose `ready` brings one part at a time to `device`.

    Not for training: on the device the weights have no gradients.
    """
    return replace(models, placement=Offload(models, device))


class Offload:
    """The placement of `offloaded`. A part stays on the device until another one is needed, so that using it twice
    copies it once; parts that are in use at the same time are there together.
    """

    def __init__(self, models: SpeechModels, device: str | torch.device) -> None:
        self.device = torch.device(device)
        self._home = {
            part: [slot for module in group for slot in _slots(module)] for part, group in modules_of(models).items()
        }
        self._loaded: set[str] = set()
        self._in_use: list[str] = []

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        self.load_to_device(part)
        self._in_use.append(part)
        try:
            yield
        finally:
            self._in_use.remove(part)

    def load_to_device(self, part: str) -> None:
        """Copy the weights of a part to the device; every other part that is not in use leaves it first."""
        for other in self._loaded - {part, *self._in_use}:
            self.offload(other)
        if part in self._loaded:
            return
        copies: dict[int, Tensor] = {}  # a weight that two modules share stays one
        for holder, name, value in self._home[part]:
            if id(value) not in copies:
                copies[id(value)] = _like(value, value.detach().to(self.device))
            holder[name] = copies[id(value)]
        self._loaded.add(part)

    def offload(self, part: str) -> None:
        """Put the weights of the host back; the copies are dropped."""
        for holder, name, value in self._home[part]:
            holder[name] = value
        self._loaded.discard(part)


def _slots(module: nn.Module) -> Iterator[tuple[dict[str, Any], str, Tensor]]:
    """Every dictionary inside a module that holds a tensor, the name there, and the tensor."""
    for inner in module.modules():
        for holder in (inner._parameters, inner._buffers):
            for name, value in holder.items():
                if value is not None:
                    yield holder, name, value


def _like(value: Tensor, copy: Tensor) -> Tensor:
    return nn.Parameter(copy, requires_grad=False) if isinstance(value, nn.Parameter) else copy
