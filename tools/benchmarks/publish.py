"""The official files with generated weights at any size, with all that the released ones hold besides live weights."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from indextts2.config import Config
from indextts2.loading.config_file import dump_config, read_config
from indextts2.loading.download.published import PUBLISHED
from indextts2.loading.generated import BYTES_ONLY, full_size_config, generated_sources
from indextts2.loading.generation import VOCABULARY_FILE
from indextts2.loading.parts import part_of, parts_of
from indextts2.loading.releases import OFFICIAL_KIND
from indextts2.training.data.tokenizer import train_english_tokenizer
from tests.conftest import TINY, TINY_V25
from tests.loading.official_writer import as_published, config_v25, nested_s2m, write_auxiliary
from tests.loading.qwen_writer import write_qwen

SMALL_FILES = ("config.yaml", "bpe.model", "feat1.pt", "feat2.pt", "wav2vec2bert_stats.pt", VOCABULARY_FILE)
PUBLISHED_LAYERS = 24  # of the semantic encoder, of which fewer are used


def publish(
    folder: Path, work: Path, *, kind: str = OFFICIAL_KIND, small_files: Path | None = None, tiny: bool = False
) -> None:
    """Write the files, one large one after the other; the text-to-emotion model is a tiny one at any size.

    small_files: a folder with released ones, which are taken instead of made-up ones where they are there.
    """
    folder.mkdir(parents=True)
    torch.serialization.set_crc32_options(False)  # the sums of the download tell more, and this takes long
    small, large, sizes = KINDS[kind]
    config = sizes if tiny else full_size_config(kind)
    small(folder, config, work)
    for name in SMALL_FILES if small_files is not None else ():
        if (small_files / name).is_file():
            shutil.copyfile(small_files / name, folder / name)
    config = read_config(folder / "config.yaml").config
    large(folder, config)
    auxiliary = {row.name: _published(row.name, config) for row in parts_of(config) if row.official_files[0].repository}
    auxiliary["semantic_encoder"].update(_dead_layers(auxiliary["semantic_encoder"], config))
    old_codec = auxiliary.setdefault("codec", {"unused": torch.zeros(1)})  # nothing of 2.5 reads this file
    encoder = sum(value.numel() for key, value in old_codec.items() if key.startswith("encoder."))
    old_codec["decoder.0.weight"] = torch.zeros(encoder)  # as large as the encoder
    write_auxiliary(folder / "hf_cache", auxiliary, hub_cache=False, nested=True)
    write_qwen(folder / part_of("text_to_emotion", config).official_files[0].names[0])
    for file in PUBLISHED[kind]:
        if not (folder / file.local).exists():
            (folder / file.local).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.local).write_bytes(b"{}")


def _made(part: str, config: Config) -> dict[str, Tensor]:
    return {key: make() for key, make in generated_sources(config, part).items()}


def _published(part: str, config: Config) -> dict[str, Tensor]:
    return as_published(part, _made(part, config))


def _small_v20(folder: Path, config: Config, work: Path) -> None:
    config = replace(config, text=replace(config.text, kind="english", tokenizer="bpe.model"))
    text = dump_config(config, {}).replace("checkpoint: {}\n", "")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    shutil.copyfile(train_english_tokenizer(work / "tokenizer.model"), folder / "bpe.model")
    _bank_and_statistics(folder, config)


def _small_v25(folder: Path, config: Config, work: Path) -> None:
    (folder / "config.yaml").write_text(config_v25(config), encoding="utf-8")
    shutil.copyfile(BYTES_ONLY, folder / VOCABULARY_FILE)
    _bank_and_statistics(folder, config)


def _bank_and_statistics(folder: Path, config: Config) -> None:
    bank, statistics = _made("emotion_bank", config), _made("statistics", config)
    torch.save(bank["style_rows"], folder / "feat1.pt")
    torch.save(bank["emotion_rows"], folder / "feat2.pt")
    torch.save({"mean": statistics["mean"], "var": statistics["std"].square()}, folder / "wav2vec2bert_stats.pt")


def _large_v20(folder: Path, config: Config) -> None:
    torch.save({"model": _published("t2s", config)}, folder / "gpt.pth")
    torch.save(_with_moments(_published("s2m", config)), folder / "s2mel.pth")


def _large_v25(folder: Path, config: Config) -> None:
    """The codec has the moments here, and the flow an unused projection of the older model."""
    torch.save({"model": _published("t2s", config)}, folder / "gpt.pth")
    s2m = _published("s2m", config)
    widths = (config.s2m.latent_dim, *config.s2m.latent_hidden, config.s2m.semantic_dim)
    for index, (wide, narrow) in enumerate(zip(widths, widths[1:], strict=False)):
        s2m |= {f"gpt_layer.{index}.weight": torch.zeros(narrow, wide), f"gpt_layer.{index}.bias": torch.zeros(narrow)}
    torch.save(nested_s2m(s2m, parallel=False), folder / "s2mel.pth")
    codec = _published("codec", config)
    torch.save({"model": codec, "optimizer": {"state": _moments(list(codec.values()))}}, folder / "codec.pth")


KINDS: dict[str, tuple[Callable[[Path, Config, Path], None], Callable[[Path, Config], None], Config]] = {
    "2.0": (_small_v20, _large_v20, TINY),
    "2.5": (_small_v25, _large_v25, TINY_V25),
}
"""Kind of released checkpoint -> what writes its small files, what writes its large ones, and its tiny sizes."""


def _with_moments(tensors: dict[str, Tensor]) -> dict[str, object]:
    """The flow with the two moments an optimizer keeps of each number, which make the released file so large."""
    whole = nested_s2m(tensors, parallel=False)
    whole["optimizer"]["cfm"]["state"] = _moments([value for key, value in tensors.items() if key.startswith("cfm.")])
    return whole


def _moments(values: list[Tensor]) -> dict[int, dict[str, object]]:
    return {
        index: {"step": 7, "exp_avg": torch.zeros(value.shape), "exp_avg_sq": torch.zeros(value.shape)}
        for index, value in enumerate(values)
    }


def _dead_layers(tensors: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """The layers after the last one that is used, as zeros."""
    last = config.semantic_encoder.layers - 1
    own = re.compile(rf"encoder\.layers\.{last}\.(.*)")
    names = {found[1]: value for key, value in tensors.items() if (found := own.fullmatch(key))}
    return {
        f"encoder.layers.{layer}.{name}": torch.zeros_like(value)
        for layer in range(last + 1, PUBLISHED_LAYERS)
        for name, value in names.items()
    }
