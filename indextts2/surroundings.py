"""The state of torch that the library computes in: float32 and the CPU by default, no autocast; the caller's otherwise.

Stages choose the precision of their models and the device of their tensors themselves. A caller's defaults would mix
others in, so they are set aside while a stage runs and are back as they were afterwards. The default device and
autocast belong to the thread; the default precision to the process, and is touched only where it is not float32.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

TF32_SWITCH = "INDEXTTS2_TF32"
"""Environment variable; 1 lets products in float32 keep ten bits while a stage runs (faster on recent GPUs, near), 0
forbids it, and otherwise it is what the process has set."""
DEVICE_TYPES = ("cpu", "cuda", "mps", "xpu")


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Torch's own defaults inside the block, whatever the caller has set."""
    import torch

    with ExitStack() as stack:
        for kind in DEVICE_TYPES:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        before = torch.get_default_dtype()
        if before is not torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, before)
        asked = os.environ.get(TF32_SWITCH)
        holders: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
        for products in holders if asked in ("0", "1") else ():
            stack.callback(setattr, products, "allow_tf32", products.allow_tf32)
            products.allow_tf32 = asked == "1"
        yield


def with_torch_defaults(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a function inside `torch_defaults`."""

    @functools.wraps(function)
    def wrapped(*arguments: Parameters.args, **settings: Parameters.kwargs) -> Result:
        with torch_defaults():
            return function(*arguments, **settings)

    return wrapped
