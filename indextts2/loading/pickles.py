"""Pickled weight files: read by torch's restricted reader alone, on versions where it is safe, within bounds.

Two faults of that reader are known: before torch 2.6 it could be made to run code (CVE-2025-32434), before 2.10 to
write outside its memory (CVE-2026-24747). On such versions a pickle is refused; safetensors files are read everywhere.
"""

from __future__ import annotations

import pickle
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import torch

from ..errors import CheckpointError

SAFE_SINCE = (2, 10)
ZIP_START = b"PK\x03\x04"
SIGNS_OF_CODE = ("GLOBAL", "Unsupported class", "reduce")  # in the words of torch's restricted reader
MOST_VALUES = 5_000_000
DEEPEST = 64
MOST_REPEATS = 64  # of each number of a tensor that is larger than MOST_VALUES
AGAIN = "Get the file again and check its size."

_types = threading.Lock()


def load_pickle(path: Path) -> Any:
    """The content of a pickled weight file: tensors, numbers, words, lists and mappings of them.

    Raises CheckpointError for a file that is damaged, holds more than data, or is shared or nested without bounds, and
    for any pickle on a version of torch whose reader is known to be unsafe.
    """
    _refuse_old_torch(path)
    with path.open("rb") as file:
        zipped = file.read(len(ZIP_START)) == ZIP_START
    try:
        with harmless_types():
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if any(sign in str(error) for sign in SIGNS_OF_CODE):
            raise CheckpointError(
                f"{path} holds more than numbers, and reading it could run foreign code. It was not read. "
                "Use the file of the official source, or a safetensors file."
            ) from error
        raise CheckpointError(f"{path} is not a whole weight file. {AGAIN}") from error
    except (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
            TypeError, ValueError) as error:  # fmt: skip
        # torch has no error of its own for a damaged file: whatever its reader stumbles over comes out.
        raise CheckpointError(f"{path} is not a whole weight file ({in_one_line(error)}). {AGAIN}") from error
    _check_extent(path, loaded)
    return loaded


def in_one_line(error: BaseException) -> str:
    """An error of a foreign reader, cut and in one line."""
    text = " ".join(str(error)[:1_000].split())
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__


def _refuse_old_torch(path: Path) -> None:
    found = re.match(r"(\d+)\.(\d+)", torch.__version__)
    if found is None or tuple(int(number) for number in found.groups()) >= SAFE_SINCE:
        return
    raise CheckpointError(
        f"{path} is a pickle, and the reader of torch {torch.__version__} is known to be unsafe for these "
        f"(CVE-2025-32434, CVE-2026-24747). Update torch to {SAFE_SINCE[0]}.{SAFE_SINCE[1]} or later, or use "
        "safetensors files: `python -m indextts2 convert` on a machine with a newer torch writes them."
    )


@contextmanager
def harmless_types() -> Iterator[None]:
    """The restricted reader accepts types inside that trainers leave in their files and that run nothing: numbers of
    numpy, and bags of names. Anything else stays refused.
    """
    import argparse
    from collections import Counter, defaultdict
    from types import SimpleNamespace

    import numpy as np

    core = getattr(np, "_core", None) or np.core  # numpy 1 and 2 keep it in different places
    kinds: list[Any] = [np.dtype, np.ndarray, core.multiarray.scalar, core.multiarray._reconstruct]
    kinds += [type(np.dtype(name)) for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u4", "u8", "?")]
    kinds += [argparse.Namespace, SimpleNamespace, Counter, defaultdict, PurePosixPath, PureWindowsPath]
    with _types, torch.serialization.safe_globals(kinds):  # torch keeps the list for the whole process
        yield


def _check_extent(path: Path, loaded: Any) -> None:
    """Refuse what would grow without bounds when it is walked: containers in themselves, shared or nested too often.

    Counts the values of every container once and adds them up, without walking a shared one twice.
    """
    sizes: dict[int, int] = {}
    open_ones: set[int] = set()
    waiting: list[tuple[Any, int, bool]] = [(loaded, 0, False)]
    while waiting:
        value, depth, finished = waiting.pop()
        if isinstance(value, torch.Tensor):
            _check_numbers_held(path, value)
        if not isinstance(value, Mapping | list | tuple | set | frozenset) or (id(value) in sizes and not finished):
            continue
        inner = [*value.keys(), *value.values()] if isinstance(value, Mapping) else list(value)
        if finished:
            open_ones.discard(id(value))
            sizes[id(value)] = 1 + sum(sizes.get(id(item), 1) for item in inner)
            if sizes[id(value)] > MOST_VALUES:
                raise CheckpointError(f"{path} holds more than {MOST_VALUES:,} values, which no weight file does.")
            continue
        if depth > DEEPEST or id(value) in open_ones:
            raise CheckpointError(f"{path} nests its values deeper than {DEEPEST} levels, which no weight file does.")
        open_ones.add(id(value))
        waiting.append((value, depth, True))
        waiting += [(item, depth + 1, False) for item in inner]


def _check_numbers_held(path: Path, value: torch.Tensor) -> None:
    """Refuse a tensor that repeats a few numbers without end, since a copy of it would take all memory."""
    if value.layout is not torch.strided:
        return
    held = value.untyped_storage().nbytes() // value.element_size()
    if value.numel() > max(MOST_REPEATS * held, MOST_VALUES):
        raise CheckpointError(
            f"{path} holds a tensor of {value.numel():,} numbers, of which {held:,} are in the file, which no weight "
            "file does."
        )
