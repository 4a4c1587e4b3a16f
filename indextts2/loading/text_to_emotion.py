"""Opens a text-to-emotion model: the released folder, a folder our training wrote, or LoRA adapters of either.

Nothing is downloaded: every file is read from the folder, and weights from safetensors only.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..atomic import write_text
from ..errors import CheckpointError, ConfigError, MissingDependency
from ..foreign import ForeignDataError, read_json, shown
from ..stages.emotion.from_text import TextToEmotionConfig, TextToEmotionModel
from .parts import PARTS

SETTINGS_FILE = "text_to_emotion.json"
MODEL_FILE = "config.json"
ADAPTER_FILE = "adapter_config.json"
SUBFOLDERS = tuple(
    name for row in PARTS if row.is_folder for name in (row.name, *(file.names[0] for file in row.official_files))
)
"""Subfolders in which a checkpoint keeps its model: ours, and the released one (docs/spec/files.md)."""

_KINDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", tuple: "a list of texts"}
_SHOWN = 40  # characters of a wrong value quoted in an error


def load_text_to_emotion(
    folder: str | Path,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    base_folder: str | Path | None = None,
) -> TextToEmotionModel:
    """A model ready to be asked.

    folder: the model's own folder, or a checkpoint folder that holds one. base_folder: the model that LoRA adapters
    were trained on; needed only where the adapters do not name a folder that exists here.
    """
    place = find_text_to_emotion(Path(folder))
    settings = read_settings(place)
    if os.path.isfile(place / ADAPTER_FILE):
        base = _base_folder(place, base_folder)
        model = _with_adapters(load_language_model(base, dtype), place)
        tokenizer = load_tokenizer(place if (place / "tokenizer_config.json").is_file() else base)
    else:
        model, tokenizer = load_language_model(place, dtype), load_tokenizer(place)
    model.to(device=torch.device(device), dtype=dtype).eval().requires_grad_(False)
    return TextToEmotionModel(model, tokenizer, settings, name=place.name)


def find_text_to_emotion(folder: Path) -> Path:
    """The folder with the model files: `folder` itself or one of its known subfolders. Raises CheckpointError."""
    for place in (folder, *(folder / name for name in SUBFOLDERS)):
        if os.path.isfile(place / ADAPTER_FILE) or (os.path.isfile(place / MODEL_FILE) and _has_weights(place)):
            return place
    raise CheckpointError(
        f"No text-to-emotion model is in {folder}. A folder with {MODEL_FILE} and model.safetensors, or with "
        f"{ADAPTER_FILE}, is expected there or in {' or '.join(SUBFOLDERS)} below it."
    )


def read_settings(folder: Path) -> TextToEmotionConfig:
    """Our settings file, or the released model's settings where there is none. Unknown keys are an error."""
    path = folder / SETTINGS_FILE
    if not os.path.isfile(path):
        return TextToEmotionConfig()
    try:
        content = read_json(path)
    except ForeignDataError as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    known = {field.name for field in fields(TextToEmotionConfig)}
    if not isinstance(content, dict) or set(content) - known:
        unknown = sorted(set(content) - known) if isinstance(content, dict) else ["not an object"]
        raise ConfigError(f"{path} has unknown settings: {', '.join(unknown)}. Known are {', '.join(sorted(known))}.")
    for field in fields(TextToEmotionConfig):
        if field.name in content and not _fits(content[field.name], field.default):
            written = json.dumps(content[field.name], ensure_ascii=False)[:_SHOWN]
            kind = _KINDS[type(field.default)]
            raise ConfigError(f"{path}: '{field.name}' should be {kind}, but is {written}.")
    if "labels" in content:
        content["labels"] = tuple(content["labels"])
    return TextToEmotionConfig(**content)


def _fits(value: Any, default: Any) -> bool:
    """Whether a value of a JSON file is of the same kind as a setting's default."""
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def write_settings(folder: Path, settings: TextToEmotionConfig) -> None:
    """Write the settings file beside the model's own files."""
    written = json.dumps(asdict(settings), ensure_ascii=False, indent=2)
    write_text(folder / SETTINGS_FILE, written + "\n", CheckpointError)


def _has_weights(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json"))


def load_language_model(folder: Path, dtype: torch.dtype) -> Any:
    """The causal language model of a folder, from safetensors. Raises CheckpointError."""
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"The language model in {folder} cannot be read: {error}") from error


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder. Raises CheckpointError."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"The tokenizer in {folder} cannot be read: {error}") from error


def _with_adapters(model: nn.Module, folder: Path) -> Any:
    """The base with its adapters merged, so that asking costs nothing extra."""
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingDependency("LoRA adapters need the peft package: pip install peft") from error
    if not (folder / "adapter_model.safetensors").is_file():
        raise CheckpointError(f"{folder} has an {ADAPTER_FILE}, but no adapter_model.safetensors.")
    return PeftModel.from_pretrained(model, str(folder)).merge_and_unload()


def _base_folder(folder: Path, given: str | Path | None) -> Path:
    try:
        content = read_json(folder / ADAPTER_FILE)
    except ForeignDataError as error:
        raise CheckpointError(f"{folder / ADAPTER_FILE} cannot be read: {error}.") from error
    named = (content.get("base_model_name_or_path") or "") if isinstance(content, dict) else None
    if not isinstance(named, str):
        raise CheckpointError(f"{folder / ADAPTER_FILE} is not a JSON object that names its base model.")
    for place in [Path(given)] if given is not None else [folder / named, Path(named)]:
        if os.path.isfile(place / MODEL_FILE):  # which takes names of any length
            return place
    raise CheckpointError(
        f"The adapters in {folder} were trained on {shown(str(given or named))}, which is not a folder with "
        f"{MODEL_FILE} here. "
        "Name the base model's folder."
    )
