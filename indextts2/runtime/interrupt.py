"""Stopping inside a step: a look between the parts of a model, where one step of a loop may take long.

Loops report progress between their steps, which is enough for short ones. One step of semantic-to-mel over minutes of
speech, a chunk of the vocoder or the reading of a reference is not short on a slow device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

Look = Callable[[], None]
"""Called often; raises to stop, and does nothing else."""


def heavy_parts(module: nn.Module) -> list[nn.Module]:
    """The modules that hold a matrix or a kernel of their own: nothing takes longer than one of them."""
    return [part for part in module.modules() if any(own.dim() > 1 for own in part.parameters(recurse=False))]


@contextmanager
def looking_between(modules: Iterable[nn.Module], look: Look) -> Iterator[None]:
    """While the block runs, `look` is called before every heavy part of the modules; results do not change.

    What it raises leaves the forward call at once. Afterwards the modules are as they were.
    """

    def before(*_: Any) -> None:
        look()

    hooks = [part.register_forward_pre_hook(before) for module in modules for part in heavy_parts(module)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
