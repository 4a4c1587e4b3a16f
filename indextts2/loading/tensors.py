"""Reading weight files without running anything in them, and putting them into modules without a second copy."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..errors import CheckpointError
from .pickles import AGAIN, in_one_line, load_pickle
from .shards import all_shards_of

logger = logging.getLogger(__name__)

ModuleType = TypeVar("ModuleType", bound=nn.Module)
Tensors = dict[str, Tensor]

LISTED = 3  # keys that an error names before it counts the rest
PARALLEL_PREFIX = "module."  # left by training on several devices
GGUF = b"GGUF"
OTHER_SUFFIXES = (".gguf", ".npz")
MLX = b'"format":"mlx"'  # in the header of a safetensors file
FORMAT_BYTES = 4096
OTHER_FORMAT = "This program reads .pth and .safetensors files for PyTorch; get the model in that form."


def read_tensors(path: Path) -> dict[str, Any]:
    """Everything in a weight file, all its pieces together: nested dictionaries of tensors. Memory mapped where the
    format allows it.

    Raises CheckpointError when the file is missing, cut short, or holds more than data.
    """
    pieces = all_shards_of(path)
    if len(pieces) == 1:
        return _read_file(path)
    whole: dict[str, Any] = {}
    for piece in pieces:
        found = _read_file(piece)
        twice = whole.keys() & found.keys()
        if twice:
            raise CheckpointError(f"{piece} holds {_few(sorted(twice))} for the second time. {AGAIN}")
        whole |= found
    return whole


def _read_file(path: Path) -> dict[str, Any]:
    if not os.path.isfile(path):
        raise CheckpointError(f"The file {path.name} is missing from {path.parent}. Put it there.")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path} is empty. {AGAIN}")
    refuse_other_formats(path)
    return _read_safetensors(path) if is_safetensors(path) else _read_pickle(path)


def is_safetensors(path: Path) -> bool:
    """Whether a file is one by its suffix, in letters of either case."""
    return path.suffix.lower() == ".safetensors"


def refuse_other_formats(path: Path) -> None:
    """Say what a file of another program is. Raises CheckpointError."""
    if path.suffix == ".npz":
        raise CheckpointError(f"{path} is a file of MLX or numpy. {OTHER_FORMAT}")
    with path.open("rb") as file:
        start = file.read(FORMAT_BYTES)
    if start.startswith(GGUF):
        raise CheckpointError(f"{path} is a GGUF file, which llama.cpp and its kin read. {OTHER_FORMAT}")
    if is_safetensors(path) and MLX in start:
        raise CheckpointError(
            f"{path} is a safetensors file of MLX, whose weights are packed otherwise. {OTHER_FORMAT}"
        )


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({in_one_line(error)}). {AGAIN}") from error


def _read_pickle(path: Path) -> dict[str, Any]:
    loaded = load_pickle(path)
    if isinstance(loaded, Tensor):
        return {"": loaded}
    if not isinstance(loaded, Mapping):
        raise CheckpointError(f"{path} should hold tensors by name, but holds a {type(loaded).__name__}. {AGAIN}")
    return dict(loaded)


def extras_of(path: Path) -> dict[str, Any]:
    """Entries at the top level of a file that are neither a tensor nor a section of them, such as a trainer's settings.

    Empty for a safetensors file.
    """
    tree = {} if is_safetensors(path) else read_tensors(path)
    return {key: value for key, value in tree.items() if not isinstance(value, Tensor)}


def read_section(path: Path, sections: Iterable[str] = ()) -> Tensors:
    """The tensors of a file by name, from the first of `sections` it has, or from its top level.

    Nested dictionaries become dotted names; a leading "module." falls away at each level; what is no tensor is ignored.
    """
    tree = read_tensors(path)
    for section in sections:
        if isinstance(tree.get(section), Mapping):
            tree = dict(tree[section])
            break
    found = dict(_flatten(tree, ""))
    if not found:
        raise CheckpointError(f"{path} holds no tensors where they are expected. Is it another kind of file?")
    return found


def read_single(path: Path, key: str = "") -> Tensor:
    """The one tensor of a file that holds nothing else, or the one called `key`. Raises CheckpointError."""
    found = {name: value for name, value in read_tensors(path).items() if isinstance(value, Tensor)}
    if key in found:
        return found[key]
    if len(found) == 1 and "" in found:
        return found[""]
    raise CheckpointError(f"{path} should hold one tensor, but holds {len(found)}. Is it another kind of file?")


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Tensor]]:
    strip = bool(tree) and all(isinstance(key, str) and key.startswith(PARALLEL_PREFIX) for key in tree)
    for key, value in tree.items():
        name = prefix + (str(key).removeprefix(PARALLEL_PREFIX) if strip else str(key))
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, Mapping):
            yield from _flatten(value, name + ".")


DRAWS = frozenset({Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_normal_})


class _WithoutMemory(TorchFunctionMode):
    """Mode, of the thread that enters it, in which tensors to be filled later have a shape and no memory.

    Those are the weights of layers; what a module computes for itself, its buffers, stays real. Drawing initial numbers
    is left out: torch imports its compiler, 3 s long, to draw normal numbers without memory.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty and kwargs.get("device") is None:
            return func(*args, **{**kwargs, "device": "meta"})
        if func in DRAWS:
            tensor: Tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


