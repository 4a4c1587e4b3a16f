"""A checkpoint folder opened, and its models built. The one place where weights become modules."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..config import Config
from ..errors import CheckpointError, ConfigError
from ..stages.handles import EmotionBank, EncoderModels, S2MModels, SpeechModels, T2SModels, VocoderModels
from ..surroundings import with_torch_defaults
from .config_file import CONFIG_NAME, read_config
from .find import checkpoint_folder, machine_caches
from .fine_tune import check_vocabulary, fitted, with_base
from .fingerprint import fingerprints
from .native import is_native, native_files
from .official import licence_files, official_files
from .opened import NATIVE, OFFICIAL, Checkpoint
from .pace import pace_of
from .parts import part_of, parts_needed
from .quantise import quantised_layers, with_int8_layers
from .tensors import build_with, check_numbers, without_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..models.codec import SemanticCodec
    from ..models.resampling_codec import ResamplingCodec
    from ..text.front_end import FrontEnd

OFFICIAL_LICENCE = "not stated in the files; see the page of each model for its conditions"
OFFICIAL_LICENCES = "as in the files that came with it: "


def open_checkpoint(folder: str | Path, roots: Iterable[Path] = ()) -> Checkpoint:
    """Read the configuration of a checkpoint and look for its parts. Raises CheckpointError or ConfigError.

    folder: "mini", a path, or the name of a checkpoint below one of `roots`. Parts that a fine-tune lacks come from its
    base (`fine_tune.with_base`).
    """
    roots = list(roots)
    place = checkpoint_folder(folder, roots)
    checkpoint, base = _opened(place)
    return with_base(checkpoint, base, roots, open_alone)


def open_alone(place: Path) -> Checkpoint:
    """The same of a folder, without a base."""
    return _opened(place)[0]


def _opened(place: Path) -> tuple[Checkpoint, str]:
    """A folder as it is, and the base that its configuration names."""
    if not os.path.isdir(place):
        raise CheckpointError(f"The folder {place} is missing. Install the package again, or name another checkpoint.")
    file = read_config(place / CONFIG_NAME)
    if is_native(file.metadata):
        files = native_files(place, file.config)
        licence, layout = str(file.metadata.get("licence", "")), NATIVE
        declared = file.metadata.get("fingerprints", {})
        if not isinstance(declared, Mapping):
            raise ConfigError(f"{place / CONFIG_NAME}: 'checkpoint.fingerprints' should hold keys and values.")
    else:
        files = official_files(place, file.config, file.file_names, machine_caches())
        licence, layout, declared = _official_licence(place), OFFICIAL, {}
        file = replace(file, config=fitted(file.config, files, file.keys))
    marks = fingerprints(file.config, files, declared)
    checkpoint = Checkpoint(file.config, place, layout, files, marks, licence, file.metadata, file.file_names)
    return checkpoint, file.base


def _official_licence(folder: Path) -> str:
    names = [path.relative_to(folder).as_posix() for path in licence_files(folder)]
    return OFFICIAL_LICENCES + ", ".join(names) if names else OFFICIAL_LICENCE


def empty_model(config: Config, part: str) -> torch.nn.Module:
    """A part's module with shapes and without memory for its parameters."""
    return without_memory(_builder(config, part))


def _builder(config: Config, part: str) -> Callable[[], torch.nn.Module]:
    build = part_of(part, config).build
    if build is None:
        raise CheckpointError(f"The {part} of a checkpoint is no module. Read its tensors instead.")
    return partial(build, config)


