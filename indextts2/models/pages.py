"""Memory of tensors that the system may take back: what a mapped file holds can be read again."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import lru_cache
from typing import Any

from torch import Tensor

PAGE_OUT = 21  # MADV_PAGEOUT of Linux: pages of a file are dropped, others are left or written to swap
"""Unlike advice that drops pages, this one never loses a number."""


def give_back(tensor: Tensor) -> bool:
    """Let the system have the pages of a tensor that is not read for a while. Whether it was asked.

    Those of a mapped file come back from it at the next read; nothing else changes. Only whole pages, on Linux.
    """
    if tensor.device.type != "cpu" or not tensor.is_contiguous() or (advise := _advise()) is None:
        return False
    begin = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    length = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - begin
    return length > 0 and advise(ctypes.c_void_p(begin), ctypes.c_size_t(length), PAGE_OUT) == 0


@lru_cache(maxsize=1)
def _advise() -> Any:
    """The call of the C library, None where there is none."""
    return getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None
