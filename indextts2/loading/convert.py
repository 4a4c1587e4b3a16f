"""Official to native, or one precision to another: only live weights are kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ..contracts import no_progress
from ..errors import CheckpointError
from .checkpoint import Checkpoint
from .native import TENSOR_PARTS, TEXT_TO_EMOTION_FOLDER, About, about_of, finish_native, write_part
from .tensors import check_numbers

CONVERTED = "converted from the released files"


def convert(
    checkpoint: Checkpoint,
    target: Path,
    *,
    precision: str = "fp32",
    progress: Callable[[int, int], None] = no_progress,
) -> Path:
    """Write `checkpoint` as a native one to `target`, a new or empty folder, part by part.

    precision: "fp32", "fp16" or "bf16". The fingerprints are taken over, since the vectors mean the same.
    Raises CheckpointError for parts that are missing, damaged or hold NaN.
    """
    if target.exists() and any(target.iterdir()):
        raise CheckpointError(f"{target} is not empty. Choose a new folder.")
    checkpoint.require(checkpoint.missing)
    about = _about(checkpoint, precision)
    target.mkdir(parents=True, exist_ok=True)
    for done, part in enumerate(TENSOR_PARTS):
        progress(done, len(TENSOR_PARTS))
        tensors = checkpoint.read(part)
        check_numbers(tensors, checkpoint.files[part][0])
        write_part(target, part, tensors, checkpoint.config, about)
    shutil.copyfile(checkpoint.files["tokenizer"][0], target / Path(checkpoint.config.text.tokenizer).name)
    if "text_to_emotion" in checkpoint.files:
        shutil.copytree(checkpoint.files["text_to_emotion"][0], target / TEXT_TO_EMOTION_FOLDER)
    finish_native(target, checkpoint.config, about, declared=checkpoint.fingerprints)
    progress(len(TENSOR_PARTS), len(TENSOR_PARTS))
    return target


def _about(checkpoint: Checkpoint, precision: str) -> About:
    known = about_of(checkpoint.metadata)
    return About(checkpoint.licence, known.provenance or CONVERTED, precision, known.extra)
