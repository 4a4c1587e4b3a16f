"""Freed memory given back to the system between two parts of a long job on a CPU."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back_freed_memory() -> None:
    """Ask the C library to return what the process has freed; does nothing where it cannot be asked.

    The GNU allocator keeps freed blocks of every size that a stage used, and those of the next text do not fit into
    them: over eight minutes of speech a process grew by 700 MiB with no tensor more alive. Asking takes milliseconds.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """glibc's malloc_trim, None with other C libraries."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim = ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
