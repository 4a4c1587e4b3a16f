"""The device of a module, and tensors brought there."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def device_of(module: nn.Module) -> torch.device:
    """The device a module computes on: that of its first weight."""
    return next(module.parameters()).device


def dtype_of(module: nn.Module) -> torch.dtype:
    """The type a module computes in: that of its first weight."""
    return next(module.parameters()).dtype


class Placed:
    """Where the main module of a handle computes, and tensors brought there."""

    __slots__ = ()

    @property
    def main(self) -> nn.Module:
        """The module that the device and type of the handle are those of."""
        return self.model  # type: ignore[attr-defined]

    @property
    def device(self) -> torch.device:
        return device_of(self.main)

    @property
    def dtype(self) -> torch.dtype:
        return dtype_of(self.main)

    def place(self, tensor: Tensor, module: nn.Module | None = None) -> Tensor:
        """The tensor on the device and in the type of the main module, or of `module`.

        Whole numbers (token ids, lengths) keep their type.
        """
        target = self.main if module is None else module
        dtype = dtype_of(target) if tensor.is_floating_point() else tensor.dtype
        return tensor.to(device=device_of(target), dtype=dtype)
