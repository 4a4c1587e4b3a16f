"""Writes a checkpoint in the exact nesting of the official files, dead tensors and surplus included."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from indextts2.config import Config
from indextts2.loading.config_file import dump_config
from indextts2.models.transformer import MATRIX

WEIGHT_NORMED = re.compile(
    r"(quantizer\.quantizers\.0\.(in|out)_project|.*\.conv\.conv|cfm\.estimator\.final_layer\.linear"
    r"|conv_pre|conv_post|ups\.\d+\.0|resblocks\.\d+\.convs\d\.\d)\.weight"
)

DEAD: dict[str, dict[str, tuple[int, ...]]] = {
    "semantic_encoder": {
        "masked_spec_embed": (24,),
        "encoder.layers.2.final_layer_norm.weight": (24,),
        "encoder.layers.23.self_attn.linear_q.weight": (24, 24),
    },
    "codec": {"decoder.0.embed.weight": (16, 24, 7), "decoder.1.bias": (24,)},
    "style_encoder": {},
    "t2s": {
        "conditioning_encoder.embed.pos_enc.pe": (1, 600, 16),
        "emo_conditioning_encoder.embed.pos_enc.pe": (1, 600, 16),
        "gpt.h.0.attn.bias": (1, 1, 8, 8),
        "gpt.wte.weight": (42, 32),
        "inference_model.lm_head.1.weight": (42, 32),
    },
    "s2m": {
        "cfm.estimator.input_pos": (64,),
        "cfm.estimator.x_embedder.weight_g": (16, 1),
        "cfm.estimator.x_embedder.weight_v": (16, 20),
        "cfm.estimator.x_embedder.bias": (16,),
        "cfm.estimator.cond_embedder.weight": (8, 16),
        "cfm.estimator.content_mask_embedder.weight": (1, 16),
        "cfm.estimator.transformer.layers.0.skip_in_linear.weight": (16, 32),
        "cfm.estimator.transformer.layers.1.skip_in_linear.bias": (16,),
        "length_regulator.embedding.weight": (8, 16),
        "length_regulator.mask_token": (1, 16),
    },
    "vocoder": {},
}


def with_weight_norm(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Plain weights to magnitude and direction, for the layers that have it in the official files."""
    split: dict[str, Tensor] = {}
    for key, value in tensors.items():
        if WEIGHT_NORMED.fullmatch(key):
            split[key + "_g"] = value.flatten(1).norm(dim=1).reshape(-1, *[1] * (value.dim() - 1))
            split[key + "_v"] = value * 3.0  # the direction's length must not matter
        else:
            split[key] = value
    return split


