"""One model on the compute device at a time, while the others wait in the memory of the host.

The weights of the host are kept as they were loaded, mapped from their files where they were: bringing a model copies
them, and sending it away drops the copies, so that nothing is written back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..stages.handles import SpeechModels, modules_of


class Offload:
    """The `begin` of `speak` for models that lie on the host. Not for training: weights lose their gradients."""

    def __init__(self, models: SpeechModels, device: str | torch.device) -> None:
        self.device = torch.device(device)
        self._modules = modules_of(models)
        self._home = {
            part: [place for module in group for place in _places(module)] for part, group in self._modules.items()
        }
        self._there: set[str] = set()

    def begin(self, part: str) -> None:
        """Bring a part to the device; every other part leaves it first."""
        for other in self._there - {part}:
            self.send_home(other)
        if part in self._there:
            return
        copies: dict[int, Tensor] = {}  # weights that stand in two places stay one
        for holder, name, value in self._home[part]:
            if id(value) not in copies:
                copies[id(value)] = _like(value, value.detach().to(self.device))
            holder[name] = copies[id(value)]
        self._there.add(part)

    def send_home(self, part: str) -> None:
        """Put the weights of the host back; the copies are dropped."""
        for holder, name, value in self._home[part]:
            holder[name] = value
        self._there.discard(part)

    def end(self) -> None:
        """Send every part home."""
        for part in tuple(self._there):
            self.send_home(part)


def _places(module: nn.Module) -> Iterator[tuple[dict[str, Any], str, Tensor]]:
    """Every place inside a module that holds a tensor, and the tensor."""
    for inner in module.modules():
        for holder in (inner._parameters, inner._buffers):
            for name, value in holder.items():
                if value is not None:
                    yield holder, name, value


def _like(value: Tensor, copy: Tensor) -> Tensor:
    return nn.Parameter(copy, requires_grad=False) if isinstance(value, nn.Parameter) else copy