def without_memory(build: Callable[[], ModuleType]) -> ModuleType:
    """A module whose parameters have no memory; buffers are real, since a file need not hold them.

    Safe beside other threads that build or load modules: nothing of torch is changed for them.
    """
    with _WithoutMemory():
        module = build()
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            if not weight.is_meta:
                setattr(part, name, nn.Parameter(weight.to("meta"), requires_grad=weight.requires_grad))
    return module


def build_with(
    build: Callable[[], ModuleType],
    tensors: Mapping[str, Tensor],
    source: Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    lenient: bool = False,
    check_finite: bool = False,
) -> ModuleType:
    """A module in inference mode whose weights are `tensors`, taken as they are where type and device already fit.

    Raises CheckpointError unless names and shapes agree exactly. lenient: unknown tensors are reported and dropped.
    check_finite also looks for NaN, which reads everything.
    """
    module = without_memory(build)
    if lenient:
        tensors = _without_unexpected(module, tensors, source)
    check_names(module, tensors, source)
    if check_finite:
        check_numbers(tensors, source)
    placed = {key: _placed(value, device, dtype) for key, value in tensors.items()}
    module.load_state_dict(placed, strict=False, assign=True)  # names were checked above, with a better message
    return module.to(device=device, dtype=dtype).eval().requires_grad_(False)


def _without_unexpected(module: nn.Module, tensors: Mapping[str, Tensor], source: Path) -> Tensors:
    known = module.state_dict().keys()
    unexpected_keys = [key for key in tensors if key not in known]
    if unexpected_keys:
        logger.warning(
            "%s has %d unknown tensors, which are ignored: %s", source, len(unexpected_keys), _few(unexpected_keys)
        )
    return {key: value for key, value in tensors.items() if key in known}


def _placed(value: Tensor, device: str | torch.device, dtype: torch.dtype) -> Tensor:
    return value.to(device=device, dtype=dtype if value.is_floating_point() else value.dtype).contiguous()


def check_names(module: nn.Module, tensors: Mapping[str, Tensor], source: Path) -> None:
    """Refuse missing, surplus and mis-shaped tensors, naming the first few of each. Raises CheckpointError."""
    state = {key: value for key, value in module.state_dict().items() if not _recomputable(key)}
    wanted = {key: tuple(value.shape) for key, value in state.items()}
    have = {key: tuple(value.shape) for key, value in tensors.items()}
    missing = [key for key in wanted if key not in have]
    surplus = [key for key in have if key not in wanted and not _recomputable(key)]
    shapes = [f"{key} is {have[key]}, not {wanted[key]}" for key in wanted if key in have and have[key] != wanted[key]]
    kinds = [key for key in wanted if key in have and not _is_kind(tensors[key], state[key])]
    found = (("missing", missing), ("unknown", surplus), ("of another shape", shapes), ("of another kind", kinds))
    problems = [f"{len(keys)} {what}: {_few(keys)}" for what, keys in found if keys]
    if problems:
        raise CheckpointError(
            f"{source} does not fit the configuration beside it; of {len(wanted)} tensors "
            + "; ".join(problems)
            + ". Use the weights and the config.yaml of one checkpoint."
        )


def _recomputable(key: str) -> bool:
    return key.rpartition(".")[2] == "num_batches_tracked"  # a counter of training that nothing reads afterwards


def _is_kind(value: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor can take a place: floats where floats are, and int8 codes only where those are."""
    if wanted.dtype is torch.int8:
        return value.dtype is torch.int8
    return value.is_floating_point() and not value.is_complex() and value.layout is torch.strided


def check_numbers(tensors: Mapping[str, Tensor], source: Path) -> None:
    """Refuse NaN and infinity. Raises CheckpointError naming the first few tensors."""
    bad = [key for key, value in tensors.items() if value.is_floating_point() and not is_finite(value)]
    if bad:
        raise CheckpointError(f"{source} holds NaN or infinite numbers in {_few(bad)}. {AGAIN}")


def is_finite(value: Tensor) -> bool:
    """Whether all numbers are; takes no memory, since NaN comes through the smallest and the largest of them."""
    return value.numel() == 0 or bool(torch.isfinite(torch.stack(value.aminmax())).all())


def _few(keys: list[str]) -> str:
    more = f" and {len(keys) - LISTED} more" if len(keys) > LISTED else ""
    return ", ".join(keys[:LISTED]) + more
