"""The only file that talks to the host's services: devices, memory, progress, Cancel, folders.

Models live in the host's `ModelPatcher`s, one per loaded model, held by nothing but the port value: when the host drops
its cached outputs, the models go. Nodes run a model inside `with running(loaded, work_bytes) as models:` and hand
results on through `on_intermediate`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import folder_paths
import torch
from comfy import model_management, utils
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ..indextts2.contracts import Progress, Waveform
from ..indextts2.errors import AudioError, InputError
from ..indextts2.loading.find import (
    MINI,
    OFFICIAL_NAME,
    Found,
    built_in_references,
    find_checkpoints,
    machine_caches,
)
from ..indextts2.loading.host_folders import OTHER_FOLDERS, inside_packs
from ..indextts2.loading.lora import LoraPair
from ..indextts2.runtime.interrupt import interruptible

logger = logging.getLogger(__name__)

FOLDER = "indextts2"
"""Name of the pack's folder below the host's models, and its key in extra_model_paths.yaml."""

LORA_FOLDER = "loras"
BUILT_IN_PLACES = ("first", "second")
"""Names that stand for the first built-in references, whatever these are called; example graphs use them."""

PRECISIONS = ("auto", "fp32", "fp16", "bf16")
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
SMALL_DEVICE_BYTES = 10 * 1024**3  # below this, "auto" halves the text-to-semantic model

Models = TypeVar("Models")
Value = TypeVar("Value")


class IndexTTS2Models(nn.Module):
    """All modules of one loaded handle, so that the host moves them together. The name shows in the host's log."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


@dataclass(frozen=True, eq=False)
class Loaded(Generic[Models]):
    """What travels on a model port. models: the library's handle; patcher: moves its modules; name: for messages."""

    models: Models
    patcher: ModelPatcher
    name: str = ""


def loaded_of(models: Models, name: str = "") -> Loaded[Models]:
    """A library handle under the host's care. Its modules must lie on the offload device."""
    parts = {
        field.name: value
        for field in fields(models)  # type: ignore[arg-type]
        if isinstance(value := getattr(models, field.name), nn.Module)
    }
    patcher = ModelPatcher(
        IndexTTS2Models(parts),
        load_device=model_management.get_torch_device(),
        offload_device=model_management.unet_offload_device(),
    )
    return Loaded(models, patcher, name)


def patched(
    loaded: Loaded[Models], models: Models, part: str, pairs: Sequence[LoraPair], strength: float
) -> Loaded[Models]:
    """The same weights with low-rank changes that the host applies while this handle is in use, and takes back after.

    models: the library's handle for the result; its modules are those of `loaded`. part: the module that is changed.
    """
    from comfy import lora as host_lora

    tensors: dict[str, Tensor] = {}
    for pair in pairs:
        tensors[f"{pair.key}.lora_up.weight"], tensors[f"{pair.key}.lora_down.weight"] = pair.up, pair.down
    patches = host_lora.load_lora(tensors, {pair.key: f"{part}.{pair.key}" for pair in pairs})
    patcher = loaded.patcher.clone()
    patcher.add_patches(patches, strength)
    return Loaded(models, patcher, loaded.name)


def offload_device() -> torch.device:
    """Where models wait until they are needed."""
    return model_management.unet_offload_device()


def required(loaded: Loaded[Models] | None) -> Loaded[Models]:
    """The handle. Raises InputError for the port of a model that the checkpoint lacks."""
    if not isinstance(loaded, Loaded):
        raise InputError("The checkpoint lacks the model this input needs. Wire it from a checkpoint that has it.")
    return loaded


@contextmanager
def running(loaded: Loaded[Models] | None, work_bytes: float = 0.0) -> Iterator[Models]:
    """The models on the compute device, whole, with `work_bytes` free beside them. Inside, Cancel is seen between any
    two layers of the models, however long one step of them takes.

    Raises InputError for a port without a model, the host's interrupt exception when the user has cancelled.
    """
    handle = required(loaded)
    check_interrupt()
    model_management.load_models_gpu([handle.patcher], memory_required=work_bytes, force_full_load=True)
    with interruptible([handle.patcher.model], check_interrupt):
        yield handle.models


def check_interrupt() -> None:
    """Raises the host's interrupt exception when the user has cancelled."""
    model_management.throw_exception_if_processing_interrupted()


def progress() -> Progress:
    """A progress callback for the library: the host's bar, never backwards, and Cancel between any two steps."""
    bar: utils.ProgressBar | None = None
    furthest = 0.0

    def report(done: int, total: int) -> None:
        nonlocal bar, furthest
        check_interrupt()
        if total <= 0:
            return
        bar = bar or utils.ProgressBar(total)
        share = min(done / total, 1.0)
        if share >= furthest:
            furthest = share
            bar.update_absolute(done, total)

    return report


