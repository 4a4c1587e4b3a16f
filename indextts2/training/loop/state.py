"""The state of a training run on disk, and the moving average of its weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...atomic import make_folder, replacing
from ...errors import CheckpointError, TrainingError
from ...loading.checkpoint import open_checkpoint
from ...loading.config_file import CONFIG_NAME
from ...loading.pickles import load_pickle
from ...models.transformer import out_first

STATE_FILE = "state.pt"
FORMAT = 1
MODULES = {"semantic_encoder": "encoder"}
"""Part of a checkpoint -> name of its module in a run's state, where the two differ."""


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state so that a crash leaves either the old or the new file, never a torn one."""
    make_folder(folder, TrainingError)
    with replacing(folder / STATE_FILE, TrainingError) as file:
        torch.save({"format": FORMAT, **state}, file)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The saved state, or None when the folder has none. Raises TrainingError for a damaged file."""
    path = folder / STATE_FILE
    if not os.path.isfile(path):
        return None
    try:
        state = load_pickle(path)
    except (CheckpointError, OSError) as error:
        raise TrainingError(f"The training state cannot be read. {error} Remove it to start anew.") from error
    found = state.get("format") if isinstance(state, dict) else f"of a {type(state).__name__}"
    if found != FORMAT:
        raise TrainingError(f"The training state {path} has format {found}; {FORMAT} is expected.")
    return state


def export_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """The trained state dict of one module of a run, its moving average where there is one; or a checkpoint's part.

    folder: of a run, or a checkpoint in any layout, so that training can go on from what has been published.
    Raises TrainingError when the folder is neither, or has no such module.
    """
    if os.path.isfile(folder / CONFIG_NAME):
        return checkpoint_weights(folder, name)
    state = load_state(folder)
    if state is None:
        raise TrainingError(
            f"{folder} holds neither a training state nor a checkpoint. Train this part first, or name the folder of "
            "a run or of a checkpoint."
        )
    if name not in state["models"]:
        raise TrainingError(f"{folder} trained {', '.join(state['models'])}, but not {name}.")
    return trained_weights(state, name)


def trained_weights(state: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """The weights of one module in a run's state, its moving average where there is one."""
    return out_first({**state["models"][name], **state["average"].get(name, {})})


def checkpoint_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """One module out of a checkpoint, in float32. Raises TrainingError when the checkpoint lacks it or keeps it as int8
    codes, CheckpointError when it cannot be read.
    """
    part = next((part for part, module in MODULES.items() if module == name), name)
    checkpoint = open_checkpoint(folder)
    if part not in checkpoint.files:
        files = ", ".join(checkpoint.missing_files.get(part, ()))
        raise TrainingError(f"{folder} is a checkpoint without {part} ({files}); name one that has this part.")
    weights = checkpoint.read(part)
    if any(value.dtype is torch.int8 for value in weights.values()):
        raise TrainingError(f"The {part} of {folder} is stored in eight bits, which lost digits. Name the original.")
    return {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}


class MovingAverage:
    """Exponential moving average of trainable weights; buffers and frozen weights are not averaged."""

    def __init__(self, models: Mapping[str, nn.Module], decay: float) -> None:
        self.decay = decay
        self.sources = {name: _trainable(model) for name, model in models.items()}
        self.values = {
            name: {key: value.detach().clone() for key, value in source.items()}
            for name, source in self.sources.items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the weights; early steps follow faster, so that the start is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, source in self.sources.items():
            if source:
                torch._foreach_lerp_(
                    list(self.values[name].values()), [value.detach() for value in source.values()], 1 - decay
                )

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the models hold the averaged weights."""
        saved = {name: {key: value.detach().clone() for key, value in s.items()} for name, s in self.sources.items()}
        self._write(self.values)
        try:
            yield
        finally:
            self._write(saved)

    def load(self, values: Mapping[str, Mapping[str, Tensor]]) -> None:
        for name, stored in values.items():
            for key, value in stored.items():
                if key in self.values.get(name, {}):
                    self.values[name][key].copy_(value)

    @torch.no_grad()
    def _write(self, values: Mapping[str, Mapping[str, Tensor]]) -> None:
        for name, source in self.sources.items():
            for key, weight in source.items():
                weight.copy_(values[name][key])


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {key: weight for key, weight in model.named_parameters() if weight.requires_grad}
