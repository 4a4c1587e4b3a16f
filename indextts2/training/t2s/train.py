"""Train text-to-semantic in the paper's three stages (docs/spec/paper.md#t2s-stages).

1 basics: everything but the emotion branch; the length embedding p = W_num h(T) is set to zero in 30 % of the cases.
2 emotion: e joins c; the speaker conditioner is frozen; a classifier behind a gradient reversal layer drives the
  speaker out of e.
3 robustness: all conditioners are frozen, the rest is fine-tuned.

Differs from the paper: a guide for a few attention heads, from the teacher's timing, makes a small model read after
minutes instead of days; part of the tokens fed to it are replaced by random ones, because small data overfits; and
with `prosody_weight` pitch, loudness and tilt of the utterance must be readable off latents and emotion vector, with
`contour_weight` pitch, loudness and voicing of every token off its latent, with `label_weight` the label of the
utterance's prosody style off both.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...config import Config
from ...errors import TrainingError
from ...loading.tensors import check_names
from ...models.t2s import TextToSemantic
from ...text.front_end import FrontEnd
from ..configuration import MINI_NAME, config_of, front_end_of
from ..data.contours import ROWS_PER_TOKEN, ContourHead
from ..data.feature_store import FeatureStore
from ..data.prosody import UTTERANCE_PROSODY
from ..loop.part import LoopSettings, Metrics, Models, Part, StepTools
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .data import T2SBatch, T2SData, T2SDataSettings
from .label_offsets import OFFSETS, LabelOffsets, fresh_offsets, trained_offsets
from .losses import (
    LabelHead,
    ProsodyHead,
    SpeakerClassifier,
    blur_features,
    corrupt_tokens,
    guided_attention_loss,
    reverse_gradient,
    semantic_loss,
)
from .translate import translate_from

logger = logging.getLogger(__name__)

MODEL = "t2s"
TEXT_EMBEDDING = "text_embedding.weight"
TEXT_ROWS = ("text_embedding.", "text_head.")
CLASSIFIER = "speaker_classifier"
READER = "prosody_reader"
LABEL_READER = "label_reader"
CONTOUR_READER = "contour_reader"
SPEAKER_BRANCH = ("conditioning_encoder.", "perceiver_encoder.")
EMOTION_BRANCH = ("emo_conditioning_encoder.", "emo_perceiver_encoder.", "emovec_layer.", "emo_layer.")
FROZEN_ALWAYS = ("speed_emb.", "text_head.")  # not used by a checkpoint whose free length is p = 0
HELD_OUT_BATCHES = 6
HELD_OUT_SEED = 1


@dataclass(frozen=True, slots=True)
class T2SRecipe:
    """Recipe of a stage: what it learns from, and how strongly."""

    loop: LoopSettings  # the optimisation
    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    stage: int = 1  # 1, 2 or 3
    features: str = ".train/features"
    tokenizer: str = ""  # file; empty: that of the checkpoint in `config`, or the one that the recipes make
    start_from: str = ""  # run or checkpoint whose weights it begins with; empty: fresh ones, in stage 1 only
    fresh_text: bool = False  # text embedding and text head begin anew, for another tokenizer than start_from has
    former_features: str = ""
    """Features that start_from learned from, when encoder or codec have changed since; its weights are then translated
    to the new tokens."""
    data: T2SDataSettings = field(default_factory=T2SDataSettings)
    dropout: float = 0.1
    length_dropout: float = 0.3  # share of targets whose p is zero
    use_length: bool = True  # False trains without p (an ablation)
    corruption: float = 0.08  # share of the tokens fed to the model that are replaced by random ones
    guide_weight: float = 0.3  # of the loss on attention, 0 for none
    guide_heads: tuple[tuple[int, int], ...] = ((1, 0), (2, 0), (3, 0))  # (layer, head) that are shown where to look
    reversal: float = 0.2  # strength of the speaker classifier's reversed gradient after its ramp; 0 switches it off
    ramp: float = 0.3  # share of the schedule over which the reversal rises
    prosody_weight: float = 0.0  # of the prosody head, 0 for none; the features must hold `prosody` then
    contour_weight: float = 0.0  # of the contour head, 0 for none; the features must hold `contour` then
    label_weight: float = 0.0  # of the label head (the prosody styles of the corpus), 0 for none
    emotion_steps: int = 0
    """Steps at the start of stage 2 that train the emotion branch alone, on prosody and label of its prompts; they are
    quick."""
    prompt_dropout: float = 0.0  # share of the emotion prompts that is hidden
    prompt_noise: float = 0.0  # spread of the noise on the emotion prompts
    label_offset: float = 0.0
    """Length at the start of what is learned per label and added to a mix of emotion prompts (label_offsets.py), 0 for
    none. A run that starts from such a one keeps its offsets, and its bank adds them."""
    cache_emotion_vectors: bool = False
    """In stage 3, whose emotion branch is frozen, encode every emotion prompt once before the start. The mini's did 57
    steps a minute with it and 38 without."""
    initial_seed: int = 0


class T2SPart(Part):
    """One of the three stages as a part of the training loop."""

    def __init__(self, recipe: T2SRecipe, config: Config | None = None) -> None:
        """config: None for the one that the recipe names."""
        if recipe.stage not in (1, 2, 3):
            raise TrainingError(f"T2S is trained in stages 1, 2 and 3, but stage {recipe.stage} was asked for.")
        if recipe.stage > 1 and not recipe.start_from:
            raise TrainingError(f"Stage {recipe.stage} starts from an earlier one; name its folder in start_from.")
        if recipe.emotion_steps and not (recipe.stage == 2 and recipe.prosody_weight + recipe.label_weight > 0.0):
            raise TrainingError("emotion_steps belong to stage 2 and need a prosody_weight or label_weight above zero.")
        if recipe.cache_emotion_vectors and (recipe.stage < 3 or recipe.prompt_dropout + recipe.prompt_noise > 0.0):
            raise TrainingError(
                "cache_emotion_vectors belongs to stage 3 and to prompts that are neither hidden nor blurred."
            )
        if recipe.label_offset < 0.0:
            raise TrainingError(f"label_offset is a length and not negative, but is {recipe.label_offset}.")
        mixes = recipe.stage > 1 and recipe.data.mean_emotion_probability > 0.0 and recipe.data.mean_emotion_prompts > 1
        if recipe.label_offset and not mixes:
            raise TrainingError(
                "label_offset is added to mixes of emotion prompts: set mean_emotion_probability above zero and "
                "mean_emotion_prompts above 1, in stage 2 or 3."
            )
        if recipe.fresh_text and not recipe.start_from:
            raise TrainingError(
                "fresh_text leaves out weights of start_from; name its folder, or leave fresh_text out."
            )
        config = config_of(recipe.config) if config is None else config
        if config.t2s.speaker_from != "features":
            raise TrainingError(
                f"'{config.name}' takes its speaker from the {config.t2s.speaker_from}; this recipe trains models that "
                "hear features. Name another configuration."
            )
        self.name = f"t2s stage {recipe.stage}"
        self.recipe, self.config = recipe, config
        store = FeatureStore(Path(recipe.features))
        self.with_prosody, self.with_contour = recipe.prosody_weight > 0.0, recipe.contour_weight > 0.0
        kinds = {"prosody": self.with_prosody, "contour": self.with_contour}
        store.preload("tokens", "features", *(kind for kind, asked in kinds.items() if asked))
        front_end = front_end_of(config, recipe.config, recipe.tokenizer)
        self.data = self._data(store, front_end, "train")
        self.held_out = self._held_out_batches(store, front_end)
        self.guide_heads = recipe.guide_heads if recipe.guide_weight and self.data.reader.timed else ()
        if recipe.guide_weight and not self.guide_heads:
            logger.info("Attention is not guided: texts of kind '%s' have no timing.", front_end.kind)

    def identity(self) -> dict[str, Any]:
        sizes = {"dim": self.config.t2s.dim, "layers": self.config.t2s.layers}
        return {"stage": self.recipe.stage, **sizes, "matrices": "(out, in)"}  # the optimiser's moments have no names

    def build(self) -> dict[str, nn.Module]:
        model = TextToSemantic(self.config.t2s, dropout=self.recipe.dropout)
        if self.recipe.fresh_text or not self.recipe.start_from:
            model.initialise(torch.Generator().manual_seed(self.recipe.initial_seed))
        if self.recipe.start_from:
            self._start_from(model, self._earlier_weights())
        freeze(model, frozen_names(self.recipe.stage))
        if self.recipe.cache_emotion_vectors:
            self.data.cache_emotion_vectors(model.eval(), torch.Generator().manual_seed(self.recipe.initial_seed))
        dim = self.config.t2s.dim
        models: dict[str, nn.Module] = {MODEL: model}
        if self.recipe.stage == 2:
            models[CLASSIFIER] = SpeakerClassifier(dim, len(self.data.speakers))
        if self.with_prosody:
            models[READER] = ProsodyHead(dim, len(UTTERANCE_PROSODY))
        if self.with_contour:
            models[CONTOUR_READER] = ContourHead(dim, ROWS_PER_TOKEN)
        if self.recipe.label_weight > 0.0:
            models[LABEL_READER] = LabelHead(dim, self.data.label_weights())
        if self.recipe.label_offset > 0.0:
            generator = torch.Generator().manual_seed(self.recipe.initial_seed)
            earlier = trained_offsets(Path(self.recipe.start_from), self.data.labels)
            models[OFFSETS] = earlier or fresh_offsets(dim, self.data.labels, self.recipe.label_offset, generator)
        return models

    def _start_from(self, model: TextToSemantic, weights: dict[str, Tensor]) -> None:
        """Put earlier weights into the model. Raises CheckpointError where they do not fit."""
        fresh = {key: value for key, value in model.state_dict().items() if key.startswith(TEXT_ROWS)}
        weights = {**weights, **fresh} if self.recipe.fresh_text else weights
        shape = tuple(fresh[TEXT_EMBEDDING].shape)
        if TEXT_EMBEDDING in weights and tuple(weights[TEXT_EMBEDDING].shape) != shape:
            raise TrainingError(
                f"{self.recipe.start_from} reads {len(weights[TEXT_EMBEDDING])} text tokens, but the configuration "
                f"{shape[0]}. For another tokenizer set fresh_text, which begins the rows of the text anew."
            )
        check_names(model, weights, Path(self.recipe.start_from))
        model.load_state_dict(weights)

    def _earlier_weights(self) -> dict[str, Tensor]:
        recipe = self.recipe
        weights = export_weights(Path(recipe.start_from), MODEL)
        if not recipe.former_features:
            return weights
        former, present = Path(recipe.former_features), Path(recipe.features)
        return translate_from(weights, former, present, self.config.t2s.codebook_size)

    def averaged(self, models: Models) -> tuple[str, ...]:
        return (MODEL, OFFSETS) if self.recipe.label_offset > 0.0 else (MODEL,)

    def batch(self, step: int, generator: torch.Generator) -> T2SBatch:
        return self.data.batch(generator)

    def loss(self, models: Models, batch: T2SBatch, generator: torch.Generator) -> tuple[Tensor, Metrics]:
        return self._loss(models, batch, generator, reversal=self.recipe.reversal)

    def train_step(self, models: Models, batch: T2SBatch, tools: StepTools) -> Metrics:
        rise = min(1.0, tools.progress / self.recipe.ramp) if self.recipe.ramp else 1.0
        reversal = self.recipe.reversal * rise
        batch = self._blurred(batch, tools.generator).to(tools.accelerator.device)
        with tools.accelerator.autocast():
            if tools.step < self.recipe.emotion_steps:
                loss, metrics = self._emotion_loss(models, batch, reversal=reversal)
            else:
                loss, metrics = self._loss(models, batch, tools.generator, reversal=reversal)
        return {"loss": loss.detach(), **metrics, "gradient_norm": tools.descend(loss)}

    def _blurred(self, batch: T2SBatch, generator: torch.Generator) -> T2SBatch:
        hidden, noise = self.recipe.prompt_dropout, self.recipe.prompt_noise
        if not hidden and not noise:
            return batch
        return replace(batch, emotion_prompt=blur_features(batch.emotion_prompt, hidden, noise, generator))

    def evaluate(self, models: Models) -> dict[str, float]:
        device = next(models[MODEL].parameters()).device
        sums: dict[str, float] = {}
        for batch in self.held_out:
            _, metrics = self._loss(
                models, batch.to(device), torch.Generator().manual_seed(HELD_OUT_SEED), reversal=0.0
            )
            for name, value in metrics.items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(self.held_out)
        return sums

    def _loss(
        self, models: Models, batch: T2SBatch, generator: torch.Generator, *, reversal: float
    ) -> tuple[Tensor, Metrics]:
        recipe, config, model = self.recipe, self.config.t2s, cast(TextToSemantic, models[MODEL])
        training = model.training
        condition = model.speaker_condition(batch.prompt, batch.prompt_mask)
        emotion = None if recipe.stage == 1 else self._emotion_vector(models, batch)
        inputs = batch.tokens
        if training and recipe.corruption:
            inputs = corrupt_tokens(batch.tokens, recipe.corruption, config.codebook_size, generator)
        output = model.forward_training(
            condition,
            emotion,
            model.duration_slots(self._length_targets(batch, generator, training=training)),
            batch.text_ids,
            batch.text_lengths,
            inputs,
            batch.token_lengths,
            attention_heads=self.guide_heads,
        )
        loss, right = semantic_loss(output.semantic_logits, batch.tokens, batch.token_lengths, config.stop_semantic)
        metrics: Metrics = {"semantic": loss.detach(), "right": right}
        if output.attention is not None:
            guide_loss, inside = guided_attention_loss(output.attention[:, :, : batch.guide.shape[1]], batch.guide)
            loss = loss + recipe.guide_weight * guide_loss
            metrics |= {"guide": guide_loss.detach(), "attention_inside": inside}
        if READER in models:
            off = models[READER](output.latent, batch.token_lengths, batch.prosody, emotion, batch.emotion_prosody)
            loss = loss + recipe.prosody_weight * off
            metrics |= {"prosody": off.detach()}
        if CONTOUR_READER in models:
            places = torch.arange(batch.tokens.shape[1], device=batch.tokens.device)
            off = models[CONTOUR_READER](output.latent, batch.contour, places[None] < batch.token_lengths[:, None])
            loss = loss + recipe.contour_weight * off
            metrics |= {"contour": off.detach()}
        if LABEL_READER in models:
            label_loss, label_accuracy = models[LABEL_READER](output.latent, batch.token_lengths, batch.labels)
            loss = loss + recipe.label_weight * label_loss
            metrics |= {"latent_label": label_loss.detach(), "latent_label_right": label_accuracy}
        if emotion is not None:
            vector_loss, of_vector = self._vector_losses(models, emotion, batch, reversal=reversal, training=training)
            loss, metrics = loss + vector_loss, metrics | of_vector
        return loss, metrics

    def _emotion_loss(self, models: Models, batch: T2SBatch, *, reversal: float) -> tuple[Tensor, Metrics]:
        """Losses of the emotion branch alone on its prompts."""
        emotion = self._emotion_vector(models, batch)
        loss, metrics = self._vector_losses(models, emotion, batch, reversal=reversal, training=True)
        if READER in models:
            off = cast(ProsodyHead, models[READER]).emotion_error(emotion, batch.emotion_prosody)
            loss = loss + self.recipe.prosody_weight * off
            metrics |= {"emotion_prosody": off.detach()}
        return loss, metrics

    @staticmethod
    def _emotion_vector(models: Models, batch: T2SBatch) -> Tensor:
        offsets = cast(LabelOffsets, models[OFFSETS]) if OFFSETS in models else None
        return batch.emotion_vector(cast(TextToSemantic, models[MODEL]), offsets)

    def _vector_losses(
        self, models: Models, emotion: Tensor, batch: T2SBatch, *, reversal: float, training: bool
    ) -> tuple[Tensor, Metrics]:
        """Loss of the label, which emotion vectors should predict, and of the speaker, which they should not."""
        loss = emotion.sum() * 0.0
        metrics: Metrics = {}
        if LABEL_READER in models:
            label_loss, right = cast(LabelHead, models[LABEL_READER]).of_vectors(emotion, batch.labels)
            loss = loss + self.recipe.label_weight * label_loss
            metrics |= {"label": label_loss.detach(), "label_right": right}
        if CLASSIFIER in models and training:
            guess = models[CLASSIFIER](reverse_gradient(emotion, reversal))
            speaker_loss = nn.functional.cross_entropy(guess, batch.speaker_ids)
            loss = loss + speaker_loss
            hit = (guess.detach().argmax(dim=-1) == batch.speaker_ids).float().mean()
            metrics |= {"speaker": speaker_loss.detach(), "speaker_right": hit}
        return loss, metrics

    def _length_targets(self, batch: T2SBatch, generator: torch.Generator, *, training: bool) -> Tensor:
        """(batch,) target lengths in tokens, 0 where p is zero."""
        if not self.recipe.use_length:
            return torch.zeros_like(batch.token_lengths)
        if not training:
            return batch.token_lengths
        kept = torch.rand(batch.token_lengths.shape, generator=generator) >= self.recipe.length_dropout
        return batch.token_lengths * kept.to(batch.token_lengths.device)

    def _data(self, store: FeatureStore, front_end: FrontEnd, split: str) -> T2SData:
        settings, heads = self.recipe.data, (self.with_prosody, self.with_contour)
        return T2SData(store, front_end, settings, split=split, with_prosody=heads[0], with_contour=heads[1])

    def _held_out_batches(self, store: FeatureStore, front_end: FrontEnd) -> list[T2SBatch]:
        """Batches of held-out texts, the same in every evaluation; none when the store has too few."""
        try:
            data = self._data(store, front_end, "test_text")
        except TrainingError:
            return []
        generator = torch.Generator().manual_seed(HELD_OUT_SEED)
        return [data.batch(generator) for _ in range(HELD_OUT_BATCHES)]


def train_t2s(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train one stage from a recipe file (T2SRecipe), or go on with it. The run lives in `folder`."""
    recipe = load_recipe(recipe_file, T2SRecipe)
    return train(T2SPart(recipe), recipe.loop, folder)


def frozen_names(stage: int) -> tuple[str, ...]:
    """Prefixes of the weights that do not move in a stage."""
    branches = {1: EMOTION_BRANCH, 2: SPEAKER_BRANCH, 3: SPEAKER_BRANCH + EMOTION_BRANCH}
    return FROZEN_ALWAYS + branches[stage]


def freeze(model: nn.Module, prefixes: tuple[str, ...]) -> None:
    """Stop the weights under these prefixes from moving."""
    for name, weight in model.named_parameters():
        if name.startswith(prefixes):
            weight.requires_grad_(False)
