"""Options, output and progress bars that the commands share."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import shown_path
from ..checks import MOST_THREADS, SEED
from ..errors import IndexTTS2Error
from ..foreign import shown
from ..text.profiles import PROFILES
from .texts import write_line

if TYPE_CHECKING:
    import torch

    from ..contracts import Progress
    from ..loading.checkpoint import Checkpoint
    from ..sampling import SamplingSettings
    from ..stages.handles import SpeechModels
    from ..stages.semantic_to_mel import FlowSettings

logger = logging.getLogger(__name__)

FOLDERS_VARIABLE = "INDEXTTS2_MODELS"
"""Environment variable with folders of checkpoints, so that they can be given by name."""

PRECISIONS = ("fp32", "fp16", "bf16")
DEVICES = ("cpu", "cuda", "mps")


STANDARD_INPUT = "-"
"""In place of a text: read standard input."""


class Usage(IndexTTS2Error):
    """The command was called wrongly."""


def add_checkpoint_option(parser: argparse.ArgumentParser) -> None:
    """--checkpoint."""
    parser.add_argument(
        "--checkpoint",
        metavar="DIR",
        default="mini",
        help=f"folder of a checkpoint, a name below the folders in {FOLDERS_VARIABLE}, or mini (default, built in)",
    )


def allow_leading_dashes(parser: argparse.ArgumentParser) -> None:
    """Let a text begin with a dash, as "-$5" does. Options that exist stay options.

    argparse offers this for negative numbers only, by the pattern that is widened here.
    """
    parser._negative_number_matcher = re.compile(r"-(?!-[a-z])")


def add_compute_options(parser: argparse.ArgumentParser) -> None:
    """--checkpoint, --device and --precision."""
    add_checkpoint_option(parser)
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps, or auto (default)")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="fp32",
        help="precision of the text-to-semantic model; the other stages always compute in fp32",
    )
    parser.add_argument(
        "--threads", type=positive(int, most=MOST_THREADS), metavar="N", help="CPU threads (default: torch's choice)"
    )


def add_cache_option(parser: argparse.ArgumentParser) -> None:
    """--no-cache."""
    parser.add_argument(
        "--no-cache", action="store_true", help="encode references anew, and keep nothing of them for the next time"
    )


def add_offload_option(parser: argparse.ArgumentParser) -> None:
    """--offload, of commands that load every model."""
    parser.add_argument(
        "--offload",
        action="store_true",
        help="keep only one model at a time on the device, for cards with little memory",
    )


def add_language_option(parser: argparse.ArgumentParser) -> None:
    """--language."""
    parser.add_argument(
        "--language",
        default="",
        metavar="TAG",
        help="language of the text, such as en, zh or ja; zhen is Chinese and English mixed (default: judged by the "
        "characters)",
    )


def add_text_options(parser: argparse.ArgumentParser) -> None:
    """--language and --text-profile."""
    add_language_option(parser)
    parser.add_argument(
        "--text-profile",
        choices=PROFILES,
        default=PROFILES[0],
        help="plain speaks the text as it is written, for fine-tunes that were trained so (default: as the checkpoint "
        "was trained)",
    )


def add_lora_option(parser: argparse.ArgumentParser) -> None:
    """--lora, of commands that run text-to-semantic."""
    parser.add_argument(
        "--lora",
        type=lora_choice,
        action="append",
        default=[],
        metavar="FILE[:S]",
        help="a LoRA for the text-to-semantic model: a file, a peft folder, or a name below the folders of LoRAs, with "
        "its strength behind a colon (default: 1); may be given several times",
    )


def lora_choice(text: str) -> tuple[str, float]:
    """argparse type of --lora: file and strength."""
    name, colon, number = text.rpartition(":")
    try:
        strength = float(number) if colon else 1.0
    except ValueError:  # the colon belongs to the path
        return text, 1.0
    if not name and colon or not math.isfinite(strength):
        raise argparse.ArgumentTypeError(f"FILE or FILE:STRENGTH is expected, such as voice:0.8, but got '{text}'")
    return (name if colon else text), strength


def loras_of(options: argparse.Namespace) -> list[tuple[Path, float]]:
    """The files that --lora names, with their strengths. Raises Usage for one that is not there."""
    return [(_lora_place(name), strength) for name, strength in options.lora]


def _lora_place(name: str) -> Path:
    from ..loading.host_folders import LORA_FOLDER

    places = [Path(name), *(folder / LORA_FOLDER / name for folder in model_folders())]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise Usage(f"There is no LoRA '{name}'; looked for {', '.join(map(str, places))}. Give its file or folder.")
    return found


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """--json and --progress."""
    parser.add_argument("--json", action="store_true", help="write the result as JSON to the output")
    parser.add_argument("--progress", action="store_true", help="show progress even if no terminal is attached")


MOST: dict[Callable[[str], Any], float] = {int: 1_000_000_000, float: 1e9}
"""Largest numbers of options that name no limit of their own."""


def positive(kind: Callable[[str], Any], *, zero: bool = False, most: float | None = None) -> Callable[[str], Any]:
    """An argparse type: a number above zero, or from zero on, and up to `most`."""
    limit = MOST[kind] if most is None else most
    rule = "zero or more" if zero else "above zero"

    def convert(text: str) -> Any:
        value = _converted(kind, text)
        if not (0 <= value <= limit and (zero or value > 0)):
            raise _unexpected(kind, f"up to {limit:,.0f}" if limit < value < math.inf else rule, text)
        return value

    return convert


def any_number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """An argparse type: a finite number of either sign, such as a seed."""
    low, high = SEED if kind is int else (-MOST[kind], MOST[kind])

    def convert(text: str) -> Any:
        value = _converted(kind, text)
        if not low <= value <= high:
            raise _unexpected(kind, f"from {low:.0f} to {high:.0f}", text)
        return value

    return convert


def _converted(kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except ValueError as error:  # int refuses thousands of digits with it too
        raise _unexpected(kind, "", text) from error


def _unexpected(kind: Callable[[str], Any], rule: str, text: str) -> argparse.ArgumentTypeError:
    name = " ".join(filter(None, (f"a {_NAMES[kind]}", rule)))
    return argparse.ArgumentTypeError(f"{name} is expected, but got {shown(text)}")


def name_in(module: str, table: str) -> Callable[[str], str]:
    """An argparse type: a name in a table of the library, which is imported when the option is used, not for help."""

    def check(text: str) -> str:
        names = getattr(importlib.import_module(f"..{module}", __package__), table)
        if text not in names:
            raise argparse.ArgumentTypeError(f"one of {', '.join(names)} is expected, but got '{text}'")
        return text

    return check


FLOW = ("steps", "guidance", "grid", "solver", "latent_guidance")
SAMPLING = (
    "mode", "beams", "temperature", "top_k", "top_p", "typical", "repetition_penalty", "length_penalty", "max_tokens",
    "emotion_guidance",
)  # fmt: skip


def add_preset_option(group: argparse._ArgumentGroup) -> None:
    """--preset, which names settings of the flow."""
    group.add_argument(
        "--preset",
        type=name_in("stages.semantic_to_mel", "PRESETS"),
        help="flow settings by name: exact, fast or fastest (default: what the checkpoint says)",
    )


def add_guidance_options(tokens: argparse._ArgumentGroup, flow: argparse._ArgumentGroup) -> None:
    """--emotion-guidance and --latent-guidance."""
    tokens.add_argument(
        "--emotion-guidance",
        type=positive(float, zero=True),
        metavar="G",
        help="amplify what the emotion changes in the choice of tokens: 1 is off, 2 is strong, 3 costs words",
    )
    flow.add_argument(
        "--latent-guidance",
        type=positive(float, zero=True),
        metavar="G",
        help="amplify what the latents, and with them the emotion, change in the sound: 1 is off, 2 is strong",
    )


def sampling_of(options: argparse.Namespace) -> SamplingSettings:
    """Settings of the choice of tokens by those of its options that a command has. Raises InputError."""
    from ..sampling import SamplingSettings

    given = {name: getattr(options, name) for name in SAMPLING if getattr(options, name, None) is not None}
    return SamplingSettings(**given)


def flow_of(options: argparse.Namespace) -> FlowSettings:
    """Settings of the flow by its options. Raises InputError, or Usage for a preset beside what it sets."""
    from ..stages.semantic_to_mel import PRESETS, FlowSettings

    given = {name: getattr(options, name) for name in FLOW if getattr(options, name, None) is not None}
    if options.preset is None:
        return FlowSettings(**given)
    doubled = [f"--{name}" for name in given if "guidance" not in name]
    if doubled:
        raise Usage(f"--preset {options.preset} already sets {', '.join(doubled)}. Give one or the other.")
    return replace(PRESETS[options.preset], **given)


_NAMES: dict[Callable[[str], Any], str] = {int: "whole number", float: "number"}


def checkpoint_of(options: argparse.Namespace) -> Checkpoint:
    """The checkpoint that --checkpoint names."""
    from ..loading.checkpoint import open_checkpoint

    return open_checkpoint(options.checkpoint, model_folders())


def model_folders() -> list[Path]:
    """Folders in which checkpoints are looked for by name: those of the variable, then ComfyUI's own."""
    from ..loading.host_folders import host_model_folders, host_root

    named = [Path(folder) for folder in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if folder]
    return named + host_model_folders(host_root())


