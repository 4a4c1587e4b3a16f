"""Train semantic-to-mel: flow matching from noise to mel, given tokens, style and a clean prompt.

Source: docs/spec/paper.md#s2m-loss.

The loss is the absolute error of the velocity over the target (the released code's reading of eq. 2). The T2S latent
is fused in half of the cases; all conditions are withheld in some, so that guidance has a null branch. Start without
latents while T2S is still untrained, then go on from the same folder with them: `gpt_layer` begins at zero.

Differs from the paper: the hidden states in the middle of the transformer are also drawn towards what the semantic
encoder hears in the clean target (representation alignment, Yu et al., arXiv 2410.06940), which a small model needs to
read its tokens in context within minutes; with `contour_weight` pitch, loudness and voicing of every target frame must
be readable off them, so that it listens to what tokens and latents say of prosody; and the error of the velocity may be
counted a second time after averaging over stretches of frames, so that the level, brightness and pitch of a whole
phrase weigh more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...config import Config
from ...models.codec import SemanticCodec
from ...models.flow import AdaptiveNorm
from ...models.length_regulator import frame_to_token
from ...models.s2m import FlowExample, SemanticToMel
from ..configuration import MINI_NAME, config_of
from ..data.contours import ContourHead
from ..data.feature_store import FeatureStore
from ..loop.part import LoopSettings, Metrics, Models, Part
from ..loop.recipe import load_recipe
from ..loop.state import export_weights
from ..loop.trainer import TrainingResult, train
from .data import S2MData, S2MDataSettings

MODEL = "s2m"
READER = "reader"
CONTOUR_READER = "contour_reader"
HELD_OUT_BATCHES = 4
HELD_OUT_SEED = 1
POOLED_FRAMES = (8, 32, 0)  # windows of the pooled loss; 0 is the whole target
MEAN_UTTERANCES = 200  # enough for the mean of every band


@dataclass(frozen=True, slots=True)
class S2MRecipe:
    """Recipe of semantic-to-mel."""

    config: str = MINI_NAME  # mini, a config.yaml or a checkpoint
    features: str = ".train/features"
    codec: str = ".train/codec"  # the codec's run, or a checkpoint
    codec_name: str = "codec"  # of the module in that run
    latents: str = ""  # folder of the T2S latents, empty while there are none
    data: S2MDataSettings = field(default_factory=S2MDataSettings)
    latent_probability: float = 0.5  # share of targets that see their latent
    condition_dropout: float = 0.15  # share that sees no condition at all
    start_from: str = ""  # run or checkpoint whose weights it begins with, empty for fresh ones
    alignment_weight: float = 0.0  # of the distance between hidden states and semantic features, 0 for none
    contour_weight: float = 0.0  # of the contour head, 0 for none; the features must hold `contour` then
    pooled_weight: float = 0.0  # of the error that is left of the velocity's mean over a stretch of frames, 0 for none
    loop: LoopSettings = LoopSettings(max_steps=20_000)  # the optimisation


class S2MPart(Part):
    """Semantic-to-mel as a part of the training loop."""

    name = "s2m"

    def __init__(self, recipe: S2MRecipe, config: Config | None = None, *, embedding: Tensor | None = None) -> None:
        """config: None for the one that the recipe names. embedding: (codebook, semantic_dim), the codec's embedding of
        every token; None reads it from its run.
        """
        config = config_of(recipe.config) if config is None else config
        self.recipe, self.config = recipe, config
        self.embedding = (
            embedding if embedding is not None else token_embedding(recipe.codec, recipe.codec_name, config)
        )
        store = FeatureStore(Path(recipe.features))
        kinds = {"features": recipe.alignment_weight, "contour": recipe.contour_weight}
        store.preload("tokens", "style", "mel", *(kind for kind, weight in kinds.items() if weight))
        latents = FeatureStore(Path(recipe.latents)) if recipe.latents else None
        if latents is not None:
            latents.preload("latent")
        rate = config.s2m.frames_per_token
        self.data = S2MData(
            store,
            recipe.data,
            rate,
            latents=latents,
            with_features=recipe.alignment_weight > 0.0,
            with_contour=recipe.contour_weight > 0.0,
        )
        self.mel_mean = mean_of_bands(self.data)
        self.held_out = held_out_batches(store, latents, recipe.data, rate)

    def identity(self) -> dict[str, Any]:
        flow = self.config.s2m.flow
        return {"width": flow.width, "depth": flow.depth, "wavenet_layers": flow.wavenet.layers}

    def build(self) -> dict[str, nn.Module]:
        model = SemanticToMel(self.config.s2m)
        initialise(model, self.mel_mean)
        if self.recipe.start_from:
            model.load_state_dict(export_weights(Path(self.recipe.start_from), MODEL))
        models: dict[str, nn.Module] = {MODEL: model}
        width = self.config.s2m.flow.width
        if self.recipe.alignment_weight:
            layers = nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, self.config.codec.dim)
            models[READER] = nn.Sequential(*layers)
        if self.recipe.contour_weight:
            models[CONTOUR_READER] = ContourHead(width, rows=1)
        return models

    def averaged(self, models: Models) -> tuple[str, ...]:
        return (MODEL,)

    def prepare(self, device: torch.device) -> None:
        super().prepare(device)
        self.embedding = self.embedding.to(device)

    def batch(self, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        return self.data.batch(generator)

    def loss(self, models: Models, batch: dict[str, Tensor], generator: torch.Generator) -> tuple[Tensor, Metrics]:
        recipe = self.recipe
        example, velocity = flow_example(
            batch,
            self.embedding,
            generator,
            latent_probability=recipe.latent_probability,
            condition_dropout=recipe.condition_dropout,
        )
        metrics: Metrics = {"latent_share": example.latent_mask.float().mean()}
        with middle_states(cast(SemanticToMel, models[MODEL])) as states:
            found = models[MODEL](example)
        loss = velocity_loss(found, velocity)
        terms = {"velocity": loss}
        if recipe.pooled_weight:
            terms["pooled"] = pooled_loss(found, velocity)
            loss = loss + recipe.pooled_weight * terms["pooled"]
        if READER in models:
            heard = models[READER](states[0][:, -velocity.shape[-1] :])
            terms["alignment"] = feature_distance(heard, batch["features"], example.condition_mask)
            loss = loss + recipe.alignment_weight * terms["alignment"]
        if CONTOUR_READER in models:
            hidden = states[0][:, -velocity.shape[-1] :]
            terms["contour"] = models[CONTOUR_READER](
                hidden,
                batch["contour"][:, frame_to_token([(batch["contour"].shape[1], hidden.shape[1])], hidden.device)],
                example.condition_mask[:, None].expand(hidden.shape[:2]),
            )
            loss = loss + recipe.contour_weight * terms["contour"]
        return loss, metrics | {name: term.detach() for name, term in terms.items()}

    def evaluate(self, models: Models) -> dict[str, float]:
        generator = torch.Generator().manual_seed(HELD_OUT_SEED)
        values: dict[str, list[float]] = {}
        for batch in self.held_out:
            moved = {name: value.to(self.device) for name, value in batch.items()}
            for name, probability in (("loss", 0.0), ("loss_with_latent", 1.0)):
                if name == "loss_with_latent" and "latent" not in moved:
                    continue
                example, velocity = flow_example(
                    moved, self.embedding, generator, latent_probability=probability, condition_dropout=0.0
                )
                values.setdefault(name, []).append(float(velocity_loss(models[MODEL](example), velocity)))
        return {name: sum(found) / len(found) for name, found in values.items()}


def held_out_batches(
    store: FeatureStore, latents: FeatureStore | None, settings: S2MDataSettings, frames_per_token: float
) -> list[dict[str, Tensor]]:
    """Crops of held-out texts, the same in every evaluation; none when the store has no such split."""
    if not store.select(lambda entry: entry.split == "test_text" and entry.language in settings.languages):
        return []
    data = S2MData(store, settings, frames_per_token, latents=latents, split="test_text")
    generator = torch.Generator().manual_seed(HELD_OUT_SEED)
    return [data.batch(generator) for _ in range(HELD_OUT_BATCHES)]


def flow_example(
    batch: dict[str, Tensor],
    embedding: Tensor,
    generator: torch.Generator,
    *,
    latent_probability: float,
    condition_dropout: float,
) -> tuple[FlowExample, Tensor]:
    """Noise a batch at random times and decide who sees what; also the velocity to find, (batch, bands, frames).

    The times of a batch are spread evenly over 0..1 with a common offset, which steadies the gradient.
    """
    mel, prompt_mel = batch["mel"], batch["prompt_mel"]
    size, device = mel.shape[0], mel.device
    noise = torch.randn(mel.shape, generator=generator).to(mel)
    offsets = torch.randperm(size, generator=generator) + torch.rand((), generator=generator)
    time = (offsets / size).to(mel)
    seen = torch.rand(size, generator=generator) >= condition_dropout
    fused = torch.rand(size, generator=generator) < latent_probability
    latent_mask = fused.to(device) & batch["has_latent"] if "latent" in batch else torch.zeros_like(seen).to(device)
    mixed = torch.lerp(noise, mel, time[:, None, None])
    example = FlowExample(
        prompt=F.embedding(batch["prompt_tokens"], embedding),
        target=F.embedding(batch["tokens"], embedding),
        latent=batch.get("latent"),
        latent_mask=latent_mask,
        prompt_mel=prompt_mel,
        style=batch["style"],
        noisy=F.pad(mixed, (prompt_mel.shape[-1], 0)),
        time=time,
        condition_mask=seen.to(device),
    )
    return example, mel - noise


def velocity_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error over the target frames, the last ones of `found` (batch, bands, prompt + target frames)."""
    return (found[..., -wanted.shape[-1] :].float() - wanted).abs().mean()


