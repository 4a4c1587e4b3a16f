"""The released files: which repository holds each, where it belongs, how large it is (docs/spec/files.md)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...errors import InputError
from ..find import OFFICIAL_REPOSITORY
from ..official import AUXILIARY_FOLDER, LICENCE_FOLDER, LICENCE_NAMES

SPEECH_ENCODER = "facebook/w2v-bert-2.0"
CODEC = "amphion/MaskGCT"
STYLE_ENCODER = "funasr/campplus"
VOCODER = "nvidia/bigvgan_v2_22khz_80band_256x"

CONFIG_PART = "config"
LICENCE_PART = "licence"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file. path: in the repository; local: below the model folder; bytes: as listed, None where not known."""

    part: str
    repository: str
    path: str
    local: str
    bytes: int | None = None


def _own(part: str, name: str, count: int | None = None) -> PublishedFile:
    return PublishedFile(part, OFFICIAL_REPOSITORY, name, name, count)


def _emotion(name: str, count: int | None = None) -> PublishedFile:
    return _own("text_to_emotion", f"qwen0.6bemo4-merge/{name}", count)


def _auxiliary(part: str, repository: str, path: str, local: str, count: int | None = None) -> PublishedFile:
    return PublishedFile(part, repository, path, f"{AUXILIARY_FOLDER}/{local}", count)


PUBLISHED: tuple[PublishedFile, ...] = (
    _own(CONFIG_PART, "config.yaml", 2_882),
    _own("tokenizer", "bpe.model", 475_997),
    _own("t2s", "gpt.pth", 3_484_663_079),
    _own("s2m", "s2mel.pth", 1_202_198_223),
    _own("emotion_bank", "feat1.pt", 57_170),
    _own("emotion_bank", "feat2.pt", 374_866),
    _own("statistics", "wav2vec2bert_stats.pt", 9_343),
    _auxiliary("semantic_encoder", SPEECH_ENCODER, "config.json", "w2v-bert-2.0/config.json", 1_874),
    _auxiliary(
        "semantic_encoder", SPEECH_ENCODER, "preprocessor_config.json", "w2v-bert-2.0/preprocessor_config.json", 275
    ),
    _auxiliary(
        "semantic_encoder", SPEECH_ENCODER, "model.safetensors", "w2v-bert-2.0/model.safetensors", 2_322_063_736
    ),
    _auxiliary("codec", CODEC, "semantic_codec/model.safetensors", "semantic_codec_model.safetensors", 177_183_712),
    _auxiliary("style_encoder", STYLE_ENCODER, "campplus_cn_common.bin", "campplus_cn_common.bin", 28_036_335),
    _auxiliary("vocoder", VOCODER, "config.json", "bigvgan/config.json", 1_405),
    _auxiliary("vocoder", VOCODER, "bigvgan_generator.pt", "bigvgan/bigvgan_generator.pt", 449_228_171),
    _emotion("model.safetensors", 1_192_135_096),
    _emotion("config.json"),
    _emotion("generation_config.json", 117),
    _emotion("tokenizer.json"),
    _emotion("tokenizer_config.json"),
    _emotion("vocab.json"),
    _emotion("merges.txt"),
    _emotion("added_tokens.json"),
    _emotion("special_tokens_map.json"),
    _emotion("chat_template.jinja", 550),
    _emotion("Modelfile"),
)

PARTS = tuple(dict.fromkeys(file.part for file in PUBLISHED if file.part != CONFIG_PART))
"""What can be downloaded by itself; the configuration always comes with it."""


def published_files(parts: Collection[str] = ()) -> list[PublishedFile]:
    """The files of some parts and the configuration; of all parts when empty. Raises InputError."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise InputError(f"There is no part '{unknown[0]}' to download; known are {', '.join(PARTS)}.")
    wanted = {*(parts or PARTS), CONFIG_PART}
    return [file for file in PUBLISHED if file.part in wanted]


def licence_file(repository: str, path: str) -> PublishedFile | None:
    """A repository's licence text as a file to fetch too, or None for another kind of file."""
    if "/" in path or not path.lower().startswith(LICENCE_NAMES):
        return None
    folder = "" if repository == OFFICIAL_REPOSITORY else f"{LICENCE_FOLDER}/{repository.replace('/', '--')}/"
    return PublishedFile(LICENCE_PART, repository, path, folder + path)
