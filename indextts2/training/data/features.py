"""Write the features that T2S and S2M are trained on: tokens, semantic features, style and mel of every utterance.

The folder's format is described in feature_store.py. Each utterance goes the way of a reference recording, so training
and speaking see the same numbers. Running again adds what is new.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from ...atomic import append_text, make_folder, write_bytes, write_text
from ...audio.fbank import FBANK, style_features
from ...audio.io import read_audio
from ...audio.mel import log_mel
from ...audio.resample import resample_sinc, resample_soxr
from ...config import Config
from ...contracts import Waveform
from ...errors import TrainingError
from ...loading.parts import group_of, module_parts
from ...models.codec import SemanticCodec
from ...models.semantic_encoder import SemanticEncoder
from ...models.style_encoder import StyleEncoder
from ...stages.handles import EncoderModels
from ...stages.reference import semantic_features
from ..configuration import MINI_NAME, config_of
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult
from .contours import token_contour
from .corpus_data import Utterance, read_manifest
from .feature_store import FeatureEntry
from .json_lines import fields_of, read_object, read_objects
from .prosody import utterance_prosody

logger = logging.getLogger(__name__)

SHARD_UTTERANCES = 256
ENCODER_MARK = "encoder.json"
STATISTICS = "statistics"
MARK_DIGITS = 16


@dataclass(frozen=True, slots=True)
class FeatureRecipe:
    """corpora: folders with a manifest. semantic_encoder, codec, style_encoder: folders of their finished runs, or of a
    checkpoint; "" for the checkpoint in `config`. speeds: every utterance is also played at these speeds, so that T2S
    hears more than its corpus holds; 1 is as recorded.
    """

    corpora: tuple[str, ...]
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    semantic_encoder: str = ""
    codec: str = ""
    style_encoder: str = ""
    speeds: tuple[float, ...] = (1.0,)


def write_features(recipe_file: Path, folder: Path) -> TrainingResult:
    """Add what the folder lacks, with the encoders of the recipe's runs; `step` counts the utterances added."""
    recipe = load_recipe(recipe_file, FeatureRecipe)
    started = time.monotonic()
    names = [name for name in module_parts() if group_of(name) == "encoder"]
    runs = {name: Path(getattr(recipe, name) or recipe.config) for name in names}
    encoder = load_trained(config_of(recipe.config), **runs)
    corpora = [Path(corpus) for corpus in recipe.corpora]
    added = extract_features(corpora, encoder, folder, speeds=recipe.speeds, mark=weights_mark(encoder))
    return TrainingResult(added, (time.monotonic() - started) / 60, "done")


def weights_mark(encoder: EncoderModels) -> str:
    """A short name of these very weights, by which a folder knows the encoder that filled it."""
    digest = hashlib.sha256()
    for module in (encoder.semantic_encoder, encoder.codec, encoder.style_encoder):
        for name, value in sorted(module.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
    for value in (encoder.mean, encoder.std):
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:MARK_DIGITS]


def load_trained(config: Config, *, semantic_encoder: Path, codec: Path, style_encoder: Path) -> EncoderModels:
    """The three encoders out of their training runs. The codec's run also gives the statistics."""
    encoder_module = SemanticEncoder(config.semantic_encoder)
    encoder_module.load_state_dict(export_weights(semantic_encoder, "encoder"))
    codec_module = SemanticCodec(config.codec)
    codec_module.load_state_dict(export_weights(codec, "codec"))
    style_module = StyleEncoder(config.style_encoder)
    style_module.load_state_dict(export_weights(style_encoder, "style_encoder"))
    statistics = export_weights(codec, STATISTICS)
    return EncoderModels(
        encoder_module.eval(), codec_module.eval(), style_module.eval(), statistics["mean"], statistics["std"], config
    )