def pooled_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Absolute error of the velocity averaged over windows of frames: the mean over the lengths of POOLED_FRAMES.

    Shapes as in `velocity_loss`. A window longer than the target is the whole target; frames that fill no window are
    left out, at the target's end.
    """
    error = found[..., -wanted.shape[-1] :].float() - wanted
    frames = error.shape[-1]
    widths = [min(width, frames) if width else frames for width in POOLED_FRAMES]
    return torch.stack([F.avg_pool1d(error, width).abs().mean() for width in widths]).mean()


@contextmanager
def middle_states(model: SemanticToMel) -> Iterator[list[Tensor]]:
    """Collects the output of the transformer's middle layer, (batch, prompt + target frames, width), of every pass."""
    transformer = model.estimator.transformer
    states: list[Tensor] = []
    handle = transformer.layers[transformer.middle].register_forward_hook(
        lambda _module, _given, output: states.append(output)
    )
    try:
        yield states
    finally:
        handle.remove()


def feature_distance(heard: Tensor, features: Tensor, counted: Tensor) -> Tensor:
    """Mean of one minus the cosine between `heard` (batch, frames, dim) and the features (batch, tokens, dim) there.

    counted: (batch,) bool, rows that saw their tokens; the others could not know.
    """
    tokens, frames = features.shape[1], heard.shape[1]
    index = frame_to_token([(tokens, frames)], features.device)
    apart = 1.0 - F.cosine_similarity(heard.float(), features[:, index], dim=-1).mean(dim=1)
    return (apart * counted).sum() / counted.sum().clamp(min=1)


