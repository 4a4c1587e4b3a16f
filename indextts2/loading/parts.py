"""The parts of a checkpoint: one row says what a part is built from, where its files lie and what they hold.

Every list of parts in the library is read off `PARTS`. A layout is a set of rows: another one is added as rows whose
`holds` tells its configurations. Of several rows of one name the last that holds counts. Docs: docs/spec/files.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from ..config import Config
from ..errors import InputError
from . import part_makers as make
from .generation import AUXILIARY_FOLDER, CODEC_FILE, T2S_TENSOR, VOCABULARY_FILE, t2s_by_content

if TYPE_CHECKING:
    from torch import Tensor, nn

    DeadKeys = Callable[[Config], tuple[str, ...]]
    Shapes = Callable[[Config], dict[str, tuple[int, ...]]]

GROUPS = ("encoder", "t2s", "s2m", "vocoder")
"""Models that load together into one handle, in the order of the chain; a complete checkpoint has all of them."""

SUFFIX = ".safetensors"
LICENCE_FOLDER = f"{AUXILIARY_FOLDER}/licences"
LICENCE_NAMES = ("license", "licence", "disclaimer", "notice")
"""Beginnings of the names of licence texts, in small letters."""

FP32, FP16, INT8 = "fp32", "fp16", "int8"


def every(config: Config) -> bool:
    """Whether a row holds that holds for all configurations."""
    return True


def nowhere(folder: Path) -> Path | None:
    """No further place to look for a file."""
    return None


def no_keys(config: Config) -> tuple[str, ...]:
    """Dead keys of a file that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """One published file of a part."""

    names: tuple[str, ...]  # below the model folder, or the auxiliary one; the first is where a download puts it
    config_key: str = ""  # of config.yaml, which may name another file
    repository: str = ""  # empty: the released checkpoint's own; others lie in the auxiliary folder or a cache
    path: str = ""  # inside that repository; empty: the first name
    bytes: int | None = None  # as listed; None where not known
    sha256: str = ""  # as listed; empty where not known

    @property
    def local(self) -> str:
        """Place that a download gives it, below the model folder."""
        return f"{AUXILIARY_FOLDER}/{self.names[0]}" if self.repository else self.names[0]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a checkpoint, for the configurations of its row."""

    name: str
    group: str  # of `GROUPS`, or its own name where it is an extra that loads by itself
    official_files: tuple[OfficialFile, ...]  # those that are read, in the order that `read_official` wants
    build: Callable[[Config], nn.Module] | None = None  # None: no module
    config_sections: tuple[str, ...] = ()  # what its fingerprint covers beside the files
    sections: tuple[str, ...] = ()  # keys under which an official file may nest its weights; flat files are read too
    dead_keys: DeadKeys = no_keys  # patterns of tensors without effect in official files
    lenient_keys: bool = False  # unknown tensors of an official file are reported, not refused, as by its authors
    min_precision: str = FP16  # the lowest it is stored in
    shapes: Shapes | None = None  # tensors of a part that is no module
    read_official: Callable[[tuple[Path, ...]], dict[str, Tensor]] | None = None  # where a file holds other tensors
    used_by: tuple[str, ...] = ()  # further groups that cannot load without it
    optional: bool = False  # whether its group loads without it
    is_folder: bool = False  # a folder with a config.json
    named_by: Callable[[Config], str] | None = None  # where the configuration names the file, in every layout
    anchor: str = ""  # a tensor that its official file always holds, whatever a trainer put before the names
    find: Callable[[Path], Path | None] = nowhere  # its file where neither name is there
    companions: tuple[OfficialFile, ...] = ()  # published beside it and fetched with it, not read here
    holds: Callable[[Config], bool] = every

    @property
    def has_tensors(self) -> bool:
        """Whether it is tensors by name, in a file of its own in the native layout."""
        return self.build is not None or self.shapes is not None

    def native_file(self, config: Config) -> str:
        """Name of its file or folder in the native layout."""
        if self.named_by is not None:
            return PureWindowsPath(self.named_by(config)).name  # of a path in either way of writing
        return self.name if self.is_folder else self.name + SUFFIX

    def is_at(self, path: Path) -> bool:
        """Whether the file or folder is there."""
        return os.path.isfile(path / "config.json" if self.is_folder else path)  # which takes names of any length


def _own(name: str, config_key: str = "", count: int | None = None, sha256: str = "") -> OfficialFile:
    """A file of the released checkpoint's own repository."""
    return OfficialFile((name,), config_key, bytes=count, sha256=sha256)


def _auxiliary(name: str, repository: str, path: str, count: int) -> OfficialFile:
    return OfficialFile((name,), "", repository, path, count)


def _qwen(name: str, count: int | None = None) -> OfficialFile:
    return _own(f"qwen0.6bemo4-merge/{name}", "", count)


def _one_of(layers: Iterable[int]) -> str:
    return f"({'|'.join(map(str, layers))})"


def _other_than(layers: Iterable[int]) -> str:
    return rf"(?!{_one_of(layers)}\.)\d+"


