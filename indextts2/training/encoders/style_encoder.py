"""Train the style encoder to tell speakers apart, whatever they say and however they say it.

Crops of a few seconds go to a cosine classifier with an additive angular margin (ArcFace, arXiv 1801.07698).
The frequency axis of a share of the crops is warped by a fixed factor, and each factor makes a new speaker of every
speaker: with few voices that is what teaches voices in general.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from ...audio.fbank import FBANK
from ...config import StyleEncoderConfig
from ...errors import TrainingError
from ...models.style_encoder import StyleEncoder
from ..configuration import MINI_NAME, config_of
from ..data.acoustic_cache import AcousticCache, AcousticEntry, open_cache
from ..data.acoustic_data import Augmentation, add_noise, stretch_frames, uniform, warp_bands
from ..loop.part import LoopSettings, Metrics, Models, Part
from ..loop.recipe import load_recipe
from ..loop.trainer import TrainingResult, train

logger = logging.getLogger(__name__)

DIRECTION_SPREAD = 0.1  # start values must be large against a step of Adam, or the directions tumble
LOG_SCALE = 2 * math.log(FBANK.integer_scale)  # between the cache's 16-bit scale and the style encoder's [-1, 1]


@dataclass(frozen=True, slots=True)
class StyleObjective:
    """Batches and the margin. warps: factors of the frequency axis; each makes new speakers of the speakers."""

    batch: int = 32
    crop_frames: tuple[int, int] = (150, 280)
    warps: tuple[float, ...] = (1.0, 0.9, 1.11)
    margin: float = 0.2
    scale: float = 24.0
    gain_decibels: float = 10.0
    augmentation: Augmentation = Augmentation(stretch=(0.9, 1.12), noise_share=0.5)


@dataclass(frozen=True, slots=True)
class StyleRecipe:
    """corpora: folders with a manifest. cache: where filterbanks are kept between runs."""

    loop: LoopSettings
    corpora: tuple[str, ...]
    cache: str
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    objective: StyleObjective = StyleObjective()


class AngularClassifier(nn.Module):
    """One direction per class; a logit is a scaled cosine, and the right class is made harder by the margin."""

    def __init__(self, dim: int, classes: int, *, margin: float, scale: float) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.empty(classes, dim))
        nn.init.normal_(self.directions, std=DIRECTION_SPREAD)
        self.margin, self.scale = margin, scale

    def forward(self, style: Tensor, labels: Tensor) -> Tensor:
        """(batch, dim), (batch,) -> logits (batch, classes)."""
        cosine = F.normalize(style, dim=-1) @ F.normalize(self.directions, dim=-1).T
        cosine = cosine.clamp(-1 + 1e-6, 1 - 1e-6)
        enlarged = torch.cos(torch.acos(cosine) + self.margin)
        right = F.one_hot(labels, cosine.shape[1]).bool()
        return self.scale * torch.where(right, enlarged, cosine)


class StyleEncoderPart(Part):
    """Trains the style encoder with its classifier."""

    name = "style_encoder"

    def __init__(
        self,
        config: StyleEncoderConfig,
        objective: StyleObjective,
        cache: AcousticCache,
        *,
        held_out_splits: Sequence[str] = ("test_speaker",),
    ) -> None:
        self.config = config
        self.objective = objective
        self.cache = cache
        held_out = [entry for entry in cache if entry.split in held_out_splits]
        by_held_out_speaker = Counter(entry.speaker for entry in held_out)
        self.held_out = held_out if len(by_held_out_speaker) > 1 and max(by_held_out_speaker.values()) > 1 else []
        if not self.held_out:
            splits = ", ".join(held_out_splits)
            logger.warning("No held-out numbers of %s: no two speakers, one of them with two utterances.", splits)
        self.by_speaker: dict[str, list[AcousticEntry]] = {}
        for entry in cache:
            if entry.split == "train":
                self.by_speaker.setdefault(entry.speaker, []).append(entry)
        if len(self.by_speaker) < 2:
            raise TrainingError("The style encoder learns from at least two speakers. Add speakers to the corpus.")
        self.speakers = sorted(self.by_speaker)

    def build(self) -> dict[str, nn.Module]:
        classes = len(self.speakers) * len(self.objective.warps)
        classifier = AngularClassifier(
            self.config.dim, classes, margin=self.objective.margin, scale=self.objective.scale
        )
        return {"style_encoder": StyleEncoder(self.config), "classifier": classifier}

    def averaged(self, models: Models) -> tuple[str, ...]:
        return ("style_encoder",)

    def identity(self) -> dict[str, Any]:
        return {"config": asdict(self.config), "speakers": self.speakers, "warps": list(self.objective.warps)}

    def batch(self, step: int, generator: Generator) -> dict[str, Tensor]:
        """features (batch, frames, bands), mean-free; labels (batch,). Every speaker is as likely as any other."""
        frames = int(torch.randint(*self.objective.crop_frames, (), generator=generator))
        labels = torch.randint(
            0, len(self.speakers) * len(self.objective.warps), (self.objective.batch,), generator=generator
        )
        rows = []
        for label in labels.tolist():
            speaker, warp = divmod(label, len(self.objective.warps))
            entries = self.by_speaker[self.speakers[speaker]]
            entry = entries[int(torch.randint(0, len(entries), (), generator=generator))]
            rows.append(self._crop(entry, frames, self.objective.warps[warp], generator))
        return {"features": torch.stack(rows), "labels": labels}

    def loss(self, models: Models, batch: dict[str, Tensor], generator: Generator) -> tuple[Tensor, Metrics]:
        logits = models["classifier"](models["style_encoder"](batch["features"]), batch["labels"])
        loss = F.cross_entropy(logits, batch["labels"])
        right = (logits.argmax(dim=-1) == batch["labels"]).float().mean()
        return loss, {"right": right.detach()}

    def evaluate(self, models: Models) -> dict[str, float]:
        return measure_style(models["style_encoder"], self.cache, self.held_out) if self.held_out else {}

    def _crop(self, entry: AcousticEntry, frames: int, warp: float, generator: Generator) -> Tensor:
        """A random stretch of one utterance, repeated when it is too short: (frames, bands)."""
        settings = self.objective.augmentation
        fbank = self.cache.get(entry, "fbank").float()
        wanted = max(2, round(frames / uniform(*settings.stretch, generator)))
        if len(fbank) < wanted:
            fbank = fbank.repeat(math.ceil(wanted / len(fbank)), 1)
        start = int(torch.randint(0, len(fbank) - wanted + 1, (), generator=generator))
        crop = stretch_frames(fbank[start : start + wanted], frames)
        crop = add_noise(warp_bands(crop, warp) if warp != 1.0 else crop, settings, generator)
        gain = uniform(-1.0, 1.0, generator) * self.objective.gain_decibels * math.log(10) / 10
        return style_input(crop + gain)


def style_input(fbank: Tensor) -> Tensor:
    """Cached filterbank of 16-bit scale -> the style encoder's input (docs/spec/reference.md#style-filterbank):
    (frames, bands).
    """
    floored = (fbank - LOG_SCALE).clamp(min=math.log(FBANK.floor))
    return floored - floored.mean(dim=0, keepdim=True)


@torch.no_grad()
def measure_style(encoder: nn.Module, cache: AcousticCache, entries: Sequence[AcousticEntry]) -> dict[str, float]:
    """Mean cosine of pairs from one speaker and from two, and the equal error rate, over all pairs of utterances."""
    device = next(encoder.parameters()).device
    styles = torch.cat(
        [encoder(style_input(cache.get(entry, "fbank").float())[None].to(device)).float().cpu() for entry in entries]
    )
    styles = F.normalize(styles, dim=-1)
    names = sorted({entry.speaker for entry in entries})
    speakers = torch.tensor([names.index(entry.speaker) for entry in entries])
    upper = torch.ones(len(entries), len(entries)).triu(1).bool()
    cosines = (styles @ styles.T)[upper]
    same = (speakers[:, None] == speakers[None])[upper]
    return {
        "same": float(cosines[same].mean()),
        "different": float(cosines[~same].mean()),
        "equal_error_rate": equal_error_rate(cosines[same], cosines[~same]),
    }


def equal_error_rate(same: Tensor, different: Tensor) -> float:
    """Error at the threshold where as many same pairs are refused as different pairs are accepted."""
    thresholds = torch.cat([same, different]).sort().values
    refused = torch.searchsorted(same.sort().values, thresholds) / len(same)
    accepted = 1 - torch.searchsorted(different.sort().values, thresholds) / len(different)
    return float(torch.maximum(refused, accepted).min())


def train_style_encoder(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train the mini's style encoder as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, StyleRecipe)
    config = config_of(recipe.config).style_encoder
    part = StyleEncoderPart(config, recipe.objective, open_cache(recipe.cache, recipe.corpora))
    return train(part, recipe.loop, folder)
