"""Low-rank adapters that are trained beside a frozen model, and written in peft's format."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.func import functional_call

from ...atomic import make_folder, write_bytes, write_text
from ...errors import TrainingError
from ...loading.lora import ADAPTER_FILES, SETTINGS_FILE

PREFIX = "base_model.model."
DOT = "/"  # parameter names cannot hold a dot
TRUNK = r"gpt\.h\.\d+\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)"
"""Layers that get an adapter unless a recipe says otherwise."""


class TaughtModel(nn.Module):
    """A frozen model whose `forward` is the method of the model that training calls."""

    def __init__(self, model: nn.Module, method: str) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        self.method = method

    def forward(self, *values: Any, **named: Any) -> Any:
        return getattr(self.model, self.method)(*values, **named)


class Adapters(nn.Module):
    """down (rank, in) and up (out, rank) of every chosen layer, and whole tensors in place of the model's own.

    `up` begins at zero, so that nothing changes before the first step. scale: alpha / rank.
    """

    def __init__(
        self, model: nn.Module, targets: str, rank: int, alpha: float, generator: torch.Generator, whole: Sequence[str]
    ) -> None:
        super().__init__()
        self.rank, self.alpha = rank, alpha
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        self.in_first: set[str] = set()
        for name, module in model.named_modules():
            weight = getattr(module, "weight", None)
            if not re.fullmatch(targets, name) or not isinstance(weight, Tensor) or weight.dim() != 2:
                continue
            in_first = not isinstance(module, nn.Linear)
            columns, rows = weight.shape if in_first else weight.shape[::-1]
            key = name.replace(".", DOT)
            noise = torch.randn(rank, columns, generator=generator) / math.sqrt(columns)
            self.down[key], self.up[key] = nn.Parameter(noise), nn.Parameter(torch.zeros(rows, rank))
            if in_first:
                self.in_first.add(key)
        if not len(self.down):
            raise TrainingError(f"No layer of the model is called '{targets}'. Name layers by a regular expression.")
        state = model.state_dict()
        self.whole = nn.ParameterDict(
            {name.replace(".", DOT): nn.Parameter(state[name].detach().float().clone()) for name in whole}
        )

    def overrides(self, model: nn.Module) -> dict[str, Tensor]:
        """The tensors that change, by their names in the model."""
        found = {}
        for key in self.down:
            name = f"{key.replace(DOT, '.')}.weight"
            change = (self.alpha / self.rank) * (self.up[key] @ self.down[key])
            found[name] = cast(Tensor, model.get_parameter(name)) + (change.T if key in self.in_first else change)
        return found | {key.replace(DOT, "."): value for key, value in self.whole.items()}

    def forward(self, taught: TaughtModel, *values: Any, **named: Any) -> Any:
        """Output of the model with the adapters in place."""
        changed = {f"model.{name}": value for name, value in self.overrides(taught.model).items()}
        return functional_call(taught, changed, values, named)


def write_adapter(folder: Path, tensors: Mapping[str, Tensor], alpha: float, rank: int, base: str) -> Path:
    """A trained state of `Adapters` as a peft folder, which Load LoRA and peft read. base: name of the checkpoint."""
    named: dict[str, Tensor] = {}
    for key, value in tensors.items():
        kind, _, name = key.partition(".")
        plain = name.replace(DOT, ".")
        ending = {"down": ".lora_A.weight", "up": ".lora_B.weight", "whole": ""}[kind]
        named[f"{PREFIX}{plain}{ending}"] = value.detach().cpu().contiguous()
    make_folder(folder, TrainingError)
    write_bytes(folder / ADAPTER_FILES[0], save(named), TrainingError)
    targets = sorted({key.partition(".")[2].replace(DOT, ".") for key in tensors if key.startswith("down.")})
    settings = {
        "peft_type": "LORA",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": targets,
        "fan_in_fan_out": True,
        "bias": "none",
    }
    write_text(folder / SETTINGS_FILE, json.dumps(settings, indent=2) + "\n", TrainingError)
    return folder