@with_torch_defaults
def load_encoder(
    checkpoint: Checkpoint, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> EncoderModels:
    """Semantic encoder, codec, style encoder and the statistics of the features."""
    checkpoint.require(parts_needed(["encoder"]))
    statistics = _tensors(checkpoint, "statistics")
    return EncoderModels(
        semantic_encoder=_load(checkpoint, "semantic_encoder", device, dtype),
        codec=_load_codec(checkpoint, "encode", device, dtype),
        style_encoder=_load(checkpoint, "style_encoder", device, dtype),
        mean=statistics["mean"].to(device),
        std=statistics["std"].to(device),
        config=checkpoint.config,
        fingerprint=checkpoint.fingerprints.encoder,
    )


@with_torch_defaults
def load_t2s(
    checkpoint: Checkpoint, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> T2SModels:
    """Text-to-semantic with its front end; the emotion bank too, where the checkpoint has one."""
    checkpoint.require(parts_needed(["t2s"]))
    if checkpoint.layout == OFFICIAL:
        check_vocabulary(checkpoint.config, checkpoint.files)
    return T2SModels(
        model=_load(checkpoint, "t2s", device, dtype),
        front_end=load_front_end(checkpoint),
        bank=_load_bank(checkpoint, device),
        config=checkpoint.config,
        fingerprint=checkpoint.fingerprints.t2s,
        encoder_fingerprint=checkpoint.fingerprints.encoder,
        pace=pace_of(checkpoint),
    )


@with_torch_defaults
def load_s2m(
    checkpoint: Checkpoint, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> S2MModels:
    """Semantic-to-mel, and the codec's quantizer, which turns tokens into its input."""
    checkpoint.require(parts_needed(["s2m"]))
    return S2MModels(
        model=_load(checkpoint, "s2m", device, dtype),
        codec=_load_codec(checkpoint, "decode", device, dtype),
        config=checkpoint.config,
        fingerprint=checkpoint.fingerprints.s2m,
        encoder_fingerprint=checkpoint.fingerprints.encoder,
    )


@with_torch_defaults
def load_vocoder(
    checkpoint: Checkpoint, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> VocoderModels:
    """The vocoder."""
    checkpoint.require(parts_needed(["vocoder"]))
    config = checkpoint.config
    model = _load(checkpoint, "vocoder", device, dtype)
    return VocoderModels(model=model, config=config, mel=config.mel, fingerprint=checkpoint.fingerprints.vocoder)


@with_torch_defaults
def load_speech(
    checkpoint: Checkpoint,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    with_text_to_emotion: bool = False,
) -> SpeechModels:
    """All models of a checkpoint. dtype is that of T2S; the other stages run in float32, as in the released program."""
    checkpoint.require(parts_needed())
    text_to_emotion = None
    if with_text_to_emotion:
        from .text_to_emotion import load_text_to_emotion

        text_to_emotion = load_text_to_emotion(checkpoint.folder, device)
    return SpeechModels(
        encoder=load_encoder(checkpoint, device),
        t2s=load_t2s(checkpoint, device, dtype),
        s2m=load_s2m(checkpoint, device),
        vocoder=load_vocoder(checkpoint, device),
        text_to_emotion=text_to_emotion,
    )


def load_front_end(checkpoint: Checkpoint) -> FrontEnd:
    """The text front end alone, which is enough to prepare text."""
    from ..text.front_end import front_end_for

    checkpoint.require(["tokenizer"])
    config = checkpoint.config
    return front_end_for(config.text, checkpoint.files["tokenizer"][0], tells_language=config.t2s.language_rows > 0)


def _load(checkpoint: Checkpoint, part: str, device: str | torch.device, dtype: torch.dtype) -> Any:
    """The module of a part."""
    holder = checkpoint.base if checkpoint.base is not None and part in checkpoint.from_base else checkpoint
    lenient = holder.layout == OFFICIAL and part_of(part, checkpoint.config).lenient_keys
    tensors = checkpoint.read(part)
    build = _builder(checkpoint.config, part)

    def build_as_stored() -> torch.nn.Module:
        return with_int8_layers(build(), quantised_layers(tensors))

    return build_with(build_as_stored, tensors, checkpoint.files[part][0], device=device, dtype=dtype, lenient=lenient)


def _load_codec(
    checkpoint: Checkpoint, side: str, device: str | torch.device, dtype: torch.dtype
) -> SemanticCodec | ResamplingCodec:
    """One side of the codec: what the encoder needs, or what semantic-to-mel does."""
    from ..models.resampling_codec import UNUSED_BY_SIDE, codec_of

    unused = tuple(f"{name}." for name in UNUSED_BY_SIDE[side])
    tensors = {key: value for key, value in checkpoint.read("codec").items() if not key.startswith(unused)}
    return build_with(
        lambda: codec_of(checkpoint.config.codec, side),
        tensors,
        checkpoint.files["codec"][0],
        device=device,
        dtype=dtype,
    )


def _load_bank(checkpoint: Checkpoint, device: str | torch.device) -> EmotionBank | None:
    if "emotion_bank" not in checkpoint.files:
        return None
    tensors = _tensors(checkpoint, "emotion_bank")
    return EmotionBank(
        tensors["style_rows"].to(device), tensors["emotion_rows"].to(device), checkpoint.config.emotion_bank.group_sizes
    )


def _tensors(checkpoint: Checkpoint, part: str) -> dict[str, Tensor]:
    """The tensors of a part that is no module, in float32, with their shapes and numbers checked."""
    shapes = part_of(part, checkpoint.config).shapes
    wanted = {} if shapes is None else shapes(checkpoint.config)
    found, source = checkpoint.read(part), checkpoint.files[part][0]
    for name, shape in wanted.items():
        have = tuple(found[name].shape) if name in found else None
        if have != shape:
            raise CheckpointError(f"{source}: '{name}' should have shape {shape}, but has {have}.")
    tensors = {name: found[name].float() for name in wanted}
    check_numbers(tensors, source)
    return tensors
