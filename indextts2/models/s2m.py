"""Semantic-to-mel: latent projection, length regulator and flow, with the published keys (docs/spec/s2m.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import S2MConfig
from ..errors import InputError
from .flow import FlowContext, FlowEstimator, TimeConditions
from .length_regulator import LengthRegulator, Span, frame_to_token


def single_precision_frames(row_count: int, frames_per_row: float) -> int:
    """Mel frames of so many rows at their natural length, truncated in float32 as in IndexTTS-2.

    Source: docs/spec/s2m.md#content-of-the-flow.
    """
    product = torch.tensor(float(row_count), dtype=torch.float32) * frames_per_row
    return max(int(product), 1)


def stretched_frames(row_count: int, frames_per_row: float, factor: float = 1.0) -> int:
    """Mel frames of so many rows, `factor` times as long as natural (docs/spec/v25.md#semantic-to-mel-in-25).

    Double precision, from left to right, then truncated: regrouping the product changes some lengths by a frame.
    """
    return max(int(row_count * frames_per_row * factor), 1)


@dataclass(frozen=True, slots=True)
class FlowExample:
    """A batch of equally long prompts and equally long targets, as the flow is trained on.

    prompt, target: (batch, tokens, semantic_dim) token embeddings; latent: (batch, target tokens, latent_dim) or None,
    added where latent_mask (batch,) is True; prompt_mel: (batch, bands, prompt frames); style: (batch, style_dim);
    noisy: (batch, bands, prompt + target frames), zero along the prompt; time: (batch,); condition_mask: (batch,),
    where it is False every condition is withheld, as in the null branch of the guidance.
    """

    prompt: Tensor
    target: Tensor
    latent: Tensor | None
    latent_mask: Tensor
    prompt_mel: Tensor
    style: Tensor
    noisy: Tensor
    time: Tensor
    condition_mask: Tensor


class FlowMatching(nn.Module):
    """Holds the estimator under its published key `cfm.estimator`."""

    def __init__(self, config: S2MConfig) -> None:
        super().__init__()
        self.estimator = FlowEstimator(config.flow)


class SemanticToMel(nn.Module):
    """From semantic features and a prompt to the velocity of the mel. The solver lives in `stages/ode.py`."""

    def __init__(self, config: S2MConfig) -> None:
        super().__init__()
        if config.regulator.width != config.flow.content_dim:
            raise InputError(
                f"The length regulator is {config.regulator.width} wide, "
                f"but the flow expects {config.flow.content_dim}."
            )
        self.config = config
        if config.content == "latent":
            widths = [config.latent_dim, *config.latent_hidden, config.semantic_dim]
            self.gpt_layer = nn.Sequential(*(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)))
        self.length_regulator = LengthRegulator(config.regulator)
        self.cfm = FlowMatching(config)

    @property
    def estimator(self) -> FlowEstimator:
        return self.cfm.estimator

    def project_latent(self, latent: Tensor) -> Tensor:
        """T2S latent (batch, tokens, latent_dim) -> (batch, tokens, semantic_dim), added to the embeddings."""
        return self.gpt_layer(latent)

    def frame_count(self, token_count: int) -> int:
        """Frames of so many tokens at the natural rate; truncated in float32 as in the official code.

        Source: docs/spec/s2m.md#content-of-the-flow.
        """
        return single_precision_frames(token_count, self.config.frames_per_token)

    def regulate(
        self,
        features: Tensor,
        frame_counts: Sequence[int],
        token_counts: Sequence[int] | None = None,
        spans: Sequence[Sequence[Span] | None] | None = None,
    ) -> Tensor:
        """Stretch features (batch, tokens, semantic_dim) to the mel clock: (batch, longest frame count, content_dim).

        token_counts: valid tokens of each row, None for all. spans: per row, pieces with lengths of their own; they
        must cover the row's tokens and frames. None stretches the row evenly.
        """
        tokens = [features.shape[1]] * len(frame_counts) if token_counts is None else list(token_counts)
        maps = []
        for row, (token_count, frame_count) in enumerate(zip(tokens, frame_counts, strict=True)):
            own = (spans[row] if spans is not None else None) or [(token_count, frame_count)]
            covered = sum(n for n, _ in own), sum(f for _, f in own)
            if covered != (token_count, frame_count):
                raise InputError(
                    f"The spans of row {row} cover {covered[0]} tokens and {covered[1]} frames, "
                    f"but the row has {token_count} tokens and {frame_count} frames."
                )
            maps.append(frame_to_token(own, features.device))
        return self.length_regulator(features, maps)

    def forward(self, example: FlowExample) -> Tensor:
        """Velocity of a training batch, (batch, bands, frames); that of the prompt frames means nothing."""
        return self.velocity(example.noisy, self.time_conditions(example.time), self.training_context(example))

    def training_context(self, example: FlowExample, *, guided: bool = False) -> FlowContext:
        """The conditions of a training batch as `velocity` takes them; see `context`."""
        batch, prompt_frames = example.prompt.shape[0], example.prompt_mel.shape[-1]
        target_frames = example.noisy.shape[-1] - prompt_frames
        target = example.target
        if example.latent is not None:
            target = target + example.latent_mask[:, None, None] * self.project_latent(example.latent)
        condition = torch.cat(
            [
                self.regulate(example.prompt, [prompt_frames] * batch),
                self.regulate(target, [target_frames] * batch),
            ],
            dim=1,
        )
        kept = example.condition_mask[:, None].to(condition.dtype)
        return self.context(
            F.pad(example.prompt_mel * kept[:, None], (0, target_frames)),
            example.style * kept,
            condition * kept[:, None],
            guided=guided,
        )

    def time_conditions(self, time: Tensor) -> TimeConditions:
        """Everything that depends on the time alone; see `FlowEstimator.time_conditions`."""
        return self.estimator.time_conditions(time)

    def context(
        self,
        prompt_mel: Tensor,
        style: Tensor,
        condition: Tensor,
        lengths: Tensor | None = None,
        *,
        guided: bool,
        without_latent: Tensor | None = None,
        prompt_frames: int = 0,
    ) -> FlowContext:
        """Prepare a batch for `velocity`. prompt_mel (batch, bands, frames), style (batch, style_dim), condition
        (batch, frames, content_dim), lengths (batch,) or None when all rows are full.

        The batch is stacked up to three times: the conditioned rows; with guidance, the same rows without any
        condition; with a condition `without_latent`, like `condition`, the rows conditioned by that. prompt_frames: so
        many need no velocity, see `FlowEstimator.context`.
        """
        estimator = self.estimator
        content = estimator.content(prompt_mel, style, condition)
        branches = [content]
        if guided:
            branches.append(estimator.null_content().expand_as(content))
        if without_latent is not None:
            branches.append(estimator.content(prompt_mel, style, without_latent))
        if len(branches) > 1:
            content = torch.cat(branches)
            lengths = None if lengths is None else torch.cat([lengths] * len(branches))
        return estimator.context(content, lengths, prompt_frames=prompt_frames)

    def velocity(
        self,
        noisy: Tensor,
        times: TimeConditions,
        context: FlowContext,
        *,
        guidance: float = 0.0,
        latent_guidance: float = 1.0,
    ) -> Tensor:
        """Velocity at `noisy` (batch, bands, frames).

        A guidance other than zero needs a context made with `guided`; a latent guidance other than one, a context made
        with `without_latent`. That one multiplies what the latent changes in the guided velocity
        (docs/spec/s2m.md#latent-guidance).
        """
        count = 1 + (guidance != 0.0) + (latent_guidance != 1.0)
        if count == 1:
            return self.estimator(noisy, times, context)
        conditioned, *others = self.estimator(torch.cat([noisy] * count), times, context).chunk(count)
        guided = (1.0 + guidance) * conditioned - guidance * others[0] if guidance != 0.0 else conditioned
        if latent_guidance == 1.0:
            return guided
        return guided + (latent_guidance - 1.0) * (1.0 + guidance) * (conditioned - others[-1])
