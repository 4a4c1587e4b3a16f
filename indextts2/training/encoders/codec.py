"""Train the semantic codec on the features of a frozen semantic encoder (docs/spec/paper.md#semantic-codec).

Reconstruction and commitment losses as in MaskGCT's codec. Differs from the paper: the reconstruction is also read by
the encoder's frozen heads and should say the same phones and pitch as the original, and a linear reader should tell
the phones from each token alone, so that a codebook of a thousand rows spends them on what is heard. Rows follow the
mean of the vectors that choose them; rows that fall out of use are moved onto features of the running batch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from ...config import CodecConfig
from ...errors import TrainingError
from ...models.codec import CodecDecoder, SemanticCodec
from ...models.semantic_encoder import SemanticEncoder
from ..configuration import MINI_NAME, config_of
from ..data.acoustic_cache import AcousticCache, AcousticEntry, open_cache
from ..data.acoustic_data import AcousticData
from ..data.phonemes import IGNORED, PHONES, phone_sequence
from ..loop.part import LoopSettings, Metrics, Models, Part, StepTools
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .semantic_encoder import CONTOUR_SCALE, HALVES, EncoderHeads, collapse, edit_distance, usable

logger = logging.getLogger(__name__)

HELD_OUT = "test_text"
REVIVAL_JITTER = 0.01  # parts rows that were moved onto the same vector
USED_COUNT = 1e-3  # below it a mean would be noise
FRAMES_PER_PASS = 12_000  # of audio encoded at a time


@dataclass(frozen=True, slots=True)
class CodecObjective:
    """Batch size, weights of the losses, and when rows of the codebook are moved."""

    batch_utterances: int = 12
    crop_tokens: int = 100
    reconstruction_weight: float = 5.0
    commitment_weight: float = 0.25
    phone_weight: float = 2.0
    sequence_weight: float = 1.0
    prosody_weight: float = 2.0
    reader_weight: float = 1.0
    usage_decay: float = 0.99  # of the moving count of each row's use
    dead_share: float = 0.02  # of the mean use; rows below are moved
    reset_steps: int = 8  # between two looks for unused rows
    reset_until: float = 0.8  # share of the schedule after which rows stay where they are


@dataclass(frozen=True, slots=True)
class CodecRecipe:
    """semantic_encoder: folder of the finished run whose features are quantised. corpora: folders with a manifest.

    cache: where filterbanks are kept between runs; the semantic encoder's holds them already.

    start_from: folder of an earlier codec run, whose tokens then mostly keep their meaning, "" for a fresh one.
    """

    loop: LoopSettings
    semantic_encoder: str
    corpora: tuple[str, ...]
    cache: str
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    start_from: str = ""
    held_out_utterances: int = 60
    objective: CodecObjective = CodecObjective()


class FeatureStatistics(nn.Module):
    """Mean and spread, (dim,) each, of the encoder's hidden states over the training set; part of the saved state."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", std.clone())

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise: (..., dim) -> (..., dim)."""
        return (hidden - self.mean) / self.std

    def undo(self, features: Tensor) -> Tensor:
        """The inverse of forward."""
        return features * self.std + self.mean


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """Hidden states of one utterance, not normalised. hidden: (tokens, dim) float16."""

    entry: AcousticEntry
    hidden: Tensor


@torch.no_grad()
def encode_cache(
    encoder: nn.Module, cache: AcousticCache, entries: Sequence[AcousticEntry], stride: int
) -> list[FeatureRow]:
    """Hidden states of every entry, in the order of their length; none of none."""
    if not entries:
        return []
    data = AcousticData(cache, entries, stride=stride)
    rows: list[FeatureRow] = []
    for batch in data.in_order(FRAMES_PER_PASS):
        hidden = encoder(batch.features, batch.mask)
        for row, length in zip(hidden, batch.mask.sum(dim=1).tolist(), strict=True):
            rows.append(FeatureRow(data.entries[len(rows)], row[:length].to(torch.float16)))
    return rows


def feature_statistics(rows: Sequence[FeatureRow]) -> FeatureStatistics:
    """Mean and standard deviation over all tokens."""
    if not rows:
        raise TrainingError("No utterance to take feature statistics from.")
    hidden = torch.cat([row.hidden.float() for row in rows])
    return FeatureStatistics(hidden.mean(dim=0), hidden.std(dim=0).clamp(min=1e-4))


class CodebookAverages(nn.Module):
    """Moving counts and sums of the vectors that chose each row; a row of the codebook is their mean.

    Differs from the paper's codebook loss, whose gradient steps lag behind the encoder in a run of minutes.
    """

    counts: Tensor
    sums: Tensor

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(rows))
        self.register_buffer("sums", torch.zeros(rows, dim))

    @torch.no_grad()
    def follow(self, codebook: Tensor, tokens: Tensor, projected: Tensor, decay: float) -> None:
        """Count a batch and move the rows in use. tokens: (count,); projected: (count, dim); codebook: (rows, dim)."""
        chosen = F.one_hot(tokens, len(self.counts)).to(projected)  # (count, rows)
        self.counts.mul_(decay).add_(chosen.sum(dim=0), alpha=1 - decay)
        self.sums.mul_(decay).add_(chosen.T @ projected, alpha=1 - decay)
        used = self.counts > USED_COUNT
        codebook[used] = self.sums[used] / self.counts[used, None]

    @property
    def perplexity(self) -> Tensor:
        """Number of rows in use, by entropy."""
        share = self.counts / self.counts.sum().clamp(min=1e-9)
        return torch.special.entr(share).sum().exp()

    @torch.no_grad()
    def revive(self, codebook: Tensor, projected: Tensor, dead_share: float, generator: Generator) -> int:
        """Move unused rows onto random vectors of the batch. codebook: (rows, dim), projected: (count, dim)."""
        dead = (self.counts <= dead_share * self.counts.mean()).nonzero()[:, 0]
        if dead.numel() == 0:
            return 0
        chosen = torch.randint(0, len(projected), (dead.numel(),), generator=generator).to(projected.device)
        jitter = torch.randn(dead.numel(), projected.shape[1], generator=generator).to(projected)
        codebook[dead] = projected[chosen] + REVIVAL_JITTER * projected.std() * jitter
        self.counts[dead] = self.counts.mean().clamp(min=1e-3)
        self.sums[dead] = codebook[dead] * self.counts[dead, None]
        return int(dead.numel())


class CodecPart(Part):
    """Trains encoder, codebook and decoder of the codec."""

    name = "codec"
    one_process = True  # rows of the codebook follow running means

    def __init__(
        self,
        config: CodecConfig,
        objective: CodecObjective,
        rows: Sequence[FeatureRow],
        held_out: Sequence[FeatureRow],
        statistics: FeatureStatistics,
        heads: EncoderHeads,
        cache: AcousticCache,
        start_from: str = "",
    ) -> None:
        self.config = config
        self.start_from = start_from
        self.objective = objective
        self.rows = sorted(rows, key=lambda row: len(row.hidden))
        self.lengths = torch.tensor([len(row.hidden) for row in self.rows])
        self.held_out = list(held_out)
        if not self.held_out:
            logger.warning("No held-out numbers of %s: the corpora have no English speech with durations.", HELD_OUT)
        self.statistics = statistics
        self.heads = heads.eval().requires_grad_(False)
        self.cache = cache

    def build(self) -> dict[str, nn.Module]:
        codec = SemanticCodec(self.config)
        codec.codebook.codebook.requires_grad_(False)  # rows follow their averages
        models = {
            "codec": codec,
            "decoder": CodecDecoder(self.config),
            "usage": CodebookAverages(self.config.codebook_size, self.config.codebook_dim),
            "reader": nn.Linear(self.config.dim, HALVES * len(PHONES)),
        }
        if self.start_from:
            for name, model in models.items():
                model.load_state_dict(export_weights(Path(self.start_from), name))
        return models | {"statistics": self.statistics}

    def averaged(self, models: Models) -> tuple[str, ...]:
        return ()

    def identity(self) -> dict[str, Any]:
        return {"config": asdict(self.config)}

    def prepare(self, device: torch.device) -> None:
        self.heads.to(device)

    def batch(self, step: int, generator: Generator) -> Tensor:
        """(batch, tokens, dim): crops of utterances of similar length, as long as the shortest of them allows."""
        order = (self.lengths * (1 + 0.3 * torch.rand(len(self.rows), generator=generator))).argsort()
        count = min(self.objective.batch_utterances, len(self.rows))
        first = int(torch.randint(0, len(self.rows) - count + 1, (), generator=generator))
        chosen = [self.rows[index].hidden for index in order[first : first + count].tolist()]
        width = min(self.objective.crop_tokens, min(len(hidden) for hidden in chosen))
        crops = []
        for hidden in chosen:
            start = int(torch.randint(0, len(hidden) - width + 1, (), generator=generator))
            crops.append(hidden[start : start + width])
        return torch.stack(crops).float()

    def train_step(self, models: Models, batch: Tensor, tools: StepTools) -> Metrics:
        if tools.progress < self.objective.reset_until and tools.step % self.objective.reset_steps == 0:
            self._revive(models, batch, tools.generator)
        loss, metrics = self.loss(models, batch, tools.generator)
        norm = tools.descend(loss)
        return {"loss": loss.detach(), **metrics, "gradient_norm": norm}

    def loss(self, models: Models, batch: Tensor, generator: Generator) -> tuple[Tensor, Metrics]:
        weights, features = self.objective, self.statistics(batch)
        codec, usage = cast(SemanticCodec, models["codec"]), cast(CodebookAverages, models["usage"])
        quantizer = codec.codebook
        projected = quantizer.project(models["codec"](features))
        tokens = quantizer.search(projected)
        chosen = quantizer.codebook(tokens)
        commitment = F.mse_loss(projected, chosen.detach())
        passed = projected + (chosen - projected).detach()  # gradients skip the choice
        quantized = quantizer.expand(passed)
        rebuilt = models["decoder"](quantized)
        reconstruction = F.l1_loss(rebuilt, features)
        phones, sequence, prosody, read = self.heard_differences(rebuilt, batch, models["reader"](quantized))
        loss = (
            weights.reconstruction_weight * reconstruction
            + weights.commitment_weight * commitment
            + weights.phone_weight * phones
            + weights.sequence_weight * sequence
            + weights.prosody_weight * prosody
            + weights.reader_weight * read
        )
        usage.follow(quantizer.codebook.weight, tokens.flatten(), projected.detach().flatten(0, 1), weights.usage_decay)
        return loss, {
            "reconstruction": reconstruction.detach(),
            "commitment": commitment.detach(),
            "read": read.detach(),
            "phones": phones.detach(),
            "sequence": sequence.detach(),
            "prosody": prosody.detach(),
            "perplexity": usage.perplexity,
        }

    def heard_differences(self, rebuilt: Tensor, hidden: Tensor, read: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Against what the frozen heads hear in the original: phones, CTC and prosody of the reconstruction, phones as
        read.

        read: (batch, tokens, halves * phones). Phones differ by Kullback-Leibler divergence, prosody by absolute error.
        """
        with torch.no_grad():
            wanted_phones, wanted_sequence, wanted_prosody = self.heads(hidden)
        phones, sequence, prosody = self.heads(self.statistics.undo(rebuilt))
        as_read = read.float().reshape(wanted_phones.shape)
        return (
            phone_divergence(phones, wanted_phones),
            phone_divergence(sequence, wanted_sequence),
            F.l1_loss(prosody, wanted_prosody),
            phone_divergence(as_read, wanted_phones),
        )

    def evaluate(self, models: Models) -> dict[str, float]:
        if not self.held_out:
            return {}
        return measure_codec(self, cast(SemanticCodec, models["codec"]), models["decoder"], self.held_out)

    @torch.no_grad()
    def _revive(self, models: Models, batch: Tensor, generator: Generator) -> None:
        codec, usage = cast(SemanticCodec, models["codec"]), cast(CodebookAverages, models["usage"])
        projected = codec.codebook.project(models["codec"](self.statistics(batch)))
        table = codec.codebook.codebook.weight
        usage.revive(table, projected.flatten(0, 1), self.objective.dead_share, generator)


