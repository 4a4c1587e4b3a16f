"""Interrupting one step of a loop: a check before every heavy module inside it.

Loops report progress between their steps, which is enough for short ones. One step of semantic-to-mel over minutes of
speech, a chunk of the vocoder or the encoding of a reference is not short on a slow device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

Check = Callable[[], None]
"""Called often; raises to interrupt, and does nothing else."""


def heavy_modules(module: nn.Module) -> list[nn.Module]:
    """The modules that hold a matrix or a kernel of their own: nothing takes longer than one of them."""
    return [inner for inner in module.modules() if any(own.dim() > 1 for own in inner.parameters(recurse=False))]


@contextmanager
def interruptible(modules: Iterable[nn.Module], check: Check) -> Iterator[None]:
    """While the block runs, `check` is called before every heavy module; results do not change.

    What it raises leaves the forward call at once. Afterwards the modules are as they were.
    """

    def before(*_: Any) -> None:
        check()

    hooks = [heavy.register_forward_pre_hook(before) for module in modules for heavy in heavy_modules(module)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