SPEECH_ENCODER = "facebook/w2v-bert-2.0"
VOCODER = "nvidia/bigvgan_v2_22khz_80band_256x"

V20: tuple[Part, ...] = (
    Part(
        "semantic_encoder",
        "encoder",
        (_auxiliary("w2v-bert-2.0/model.safetensors", SPEECH_ENCODER, "model.safetensors", 2_322_063_736),),
        build=make.semantic_encoder,
        config_sections=("semantic_encoder",),
        dead_keys=lambda config: (
            r"masked_spec_embed",
            r"adapter\..*",
            rf"encoder\.layers\.{_other_than(range(config.semantic_encoder.layers))}\..*",
        ),
        lenient_keys=True,
        min_precision=INT8,
        companions=(
            _auxiliary("w2v-bert-2.0/config.json", SPEECH_ENCODER, "config.json", 1_874),
            _auxiliary("w2v-bert-2.0/preprocessor_config.json", SPEECH_ENCODER, "preprocessor_config.json", 275),
        ),
    ),
    Part(
        "codec",
        "encoder",
        (
            OfficialFile(
                ("semantic_codec_model.safetensors", "semantic_codec/model.safetensors"),
                repository="amphion/MaskGCT",
                path="semantic_codec/model.safetensors",
                bytes=177_183_712,
            ),
        ),
        build=make.codec,
        config_sections=("codec",),
        sections=("model",),
        dead_keys=lambda config: (r"decoder\..*",),
        used_by=("s2m",),
    ),
    Part(
        "style_encoder",
        "encoder",
        (OfficialFile(("campplus_cn_common.bin",), repository="funasr/campplus", bytes=28_036_335),),
        build=make.style_encoder,
        config_sections=("style_encoder", "mel"),  # the mel of a reference goes with its style
        sections=("state_dict",),
        dead_keys=lambda config: (r".*\.num_batches_tracked",),
    ),
    Part(
        "statistics",
        "encoder",
        (_own("wav2vec2bert_stats.pt", "w2v_stat", 9_343),),
        min_precision=FP32,
        shapes=lambda config: dict.fromkeys(("mean", "std"), (config.semantic_encoder.dim,)),
        read_official=make.read_statistics,
    ),
    Part(
        "t2s",
        "t2s",
        (_own("gpt.pth", "gpt_checkpoint", 3_484_663_079),),
        build=make.t2s,
        config_sections=("t2s",),
        sections=("model", "state_dict", "model_state_dict"),
        anchor=T2S_TENSOR,
        find=t2s_by_content,
        dead_keys=lambda config: (
            r".*\.pos_enc\.pe",
            r"gpt\.h\.\d+\.attn\.(bias|masked_bias)",
            r"inference_model\..*",
            r"gpt\.wte\..*",
            r"gpt\.wpe\..*",
        ),
        lenient_keys=True,
        min_precision=INT8,
    ),
    Part(
        "emotion_bank",
        "t2s",
        (
            _own("feat1.pt", "spk_matrix", 57_170),
            _own("feat2.pt", "emo_matrix", 374_866),
        ),
        config_sections=("emotion_bank",),
        min_precision=FP32,  # algebra is done on its rows
        shapes=lambda config: {
            "style_rows": (sum(config.emotion_bank.group_sizes), config.style_encoder.dim),
            "emotion_rows": (sum(config.emotion_bank.group_sizes), config.t2s.dim),
        },
        read_official=make.read_bank,
        optional=True,
    ),
    Part(
        "tokenizer",
        "t2s",
        (_own("bpe.model", "", 475_997),),
        config_sections=("text",),
        named_by=lambda config: config.text.tokenizer,
        find=make.only_tokenizer,
    ),
    Part(
        "s2m",
        "s2m",
        (_own("s2mel.pth", "s2mel_checkpoint", 1_202_198_223),),
        build=make.s2m,
        config_sections=("s2m", "mel"),
        sections=("net", "model"),
        dead_keys=lambda config: (
            r"cfm\.estimator\.input_pos",
            r"cfm\.estimator\.x_embedder\..*",
            r"cfm\.estimator\.cond_embedder\.weight",
            r"cfm\.estimator\.content_mask_embedder\.weight",
            r"length_regulator\.embedding\.weight",
            r"length_regulator\.mask_token",
            # Only the upper half of the layers takes skips.
            rf"cfm\.estimator\.transformer\.layers\.{_one_of(range(config.s2m.flow.depth // 2 + 1))}"
            r"\.skip_in_linear\..*",
        ),
        lenient_keys=True,
    ),
    Part(
        "vocoder",
        "vocoder",
        (_auxiliary("bigvgan/bigvgan_generator.pt", VOCODER, "bigvgan_generator.pt", 449_228_171),),
        build=make.vocoder,
        config_sections=("vocoder", "mel"),
        sections=("generator",),
        companions=(_auxiliary("bigvgan/config.json", VOCODER, "config.json", 1_405),),
    ),
    Part(
        "text_to_emotion",
        "text_to_emotion",
        (OfficialFile(("qwen0.6bemo4-merge",), config_key="qwen_emo_path"),),
        optional=True,
        is_folder=True,
        companions=(
            _qwen("model.safetensors", 1_192_135_096),
            _qwen("config.json"),
            _qwen("generation_config.json", 117),
            _qwen("tokenizer.json"),
            _qwen("tokenizer_config.json"),
            _qwen("vocab.json"),
            _qwen("merges.txt"),
            _qwen("added_tokens.json"),
            _qwen("special_tokens_map.json"),
            _qwen("chat_template.jinja", 550),
            _qwen("Modelfile"),
        ),
    ),
)


