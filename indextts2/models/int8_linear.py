"""A linear layer whose matrix is stored in eight bits, one scale per output; it computes in the precision of its input.

For memory: a quarter of float32, half of float16. The matrix is unpacked at each call, so it is not faster by itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGEST_CODE = 127
"""Largest stored number; the range is symmetric, so that zero stays zero."""

PIECE = 1 << 20  # numbers of a matrix that are turned into int8 codes at a time, so that it takes little memory
UNPACKED = 1 << 24  # numbers that are unpacked at a time; only the input layers of T2S's conditioners have more


class Int8Linear(nn.Module):
    """y = x @ matrix + bias. weight: int8, laid out as the layer it replaces has it.

    weight_peak: (out,), the absmax scale under its key in saved files: the largest magnitude of each output's row,
    which stands for LARGEST_CODE. It is kept instead of the step between two codes, which would lose digits in half
    precision. in_first: weight is (in, out), not (out, in).
    """

    weight: Tensor
    weight_peak: Tensor
    bias: Tensor | None

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True, in_first: bool = False) -> None:
        super().__init__()
        self.in_features, self.out_features, self.in_first = in_features, out_features, in_first
        shape = (in_features, out_features) if in_first else (out_features, in_features)
        self.register_buffer("weight", torch.zeros(shape, dtype=torch.int8))
        self.register_buffer("weight_peak", torch.zeros(out_features))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_features))
        else:
            self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., in) -> (..., out)."""
        matrix = self.weight.T if self.in_first else self.weight  # (out, in)
        scaled = x / LARGEST_CODE  # dividing the input, not the sum, keeps the sum within the range of half precision
        rows = max(1, UNPACKED // self.in_features)
        sums = [F.linear(scaled, piece.to(x.dtype)) for piece in matrix.split(rows)]
        product = (sums[0] if len(sums) == 1 else torch.cat(sums, dim=-1)) * self.weight_peak
        return product if self.bias is None else product + self.bias


def quantize(weight: Tensor, *, in_first: bool) -> tuple[Tensor, Tensor]:
    """A matrix as int8 of its shape, and the absmax of each output: (out,), float32. Nearest code, ties to even."""
    matrix = weight.detach()
    axis = 0 if in_first else 1
    low, high = matrix.aminmax(dim=axis)
    absmax = torch.maximum(-low, high).float()
    step = (absmax / LARGEST_CODE).clamp(min=torch.finfo(torch.float32).tiny)
    codes = torch.empty_like(matrix, dtype=torch.int8)
    rows = max(1, PIECE // matrix.shape[1])
    steps = step.split(rows) if axis else [step] * -(-matrix.shape[0] // rows)
    for target, piece, own in zip(codes.split(rows), matrix.split(rows), steps, strict=True):
        target.copy_((piece.float() / own.unsqueeze(axis)).round_())
    return codes, absmax


def dequantize(weight: Tensor, absmax: Tensor, *, in_first: bool) -> Tensor:
    """The float32 matrix that an int8 one stands for."""
    return weight.float() * (absmax.float() / LARGEST_CODE).unsqueeze(0 if in_first else 1)