def device_of(options: argparse.Namespace) -> torch.device:
    """The device that --device names. Raises Usage for one that is not there."""
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    if options.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(options.device)
    except RuntimeError as error:
        raise Usage(f"There is no kind of device '{options.device}'; known are {', '.join(DEVICES)}.") from error
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device.type, False) or (device.type == "cuda" and (device.index or 0) >= _cuda_count()):
        raise Usage(f"The device '{options.device}' is not available here. Try --device cpu.")
    return device


def _cuda_count() -> int:
    import torch

    return torch.cuda.device_count()


def dtype_of(options: argparse.Namespace) -> torch.dtype:
    """The type that --precision names."""
    from ..loading.native import PRECISIONS as DTYPES

    return DTYPES[options.precision]


def with_loras(options: argparse.Namespace, models: SpeechModels) -> SpeechModels:
    """The models with the LoRAs of --lora in their text-to-semantic weights. A strength of 0 changes nothing."""
    from ..loading.lora import merged, read_lora

    for path, strength in loras_of(options):
        if strength:
            lora = read_lora(path, models.t2s.model)
            models = replace(models, t2s=merged(models.t2s, lora, strength))
    return models


def sound_marks(options: argparse.Namespace) -> str:
    """Names of the LoRAs and of the text profile that the options add to a checkpoint; empty for none."""
    from ..loading.lora import lora_fingerprint

    marks = [f" {lora_fingerprint(path)}:{strength:g}" for path, strength in loras_of(options) if strength]
    return "".join(marks) + ("" if options.text_profile == PROFILES[0] else f" {options.text_profile}")


