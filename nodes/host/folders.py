"""Folders of the host: where checkpoints, LoRAs and the user's own files lie."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths

from ...indextts2.contracts import EmotionWeights
from ...indextts2.loading.find import MINI, Found, find_checkpoints, machine_caches
from ...indextts2.loading.host_folders import LORA_FOLDER, OTHER_FOLDERS, inside_packs
from ...indextts2.loading.lora import ADAPTER_FILES, SUFFIXES
from ...indextts2.loading.releases import OFFICIAL_NAMES
from ...indextts2.runtime.presets import emotion_presets as named_presets

FOLDER = "indextts2"
"""Name of the pack's folder below the host's models, and its key in extra_model_paths.yaml."""


def register_folders() -> None:
    """Tell the host about the pack's folder of models."""
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER))


def user_folders() -> dict[str, Path]:
    """The host's output and input folders, by the label the host puts behind file names."""
    return {"output": Path(folder_paths.get_output_directory()), "input": Path(folder_paths.get_input_directory())}


def temporary_folder() -> Path:
    """Folder of finished lines for the next run; the host empties it when it starts."""
    return Path(folder_paths.get_temp_directory()) / FOLDER


def numbered_place(prefix: str) -> tuple[Path, str, int]:
    """Folder, name and next free number for a file below the output folder, as the host counts them."""
    folder, name, counter, _, _ = folder_paths.get_save_image_path(prefix, str(user_folders()["output"]))
    return Path(folder), name, counter


def model_roots() -> list[Path]:
    """The pack's own folders, then those of other packs that exist."""
    own = [Path(folder) for folder in folder_paths.get_folder_paths(FOLDER)]
    models = Path(folder_paths.models_dir)
    others = [models / folder for folder in OTHER_FOLDERS]
    return own + [folder for folder in others if folder.is_dir()] + inside_packs(models.parent)


def checkpoints() -> dict[str, Path | None]:
    """Name -> folder of every checkpoint that can be chosen; the built-in one comes first, whatever is installed.

    The released ones are offered before they are there: loading it then says how to get it.
    """
    found: dict[str, Path | None] = {MINI: None}
    found.update((one.name, one.folder) for one in _found())
    for official in OFFICIAL_NAMES:
        if official not in found and f"{official} (cache)" not in found:
            found[official] = Path(folder_paths.get_folder_paths(FOLDER)[0], official)
    return found


def _found() -> list[Found]:
    return find_checkpoints(model_roots(), machine_caches())


def lora_files() -> dict[str, Path]:
    """Name -> file of every LoRA in the pack's folders: single files, and folders that peft wrote."""
    found: dict[str, Path] = {}
    for root in (Path(folder, LORA_FOLDER) for folder in folder_paths.get_folder_paths(FOLDER)):
        for path in sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES):
            place = path.parent if path.name in ADAPTER_FILES else path
            found.setdefault(place.relative_to(root).as_posix(), place)
    return found


def emotion_presets() -> dict[str, EmotionWeights]:
    """Name -> mixture: the library's, and the user's own in the pack's folders."""
    return named_presets(Path(folder) for folder in folder_paths.get_folder_paths(FOLDER))


def state_of(folder: Path) -> str:
    """Changes when a file of a folder does; the host reruns a loader then."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    stats = [(path.name, path.stat()) for path in paths if path.is_file()]
    return ";".join(f"{name},{stat.st_size},{stat.st_mtime_ns}" for name, stat in stats)