def extract_features(
    corpora: Sequence[Path],
    encoder: EncoderModels,
    folder: Path,
    *,
    speeds: Sequence[float] = (1.0,),
    mark: str = "",
) -> int:
    """Add every utterance at every speed that the folder lacks; returns how many were added.

    A speed other than 1 plays the recording faster or slower, pitch included, and is written into the id. mark names
    the encoder; a folder made with another mark is refused. Raises TrainingError.
    """
    make_folder(folder, TrainingError)
    _check_mark(folder / ENCODER_MARK, mark)
    index = folder / "index.jsonl"
    known = set()
    if index.is_file():
        what = "The index of the features"
        known = {fields_of(line, f"{what} {index}", id=str)[0] for line in read_objects(index, what)}
    wanted = [
        (utterance, speed)
        for speed in speeds
        for root in corpora
        for utterance in read_manifest(root)
        if feature_id(utterance, speed) not in known
    ]
    number = len(list(folder.glob("features_*.safetensors")))
    for start in range(0, len(wanted), SHARD_UTTERANCES):
        shard = f"features_{number:05d}.safetensors"
        tensors: dict[str, Tensor] = {}
        entries: list[FeatureEntry] = []
        for utterance, speed in wanted[start : start + SHARD_UTTERANCES]:
            made = utterance_features(encoder, read_audio(utterance.folder / utterance.path), speed)
            entry = _entry(utterance, speed, shard, made)
            entries.append(entry)
            tensors |= {f"{entry.id}/{kind}": value.contiguous() for kind, value in made.items()}
        write_bytes(folder / shard, save(tensors), TrainingError)
        lines = (json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
        append_text(index, "".join(lines), TrainingError)
        number += 1
        logger.info("Features: %d of %d new utterances", start + len(entries), len(wanted))
    return len(wanted)


@torch.no_grad()
def utterance_features(encoder: EncoderModels, waveform: Waveform, speed: float = 1.0) -> dict[str, Tensor]:
    """Tensors that are stored of one recording, in half precision but for the tokens, which are int16.

    tokens (tokens,), features (tokens, dim), style (dim,), mel (bands, frames), prosody (6,), contour (2 * tokens, 3).
    """
    mel_rate = encoder.config.mel.sample_rate
    device = next(encoder.semantic_encoder.parameters()).device
    mono = waveform.samples[:1].mean(dim=1)
    at_mel_rate = resample_soxr(mono, round(waveform.sample_rate * speed), mel_rate).to(device)
    at_fbank_rate = resample_sinc(at_mel_rate, mel_rate, FBANK.sample_rate)
    features = semantic_features(encoder, at_fbank_rate)
    tokens = encoder.codec.quantize(features)[0][0]
    made = {
        "tokens": tokens.to(torch.int16),
        "features": features[0].to(torch.float16),
        "style": encoder.style_encoder(style_features(at_fbank_rate))[0].to(torch.float16),
        "mel": log_mel(at_mel_rate, encoder.config.mel)[0].to(torch.float16),
        "prosody": utterance_prosody(at_fbank_rate[0]).to(torch.float16),
        "contour": token_contour(at_fbank_rate[0], len(tokens)).to(torch.float16),
    }
    return {kind: value.cpu() for kind, value in made.items()}


def feature_id(utterance: Utterance, speed: float) -> str:
    return utterance.id if speed == 1.0 else f"{utterance.id}@{speed:g}"


def _entry(utterance: Utterance, speed: float, shard: str, made: dict[str, Tensor]) -> FeatureEntry:
    return FeatureEntry(
        id=feature_id(utterance, speed),
        speaker=utterance.speaker,
        style=utterance.style,
        split=utterance.split,
        text=utterance.text,
        seconds=utterance.seconds / speed,
        token_count=len(made["tokens"]),
        frame_count=made["mel"].shape[1],
        shard=shard,
        language=utterance.language,
        speed=speed,
        phonemes=utterance.phonemes or "",
        phoneme_durations=utterance.phoneme_durations or (),
    )


def _check_mark(path: Path, mark: str) -> None:
    if not path.is_file():
        write_text(path, json.dumps({"encoder": mark}), TrainingError)
        return
    found = read_object(path, "The record of the encoder").get("encoder", "")
    if found != mark:
        raise TrainingError(
            f"{path.parent} was made by encoder '{found}', but '{mark}' is running. Use another folder, or remove it."
        )
