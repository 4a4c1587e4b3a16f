"""Stand-in for the host's folder_paths, over one temporary folder."""

from __future__ import annotations

import os

models_dir = input_directory = output_directory = temp_directory = ""
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}


def reset(base: str) -> None:
    """Point everything at a new folder, as a freshly started host would."""
    global models_dir, input_directory, output_directory, temp_directory
    models_dir, input_directory, output_directory, temp_directory = (
        os.path.join(base, name) for name in ("models", "input", "output", "temp")
    )
    for folder in (models_dir, input_directory, output_directory, temp_directory):
        os.makedirs(folder, exist_ok=True)
    folder_names_and_paths.clear()


def get_input_directory() -> str:
    return input_directory


def get_output_directory() -> str:
    return output_directory


def get_temp_directory() -> str:
    return temp_directory


def add_model_folder_path(folder_name: str, full_folder_path: str, is_default: bool = False) -> None:
    paths, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path not in paths:
        paths.insert(0, full_folder_path) if is_default else paths.append(full_folder_path)


def get_folder_paths(folder_name: str) -> list[str]:
    return folder_names_and_paths[folder_name][0][:]


def annotated_filepath(name: str) -> tuple[str, str | None]:
    for kind, folder in (("output", output_directory), ("input", input_directory), ("temp", temp_directory)):
        if name.endswith(f"[{kind}]"):
            return name[: -len(kind) - 3], folder
    return name, None


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    name, folder = annotated_filepath(name)
    return os.path.join(folder or default_dir or input_directory, name)


def exists_annotated_filepath(name: str) -> bool:
    return os.path.exists(get_annotated_filepath(name))


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    subfolder, filename = os.path.split(os.path.normpath(filename_prefix))
    folder = os.path.join(output_dir, subfolder)
    if os.path.commonpath((output_dir, os.path.abspath(folder))) != output_dir:
        raise Exception("Saving outside the output folder is not allowed.")
    os.makedirs(folder, exist_ok=True)
    taken = [name[len(filename) + 1 :].split("_")[0] for name in os.listdir(folder) if name.startswith(filename + "_")]
    counter = max((int(number) for number in taken if number.isdigit()), default=0) + 1
    return folder, filename, counter, subfolder, filename_prefix
