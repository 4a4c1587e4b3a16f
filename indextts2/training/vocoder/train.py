"""Training the vocoder: spectral losses first, discriminators later (docs/spec/paper.md#vocoder).

The first phase teaches the generator intelligible speech within minutes; what the second adds is crispness. Each phase
is a share of the schedule.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...audio.mel import log_mel
from ...config import MelConfig, VocoderConfig
from ...errors import TrainingError
from ...models.vocoder import Vocoder
from ..configuration import MINI_NAME, config_of
from ..data.corpus_data import PCM_SCALE, Corpus, Utterance
from ..data.feature_store import FeatureStore
from ..loop.part import LoopSettings, Metrics, Models, Part, StepTools, adamw
from ..loop.recipe import load_recipe, to_mapping
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .discriminators import (
    Discriminators,
    DiscriminatorSettings,
    adversarial_loss,
    discriminator_loss,
    feature_distance,
)
from .fused_activation import fuse
from .spectral_losses import SpectralLossSettings, low_band_distance, mel_distance, stft_distance

logger = logging.getLogger(__name__)

GENERATOR = "vocoder"
DISCRIMINATORS = "discriminators"
HELD_OUT_SPLITS = ("test_text", "test_speaker")


@dataclass(frozen=True, slots=True)
class VocoderRecipe:
    """Recipe of the vocoder.

    mixed_precision of the loop is for the discriminators alone: with its generator in bf16 too the mini's held-out
    error fell from 0.343 to 0.339 in 750 steps, then in fp32, at a higher rate and with the low band, to 0.316 in
    1,060.
    """

    loop: LoopSettings
    corpora: tuple[str, ...]  # folders with a manifest
    start_from: str = ""  # run or checkpoint whose vocoder it begins with, also one of shorter kernels; empty for fresh
    cache: str | None = None  # folder of decoded audio
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    splits: tuple[str, ...] = ("train",)
    minimum_bandwidth_hz: int = 11_000  # duller recordings are left out, they would teach muffled speech
    aligned_mels: str = ""  # folder of the mels that semantic-to-mel made of recordings (aligned_mels.py), or none
    aligned_share: float = 0.5  # of the clips with such a mel that are made from it, not from the recording's own
    batch_size: int = 16
    segment_frames: int = 32
    held_out_clips: int = 8
    held_out_frames: int = 172
    gain_range: tuple[float, float] = (0.4, 1.0)
    losses: SpectralLossSettings = field(default_factory=SpectralLossSettings)
    stft_weight: float = 1.0
    mel_weight: float = 1.0
    low_band_weight: float = 0.0  # of the harmonics below 1 kHz (low_band_distance), 0 for none
    compile_activations: bool = False
    """Train in the layout and with the activation of fused_activation.py (needs a C++ compiler): faster on a CPU."""
    adversarial_from: float = 1.0  # share of the schedule after which the discriminators join, 1 for never
    adversarial_ramp: float = 0.03  # share of the schedule over which their weight rises
    adversarial_weight: float = 0.2
    feature_weight: float = 2.0
    discriminators: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)


class VocoderPart(Part):
    """The vocoder as the training loop sees it."""

    name = "vocoder"
    full_precision = (GENERATOR,)

    def __init__(self, recipe: VocoderRecipe, config: VocoderConfig, mel: MelConfig) -> None:
        self.recipe, self.config, self.mel = recipe, config, mel
        longest_window = max(
            recipe.losses.stft_sizes + (recipe.losses.low_band_sizes if recipe.low_band_weight else ())
        )
        if self.samples_per_clip < longest_window:
            raise TrainingError(
                f"A clip of {recipe.segment_frames} frames has {self.samples_per_clip} samples, but the losses look at "
                f"{longest_window} at once. Raise segment_frames, or leave out the largest FFT size."
            )
        everything = Corpus.open(recipe.corpora, recipe.cache)
        wide = everything.filter(minimum_bandwidth_hz=recipe.minimum_bandwidth_hz)
        self.corpus = wide.filter(splits=recipe.splits, minimum_seconds=self.samples_per_clip / mel.sample_rate)
        longest = recipe.held_out_frames * mel.hop / mel.sample_rate
        self.held_out = _held_out(wide, longest)
        # A long utterance offers more segments, so it is drawn more often.
        self.weights = torch.tensor([utterance.seconds for utterance in self.corpus.utterances])
        self.aligned = _aligned_mels(recipe, self.corpus)

    @property
    def samples_per_clip(self) -> int:
        return self.recipe.segment_frames * self.mel.hop

    def identity(self) -> dict[str, Any]:
        return {"vocoder": to_mapping(self.config), "mel": to_mapping(self.mel)}

    def build(self) -> dict[str, nn.Module]:
        vocoder = Vocoder(self.config)
        vocoder.initialise(torch.default_generator)  # seeded by the loop
        if self.recipe.start_from:
            vocoder.load_state_dict(with_longer_taps(export_weights(Path(self.recipe.start_from), GENERATOR), vocoder))
        if self.recipe.compile_activations:
            fuse(vocoder)
        if self.recipe.adversarial_from >= 1.0:
            return {GENERATOR: vocoder}
        return {GENERATOR: vocoder, DISCRIMINATORS: Discriminators(self.recipe.discriminators)}

    def averaged(self, models: Models) -> tuple[str, ...]:
        return (GENERATOR,)

    def optimisers(self, models: Models, settings: LoopSettings) -> dict[str, torch.optim.Optimizer]:
        return {name: adamw(list(model.parameters()), settings) for name, model in models.items()}

    def batch(self, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Real speech (batch, samples), and the mels that the generator hears of it (batch, bands, frames)."""
        picks = torch.multinomial(self.weights, self.recipe.batch_size, replacement=True, generator=generator)
        clips = [self._clip(self.corpus.utterances[int(pick)], generator) for pick in picks]
        real = torch.stack([clip for clip, _ in clips])
        heard = log_mel(real, self.mel)
        for row, (_, mel) in enumerate(clips):
            if mel is not None:
                heard[row] = mel
        return real, heard

    def _clip(self, utterance: Utterance, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """A random stretch at a random loudness (samples,), and its aligned mel (bands, frames) where one is drawn."""
        samples, frames = self.corpus.samples(utterance, self.mel.sample_rate), self.recipe.segment_frames
        mel = self._aligned_mel(utterance, generator)
        if mel is None:
            room = max(1, len(samples) - self.samples_per_clip + 1)
            start = int(torch.randint(room, (1,), generator=generator))
        else:
            first = int(torch.randint(mel.shape[1] - frames + 1, (1,), generator=generator))
            mel, start = mel[:, first : first + frames], first * self.mel.hop
        clip = torch.from_numpy(samples[start : start + self.samples_per_clip].copy()).float() / PCM_SCALE
        clip = F.pad(clip, (0, self.samples_per_clip - clip.shape[0]))
        quiet, loud = self.recipe.gain_range
        gain = quiet + (loud - quiet) * float(torch.rand((), generator=generator))
        if mel is not None:
            mel = (mel + math.log(gain)).clamp(min=math.log(self.mel.floor))
        return clip * gain, mel

    def _aligned_mel(self, utterance: Utterance, generator: torch.Generator) -> Tensor | None:
        """(bands, frames) of the whole utterance, None where the generator is to hear the recording's own."""
        if self.aligned is None or float(torch.rand((), generator=generator)) >= self.recipe.aligned_share:
            return None
        entry = self.aligned.find(utterance.id)
        long_enough = entry is not None and entry.frame_count >= self.recipe.segment_frames
        return self.aligned.tensor(entry, "mel") if entry is not None and long_enough else None

    def loss(self, models: Models, batch: tuple[Tensor, Tensor], generator: torch.Generator) -> tuple[Tensor, Metrics]:
        """batch: real speech (batch, samples), mels (batch, bands, frames)"""
        real, heard = batch
        return self.spectral_loss(models[GENERATOR](heard).squeeze(1), real)

    def spectral_loss(self, made: Tensor, real: Tensor) -> tuple[Tensor, Metrics]:
        """made, real: (batch, samples)  ->  scalar"""
        recipe = self.recipe
        stft = stft_distance(made, real, recipe.losses.stft_sizes)
        mel = mel_distance(made, real, self.mel, recipe.losses)
        loss = recipe.stft_weight * stft + recipe.mel_weight * mel
        metrics: Metrics = {"stft": stft.detach(), "mel": mel.detach()}
        if recipe.low_band_weight:
            low = low_band_distance(made, real, self.mel.sample_rate, recipe.losses)
            loss, metrics["low_band"] = loss + recipe.low_band_weight * low, low.detach()
        return loss, metrics

    def train_step(self, models: Models, batch: tuple[Tensor, Tensor], tools: StepTools) -> Metrics:
        """Spectral losses alone, until the discriminators join."""
        real, heard = batch
        made = models[GENERATOR](heard).squeeze(1)
        loss, metrics = self.spectral_loss(made, real)
        share = (tools.progress - self.recipe.adversarial_from) / self.recipe.adversarial_ramp
        if share >= 0 and DISCRIMINATORS in models:
            verdict, more = self._face_discriminators(models[DISCRIMINATORS], made, real, tools)
            loss, metrics = loss + min(1.0, share) * verdict, {**metrics, **more}
        norm = tools.descend(loss, GENERATOR)
        return {"loss": loss.detach(), **metrics, "gradient_norm": norm}

    def _face_discriminators(
        self, judges: nn.Module, made: Tensor, real: Tensor, tools: StepTools
    ) -> tuple[Tensor, Metrics]:
        """Teach the discriminators, then ask them. made, real: (batch, samples)  ->  the generator's loss"""
        with tools.accelerator.autocast():
            teaching = discriminator_loss(judges(real), judges(made.detach()))
        tools.descend(teaching, DISCRIMINATORS)
        judges.requires_grad_(False)  # the generator's gradient passes through them, but stops at their weights
        with tools.accelerator.autocast():
            with torch.no_grad():
                wanted = judges(real)
            found = judges(made)
            adversarial, features = adversarial_loss(found), feature_distance(wanted, found)
        judges.requires_grad_(True)
        loss = self.recipe.adversarial_weight * adversarial + self.recipe.feature_weight * features
        return loss, {
            "discriminator": teaching.detach(),
            "adversarial": adversarial.detach(),
            "features": features.detach(),
        }

    def evaluate(self, models: Models) -> dict[str, float]:
        """Mean L1 distance of the log-mel of fixed held-out clips, spread over the speakers."""
        recipe = self.recipe
        if self.held_out is None:
            return {}
        step = max(1, len(self.held_out) // recipe.held_out_clips)
        total = 0.0
        chosen = self.held_out.utterances[::step][: recipe.held_out_clips]
        for utterance in chosen:
            real = self.held_out.waveform(utterance, self.mel.sample_rate)[: recipe.held_out_frames * self.mel.hop]
            wanted = log_mel(real.unsqueeze(0).to(self.device), self.mel)
            made = models[GENERATOR](wanted).squeeze(1)
            total += float((log_mel(made, self.mel) - wanted).abs().mean())
        return {"mel": total / len(chosen)}


def with_longer_taps(weights: dict[str, Tensor], vocoder: Vocoder) -> dict[str, Tensor]:
    """The weights with zeros around the taps of every residual convolution that is longer in this vocoder.

    Nothing that is heard changes by it, so a vocoder can go on with more capacity than it began with.
    """
    grown = dict(weights)
    for name, wanted in vocoder.state_dict().items():
        missing = wanted.shape[-1] - weights[name].shape[-1] if name in weights and wanted.dim() else 0
        if name.startswith("resblocks.") and missing > 0 and missing % 2 == 0:
            grown[name] = F.pad(weights[name], (missing // 2, missing // 2))
    return grown


def _aligned_mels(recipe: VocoderRecipe, corpus: Corpus) -> FeatureStore | None:
    """The store of generated mels. Raises TrainingError when it has none of the corpus."""
    if not recipe.aligned_mels:
        return None
    store = FeatureStore(Path(recipe.aligned_mels))
    if not any(store.find(utterance.id) for utterance in corpus.utterances):
        raise TrainingError(f"{recipe.aligned_mels} has no mel of any utterance that the vocoder learns from.")
    store.preload("mel")
    return store


def _held_out(corpus: Corpus, seconds: float) -> Corpus | None:
    """The held-out utterances of this length or more; None, with a warning, where there are none."""
    if any(utterance.split in HELD_OUT_SPLITS and utterance.seconds >= seconds for utterance in corpus.utterances):
        return corpus.filter(splits=HELD_OUT_SPLITS, minimum_seconds=seconds)
    splits = ", ".join(HELD_OUT_SPLITS)
    logger.warning("No held-out numbers of %s: the corpora have no utterance of %.1f s there.", splits, seconds)
    return None


def train_vocoder(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train the mini's vocoder as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, VocoderRecipe)
    config = config_of(recipe.config)
    return train(VocoderPart(recipe, config.vocoder, config.mel), recipe.loop, folder)
