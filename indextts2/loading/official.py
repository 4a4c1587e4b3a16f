"""The official layout: where each part lies and how it is nested (docs/spec/files.md).

The four auxiliary models lie in `hf_cache/` below the model folder, beside it, or in folders of the Hugging Face cache
form (`models--owner--name/snapshots/<revision>/`), there or in the machine's own cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from torch import Tensor

from ..config import Config
from ..errors import CheckpointError
from .generation import CODEC_FILE
from .renames import live_sources
from .stream import Source
from .tensors import read_section, read_single

AUXILIARY_FOLDER = "hf_cache"
LICENCE_FOLDER = f"{AUXILIARY_FOLDER}/licences"
LICENCE_NAMES = ("license", "licence", "disclaimer", "notice")
"""Beginnings of the names of licence texts, in small letters."""

VARIANCE_FLOOR = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part may lie: names below the model folder, and a repository with the path inside it."""

    names: tuple[str, ...]
    repository: str = ""
    path: str = ""


PLACES: dict[str, Place] = {
    "semantic_encoder": Place(("w2v-bert-2.0/model.safetensors",), "facebook/w2v-bert-2.0", "model.safetensors"),
    "codec": Place(
        ("semantic_codec_model.safetensors", "semantic_codec/model.safetensors"),
        "amphion/MaskGCT",
        "semantic_codec/model.safetensors",
    ),
    "style_encoder": Place(("campplus_cn_common.bin",), "funasr/campplus", "campplus_cn_common.bin"),
    "vocoder": Place(("bigvgan/bigvgan_generator.pt",), "nvidia/bigvgan_v2_22khz_80band_256x", "bigvgan_generator.pt"),
}

OWN_FILES: dict[str, tuple[tuple[str, str], ...]] = {
    "t2s": (("gpt_checkpoint", "gpt.pth"),),
    "s2m": (("s2mel_checkpoint", "s2mel.pth"),),
    "statistics": (("w2v_stat", "wav2vec2bert_stats.pt"),),
    "emotion_bank": (("spk_matrix", "feat1.pt"), ("emo_matrix", "feat2.pt")),
}
"""Files of the model folder itself: (key of config.yaml, usual name)."""

OWN_CODEC: dict[str, tuple[tuple[str, str], ...]] = {"decoder": (("codec_checkpoint", CODEC_FILE),)}
"""Kind of content -> the codec's file, where the model folder has it and no other repository."""

TEXT_TO_EMOTION = ("qwen_emo_path", "qwen0.6bemo4-merge")

SECTIONS: dict[str, tuple[str, ...]] = {
    "semantic_encoder": (),
    "codec": ("model",),
    "style_encoder": ("state_dict",),
    "t2s": ("model",),
    "s2m": ("net", "model"),
    "vocoder": ("generator",),
}
"""Keys under which a file may nest its weights; flat files of the same names are read too."""


def official_files(
    folder: Path, config: Config, file_names: Mapping[str, str], caches: Iterable[Path] = ()
) -> dict[str, tuple[Path, ...]]:
    """Part -> its files, for the parts that are there."""
    found: dict[str, tuple[Path, ...]] = {}
    own, places = files_of(config)
    for part, wanted in own.items():
        paths = tuple(_named(folder, file_names.get(key, usual), usual) for key, usual in wanted)
        if all(path.is_file() for path in paths):
            found[part] = paths
    tokenizer = folder / PurePosixPath(config.text.tokenizer).name
    if tokenizer.is_file():
        found["tokenizer"] = (tokenizer,)
    emotion = folder / file_names.get(*TEXT_TO_EMOTION)
    if (emotion / "config.json").is_file():
        found["text_to_emotion"] = (emotion,)
    roots = (folder / AUXILIARY_FOLDER, folder, folder.parent / AUXILIARY_FOLDER, folder.parent, *caches)
    for part, place in places.items():
        path = _auxiliary(place, roots)
        if path is not None:
            found[part] = (path,)
    return found


def files_of(config: Config) -> tuple[dict[str, tuple[tuple[str, str], ...]], dict[str, Place]]:
    """The rows of `OWN_FILES` and `PLACES` that hold for a configuration."""
    if config.s2m.content in OWN_CODEC:
        others = {part: place for part, place in PLACES.items() if part != "codec"}
        return {**OWN_FILES, "codec": OWN_CODEC[config.s2m.content]}, others
    return OWN_FILES, PLACES


def wanted_files(part: str, config: Config, file_names: Mapping[str, str]) -> tuple[str, ...]:
    """Names of a part's files below the model folder, as this loader looks for them first."""
    own, places = files_of(config)
    if part in own:
        return tuple(file_names.get(key, usual) for key, usual in own[part])
    if part in places:
        return (f"{AUXILIARY_FOLDER}/{places[part].names[0]}",)
    return (PurePosixPath(config.text.tokenizer).name,) if part == "tokenizer" else ()


def _named(folder: Path, name: str, usual: str) -> Path:
    """The file as the configuration names it, or as it is usually called: some carry names of another machine."""
    return folder / name if (folder / name).is_file() else folder / usual


def _auxiliary(place: Place, roots: Iterable[Path]) -> Path | None:
    for root in roots:
        for name in place.names:
            if (root / name).is_file():
                return root / name
        snapshot = cached_snapshot(root, place.repository)
        if snapshot is not None and (snapshot / place.path).is_file():
            return snapshot / place.path
    return None


def cached_snapshot(cache: Path, repository: str) -> Path | None:
    """The folder of a repository's current revision in a Hugging Face cache, or None."""
    base = cache / ("models--" + repository.replace("/", "--"))
    snapshots = base / "snapshots"
    if not snapshots.is_dir():
        return None
    reference = base / "refs" / "main"
    if reference.is_file():
        named = snapshots / reference.read_text(encoding="utf-8").strip()
        if named.is_dir():
            return named
    revisions = sorted((path for path in snapshots.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    return revisions[-1] if revisions else None


def official_sources(part: str, files: tuple[Path, ...], config: Config) -> dict[str, Source]:
    """A part's live tensors under the names of the native layout, each to be made when it is needed.

    What is memory mapped stays on the disk until then. Raises CheckpointError.
    """
    if part in ("statistics", "emotion_bank"):
        small = _read_statistics(files[0]) if part == "statistics" else _read_bank(files)
        return {key: partial(small.__getitem__, key) for key in small}
    return live_sources(part, read_section(files[0], SECTIONS[part]), config)


def licence_files(folder: Path) -> list[Path]:
    """Licence texts that came with the files: of the model itself, then of the auxiliary models."""
    own = [path for path in sorted(folder.glob("*")) if path.is_file() and path.name.lower().startswith(LICENCE_NAMES)]
    return own + sorted(path for path in (folder / LICENCE_FOLDER).rglob("*") if path.is_file())


def _read_bank(files: tuple[Path, ...]) -> dict[str, Tensor]:
    return {"style_rows": read_single(files[0]), "emotion_rows": read_single(files[1])}


def _read_statistics(path: Path) -> dict[str, Tensor]:
    found = read_section(path)
    if not {"mean", "var"} <= set(found):
        raise CheckpointError(f"{path} should hold 'mean' and 'var' of the semantic features. Get the file again.")
    if not bool((found["var"] > VARIANCE_FLOOR).all()):
        raise CheckpointError(f"{path} holds a variance that is not positive. Get the file again.")
    return {"mean": found["mean"].float(), "std": found["var"].float().sqrt()}
