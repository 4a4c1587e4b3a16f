"""The official files with generated weights at any size, with all that the released ones hold besides live weights."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from indextts2.config import Config
from indextts2.loading.config_file import dump_config, read_config
from indextts2.loading.download.published import OFFICIAL_KIND, PUBLISHED
from indextts2.loading.generated import generated_sources
from indextts2.loading.parts import names_where, part_of
from indextts2.training.data.tokenizer import train_english_tokenizer
from tests.conftest import TINY
from tests.loading.official_writer import as_published, nested_s2m, write_auxiliary
from tests.loading.qwen_writer import write_qwen

SMALL_FILES = ("config.yaml", "bpe.model", "feat1.pt", "feat2.pt", "wav2vec2bert_stats.pt")
PUBLISHED_LAYERS = 24  # of the semantic encoder, of which fewer are used


def publish(folder: Path, work: Path, *, small_files: Path | None = None, tiny: bool = False) -> None:
    """Write the files, one large one after the other; the text-to-emotion model is a tiny one at any size.

    small_files: released ones to take instead of made-up ones.
    """
    folder.mkdir(parents=True)
    torch.serialization.set_crc32_options(False)  # the sums of the download tell more, and this takes long
    if small_files is None:
        config = TINY if tiny else Config()
        config = replace(config, text=replace(config.text, kind="english", tokenizer="bpe.model"))
        _make_small_files(folder, config, work)
    else:
        for name in SMALL_FILES:
            shutil.copyfile(small_files / name, folder / name)
        config = read_config(folder / "config.yaml").config
    torch.save({"model": _published("t2s", config)}, folder / "gpt.pth")
    torch.save(_with_moments(_published("s2m", config)), folder / "s2mel.pth")
    auxiliary = {part: _published(part, config) for part in names_where(lambda row: row.official_files[0].repository)}
    auxiliary["semantic_encoder"].update(_dead_layers(auxiliary["semantic_encoder"], config))
    encoder = sum(value.numel() for key, value in auxiliary["codec"].items() if key.startswith("encoder."))
    auxiliary["codec"]["decoder.0.weight"] = torch.zeros(encoder)  # as large as the encoder
    write_auxiliary(folder / "hf_cache", auxiliary, hub_cache=False, nested=True)
    write_qwen(folder / part_of("text_to_emotion", config).official_files[0].names[0])
    for file in PUBLISHED[OFFICIAL_KIND]:
        if not (folder / file.local).exists():
            (folder / file.local).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.local).write_bytes(b"{}")


def _made(part: str, config: Config) -> dict[str, Tensor]:
    return {key: make() for key, make in generated_sources(config, part).items()}


def _published(part: str, config: Config) -> dict[str, Tensor]:
    return as_published(part, _made(part, config))


def _make_small_files(folder: Path, config: Config, work: Path) -> None:
    text = dump_config(config, {}).replace("checkpoint: {}\n", "")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    shutil.copyfile(train_english_tokenizer(work / "tokenizer.model"), folder / "bpe.model")
    bank, statistics = _made("emotion_bank", config), _made("statistics", config)
    torch.save(bank["style_rows"], folder / "feat1.pt")
    torch.save(bank["emotion_rows"], folder / "feat2.pt")
    torch.save({"mean": statistics["mean"], "var": statistics["std"].square()}, folder / "wav2vec2bert_stats.pt")


def _with_moments(tensors: dict[str, Tensor]) -> dict[str, object]:
    """The flow with the two moments an optimizer keeps of each number, which make the released file so large."""
    whole = nested_s2m(tensors, parallel=False)
    flow = [value for key, value in tensors.items() if key.startswith("cfm.")]
    whole["optimizer"]["cfm"]["state"] = {
        index: {"step": 7, "exp_avg": torch.zeros(value.shape), "exp_avg_sq": torch.zeros(value.shape)}
        for index, value in enumerate(flow)
    }
    return whole


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
