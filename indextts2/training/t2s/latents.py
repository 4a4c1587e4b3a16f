"""Write the latents of a trained T2S for every utterance: what S2M fuses with the tokens.

Source: docs/spec/paper.md#latent-fusion.

Each utterance is read by teacher forcing, with another utterance of its speaker as the reference and with its own
recording or a mix of its style as the emotion, as in training. The folder has the form of feature_store.py, with
`<id>/latent` alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save

from ...atomic import make_folder, write_bytes, write_text
from ...errors import TrainingError
from ...models.t2s import TextToSemantic
from ..configuration import MINI_NAME, config_of, front_end_of
from ..data.feature_store import FeatureEntry, FeatureStore
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult
from .data import T2SData, T2SDataSettings, labels_of
from .label_offsets import LabelOffsets, trained_offsets
from .train import MODEL

SHARD_UTTERANCES = 512
SPLITS = ("train", "test_text")


@dataclass(frozen=True, slots=True)
class LatentRecipe:
    """t2s: folder of the T2S run. emotional: whether that run has an emotion branch (stages 2 and 3). use_length False
    withholds the length, for a T2S that was trained so."""

    t2s: str
    features: str = ".train/features"
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    tokenizer: str = ""  # file; empty: that of the checkpoint in `config`, or the one that the recipes make
    emotional: bool = True
    use_length: bool = True
    seed: int = 0
    data: T2SDataSettings = T2SDataSettings(letters_probability=0.0, own_emotion_probability=1.0)


def write_latents(recipe_file: Path, folder: Path) -> TrainingResult:
    """Write `<id>/latent` (tokens, dim) in half precision for every utterance that the front end can read."""
    started = time.monotonic()
    recipe = load_recipe(recipe_file, LatentRecipe)
    store = FeatureStore(Path(recipe.features))
    store.preload("tokens", "features")
    config = config_of(recipe.config)
    front_end = front_end_of(config, recipe.config, recipe.tokenizer)
    model = TextToSemantic(config.t2s).eval()
    model.load_state_dict(export_weights(Path(recipe.t2s), MODEL))
    offsets = trained_offsets(Path(recipe.t2s), labels_of(store, front_end.kind))
    entries: list[FeatureEntry] = []
    make_folder(folder, TrainingError)
    for split in SPLITS:
        try:
            data = T2SData(store, front_end, recipe.data, split=split)
        except TrainingError:
            continue  # a corpus may lack held-out utterances
        entries += _write_split(model, offsets, data, recipe, folder, split)
    lines = (json.dumps(asdict(entry), ensure_ascii=False) for entry in entries)
    write_text(folder / "index.jsonl", "\n".join(lines) + "\n", TrainingError)
    return TrainingResult(len(entries), (time.monotonic() - started) / 60, "done")


def _write_split(
    model: TextToSemantic,
    offsets: LabelOffsets | None,
    data: T2SData,
    recipe: LatentRecipe,
    folder: Path,
    split: str,
) -> list[FeatureEntry]:
    written: list[FeatureEntry] = []
    for number, entries in enumerate(_grouped(data.entries, SHARD_UTTERANCES)):
        shard = f"{split}_{number:05d}.safetensors"
        tensors = {}
        for group in _grouped(entries, recipe.data.batch_size):
            generator = torch.Generator().manual_seed(recipe.seed + len(written))
            for entry, latent in zip(group, _latents(model, offsets, data, group, recipe, generator), strict=True):
                tensors[f"{entry.id}/latent"] = latent
                written.append(replace(entry, shard=shard))
        write_bytes(folder / shard, save(tensors), TrainingError)
    return written


@torch.no_grad()
def _latents(
    model: TextToSemantic,
    offsets: LabelOffsets | None,
    data: T2SData,
    group: Sequence[FeatureEntry],
    recipe: LatentRecipe,
    generator: torch.Generator,
) -> Iterator[torch.Tensor]:
    batch = data.batch_of(group, generator)
    output = model.forward_training(
        model.speaker_condition(batch.prompt, batch.prompt_mask),
        batch.emotion_vector(model, offsets) if recipe.emotional else None,
        model.duration_slots(batch.token_lengths if recipe.use_length else None, batch=len(group)),
        batch.text_ids,
        batch.text_lengths,
        batch.tokens,
        batch.token_lengths,
    )
    for row, length in enumerate(batch.token_lengths.tolist()):
        yield output.latent[row, :length].half().clone()


def _grouped(entries: Sequence[FeatureEntry], size: int) -> Iterator[Sequence[FeatureEntry]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
