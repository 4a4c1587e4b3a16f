"""Write what semantic-to-mel makes of the recordings, frame by frame beside them: what the vocoder is to expect.

Such mels keep the timing and melody of the recording ("ground-truth aligned", Kong et al., arXiv 2010.05646, section
4.4), so that the recording stays the answer: the flow starts at `start` of its way from a mix of noise and the
recording's mel. After 700 steps with them the mini's vocoder was neither better nor worse by them. The folder has the
form of feature_store.py, with `<id>/mel` alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from ...atomic import make_folder, write_bytes, write_text
from ...config import Config
from ...errors import TrainingError
from ...models.s2m import SemanticToMel
from ...stages.ode import integrate
from ..configuration import MINI_NAME, config_of
from ..data.feature_store import FeatureEntry, FeatureStore
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult
from .data import S2MData, S2MDataSettings
from .train import MODEL, token_embedding

SHARD_UTTERANCES = 512


@dataclass(frozen=True, slots=True)
class AlignedMelRecipe:
    """s2m, features, codec: folders of the run, of the features it learned from and of the codec's run. latents: folder
    of the T2S latents, "" to do without. utterances: how many, 0 for all; they are drawn. start: where on its way from
    noise (0) to mel (1) the flow begins; the nearer to 1, the closer to the recording. steps, guidance: as in speaking.
    prompt_tokens: of another utterance of the speaker. batch_size: utterances of one length that are made together.
    mixed_precision: bf16 in place of fp32.
    """

    s2m: str
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    features: str = ".train/features"
    codec: str = ".train/codec"
    codec_name: str = "codec"
    latents: str = ""
    utterances: int = 0
    start: float = 0.2
    steps: int = 5
    guidance: float = 0.7
    prompt_tokens: int = 60
    batch_size: int = 4
    mixed_precision: bool = False
    seed: int = 0
    data: S2MDataSettings = field(default_factory=lambda: S2MDataSettings(other_prompt=1.0))

    def __post_init__(self) -> None:
        if not 0.0 <= self.start < 1.0:
            raise TrainingError(f"start should lie between 0 and 1, 1 left out, but is {self.start}.")
        for name in ("steps", "prompt_tokens", "batch_size"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} should be at least 1, but is {getattr(self, name)}.")


def write_aligned_mels(recipe_file: Path, folder: Path) -> TrainingResult:
    """Write `<id>/mel` (bands, frames) in half precision; frames are those of the recording, from its first one on.

    Utterances at another speed than their own are left out. Raises TrainingError when a folder of the recipe lacks what
    it should hold.
    """
    started = time.monotonic()
    recipe = load_recipe(recipe_file, AlignedMelRecipe)
    config = config_of(recipe.config)
    store = FeatureStore(Path(recipe.features))
    latents = FeatureStore(Path(recipe.latents)) if recipe.latents else None
    model = SemanticToMel(config.s2m).eval()
    model.load_state_dict(export_weights(Path(recipe.s2m), MODEL))
    embedding = token_embedding(recipe.codec, recipe.codec_name, config)
    data = S2MData(store, recipe.data, config.s2m.frames_per_token, latents=latents)
    chosen = _chosen(data, recipe)
    entries: list[FeatureEntry] = []
    make_folder(folder, TrainingError)
    for first in range(0, len(chosen), SHARD_UTTERANCES):
        shard, tensors = f"train_{first // SHARD_UTTERANCES:05d}.safetensors", {}
        part = chosen[first : first + SHARD_UTTERANCES]
        for group in _equally_long(part, data, recipe.batch_size):
            generator = torch.Generator().manual_seed(recipe.seed + len(entries))
            mels = _made(model, embedding, data, group, recipe, config, generator)
            for entry, mel in zip(group, mels, strict=True):
                tensors[f"{entry.id}/mel"] = mel.half().clone()
                entries.append(replace(entry, shard=shard, frame_count=mel.shape[1]))
        write_bytes(folder / shard, save(tensors), TrainingError)
    lines = (json.dumps(asdict(entry), ensure_ascii=False) for entry in entries)
    write_text(folder / "index.jsonl", "\n".join(lines) + "\n", TrainingError)
    return TrainingResult(len(entries), (time.monotonic() - started) / 60, "done")


def _chosen(data: S2MData, recipe: AlignedMelRecipe) -> list[FeatureEntry]:
    """A draw of the utterances, sorted by length as the data has them, so that neighbours can be made together."""
    entries = [entry for entry in data.entries if entry.speed == 1.0]
    count = recipe.utterances or len(entries)
    picks = torch.randperm(len(entries), generator=torch.Generator().manual_seed(recipe.seed))[:count]
    return [entries[index] for index in sorted(picks.tolist())]


def _equally_long(entries: Sequence[FeatureEntry], data: S2MData, size: int) -> Iterator[Sequence[FeatureEntry]]:
    """Neighbours with the same number of tokens, at most `size`: a batch is as long as its targets, so none is cut."""
    for _, alike in groupby(entries, key=data.usable):
        group = list(alike)
        for first in range(0, len(group), size):
            yield group[first : first + size]


@torch.no_grad()
def _made(
    model: SemanticToMel,
    embedding: Tensor,
    data: S2MData,
    group: Sequence[FeatureEntry],
    recipe: AlignedMelRecipe,
    config: Config,
    generator: torch.Generator,
) -> Tensor:
    """(utterances, bands, frames), of utterances with the same number of tokens."""
    batch = data.batch_of(group, recipe.prompt_tokens, data.usable(group[0]), generator)
    prompt_frames, frames = batch["prompt_mel"].shape[-1], batch["mel"].shape[-1]
    target = F.embedding(batch["tokens"], embedding)
    if "latent" in batch:
        target = target + batch["has_latent"][:, None, None] * model.project_latent(batch["latent"])
    prompt = F.embedding(batch["prompt_tokens"], embedding)
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.mixed_precision):
        rows = len(group)
        condition = [model.regulate(prompt, [prompt_frames] * rows), model.regulate(target, [frames] * rows)]
        prompt_mel = F.pad(batch["prompt_mel"], (0, frames))
        context = model.context(
            prompt_mel,
            batch["style"],
            torch.cat(condition, dim=1),
            guided=recipe.guidance != 0.0,
            prompt_frames=prompt_frames,
        )
        grid = torch.linspace(recipe.start, 1.0, recipe.steps + 1)
        times = model.time_conditions(grid[:-1])
        noise = config.s2m.noise_scale * torch.randn(batch["mel"].shape, generator=generator)
        state = F.pad(torch.lerp(noise, batch["mel"], recipe.start), (prompt_frames, 0))
        is_target = (torch.arange(prompt_frames + frames) >= prompt_frames).to(state.dtype)

        def velocity(step: int, mel: Tensor) -> Tensor:
            return model.velocity(mel, times.at(step), context, guidance=recipe.guidance).float() * is_target

        return integrate(velocity, grid, state)[..., prompt_frames:]
