"""A learned speaker condition, as trainers save it: one tensor [latents, dim] in a .pt or .safetensors file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..checks import check_finite
from ..contracts import Speaker
from ..errors import CheckpointError, InputError
from .tensors import read_tensors

SUFFIXES = (".pt", ".pth", ".safetensors")
LARGEST_FILE = 4 << 20  # bytes; 32 latents of 1280 numbers are 164 kB


def learned_condition(path: Path) -> Tensor | None:
    """The condition (1, latents, dim) of a file, float32; None for a file that holds something else."""
    if path.suffix not in SUFFIXES or not path.is_file() or path.stat().st_size > LARGEST_FILE:
        return None
    try:
        found = [value for value in read_tensors(path).values() if isinstance(value, Tensor)]
    except CheckpointError:
        return None
    if len(found) != 1 or found[0].dim() not in (2, 3) or not found[0].is_floating_point():
        return None
    if found[0].layout is not torch.strided or found[0].numel() > LARGEST_FILE:
        return None
    condition = found[0].float()
    condition = condition[None] if condition.dim() == 2 else condition
    return condition if condition.shape[0] == 1 else None


def with_learned_condition(path: Path, speaker: Speaker | None) -> Speaker:
    """A speaker whose condition is that of a file; style, prompt and emotion are those of `speaker`.

    Raises InputError without a speaker, and for a condition of another width.
    """
    condition = learned_condition(path)
    if condition is None:
        raise InputError(f"{path.name} should hold one tensor [latents, dim], a learned speaker condition.")
    if speaker is None:
        raise InputError(
            f"{path.name} holds a learned speaker condition, which says who talks but not how the voice sounds. "
            "Connect the speaker of Make Speaker, of the same voice, to the input 'base_speaker'."
        )
    check_finite(f"The speaker condition of {path.name}", condition)
    if condition.shape[1:] != speaker.condition.shape[1:]:
        raise InputError(
            f"{path.name} holds a speaker condition of {tuple(condition.shape[1:])} (latents, width), but the "
            f"checkpoint of the connected speaker makes {tuple(speaker.condition.shape[1:])}. "
            "Use a speaker of the checkpoint that the condition was learned with."
        )
    return replace(speaker, condition=condition.to(speaker.condition.device))
