"""A linear layer whose matrix is stored in eight bits, one scale per output.

For memory: a quarter of float32, half of float16. It computes in the precision of its input, its matrix unpacked at
each call; on a processor with kernels for eight bits, layers of the decode step multiply integers instead, which is
three times as fast as float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .int8_kernels import PackedMatrix, pack

LARGEST_CODE = 127
"""Largest stored number; the range is symmetric, so that zero stays zero."""

PIECE = 1 << 20  # numbers of a matrix that are turned into int8 codes at a time, so that it takes little memory
UNPACKED = 1 << 24  # numbers that are unpacked at a time; only the input layers of T2S's conditioners have more


class Int8Linear(nn.Module):
    """y = x @ weight.T + bias. weight: (out, in) int8.

    weight_peak: (out,), the absmax scale under its key in saved files: the largest magnitude of each output's row,
    which stands for LARGEST_CODE. It is kept instead of the step between two codes, which would lose digits in half
    precision. integer_products: multiply integers where the
    processor can, with the rows of x rounded to eight bits too, each by itself.
    """

    weight: Tensor
    weight_peak: Tensor
    bias: Tensor | None

    def __init__(
        self, in_features: int, out_features: int, *, bias: bool = True, integer_products: bool = False
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.integer_products = integer_products
        self._packed: PackedMatrix | None = None
        self.register_buffer("weight", torch.zeros(out_features, in_features, dtype=torch.int8))
        self.register_buffer("weight_peak", torch.zeros(out_features))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_features))
        else:
            self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., in) -> (..., out)."""
        packed = self._pack() if self.integer_products and x.device.type == "cpu" else None
        if packed is not None and x.dtype is torch.float32 and not torch.is_grad_enabled():
            product = packed(x.reshape(-1, self.in_features)).view(*x.shape[:-1], self.out_features)
        else:
            product = self._unpacked_product(x)
        return product if self.bias is None else product + self.bias

    def _unpacked_product(self, x: Tensor) -> Tensor:
        scaled = x / LARGEST_CODE  # dividing the input, not the sum, keeps the sum within the range of half precision
        rows = max(1, UNPACKED // self.in_features)
        sums = [F.linear(scaled, piece.to(x.dtype)) for piece in self.weight.split(rows)]
        return (sums[0] if len(sums) == 1 else torch.cat(sums, dim=-1)) * self.weight_peak

    def _pack(self) -> PackedMatrix | None:
        """The matrix as the kernels want it, made at first use; None where there are none."""
        if self._packed is None or not self._packed.is_of(self.weight):
            self._packed = pack(self.weight, self.weight_peak.float() / LARGEST_CODE)
        return self._packed

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        self._packed = None  # the matrix goes elsewhere
        return super()._apply(fn, recurse)


def quantize(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (out, in) as int8, and the absmax of each output: (out,), float32. Nearest code, ties to even."""
    matrix = weight.detach()
    low, high = matrix.aminmax(dim=1)
    absmax = torch.maximum(-low, high).float()
    step = (absmax / LARGEST_CODE).clamp(min=torch.finfo(torch.float32).tiny)
    codes = torch.empty(matrix.shape, dtype=torch.int8, device=matrix.device)
    rows = max(1, PIECE // matrix.shape[1])
    for target, piece, own in zip(codes.split(rows), matrix.split(rows), step.split(rows), strict=True):
        target.copy_((piece.float() / own.unsqueeze(1)).round_())
    return codes, absmax