@torch.no_grad()
def initialise(model: SemanticToMel, mel_mean: Tensor) -> None:
    """Start where learning is fast: plain norms that ignore the time, a velocity of the mean mel, a silent latent.

    mel_mean: (bands,).
    """
    for module in model.modules():
        if isinstance(module, AdaptiveNorm):
            module.project_layer.weight.zero_()
            width = module.norm.weight.shape[0]
            module.project_layer.bias.copy_(torch.cat([torch.ones(width), torch.zeros(width)]))
    estimator = model.estimator
    modulation = cast(nn.Linear, estimator.final_layer.adaLN_modulation[1])
    latent_out = cast(nn.Linear, model.gpt_layer[-1])
    for layer in (modulation, latent_out):
        layer.weight.zero_()
        layer.bias.zero_()
    estimator.conv2.weight.zero_()
    cast(Tensor, estimator.conv2.bias).copy_(mel_mean)


def token_embedding(run: str, name: str, config: Config) -> Tensor:
    """The embedding of every token by the codec of this run, where it is called `name`: (codebook, semantic_dim)."""
    codec = SemanticCodec(config.codec).eval()
    weights = export_weights(Path(run), name)
    codec.load_state_dict({key: value for key, value in weights.items() if key in codec.state_dict()})
    with torch.no_grad():
        return codec.embed(torch.arange(config.codec.codebook_size)[None])[0].clone()


def mean_of_bands(data: S2MData) -> Tensor:
    """Mean log-mel of each band over evenly chosen utterances: (bands,)."""
    entries = data.entries[:: max(len(data.entries) // MEAN_UTTERANCES, 1)]
    return torch.stack([data.store.tensor(entry, "mel").mean(dim=1) for entry in entries]).mean(dim=0)


def train_s2m(recipe_file: Path, folder: Path) -> TrainingResult:
    """Train the mini's semantic-to-mel as the recipe says; the run's state and curves go to `folder`."""
    recipe = load_recipe(recipe_file, S2MRecipe)
    return train(S2MPart(recipe), recipe.loop, folder)