def load_models(options: argparse.Namespace, checkpoint: Checkpoint, device: torch.device) -> SpeechModels:
    """All models of a checkpoint on the device, or with --offload on the host until each is needed."""
    from ..loading.checkpoint import load_speech
    from ..runtime.offload import offloaded
    from ..runtime.reference_cache import ReferenceCache

    models = load_speech(checkpoint, "cpu" if options.offload else device, dtype_of(options))
    models = with_loras(options, models).with_text_profile(options.text_profile)
    models = replace(models, references=None if options.no_cache else ReferenceCache())
    return offloaded(models, device) if options.offload else models


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written, before the work. Raises Usage."""
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        raise Usage(f"{shown_path(path)} cannot be written: give a file in a folder that exists.")
    try:
        os.stat(path)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # a name that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise Usage(f"{shown_path(path)} cannot be written ({reason}). Choose another name.") from error


def write_result(options: argparse.Namespace, result: dict[str, Any], text: str) -> None:
    """The result, as JSON where asked for, otherwise as text."""
    write_line(json.dumps(result, ensure_ascii=False, indent=2) if options.json else text)


@contextmanager
def progress_bar(options: argparse.Namespace, label: str, *, in_bytes: bool = False) -> Iterator[Progress]:
    """A progress callback: a bar on the error stream if that is a terminal or --progress is given."""
    from ..contracts import no_progress

    if not (options.progress or sys.stderr.isatty()):
        yield no_progress
        return
    try:
        from tqdm import tqdm
    except ImportError:
        logger.warning("Install tqdm to see progress: pip install tqdm")
        yield no_progress
        return
    style = {"unit": "B", "unit_scale": True} if in_bytes else {}
    with tqdm(total=1, desc=label, file=sys.stderr, leave=False, **style) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
