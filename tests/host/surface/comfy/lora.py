"""Stand-in for comfy.lora: plain low-rank adapters only."""

from __future__ import annotations

from typing import Any

import torch


class LowRank:
    def __init__(self, up: torch.Tensor, down: torch.Tensor):
        self.up, self.down = up, down


def load_lora(lora: dict[str, torch.Tensor], to_load: dict[str, str], log_missing: bool = True) -> dict[str, Any]:
    patches: dict[str, Any] = {}
    for name, key in to_load.items():
        patches[key] = LowRank(lora[f"{name}.lora_up.weight"], lora[f"{name}.lora_down.weight"])
    assert 2 * len(patches) == len(lora), "the host would leave tensors of this LoRA out"
    return patches


def calculate_weight(patches: list[tuple[float, LowRank, float]], weight: torch.Tensor) -> torch.Tensor:
    for strength, adapter, _ in patches:
        difference = adapter.up.float() @ adapter.down.float()
        weight = weight + strength * difference.reshape(weight.shape)
    return weight
