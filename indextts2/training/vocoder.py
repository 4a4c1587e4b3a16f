"""Training the vocoder: spectral losses first, discriminators later (spec/paper.md section 8, BigVGAN v2).

The first phase teaches the generator intelligible speech within minutes; what the second adds is crispness. Each phase
is a share of the schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..audio.mel import log_mel
from ..config import MelConfig, VocoderConfig
from ..models.vocoder import AntiAliasedActivation, Vocoder
from .corpus_data import PCM_SCALE, Corpus, Utterance
from .discriminators import (
    Discriminators,
    DiscriminatorSettings,
    adversarial_loss,
    discriminator_loss,
    feature_distance,
)
from .fused_activation import fuse
from .mini import MINI
from .part import Metrics, Models, Part, StepTools, adamw
from .recipe import load_recipe, to_mapping
from .spectral_losses import SpectralLossSettings, mel_distance, stft_distance
from .state import export_weights
from .trainer import LoopSettings, TrainingResult, train

GENERATOR = "vocoder"
DISCRIMINATORS = "discriminators"
HELD_OUT_SPLITS = ("test_text", "test_speaker")


@dataclass(frozen=True, slots=True)
class VocoderRecipe:
    """corpora, cache: folders. minimum_bandwidth_hz: duller recordings are left out, they would teach muffled speech.

    adversarial_from: share of the schedule after which the discriminators join, 1 for never; adversarial_ramp: share
    over which their voice grows to its full weight. start_from: a run or checkpoint whose vocoder it begins with, ""
    for fresh weights. compile_activations: fuse the activation, forward and backward (fused_activation.py; needs a C++
    compiler), which is faster on a CPU. mixed_precision of the loop is for the discriminators alone. The mini's
    did 47 steps a minute before the backward pass was written out and bf16 used, and 87 after.
    """

    loop: LoopSettings
    corpora: tuple[str, ...]
    start_from: str = ""
    cache: str | None = None
    splits: tuple[str, ...] = ("train",)
    minimum_bandwidth_hz: int = 11_000
    batch_size: int = 16
    segment_frames: int = 32
    held_out_clips: int = 8
    held_out_frames: int = 172
    gain_range: tuple[float, float] = (0.4, 1.0)
    losses: SpectralLossSettings = field(default_factory=SpectralLossSettings)
    stft_weight: float = 1.0
    mel_weight: float = 1.0
    compile_activations: bool = False
    adversarial_from: float = 1.0
    adversarial_ramp: float = 0.03
    adversarial_weight: float = 0.2
    feature_weight: float = 2.0
    discriminators: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)


class VocoderPart(Part):
    """The vocoder as the training loop sees it. A batch is (batch, samples) of real speech."""

    name = "vocoder"

    def __init__(self, recipe: VocoderRecipe, config: VocoderConfig, mel: MelConfig) -> None:
        self.recipe, self.config, self.mel = recipe, config, mel
        everything = Corpus.open(recipe.corpora, recipe.cache)
        wide = everything.filter(minimum_bandwidth_hz=recipe.minimum_bandwidth_hz)
        self.corpus = wide.filter(splits=recipe.splits, minimum_seconds=self.samples_per_clip / mel.sample_rate)
        longest = recipe.held_out_frames * mel.hop / mel.sample_rate
        self.held_out = wide.filter(splits=HELD_OUT_SPLITS, minimum_seconds=longest)
        # A long utterance offers more segments, so it is drawn more often.
        self.weights = torch.tensor([utterance.seconds for utterance in self.corpus.utterances])

    @property
    def samples_per_clip(self) -> int:
        return self.recipe.segment_frames * self.mel.hop

    def identity(self) -> dict[str, Any]:
        return {"vocoder": to_mapping(self.config), "mel": to_mapping(self.mel)}

    def build(self) -> dict[str, nn.Module]:
        vocoder = Vocoder(self.config)
        vocoder.initialise(torch.default_generator)  # seeded by the loop
        if self.recipe.start_from:
            vocoder.load_state_dict(export_weights(Path(self.recipe.start_from), GENERATOR))
        if self.recipe.compile_activations:
            for module in vocoder.modules():
                if isinstance(module, AntiAliasedActivation):
                    fuse(module)
        if self.recipe.adversarial_from >= 1.0:
            return {GENERATOR: vocoder}
        return {GENERATOR: vocoder, DISCRIMINATORS: Discriminators(self.recipe.discriminators)}

    def averaged(self, models: Models) -> tuple[str, ...]:
        return (GENERATOR,)

    def optimisers(self, models: Models, settings: LoopSettings) -> dict[str, torch.optim.Optimizer]:
        return {name: adamw(list(model.parameters()), settings) for name, model in models.items()}

    def batch(self, step: int, generator: torch.Generator) -> Tensor:
        """(batch, samples)"""
        picks = torch.multinomial(self.weights, self.recipe.batch_size, replacement=True, generator=generator)
        return torch.stack([self._clip(self.corpus.utterances[int(pick)], generator) for pick in picks])

    def _clip(self, utterance: Utterance, generator: torch.Generator) -> Tensor:
        """A random stretch at a random loudness. (samples,)"""
        samples = self.corpus.samples(utterance, self.mel.sample_rate)
        room = max(1, len(samples) - self.samples_per_clip + 1)
        start = int(torch.randint(room, (1,), generator=generator))
        clip = torch.from_numpy(samples[start : start + self.samples_per_clip].copy()).float() / PCM_SCALE
        clip = torch.nn.functional.pad(clip, (0, self.samples_per_clip - clip.shape[0]))
        quiet, loud = self.recipe.gain_range
        return clip * (quiet + (loud - quiet) * float(torch.rand((), generator=generator)))

    def loss(self, models: Models, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Metrics]:
        """batch: (batch, samples) of real speech"""
        made = models[GENERATOR](log_mel(batch, self.mel)).squeeze(1)
        return self.spectral_loss(made, batch)

    def spectral_loss(self, made: Tensor, real: Tensor) -> tuple[Tensor, Metrics]:
        """made, real: (batch, samples)  ->  scalar"""
        recipe = self.recipe
        stft = stft_distance(made, real, recipe.losses.stft_sizes)
        mel = mel_distance(made, real, self.mel, recipe.losses)
        loss = recipe.stft_weight * stft + recipe.mel_weight * mel
        return loss, {"stft": stft.detach(), "mel": mel.detach()}

    def train_step(self, models: Models, batch: Tensor, tools: StepTools) -> Metrics:
        """Spectral losses alone, until the discriminators join."""
        made = models[GENERATOR](log_mel(batch, self.mel)).squeeze(1)
        loss, metrics = self.spectral_loss(made, batch)
        share = (tools.progress - self.recipe.adversarial_from) / self.recipe.adversarial_ramp
        if share >= 0 and DISCRIMINATORS in models:
            verdict, more = self._face_discriminators(models[DISCRIMINATORS], made, batch, tools)
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
        step = max(1, len(self.held_out) // recipe.held_out_clips)
        total = 0.0
        chosen = self.held_out.utterances[::step][: recipe.held_out_clips]
        for utterance in chosen:
            real = self.held_out.waveform(utterance, self.mel.sample_rate)[: recipe.held_out_frames * self.mel.hop]
            wanted = log_mel(real.unsqueeze(0).to(self.device), self.mel)
            made = models[GENERATOR](wanted).squeeze(1)
            total += float((log_mel(made, self.mel) - wanted).abs().mean())
        return {"mel": total / len(chosen)}


def train_vocoder(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train the mini's vocoder as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, VocoderRecipe)
    return train(VocoderPart(recipe, MINI.vocoder, MINI.mel), recipe.loop, folder)
