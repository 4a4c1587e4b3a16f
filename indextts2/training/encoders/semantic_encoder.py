"""Train the mini's semantic encoder to hear phones, pitch and loudness.

The published encoder learned from millions of hours without labels. A small one learns the same use from a teacher's
exact timing: the phone of every 20 ms, the phone sequence (CTC), pitch and loudness, all read by linear heads off the
tapped layer, so that what the codec and the conditioners see carries words and intonation alike.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from ...config import SemanticEncoderConfig
from ...models.semantic_encoder import SemanticEncoder
from ..configuration import MINI_NAME, config_of
from ..data.acoustic_cache import AcousticCache, AcousticEntry, open_cache
from ..data.acoustic_data import AcousticBatch, AcousticData, Augmentation
from ..data.phonemes import IGNORED, PHONES
from ..loop.part import LoopSettings, Metrics, Models, Part
from ..loop.recipe import load_recipe
from ..loop.trainer import TrainingResult, train

logger = logging.getLogger(__name__)

HELD_OUT_SPLITS = ("test_text", "test_speaker")
HALVES = 2  # predictions per token
PROSODY_TARGETS = 4  # voicing, absolute log F0, log F0 around the utterance's mean, log energy around its mean
SPEECH_LOG_F0 = 5.0  # centre of log F0 over speakers, 148 Hz
LOG_F0_SCALE = 0.3  # spread of log F0 over speakers
CONTOUR_SCALE = 0.2  # spread of log F0 within an utterance
FRAMES_PER_SECOND = 100
MEASURE_SECONDS = 120.0  # of audio per batch of a measurement
ENERGY_SCALE = 1.5  # spread of log amplitude within an utterance


@dataclass(frozen=True, slots=True)
class EncoderObjective:
    """Batch size and weights of the losses."""

    batch_seconds: float = 40.0
    ctc_weight: float = 0.3
    voicing_weight: float = 0.15
    pitch_weight: float = 0.3
    energy_weight: float = 0.2
    label_smoothing: float = 0.05
    dropout: float = 0.08


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """corpora: folders with a manifest. cache: where filterbanks and targets are kept between runs."""

    loop: LoopSettings
    corpora: tuple[str, ...]
    cache: str
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    objective: EncoderObjective = EncoderObjective()


class EncoderHeads(nn.Module):
    """Linear read-outs of the tapped hidden states, two per token. Used in training and measurement only."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.phones = nn.Linear(dim, HALVES * len(PHONES))
        self.ctc = nn.Linear(dim, HALVES * (len(PHONES) + 1))
        self.prosody = nn.Linear(dim, HALVES * PROSODY_TARGETS)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, tokens, dim) -> phone logits, CTC logits (blank last) and prosody, each (batch, halves, ...)."""
        batch, tokens, _ = hidden.shape
        phones, ctc, prosody = (
            head(hidden).reshape(batch, tokens * HALVES, -1) for head in (self.phones, self.ctc, self.prosody)
        )
        return phones, ctc, prosody


class SemanticEncoderPart(Part):
    """Trains the encoder together with its read-outs."""

    name = "semantic_encoder"

    def __init__(self, config: SemanticEncoderConfig, objective: EncoderObjective, cache: AcousticCache) -> None:
        self.config = config
        self.objective = objective
        self.cache = cache
        entries = [entry for entry in cache if entry.split == "train" and usable(entry)]
        self.data = AcousticData(cache, entries, stride=config.stride)
        self.held_out: dict[str, AcousticData] = {}
        for split in HELD_OUT_SPLITS:
            aligned = [entry for entry in cache if entry.split == split and entry.aligned and usable(entry)]
            if aligned:
                self.held_out[split] = AcousticData(cache, aligned, stride=config.stride)
            else:
                logger.warning("No held-out numbers of %s: the corpora have no English speech with durations.", split)

    def build(self) -> dict[str, nn.Module]:
        encoder = SemanticEncoder(self.config)
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = self.objective.dropout
        return {"encoder": encoder, "heads": EncoderHeads(self.config.dim)}

    def identity(self) -> dict[str, Any]:
        return {"config": asdict(self.config), "phones": "".join(PHONES)}

    def batch(self, step: int, generator: Generator) -> dict[str, Tensor]:
        return self.data.draw(
            round(self.objective.batch_seconds * FRAMES_PER_SECOND), generator, Augmentation()
        ).tensors()

    def loss(self, models: Models, batch: dict[str, Tensor], generator: Generator) -> tuple[Tensor, Metrics]:
        weights, heard = self.objective, AcousticBatch(**batch)
        phones, ctc, prosody = models["heads"](models["encoder"](heard.features, heard.mask))
        frame = frame_loss(phones, heard.labels, weights.label_smoothing)
        sequence = sequence_loss(ctc, heard)
        voicing, pitch, energy = prosody_losses(prosody, heard)
        loss = frame + weights.ctc_weight * sequence + weights.voicing_weight * voicing
        loss = loss + weights.pitch_weight * pitch + weights.energy_weight * energy
        parts = {"frame": frame, "ctc": sequence, "voicing": voicing, "pitch": pitch, "energy": energy}
        return loss, {name: part.detach() for name, part in parts.items()}

    def evaluate(self, models: Models) -> dict[str, float]:
        numbers: dict[str, float] = {}
        for split, data in self.held_out.items():
            measured = measure(models["encoder"], models["heads"], data)
            numbers |= {f"{split}_{name}": value for name, value in measured.items()}
        return numbers


def frame_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy per known label; zero when the batch has none. logits: (batch, halves, phones)."""
    if not bool((labels != IGNORED).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, label_smoothing=smoothing)