def in_first(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The trunk's matrices as (in, out)."""
    return {key: value.T.contiguous() if MATRIX.fullmatch(key) else value for key, value in tensors.items()}


def as_published(part: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A part's tensors as its official file holds them."""
    dead = {key: torch.ones(shape) for key, shape in DEAD[part].items()}
    return {**dead, **with_weight_norm(in_first(tensors))}  # at other sizes a name of the list may be a live one


def nested_s2m(tensors: dict[str, Tensor], *, parallel: bool) -> dict[str, Any]:
    """file["net"][module][key], beside what a training run leaves in the file."""
    net: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        module, _, name = key.partition(".")
        net.setdefault(module, {})[("module." if parallel else "") + name] = value
    moments = {"state": {0: {"step": 7, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    return {"net": net, "optimizer": {"cfm": moments}, "iters": 1000, "epoch": 3}


def write_official(
    folder: Path,
    config: Config,
    parts: dict[str, dict[str, Tensor]],
    tokenizer: Path,
    *,
    nested: bool = True,
    parallel: bool = False,
    hub_cache: bool = False,
) -> Path:
    """The whole official layout. nested: GPT below "model". parallel: "module." before the names of S2M. hub_cache:
    auxiliary models in folders of the Hugging Face cache form."""
    folder.mkdir(parents=True, exist_ok=True)
    text = dump_config(config, {}).replace("checkpoint: {}\n", "")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    (folder / config.text.tokenizer).write_bytes(tokenizer.read_bytes())
    published = {part: as_published(part, tensors) for part, tensors in parts.items() if part in DEAD}
    gpt = published["t2s"]
    torch.save({"model": gpt} if nested else gpt, folder / "gpt.pth")
    torch.save(nested_s2m(published["s2m"], parallel=parallel), folder / "s2mel.pth")
    torch.save(parts["emotion_bank"]["style_rows"], folder / "feat1.pt")
    torch.save(parts["emotion_bank"]["emotion_rows"], folder / "feat2.pt")
    statistics = {"mean": parts["statistics"]["mean"], "var": parts["statistics"]["std"].square()}
    torch.save(statistics, folder / "wav2vec2bert_stats.pt")
    write_auxiliary(folder / "hf_cache", published, hub_cache=hub_cache, nested=nested)
    return folder


UNSAID = (
    "text.kind", "text.tokenizer", "gpt.speaker_from", "gpt.style_dim", "gpt.language_rows", "gpt.duration.rows",
    "semantic_codec.downsample_scale", "s2mel.content", "version", "name",
)  # fmt: skip
"""Keys that the released config.yaml of IndexTTS-2.5 does not have, or that say something wrong."""


def config_v25(config: Config, **changes: Any) -> str:
    """A config.yaml as the publisher wrote it: of the wrong version, with paths of the machine it was made on."""
    tree = yaml.safe_load(dump_config(config, {}))
    tree.pop("checkpoint")
    for key in UNSAID:
        *sections, last = key.split(".")
        holder = tree
        for section in sections:
            holder = holder.get(section, {})
        holder.pop(last, None)
    tree["version"] = 2.0
    tree["gpt_checkpoint"] = "/home/somebody/build/gpt.pth"
    tree["gpt"]["condition_type"] = "conformer_perceiver"
    tree["dataset"]["bpe_model"] = "bpe.model"
    tree.update(changes)
    return yaml.safe_dump(tree, sort_keys=False)


def write_official_v25(folder: Path, config: Config, parts: dict[str, dict[str, Tensor]], vocabulary: Path) -> Path:
    """The whole official layout of IndexTTS-2.5: codec.pth with the moments of its optimizer, a dead gpt_layer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(config_v25(config), encoding="utf-8")
    (folder / config.text.tokenizer).write_bytes(vocabulary.read_bytes())
    published = {part: with_weight_norm(tensors) for part, tensors in parts.items() if part in DEAD}
    position_table = {"emo_conditioning_encoder.embed.pos_enc.pe": torch.ones(1, 600, 16)}
    torch.save({"model": {**position_table, **published["t2s"]}}, folder / "gpt.pth")
    moments = {"state": {0: {"step": 7, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"model": published["codec"], "optimizer": moments, "epoch": 3}, folder / "codec.pth")
    dead = {"gpt_layer.0.weight": torch.ones(12, 32), "gpt_layer.0.bias": torch.ones(12)}
    torch.save(nested_s2m({**published["s2m"], **dead}, parallel=False), folder / "s2mel.pth")
    torch.save(parts["emotion_bank"]["style_rows"], folder / "feat1.pt")
    torch.save(parts["emotion_bank"]["emotion_rows"], folder / "feat2.pt")
    statistics = {"mean": parts["statistics"]["mean"], "var": parts["statistics"]["std"].square()}
    torch.save(statistics, folder / "wav2vec2bert_stats.pt")
    auxiliary = {**published, "codec": {"unused": torch.ones(1)}}  # the official downloader still fetches the old codec
    write_auxiliary(folder / "hf_cache", auxiliary, hub_cache=False, nested=True)
    return folder


def write_auxiliary(root: Path, published: dict[str, dict[str, Tensor]], *, hub_cache: bool, nested: bool) -> None:
    """The four models that come from other repositories."""
    if hub_cache:
        encoder = _snapshot(root, "facebook/w2v-bert-2.0") / "model.safetensors"
        codec = _snapshot(root, "amphion/MaskGCT") / "semantic_codec" / "model.safetensors"
        style = _snapshot(root, "funasr/campplus") / "campplus_cn_common.bin"
        vocoder = _snapshot(root, "nvidia/bigvgan_v2_22khz_80band_256x") / "bigvgan_generator.pt"
    else:
        encoder = root / "w2v-bert-2.0" / "model.safetensors"
        codec = root / "semantic_codec_model.safetensors"
        style = root / "campplus_cn_common.bin"
        vocoder = root / "bigvgan" / "bigvgan_generator.pt"
    for path in (encoder, codec, style, vocoder):
        path.parent.mkdir(parents=True, exist_ok=True)
    save_file(published["semantic_encoder"], encoder)
    save_file(published["codec"], codec)
    torch.save(published["style_encoder"], style, _use_new_zipfile_serialization=nested)
    torch.save({"generator": published["vocoder"]} if nested else published["vocoder"], vocoder)


def _snapshot(cache: Path, repository: str) -> Path:
    base = cache / ("models--" + repository.replace("/", "--"))
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text("abc123\n", encoding="utf-8")
    (base / "snapshots" / "stale").mkdir(parents=True)
    (base / "snapshots" / "abc123").mkdir(parents=True)
    return base / "snapshots" / "abc123"