def precision(choice: str) -> torch.dtype:
    """The type that a precision widget stands for on the compute device.

    auto: fp32, and fp16 on GPUs with little memory. A type the device cannot use becomes fp32, with a warning.
    """
    device = model_management.get_torch_device()
    halves: dict[str, Callable[..., bool]] = {
        "fp16": model_management.should_use_fp16,
        "bf16": model_management.should_use_bf16,
    }
    if choice == "auto":
        is_gpu = device.type not in ("cpu", "mps")
        small = is_gpu and model_management.get_total_memory(device) < SMALL_DEVICE_BYTES
        return torch.float16 if small and halves["fp16"](device) else torch.float32
    if choice not in DTYPES:
        raise InputError(f"A precision is one of {', '.join(PRECISIONS)}, but got '{choice}'.")
    if choice in halves and not halves[choice](device):
        logger.warning("This device does not compute in %s; fp32 is used.", choice)
        return torch.float32
    return DTYPES[choice]


def on_compute(value: Value) -> Value:
    """The same value with every tensor on the device where models run, for arithmetic between nodes."""
    return moved(value, model_management.get_torch_device())


def on_intermediate(value: Value) -> Value:
    """The same value with every tensor on the device where the host keeps results between nodes."""
    return moved(value, model_management.intermediate_device())


def moved(value: Any, device: torch.device) -> Any:
    """A copy of a contract with its tensors on a device; the very value where nothing has to move."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        parts = tuple(moved(part, device) for part in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: new
            for field in fields(value)
            if (new := moved(old := getattr(value, field.name), device)) is not old
        }
        return replace(value, **changed) if changed else value
    return value


def waveform_of(audio: Any, name: str = "audio") -> Waveform:
    """The library's waveform of a host AUDIO value. Raises AudioError for anything else."""
    try:
        samples, sample_rate = (audio if isinstance(audio, Mapping) else {})["waveform"], int(audio["sample_rate"])
    except (TypeError, KeyError, ValueError) as error:
        raise AudioError(
            f"The {name} input should be AUDIO of the host, but is {type(audio).__name__}. Connect an audio output, "
            "such as that of Load Audio."
        ) from error
    if not isinstance(samples, Tensor) or samples.dim() != 3:
        found = tuple(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
        raise AudioError(
            f"The {name} should hold a waveform of shape (batch, channels, samples), but holds {found}. Connect an "
            "audio output, such as that of Load Audio."
        )
    return Waveform(samples, sample_rate)


def built_in_speakers() -> dict[str, Path]:
    """Name -> recording of the references that ship with the mini."""
    return built_in_references()


def reference_waveform(audio: Any, built_in_speaker: str) -> Waveform:
    """The connected audio, or the built-in reference of that name when none is. Raises AudioError."""
    if audio is not None:
        return waveform_of(audio, "reference audio")
    offered = built_in_speakers()
    by_place = dict(zip(BUILT_IN_PLACES, offered, strict=False))
    built_in_speaker = by_place.get(built_in_speaker, built_in_speaker)
    if built_in_speaker not in offered:
        known = ", ".join(offered) or "none is installed"
        raise AudioError(
            f"There is no built-in reference '{built_in_speaker}'; there are: {known}. Connect a recording of speech."
        )
    from ..indextts2.audio.io import read_audio

    return read_audio(offered[built_in_speaker])


def audio_of(waveform: Waveform) -> dict[str, Any]:
    """A host AUDIO value of the library's waveform, float32 on the intermediate device."""
    samples = waveform.samples.to(model_management.intermediate_device(), torch.float32)
    return {"waveform": samples, "sample_rate": waveform.sample_rate}


def register_folders() -> None:
    """Tell the host about the pack's folder of models."""
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER))


def user_folders() -> dict[str, Path]:
    """The host's output and input folders, by the label the host puts behind file names."""
    return {"output": Path(folder_paths.get_output_directory()), "input": Path(folder_paths.get_input_directory())}


def temporary_folder() -> Path:
    """Where finished lines wait for the next run; the host empties it when it starts."""
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

    The released one is offered before it is there: loading it then says how to get it.
    """
    found: dict[str, Path | None] = {MINI: None}
    found.update((one.name, one.folder) for one in _found())
    if not any(name.startswith(OFFICIAL_NAME) for name in found):
        found[OFFICIAL_NAME] = Path(folder_paths.get_folder_paths(FOLDER)[0], OFFICIAL_NAME)
    return found


def _found() -> list[Found]:
    return find_checkpoints(model_roots(), machine_caches())


def lora_files() -> dict[str, Path]:
    """Name -> file of every LoRA in the pack's folders: single files, and peft folders with
    adapter_model.safetensors.
    """
    found: dict[str, Path] = {}
    for root in (Path(folder, LORA_FOLDER) for folder in folder_paths.get_folder_paths(FOLDER)):
        for path in sorted(root.rglob("*.safetensors")):
            place = path.parent if path.name == "adapter_model.safetensors" else path
            found.setdefault(place.relative_to(root).as_posix(), place)
    return found


def state_of(folder: Path) -> str:
    """Changes when a file of a folder does; the host reruns a loader then."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    stats = [(path.name, path.stat()) for path in paths if path.is_file()]
    return ";".join(f"{name},{stat.st_size},{stat.st_mtime_ns}" for name, stat in stats)
