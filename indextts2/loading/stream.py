"""Writing a safetensors file tensor by tensor, so that no more than one of them is in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..atomic import replacing
from ..errors import CheckpointError
from ..models.transformer import MATRIX, published_matrices

Source = Callable[[], Tensor]
"""Makes a tensor when it is needed; asked twice, it gives the same."""

HEADER_COUNT_BYTES = 8  # a safetensors file begins with the size of its header
TYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
ALIGNMENT = 8  # of the first tensor; the wider types come first, so that all are aligned


def out_first_sources(sources: Mapping[str, Source]) -> dict[str, Source]:
    """The trunk's matrices as (out, in), whichever layout they come in: views, which take no memory."""
    shapes = {key: make().shape for key, make in sources.items() if MATRIX.fullmatch(key)}
    turned = published_matrices(shapes)
    return {key: partial(_turned, make) if key in turned else make for key, make in sources.items()}


def _turned(make: Source) -> Tensor:
    return make().T


def write_stream(
    path: Path, sources: Mapping[str, Callable[[], Mapping[str, Tensor]]], metadata: dict[str, str]
) -> None:
    """Write what the sources make, each of which may give several tensors; every source is asked twice.

    The same tensors give the same bytes. Raises CheckpointError.
    """
    origin: dict[str, str] = {}
    shapes: dict[str, tuple[torch.dtype, list[int]]] = {}
    for key, make in sources.items():
        for name, kind in _kinds(make()).items():
            origin[name], shapes[name] = key, kind
    order = sorted(shapes, key=lambda name: (-shapes[name][0].itemsize, name))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name in order:
        dtype, shape = shapes[name]
        begin, end = end, end + dtype.itemsize * torch.Size(shape).numel()
        header[name] = {"dtype": TYPE_NAMES[dtype], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text = text.ljust(-(-len(text) // ALIGNMENT) * ALIGNMENT)
    with replacing(path, CheckpointError) as file:
        file.write(len(text).to_bytes(HEADER_COUNT_BYTES, "little"))
        file.write(text)
        for name in order:  # no name is kept for a tensor: it would live on while the next one is made
            file.write(_bytes(name, sources[origin[name]]()[name], shapes[name][0]))


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.dtype, list[int]]]:
    return {name: (value.dtype, list(value.shape)) for name, value in tensors.items()}


def _bytes(name: str, value: Tensor, dtype: torch.dtype) -> memoryview:
    if value.dtype != dtype:
        raise CheckpointError(f"{name} changed from {dtype} to {value.dtype} while it was written.")
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
