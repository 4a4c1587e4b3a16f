"""Products with eight-bit matrices on a processor, by torch's own kernels for dynamic quantisation (FBGEMM, oneDNN).

These kernels round all rows of the input by one scale, so that a row would depend on its neighbours. Here every row is
brought to the same range first, and an extra row spans that range: a batch gives the bits of its rows alone.
"""

from __future__ import annotations

import logging
import warnings
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

ENGINES = ("x86", "fbgemm", "onednn")
"""Back ends that are faster than float32 for few and for many rows; that of ARM processors is not for many."""


class PackedMatrix:
    """A matrix in the order of memory that the kernels want."""

    def __init__(self, weight: Tensor, scales: Tensor) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces that it may drop these tensors; then `pack` gives None
            zeros = torch.zeros(weight.shape[0], dtype=torch.int64)
            matrix = torch._make_per_channel_quantized_tensor(weight, scales.double(), zeros, 0)
            self._matrix: Any = torch.ops.quantized.linear_prepack(matrix, None)
        self._address = weight.data_ptr()
        span = torch.zeros(1, weight.shape[1])
        span[0, :2] = torch.tensor([1.0, -1.0])
        self._span = span  # (1, in); sets the range of the input to [-1, 1]

    def is_of(self, weight: Tensor) -> bool:
        """Whether it was made of this tensor."""
        return self._address == weight.data_ptr()

    def __call__(self, x: Tensor) -> Tensor:
        """x: (rows, in) float32 -> (rows, out), each row rounded to eight bits of its largest magnitude."""
        top = x.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
        rows = torch.cat([x / top, self._span])
        return torch.ops.quantized.linear_dynamic(rows, self._matrix, not _has_vnni())[:-1] * top


def pack(weight: Tensor, scales: Tensor) -> PackedMatrix | None:
    """weight: (out, in) int8; scales: (out,), the step between two numbers. None where the processor has no kernels."""
    if torch.backends.quantized.engine not in ENGINES or weight.shape[1] < 2:
        return None
    try:
        return PackedMatrix(weight, scales)
    except (RuntimeError, AttributeError, NotImplementedError) as error:
        _tell_once(str(error))
        return None


@lru_cache(maxsize=1)
def _tell_once(reason: str) -> None:
    logger.warning("This torch cannot multiply eight-bit integers (%s); matrices are unpacked instead.", reason)


@lru_cache(maxsize=1)
def _has_vnni() -> bool:
    """Whether products of eight bits are added without an overflow; otherwise the input gets seven."""
    known = getattr(torch.cpu, "_is_vnni_supported", None) or getattr(torch.cpu, "_is_avx512_vnni_supported", None)
    return bool(known and known())
