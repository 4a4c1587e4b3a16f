"""Stand-in for comfy.model_patcher.ModelPatcher: full loads, low-rank patches, clones that share the model.

Stricter than the host: a module that runs while its model is not loaded raises, so a node that forgets to ask for its
model fails here even where compute and offload device are the same.
"""

from __future__ import annotations

import uuid
import weakref
from typing import Any

import torch
from torch import nn

import comfy.lora
import comfy.model_management


class NotLoaded(AssertionError):
    """A module ran while the host had not loaded its model."""


def guard(model: nn.Module) -> None:
    owner = weakref.ref(model)

    def check(module: nn.Module, inputs: Any) -> None:
        found = owner()
        if found is not None and not found.is_loaded:
            raise NotLoaded(f"{type(module).__name__} ran, but its model is not loaded")

    for module in model.modules():
        if not list(module.children()):
            module.register_forward_pre_hook(check)


class ModelPatcher:
    def __init__(
        self,
        model: nn.Module,
        load_device: torch.device,
        offload_device: torch.device,
        size: int = 0,
        weight_inplace_update: bool = False,
    ):
        assert isinstance(model, nn.Module) and any(True for _ in model.parameters()), "a model without weights"
        assert all(value.device == offload_device for value in model.parameters()), "not on the offload device"
        assert not isinstance(getattr(type(model), "device", None), property), "the host sets model.device"
        self.model, self.size = model, size
        self.load_device, self.offload_device = load_device, offload_device
        self.patches: dict[str, list[Any]] = {}
        self.backup: dict[str, torch.Tensor] = {}
        self.patches_uuid = uuid.uuid4()
        self.parent: ModelPatcher | None = None
        if not hasattr(model, "is_loaded"):
            model.is_loaded, model.device = False, offload_device
            model.model_loaded_weight_memory, model.current_weight_patches_uuid = 0, None
            guard(model)

    def model_size(self) -> int:
        self.size = self.size or comfy.model_management.module_size(self.model)
        return self.size

    def loaded_size(self) -> int:
        return self.model.model_loaded_weight_memory

    def current_loaded_device(self) -> torch.device:
        return self.model.device

    def model_patches_models(self) -> list[Any]:
        return []

    def is_clone(self, other: Any) -> bool:
        return getattr(other, "model", None) is self.model

    def clone(self) -> ModelPatcher:
        other = ModelPatcher.__new__(ModelPatcher)
        other.__dict__.update(self.__dict__)
        other.patches = {key: list(value) for key, value in self.patches.items()}
        other.parent = self  # the backup is shared with the parent, as in the host
        return other

    def add_patches(
        self, patches: dict[str, Any], strength_patch: float = 1.0, strength_model: float = 1.0
    ) -> list[str]:
        known = self.model.state_dict()
        taken = [key for key in patches if key in known]
        for key in taken:
            self.patches.setdefault(key, []).append((strength_patch, patches[key], strength_model))
        self.patches_uuid = uuid.uuid4()
        return taken

    def partially_load(self, device: torch.device) -> None:
        if self.model.is_loaded and self.model.current_weight_patches_uuid == self.patches_uuid:
            return
        self.detach()
        for key, patches in self.patches.items():
            weight = self.model.get_parameter(key)
            self.backup[key] = weight.detach().clone()
            self._set(key, comfy.lora.calculate_weight(patches, weight.float()).to(weight.dtype))
        self.model.to(device)
        self.model.is_loaded, self.model.device = True, device
        self.model.model_loaded_weight_memory = self.model_size()
        self.model.current_weight_patches_uuid = self.patches_uuid

    def detach(self, unpatch_all: bool = True) -> nn.Module:
        if unpatch_all:
            for key, weight in self.backup.items():
                self._set(key, weight)
            self.backup.clear()
            self.model.to(self.offload_device)
            self.model.is_loaded, self.model.device = False, self.offload_device
            self.model.model_loaded_weight_memory, self.model.current_weight_patches_uuid = 0, None
        return self.model

    def _set(self, key: str, value: torch.Tensor) -> None:
        owner, _, name = key.rpartition(".")
        setattr(self.model.get_submodule(owner), name, nn.Parameter(value, requires_grad=False))