def decodes_content(config: Config) -> bool:
    """Whether a configuration is of IndexTTS-2.5, whose S2M reads decoded features."""
    return config.s2m.content == "decoder"


def _changed(name: str, *files: OfficialFile, dead_keys: DeadKeys | None = None) -> Part:
    """A part of IndexTTS-2 as IndexTTS-2.5 has it. dead_keys: None for the same."""
    row = _V20_ROWS[name]
    return replace(row, official_files=files, dead_keys=dead_keys or row.dead_keys, holds=decodes_content)


_V20_ROWS = {row.name: row for row in V20}

V25: tuple[Part, ...] = (
    _changed(
        "codec",
        _own(
            CODEC_FILE,
            "codec_checkpoint",
            607_290_935,
            "d15cbed16a40f478438c961fb043f68dfa6353bf56c966761315db3433e9722c",
        ),
        dead_keys=no_keys,
    ),
    _changed(
        "statistics",
        _own(
            "wav2vec2bert_stats.pt",
            "w2v_stat",
            9_343,
            "c9c176c2b8850ab2e3ba828bbfa969deaf4566ce55db5f2687b8430b87526ad2",
        ),
    ),
    _changed(
        "t2s",
        _own(
            "gpt.pth",
            "gpt_checkpoint",
            3_259_599_833,
            "43a8f4c30eccdf201958d3b9713511482c19d56dc20b0b1c4ee1e6b080b19d85",
        ),
        dead_keys=lambda config: (
            *_V20_ROWS["t2s"].dead_keys(config),
            r"conditioning_encoder\..*",
            r"perceiver_encoder\..*",
        ),
    ),
    _changed(
        "emotion_bank",
        _own("feat1.pt", "spk_matrix", 57_170, "f219cb447d80216ba615666da2ff8d63ac544eee26657f3a7b278692bf7a67c4"),
        _own("feat2.pt", "emo_matrix", 374_866, "9c4292e96dee535aea9a6206e9a0c856dd578dde9212acdb16dd3ada4d12bf80"),
    ),
    replace(
        _changed(
            "tokenizer",
            _own(VOCABULARY_FILE, "", 907_395, "747979631e813193436aabcff7c1c235d37de8097b71c563ec8b63b7a515c718"),
        ),
        find=nowhere,  # `generation.values_of` knows its name
    ),
    _changed(
        "s2m",
        _own(
            "s2mel.pth",
            "s2mel_checkpoint",
            414_908_601,
            "9b1b0003fc189c94cc349758d7ebc25f903b7eb2de4602879959cc64ce816456",
        ),
        dead_keys=lambda config: (*_V20_ROWS["s2m"].dead_keys(config), r"gpt_layer\..*"),
    ),
)
"""Parts that IndexTTS-2.5 has otherwise (docs/spec/v25.md#files)."""

PARTS: tuple[Part, ...] = (
    *V20,
    *V25,
)


def parts_of(config: Config) -> tuple[Part, ...]:
    """The rows of a configuration, one per name, in the order of the table."""
    return tuple({row.name: row for row in PARTS if row.holds(config)}.values())


def part_of(name: str, config: Config) -> Part:
    """The row of a part. Raises InputError for a name that no row has."""
    rows = {row.name: row for row in parts_of(config)}
    if name not in rows:
        raise InputError(f"There is no part '{name}'; known are {', '.join(rows)}.")
    return rows[name]


def names_where(holds: Callable[[Part], object]) -> tuple[str, ...]:
    """Names of the parts that something holds for, whatever the configuration."""
    return tuple(dict.fromkeys(row.name for row in PARTS if holds(row)))


def module_parts() -> tuple[str, ...]:
    """Parts that are modules: what can be trained, exported and converted."""
    return names_where(lambda row: row.build)


def tensor_parts() -> tuple[str, ...]:
    """Parts that are tensors by name, modules and others."""
    return names_where(lambda row: row.has_tensors)


def checkpoint_parts() -> tuple[str, ...]:
    """Names of the parts of a complete checkpoint, without extras that load by themselves, such as text-to-emotion."""
    return names_where(lambda row: row.group in GROUPS)


def parts_needed(groups: Iterable[str] = GROUPS) -> tuple[str, ...]:
    """Names of the parts that some groups cannot load without."""
    wanted = set(groups)
    return names_where(lambda row: not row.optional and wanted & {row.group, *row.used_by})


def group_of(name: str) -> str:
    """The group that a part belongs to."""
    return next(row.group for row in PARTS if row.name == name)
