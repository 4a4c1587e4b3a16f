"""Services of the host while a node runs: devices, memory, progress, Cancel.

Models live in the host's `ModelPatcher`s, one per loaded model, held by nothing but the port value: when the host drops
its cached outputs, the models go. Nodes run a model inside `with running(loaded, work_bytes) as models:` and hand
results on through `on_intermediate`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

import torch
from comfy import model_management, utils
from comfy.model_patcher import ModelPatcher
from PIL import Image
from torch import Tensor, nn

from ...indextts2.errors import InputError
from ...indextts2.loading.lora import LoraPair
from ...indextts2.runtime.interrupt import interruptible

logger = logging.getLogger(__name__)

PRECISIONS = ("auto", "fp32", "fp16", "bf16")
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
SMALL_DEVICE_BYTES = 10 * 1024**3  # below this, "auto" halves the text-to-semantic model

PREVIEW_SIZE = 512  # longest side of a picture on a running node, in pixels

Models = TypeVar("Models")
Value = TypeVar("Value")


class IndexTTS2Models(nn.Module):
    """All modules of one loaded handle, so that the host moves them together. The name shows in the host's log."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


@dataclass(frozen=True, eq=False)
class Loaded(Generic[Models]):
    """Value of a model port: the library's handle, and the patcher that moves its modules."""

    models: Models
    patcher: ModelPatcher
    name: str = ""  # for messages


def loaded_of(models: Models, name: str = "") -> Loaded[Models]:
    """A library handle under the host's care. Its modules must lie on the offload device."""
    parts = {
        field.name: value
        for field in fields(models)  # type: ignore[arg-type]
        if isinstance(value := getattr(models, field.name), nn.Module)
    }
    patcher = ModelPatcher(
        IndexTTS2Models(parts),
        load_device=model_management.get_torch_device(),
        offload_device=model_management.unet_offload_device(),
    )
    return Loaded(models, patcher, name)


def patched(
    loaded: Loaded[Models], models: Models, part: str, pairs: Sequence[LoraPair], strength: float
) -> Loaded[Models]:
    """The same weights with low-rank changes that the host applies while this handle is in use, and takes back after.

    models: the library's handle for the result; its modules are those of `loaded`. part: the module that is changed.
    """
    from comfy import lora as host_lora

    tensors: dict[str, Tensor] = {}
    for pair in pairs:
        tensors[f"{pair.key}.lora_up.weight"], tensors[f"{pair.key}.lora_down.weight"] = pair.up, pair.down
    patches = host_lora.load_lora(tensors, {pair.key: f"{part}.{pair.key}" for pair in pairs})
    patcher = loaded.patcher.clone()
    patcher.add_patches(patches, strength)
    return Loaded(models, patcher, loaded.name)


def offload_device() -> torch.device:
    """Device on which models wait until they are needed."""
    return model_management.unet_offload_device()


def required(loaded: Loaded[Models] | None) -> Loaded[Models]:
    """The handle. Raises InputError for the port of a model that the checkpoint lacks."""
    if not isinstance(loaded, Loaded):
        raise InputError("The checkpoint lacks the model this input needs. Wire it from a checkpoint that has it.")
    return loaded


@contextmanager
def running(loaded: Loaded[Models] | None, work_bytes: float = 0.0) -> Iterator[Models]:
    """The models on the compute device, whole, with `work_bytes` free beside them. Inside, Cancel is seen between any
    two layers of the models, however long one step of them takes.

    Raises InputError for a port without a model, the host's interrupt exception when the user has cancelled.
    """
    handle = required(loaded)
    check_interrupt()
    model_management.load_models_gpu([handle.patcher], memory_required=work_bytes, force_full_load=True)
    with _placed(handle.patcher), interruptible([handle.patcher.model], check_interrupt):
        yield handle.models


@contextmanager
def _placed(patcher: ModelPatcher) -> Iterator[None]:
    """The model whole on its device, also where the host left it behind.

    With --novram the host moves layer by layer, and only layers of its own kind: those of this pack would stay on the
    processor, without their LoRA, and compute there.
    """
    if all(weight.device.type == patcher.load_device.type for weight in patcher.model.parameters()):
        yield
        return
    logger.info(
        "The host keeps models off the device (--novram); %s is placed on it for this run.", patcher.load_device
    )
    patcher.patch_model(device_to=patcher.load_device)
    try:
        yield
    finally:
        patcher.unpatch_model(patcher.offload_device)


