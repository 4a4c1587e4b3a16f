"""Generation of the released model in a folder of the official layout, told by its tensors and files.

The key `version` is never asked: early files of IndexTTS-2.5 say 2.0. What a generation leaves unsaid in its
config.yaml becomes values of `Config`; from there on the configuration alone decides.
"""

from __future__ import annotations

import logging
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from ..text.languages import LANGUAGE_CODES
from .shards import is_later_shard, shards_of

logger = logging.getLogger(__name__)

CODEC_FILE = "codec.pth"
VOCABULARY_FILE = "multilingual_zh_ja_yue_char_del.tiktoken"
VOCABULARY_SUFFIX = ".tiktoken"
TEXT_TOKENS = 60_509  # size of the released vocabulary of IndexTTS-2.5
KIND_BY_CONTENT = {"latent": "2.0", "decoder": "2.5"}
"""`S2MConfig.content` -> the kind of released checkpoint that has it."""

SEARCHED = 1 << 22  # bytes at the start of a file, or of the pickle in an archive; names of tensors stand there
T2S_TENSOR = "mel_pos_embedding.emb.weight"
LEVELS = 4  # of folders that are looked into: checkpoints/epoch_3/step_100
MOST_ENTRIES = 256  # of one folder that are looked at
AUXILIARY_FOLDER = "hf_cache"
"""Folder below the official one for the models that come from other repositories."""

WEIGHT_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".safetensors")


@dataclass(frozen=True, slots=True)
class Generation:
    """Meaning of the config.yaml of a released generation.

    tensors: any of these names in the T2S file is proof. defaults: field of `Config` -> value where the file says
    nothing; fixed: whatever it says. without_effect: keys of the file that mean nothing. lenient: unknown keys are
    reported and ignored, since the released file is not known byte by byte.
    """

    name: str
    tensors: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()
    lenient: bool = False

    def ignores(self, key: str) -> bool:
        """Whether a key of config.yaml has no effect."""
        return any(re.fullmatch(pattern, key) for pattern in self.without_effect)


V20 = Generation("IndexTTS-2", ("speed_emb.weight", "perceiver_encoder.latents"))

V25 = Generation(
    "IndexTTS-2.5",
    ("spk_emb_proj.weight", "lang_embedding.weight"),
    defaults={
        "name": "IndexTTS-2.5",
        "codec.downsample": 2,
        "t2s.language_rows": len(LANGUAGE_CODES) + 1,  # the last row is unused
        "text.kind": "multilingual",
    },
    fixed={
        "version": "2.5",
        "t2s.speaker_from": "style",
        "t2s.duration.rows": False,
        "s2m.content": "decoder",
    },
    without_effect=(r"gpt\.condition_type", r"gpt\.condition_module\..*"),
    lenient=True,
)

GENERATIONS = (V25, V20)


def generation_of(folder: Path, t2s_file: str, leaves: Mapping[str, Any]) -> Generation:
    """The generation of a folder. t2s_file: name of its T2S weights; leaves: keys and values of its config.yaml."""
    named = folder / t2s_file
    path = named if os.path.isfile(named) else t2s_by_content(folder)
    if path is not None:
        for generation in GENERATIONS:
            if holds_names(path, generation.tensors):
                return generation
    has_vocabulary = any(folder.glob("*" + VOCABULARY_SUFFIX))
    if has_vocabulary or (folder / CODEC_FILE).is_file() or leaves.get("gpt.number_text_tokens") == TEXT_TOKENS:
        return V25
    return V20


def t2s_by_content(folder: Path) -> Path | None:
    """The T2S weights of a folder whatever a trainer called them: the newest file that holds its tensors, or None.

    Folders inside are looked into where the folder itself has no such file. Of a file in pieces it is the first.
    """
    level = [folder]
    for _ in range(LEVELS):
        files = [path for place in level for path in _entries(place) if path.suffix.lower() in WEIGHT_SUFFIXES]
        found = [path for path in files if not is_later_shard(path) and holds_names(path, [T2S_TENSOR])]
        if len(found) > 1:
            logger.info("%s holds %d files of text-to-semantic weights; the newest is used.", folder, len(found))
        if found:
            return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
        level = [path for place in level for path in _entries(place) if _may_hold_steps(path)]
    return None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:MOST_ENTRIES]
    except OSError:
        return []


def _may_hold_steps(path: Path) -> bool:
    """Whether a folder may be one that a trainer puts its steps into, and no checkpoint of its own."""
    if path.name.startswith(".") or path.name == AUXILIARY_FOLDER or not path.is_dir():
        return False
    return not (path / "config.yaml").is_file()


def values_of(generation: Generation, folder: Path, leaves: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(where the file says nothing, whatever it says): fields of `Config` with the values of a generation."""
    defaults, fixed = dict(generation.defaults), dict(generation.fixed)
    if generation is V25:
        vocabularies = sorted(path.name for path in folder.glob("*" + VOCABULARY_SUFFIX))
        named = str(leaves.get("dataset.bpe_model", ""))
        chosen = "text.kind" in leaves and named and os.path.isfile(folder / PureWindowsPath(named).name)
        if not (
            named.endswith(VOCABULARY_SUFFIX) or chosen
        ):  # some folders carry a SentencePiece file that nothing reads
            fixed["text.tokenizer"] = vocabularies[0] if vocabularies else VOCABULARY_FILE
        if "s2mel.style_encoder.dim" in leaves:
            defaults["t2s.style_dim"] = leaves["s2mel.style_encoder.dim"]
    return defaults, fixed


def holds_names(path: Path, names: Iterable[str]) -> bool:
    """Whether a weight file names one of these tensors; nothing in it is run, and no tensor is read."""
    wanted = [name.encode("utf-8") for name in names]
    return any(_holds(shard, wanted) for shard in shards_of(path))


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive that can be read, as torch writes them; False for one damaged at its end."""
    try:
        return zipfile.is_zipfile(path)
    except (zipfile.BadZipFile, ValueError):
        return False


def _holds(path: Path, wanted: Iterable[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(SEARCHED)
        if is_zip(path):
            with zipfile.ZipFile(path) as archive:
                index = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
                head = _start_of(archive, index) if index else b""
    except (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error):
        return False  # an archive that is damaged, encrypted, or packed in a way that is not known
    return any(name in head for name in wanted)


def _start_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """The first bytes of a file in an archive, however large it says it is."""
    with archive.open(name) as file:
        return file.read(SEARCHED)
