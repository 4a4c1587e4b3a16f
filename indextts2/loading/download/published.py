"""The released files: which repository holds each, where it belongs, how large it is (docs/spec/files.md)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...errors import InputError
from ..generation import CODEC_FILE, VOCABULARY_FILE
from ..official import AUXILIARY_FOLDER, LICENCE_FOLDER, LICENCE_NAMES
from ..releases import OFFICIAL_KIND, RELEASES

SPEECH_ENCODER = "facebook/w2v-bert-2.0"
CODEC = "amphion/MaskGCT"
STYLE_ENCODER = "funasr/campplus"
VOCODER = "nvidia/bigvgan_v2_22khz_80band_256x"

CONFIG_PART = "config"
LICENCE_PART = "licence"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file. path: in the repository; local: below the model folder; bytes: as listed, None where not known.

    sha256: as listed, "" where not known; what a hub lists itself goes before it.
    """

    part: str
    repository: str
    path: str
    local: str
    bytes: int | None = None
    sha256: str = ""


def _of(kind: str, part: str, name: str, count: int | None = None, sha256: str = "") -> PublishedFile:
    return PublishedFile(part, RELEASES[kind], name, name, count, sha256)


def _auxiliary(part: str, repository: str, path: str, local: str, count: int | None = None) -> PublishedFile:
    return PublishedFile(part, repository, path, f"{AUXILIARY_FOLDER}/{local}", count)


_STATISTICS_SHA = "c9c176c2b8850ab2e3ba828bbfa969deaf4566ce55db5f2687b8430b87526ad2"
_BANK_SHA = (
    "f219cb447d80216ba615666da2ff8d63ac544eee26657f3a7b278692bf7a67c4",
    "9c4292e96dee535aea9a6206e9a0c856dd578dde9212acdb16dd3ada4d12bf80",
)

_OWN: dict[str, tuple[PublishedFile, ...]] = {
    "2.0": (
        _of("2.0", CONFIG_PART, "config.yaml", 2_882),
        _of("2.0", "tokenizer", "bpe.model", 475_997),
        _of("2.0", "t2s", "gpt.pth", 3_484_663_079),
        _of("2.0", "s2m", "s2mel.pth", 1_202_198_223),
        _of("2.0", "emotion_bank", "feat1.pt", 57_170),
        _of("2.0", "emotion_bank", "feat2.pt", 374_866),
        _of("2.0", "statistics", "wav2vec2bert_stats.pt", 9_343),
    ),
    "2.5": (
        _of("2.5", CONFIG_PART, "config.yaml", 2_860),
        _of(
            "2.5",
            "tokenizer",
            VOCABULARY_FILE,
            907_395,
            "747979631e813193436aabcff7c1c235d37de8097b71c563ec8b63b7a515c718",
        ),
        _of(
            "2.5",
            "t2s",
            "gpt.pth",
            3_259_599_833,
            "43a8f4c30eccdf201958d3b9713511482c19d56dc20b0b1c4ee1e6b080b19d85",
        ),
        _of(
            "2.5", "codec", CODEC_FILE, 607_290_935, "d15cbed16a40f478438c961fb043f68dfa6353bf56c966761315db3433e9722c"
        ),
        _of("2.5", "s2m", "s2mel.pth", 414_908_601, "9b1b0003fc189c94cc349758d7ebc25f903b7eb2de4602879959cc64ce816456"),
        _of("2.5", "emotion_bank", "feat1.pt", 57_170, _BANK_SHA[0]),
        _of("2.5", "emotion_bank", "feat2.pt", 374_866, _BANK_SHA[1]),
        _of("2.5", "statistics", "wav2vec2bert_stats.pt", 9_343, _STATISTICS_SHA),
    ),
}
"""What the repository of each kind holds itself (docs/spec/v25.md#files)."""

_CODEC = _auxiliary("codec", CODEC, "semantic_codec/model.safetensors", "semantic_codec_model.safetensors", 177_183_712)
_AUXILIARY: tuple[PublishedFile, ...] = (
    _auxiliary("semantic_encoder", SPEECH_ENCODER, "config.json", "w2v-bert-2.0/config.json", 1_874),
    _auxiliary(
        "semantic_encoder", SPEECH_ENCODER, "preprocessor_config.json", "w2v-bert-2.0/preprocessor_config.json", 275
    ),
    _auxiliary(
        "semantic_encoder", SPEECH_ENCODER, "model.safetensors", "w2v-bert-2.0/model.safetensors", 2_322_063_736
    ),
    _auxiliary("style_encoder", STYLE_ENCODER, "campplus_cn_common.bin", "campplus_cn_common.bin", 28_036_335),
    _auxiliary("vocoder", VOCODER, "config.json", "bigvgan/config.json", 1_405),
    _auxiliary("vocoder", VOCODER, "bigvgan_generator.pt", "bigvgan/bigvgan_generator.pt", 449_228_171),
)
"""What every kind needs of other repositories."""

_EMOTION_FOLDER = "qwen0.6bemo4-merge"
_EMOTION_FILES: dict[str, int | None] = {
    "model.safetensors": 1_192_135_096,
    "config.json": None,
    "generation_config.json": 117,
    "tokenizer.json": None,
    "tokenizer_config.json": None,
    "vocab.json": None,
    "merges.txt": None,
    "added_tokens.json": None,
    "special_tokens_map.json": None,
    "chat_template.jinja": 550,
    "Modelfile": None,
}


def _all_of(kind: str) -> tuple[PublishedFile, ...]:
    codec = (_CODEC,) if not any(file.part == "codec" for file in _OWN[kind]) else ()
    emotion = (
        _of(kind, "text_to_emotion", f"{_EMOTION_FOLDER}/{name}", count) for name, count in _EMOTION_FILES.items()
    )
    return (*_OWN[kind], *_AUXILIARY, *codec, *emotion)


PUBLISHED: dict[str, tuple[PublishedFile, ...]] = {kind: _all_of(kind) for kind in RELEASES}
"""Kind of released checkpoint -> its files."""

PARTS = tuple(dict.fromkeys(file.part for file in PUBLISHED[OFFICIAL_KIND] if file.part != CONFIG_PART))
"""What can be downloaded by itself; the configuration always comes with it."""


def published_files(parts: Collection[str] = (), kind: str = OFFICIAL_KIND) -> list[PublishedFile]:
    """The files of some parts and the configuration; of all parts when empty. Raises InputError."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise InputError(f"There is no part '{unknown[0]}' to download; known are {', '.join(PARTS)}.")
    wanted = {*(parts or PARTS), CONFIG_PART}
    return [file for file in PUBLISHED[kind] if file.part in wanted]


def licence_file(repository: str, path: str) -> PublishedFile | None:
    """A repository's licence text as a file to fetch too, or None for another kind of file."""
    if "/" in path or not path.lower().startswith(LICENCE_NAMES):
        return None
    folder = "" if repository in RELEASES.values() else f"{LICENCE_FOLDER}/{repository.replace('/', '--')}/"
    return PublishedFile(LICENCE_PART, repository, path, folder + path)