def phone_divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean divergence of two phone distributions given as logits, (..., phones) each."""
    found, target = logits.log_softmax(dim=-1), wanted.log_softmax(dim=-1)
    return F.kl_div(found, target, log_target=True, reduction="none").sum(dim=-1).mean()


@torch.no_grad()
def measure_codec(
    part: CodecPart, codec: SemanticCodec, decoder: nn.Module, rows: Sequence[FeatureRow]
) -> dict[str, float]:
    """Over held-out utterances: reconstruction error, what the heads still hear right of the phones, rows used."""
    error = tokens_total = right = labelled = pitch = wrong = spoken = 0.0
    used: list[Tensor] = []
    for row in rows:
        hidden = row.hidden.float()[None].to(part.statistics.mean.device)
        features = part.statistics(hidden)
        tokens, quantized = codec.quantize(features)
        rebuilt = decoder(quantized)
        error += float((rebuilt - features).abs().mean()) * tokens.numel()
        tokens_total += tokens.numel()
        used.append(tokens.flatten().cpu())
        phones, sequence, prosody = part.heads(part.statistics.undo(rebuilt))
        said = phone_sequence(row.entry.phonemes)
        wrong += edit_distance(collapse(sequence[0].argmax(dim=-1).tolist()), said)
        spoken += len(said)
        _, _, wanted = part.heads(hidden)
        pitch += float((prosody - wanted)[..., 2].abs().mean()) * CONTOUR_SCALE * tokens.numel()
        labels = part.cache.get(row.entry, "labels").long()
        found = phones[0].argmax(dim=-1).cpu()[: len(labels)]
        known = labels[: len(found)] != IGNORED
        right += float((found == labels[: len(found)])[known].sum())
        labelled += float(known.sum())
    share = torch.bincount(torch.cat(used)).float() / tokens_total
    return {
        "reconstruction": error / tokens_total,
        "frame_accuracy": right / max(1.0, labelled),
        "phone_error_rate": wrong / max(1.0, spoken),
        "contour_change": pitch / tokens_total,
        "perplexity": float(torch.special.entr(share).sum().exp()),
    }


def train_codec(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train the mini's codec as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, CodecRecipe)
    whole = config_of(recipe.config)
    config = whole.semantic_encoder
    encoder, heads = SemanticEncoder(config), EncoderHeads(config.dim)
    encoder.load_state_dict(export_weights(Path(recipe.semantic_encoder), "encoder"))
    heads.load_state_dict(export_weights(Path(recipe.semantic_encoder), "heads"))
    cache = open_cache(recipe.cache, recipe.corpora)
    training = [entry for entry in cache if entry.split == "train"]
    aligned = [entry for entry in cache if entry.split == HELD_OUT and entry.aligned and usable(entry)]
    rows = encode_cache(encoder.eval(), cache, training, config.stride)
    held_out = encode_cache(encoder, cache, aligned[: recipe.held_out_utterances], config.stride)
    part = CodecPart(
        whole.codec,
        recipe.objective,
        rows,
        held_out,
        statistics=feature_statistics(rows),
        heads=heads,
        cache=cache,
        start_from=recipe.start_from,
    )
    return train(part, recipe.loop, folder)