def check_interrupt() -> None:
    """Raises the host's interrupt exception when the user has cancelled."""
    model_management.throw_exception_if_processing_interrupted()


class HostProgress:
    """A progress callback for the library: the host's bar, never backwards, and Cancel between any two steps."""

    def __init__(self) -> None:
        self._bar: utils.ProgressBar | None = None
        self._done, self._total = 0, 0

    def __call__(self, done: int, total: int) -> None:
        check_interrupt()
        if total <= 0:
            return
        self._bar = self._bar or utils.ProgressBar(total)
        if not self._total or min(done / total, 1.0) >= self._done / self._total:
            self._done, self._total = min(done, total), total
            self._bar.update_absolute(done, total)

    def show(self, picture: Image.Image, longest_side: int = PREVIEW_SIZE) -> None:
        """A picture on the node while it runs. longest_side: its size in pixels; larger pictures are made smaller."""
        if self._bar is not None:
            self._bar.update_absolute(self._done, self._total, ("JPEG", picture, longest_side))

    def forget_shown(self) -> None:
        """Takes the picture of the running node away, in favour of what the node returns.

        Hosts keep a picture until its node starts to run: they are told that nothing runs, then that it runs again.
        """
        server, context = _server_and_context()
        send = getattr(server, "send_sync", None)
        if self._bar is None or send is None:
            return
        try:
            send("progress_state", {"prompt_id": context.prompt_id, "nodes": {}}, server.client_id)
        except (AttributeError, TypeError) as error:  # another host than those known so far
            logger.debug("The host takes progress otherwise: %s", error)
        self._bar.update_absolute(self._done, self._total)


def progress() -> HostProgress:
    """The progress callback of one node's run."""
    return HostProgress()


def tell(text: str) -> None:
    """Words on the running node, such as the stage it is in; nothing where the host has no place for them."""
    server, context = _server_and_context()
    send = getattr(server, "send_progress_text", None)
    if send is None:
        return
    try:
        send(text, context.node_id)
    except TypeError as error:  # other arguments than the hosts known so far; a run never fails for want of them
        logger.debug("The host takes progress text otherwise: %s", error)


def _server_and_context() -> tuple[Any, Any]:
    """The host's server, and what it runs now; (None, None) where the host has none, or runs nothing."""
    try:
        from comfy_execution.utils import get_executing_context
        from server import PromptServer
    except ImportError:
        return None, None
    context = get_executing_context()
    return (None, None) if context is None else (getattr(PromptServer, "instance", None), context)


def precision(choice: str) -> torch.dtype:
    """The type that a precision widget stands for on the compute device.

    auto: fp32, and fp16 on GPUs with little memory. A type the device cannot use becomes fp32, with a warning.
    """
    device = model_management.get_torch_device()
    halves: dict[str, Callable[..., bool]] = {
        "fp16": model_management.should_use_fp16,
        "bf16": model_management.should_use_bf16,
    }
    if choice == "auto":
        is_gpu = device.type not in ("cpu", "mps")
        small = is_gpu and model_management.get_total_memory(device) < SMALL_DEVICE_BYTES
        return torch.float16 if small and halves["fp16"](device) else torch.float32
    if choice not in DTYPES:
        raise InputError(f"A precision is one of {', '.join(PRECISIONS)}, but got '{choice}'.")
    if choice in halves and not halves[choice](device):
        logger.warning("This device does not compute in %s; fp32 is used.", choice)
        return torch.float32
    return DTYPES[choice]


def on_compute(value: Value) -> Value:
    """The same value with every tensor on the device where models run, for arithmetic between nodes."""
    return moved(value, model_management.get_torch_device())


def on_intermediate(value: Value) -> Value:
    """The same value with every tensor on the device where the host keeps results between nodes."""
    return moved(value, model_management.intermediate_device())


def moved(value: Any, device: torch.device) -> Any:
    """A copy of a contract with its tensors on a device; the very value where nothing has to move."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        parts = tuple(moved(part, device) for part in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: new
            for field in fields(value)
            if (new := moved(old := getattr(value, field.name), device)) is not old
        }
        return replace(value, **changed) if changed else value
    return value
