"""Stand-in for comfy.model_management: devices, loading with weak references, Free, Cancel."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import torch

COMPUTE = OFFLOAD = INTERMEDIATE = torch.device("cpu")
current_loaded_models: list[LoadedModel] = []
requests: list[dict[str, Any]] = []
"""What nodes asked for, in order: models, memory."""


class InterruptProcessingException(Exception):
    pass


OOM_EXCEPTION = torch.OutOfMemoryError


class LoadedModel:
    def __init__(self, patcher: Any):
        self._patcher, self.device = weakref.ref(patcher), patcher.load_device
        self._parent = weakref.ref(patcher.parent) if patcher.parent is not None else None

    @property
    def model(self) -> Any:
        own = self._patcher()
        return own if own is not None or self._parent is None else self._parent()


def reset() -> None:
    current_loaded_models.clear()
    requests.clear()
    interrupt.restart(None)
    set_devices()


def set_devices(compute: str = "cpu", intermediate: str = "cpu") -> None:
    global COMPUTE, INTERMEDIATE
    COMPUTE, INTERMEDIATE = torch.device(compute), torch.device(intermediate)


def get_torch_device() -> torch.device:
    return COMPUTE


def unet_offload_device() -> torch.device:
    return OFFLOAD


def intermediate_device() -> torch.device:
    return INTERMEDIATE


def get_total_memory(dev: Any = None, torch_total_too: bool = False) -> int:
    return 16 * 1024**3


def get_free_memory(dev: Any = None, torch_free_too: bool = False) -> int:
    return 8 * 1024**3


def is_device_cpu(device: torch.device) -> bool:
    return device.type == "cpu"


def should_use_fp16(device: Any = None, model_params: int = 0, prioritize_performance=True, manual_cast=False) -> bool:
    return device is None or device.type != "cpu"


def should_use_bf16(device: Any = None, model_params: int = 0, prioritize_performance=True, manual_cast=False) -> bool:
    return device is None or device.type != "cpu"


def module_size(module: torch.nn.Module) -> int:
    return sum(value.nelement() * value.element_size() for value in module.state_dict().values())


def load_models_gpu(
    models: list[Any],
    memory_required: float = 0,
    force_patch_weights: bool = False,
    minimum_memory_required: float | None = None,
    force_full_load: bool = False,
) -> None:
    assert force_full_load, "modules without the host's casting layers must be loaded whole"
    assert 0 <= memory_required < 1e13, f"an estimate of {memory_required} bytes cannot be true"
    requests.append({"models": [type(model.model).__name__ for model in models], "memory": memory_required})
    for patcher in models:
        for place in reversed(range(len(current_loaded_models))):
            other = current_loaded_models[place].model
            if other is None or patcher.is_clone(other):
                current_loaded_models.pop(place)
        patcher.partially_load(patcher.load_device)
        current_loaded_models.insert(0, LoadedModel(patcher))


def load_model_gpu(model: Any) -> None:
    load_models_gpu([model])


def free_memory(memory_required: float, device: torch.device, keep_loaded: list[Any] | None = None) -> list[Any]:
    kept = {id(entry) for entry in keep_loaded or []}
    unloaded = [entry for entry in current_loaded_models if id(entry) not in kept]
    for entry in unloaded:
        current_loaded_models.remove(entry)
        if entry.model is not None:
            entry.model.detach()
    return unloaded


def unload_all_models() -> None:
    free_memory(1e30, get_torch_device())


def soft_empty_cache(force: bool = False) -> None:
    """Nothing to empty on a CPU."""


class _Interrupt:
    """Cancel, at once or after so many looks at the flag."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.restart(None)

    def restart(self, after: int | None) -> None:
        with self.lock:
            self.after, self.looks, self.raised = after, 0, False

    def look(self) -> None:
        with self.lock:
            self.looks += 1
            if self.after is not None and self.looks > self.after:
                self.after, self.raised = None, True
                raise InterruptProcessingException()


interrupt = _Interrupt()


def interrupt_current_processing(value: bool = True) -> None:
    interrupt.after = interrupt.looks if value else None


def processing_interrupted() -> bool:
    return interrupt.after is not None and interrupt.looks >= interrupt.after


def throw_exception_if_processing_interrupted() -> None:
    interrupt.look()