def sequence_loss(logits: Tensor, batch: AcousticBatch) -> Tensor:
    """CTC over the phone sequence, per phone. logits: (batch, halves, phones + 1), the blank last."""
    log_probabilities = logits.log_softmax(dim=-1).transpose(0, 1)
    return F.ctc_loss(
        log_probabilities,
        batch.phones,
        batch.half_mask.sum(dim=1),
        batch.phone_lengths,
        blank=len(PHONES),
        zero_infinity=True,
    )


def prosody_losses(prosody: Tensor, batch: AcousticBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Voicing (cross-entropy), pitch and energy (absolute error in units of their spread), over valid halves."""
    valid, voiced = batch.half_mask, batch.voiced & batch.half_mask
    voicing_logit, absolute, contour, loudness = prosody.unbind(dim=-1)
    voicing = F.binary_cross_entropy_with_logits(voicing_logit[valid], batch.voiced[valid].float())
    absolute_target = (batch.log_f0 - SPEECH_LOG_F0) / LOG_F0_SCALE
    contour_target = (batch.log_f0 - masked_mean(batch.log_f0, voiced)) / CONTOUR_SCALE
    loudness_target = (batch.energy - masked_mean(batch.energy, valid)) / ENERGY_SCALE
    errors = (absolute - absolute_target).abs() + (contour - contour_target).abs()
    pitch = errors[voiced].mean() if bool(voiced.any()) else prosody.sum() * 0.0
    return voicing, pitch, (loudness - loudness_target)[valid].abs().mean()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """(batch, length) -> (batch, 1)."""
    return (values * mask).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def usable(entry: AcousticEntry) -> bool:
    """English with phonemes; the German recordings use sounds the teacher has no timing for."""
    return entry.language == "en" and bool(entry.phonemes)


@torch.no_grad()
def measure(encoder: nn.Module, heads: nn.Module, data: AcousticData) -> dict[str, float]:
    """Share of 20 ms labels predicted right, phone error rate of the CTC head, pitch error, over aligned speech."""
    device = next(encoder.parameters()).device
    counts = dict.fromkeys(("right", "labels", "errors", "phones", "pitch_error", "voiced"), 0.0)
    for batch in data.in_order(round(MEASURE_SECONDS * FRAMES_PER_SECOND)):
        hidden = encoder(batch.features.to(device), batch.mask.to(device))
        phones, ctc, prosody = (output.cpu() for output in heads(hidden))
        known, voiced = batch.labels != IGNORED, batch.voiced & batch.half_mask
        counts["right"] += int((phones.argmax(dim=-1) == batch.labels)[known].sum())
        counts["labels"] += int(known.sum())
        for row, length in enumerate(batch.half_mask.sum(dim=1).tolist()):
            wanted = batch.phones[row, : batch.phone_lengths[row]].tolist()
            counts["errors"] += edit_distance(collapse(ctc[row, :length].argmax(dim=-1).tolist()), wanted)
            counts["phones"] += len(wanted)
        predicted = prosody[..., 1] * LOG_F0_SCALE + SPEECH_LOG_F0
        counts["pitch_error"] += float((predicted - batch.log_f0)[voiced].abs().sum())
        counts["voiced"] += int(voiced.sum())
    return {
        "frame_accuracy": counts["right"] / counts["labels"],
        "phone_error_rate": counts["errors"] / counts["phones"],
        "log_f0_error": counts["pitch_error"] / max(1.0, counts["voiced"]),
    }


def collapse(path: list[int]) -> list[int]:
    """A CTC path without repeats and blanks."""
    return [
        symbol
        for position, symbol in enumerate(path)
        if symbol != len(PHONES) and (position == 0 or symbol != path[position - 1])
    ]


def edit_distance(found: list[int], wanted: list[int]) -> int:
    """Insertions, deletions and substitutions between two sequences."""
    row = list(range(len(wanted) + 1))
    for i, symbol in enumerate(found, start=1):
        previous, row[0] = row[0], i
        for j, other in enumerate(wanted, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (symbol != other))
    return row[-1]


def train_semantic_encoder(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train the mini's semantic encoder as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, EncoderRecipe)
    cache = open_cache(recipe.cache, recipe.corpora)
    part = SemanticEncoderPart(config_of(recipe.config).semantic_encoder, recipe.objective, cache)
    return train(part, recipe.loop, folder)
