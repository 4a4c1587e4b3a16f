"""The hypotheses of a decode, open and finished, and how a step moves them on (docs/spec/t2s.md#beam-step).

All of it is buffers of fixed shape that are written in place without asking the host anything, so that a step can be
captured in a graph. Items are the rows of a batch (a segment, or one take of it); each has `width` hypotheses.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...config import T2SConfig
from ...sampling import SAMPLERS, Candidates, SamplingSettings, penalise_repeats, starting_scores, truncate

EMPTY = float("-inf")
OUT_OF_PLAY = -1e9  # score of the hypotheses that do not take part in the first step


@dataclass(slots=True)
class Finished:
    """The best finished hypotheses of each item, best first."""

    scores: Tensor  # (items, width), -inf where there is none yet
    lengths: Tensor  # (items, width) int64, tokens without the stop
    beams: Tensor  # (items, width) int64, the hypothesis that held the last token
    still_open: Tensor  # (items, width) bool, ended by the limit and not by a stop

    @classmethod
    def none(cls, items: int, width: int, device: torch.device) -> Finished:
        zeros = torch.zeros(items, width, dtype=torch.int64, device=device)
        scores = torch.full((items, width), EMPTY, device=device)
        return cls(scores, zeros, zeros.clone(), torch.zeros_like(zeros, dtype=torch.bool))

    def offer(self, scores: Tensor, length: Tensor, beams: Tensor, *, still_open: bool, to: Tensor) -> None:
        """Keep the best of the stored and the offered ones, in the items of `to`.

        scores: (items, width), -inf offers nothing; length: (1,) tokens of each; beams: (items, width); to: (items,)
        bool.
        """
        order = torch.cat([self.scores, scores], dim=1).argsort(dim=1, descending=True, stable=True)
        order = order[:, : self.scores.shape[1]]
        offered = (
            (self.scores, scores),
            (self.lengths, length.expand_as(beams)),
            (self.beams, beams),
            (self.still_open, torch.full_like(beams, still_open, dtype=torch.bool)),
        )
        for stored, new in offered:
            merged = torch.cat([stored, new], dim=1).gather(1, order)
            stored.copy_(torch.where(to[:, None], merged, stored))


@dataclass(slots=True)
class Hypotheses:
    """The hypotheses of every item, and which items are done."""

    scores: Tensor  # (items, width) float32, sums of processed scores
    used: Tensor  # (items, width, semantic_tokens) bool, entries that the repetition penalty concerns
    tokens: Tensor  # (steps, items, width) int64, the token of each step
    parents: Tensor  # (steps, items, width) int64, the hypothesis that it continues
    limits: Tensor  # (items,) int64, most tokens, the stop counted
    done: Tensor  # (items,) bool
    natural_stop: Tensor  # (items, width) bool, a stop was forced where the model would have stopped by itself
    finished: Finished

    @classmethod
    def start(cls, config: T2SConfig, width: int, limits: Tensor, steps: int) -> Hypotheses:
        """One hypothesis per item and room for `steps` steps."""
        items, device = limits.shape[0], limits.device
        scores = torch.full((items, width), OUT_OF_PLAY, device=device)
        scores[:, 0] = 0.0
        used = torch.zeros(items, width, config.semantic_tokens, dtype=torch.bool, device=device)
        used[..., config.start_semantic] = True
        if config.prompt_token is not None:
            used[..., config.prompt_token] = True
        history = torch.zeros(steps, items, width, dtype=torch.int64, device=device)
        return cls(
            scores=scores,
            used=used,
            tokens=history,
            parents=history.clone(),
            limits=limits,
            done=torch.zeros(items, dtype=torch.bool, device=device),
            natural_stop=torch.zeros(items, width, dtype=torch.bool, device=device),
            finished=Finished.none(items, width, device),
        )

    def path(self, item: int) -> tuple[Tensor, Tensor]:
        """The best finished hypothesis of an item, followed back to its start: tokens and who held each, on the CPU."""
        length, beam = int(self.finished.lengths[item, 0]), int(self.finished.beams[item, 0])
        tokens, parents = self.tokens[:length, item].cpu(), self.parents[:length, item].cpu()
        held = torch.zeros(length, dtype=torch.int64)
        for step in range(length - 1, -1, -1):
            held[step] = beam
            beam = int(parents[step, beam])
        return tokens.gather(1, held[:, None])[:, 0], held


class TokenChoice:
    """The part of a step that concerns the hypotheses: score, search, finish."""

    def __init__(self, config: T2SConfig, settings: SamplingSettings) -> None:
        self.settings, self.search, self.stop = settings, SAMPLERS[settings.mode], config.stop_semantic
        declared = settings.repetition_penalty
        self.penalty = config.repetition_penalty if declared is None else declared

    def __call__(
        self, hypotheses: Hypotheses, logits: Tensor, position: Tensor, noise: Tensor, stop_bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Move every hypothesis on by one token.

        logits: (items, width, semantic_tokens); position: (1,) int64, tokens chosen so far; noise: (items, noise
        width); stop_bias: (items, width) added to the stop's score after the repetition penalty: -inf forbids it, +inf
        leaves nothing else. -> tokens (items, width) and the hypotheses they continue (items, width).
        """
        scores = penalise_repeats(starting_scores(logits, self.settings), hypotheses.used, self.penalty)
        forced = torch.isposinf(stop_bias) & ~hypotheses.done[:, None]
        natural = torch.where(forced, scores.argmax(-1) == self.stop, hypotheses.natural_stop)
        hypotheses.natural_stop.copy_(natural)
        scores = truncate(self._biased(scores, stop_bias), self.settings) + hypotheses.scores[..., None]
        tokens, parents = self._advance(hypotheses, self.search.candidates(scores, noise, self.settings), position)
        used = hypotheses.used.gather(1, parents[..., None].expand_as(hypotheses.used))
        hypotheses.used.copy_(used.scatter_(2, tokens[..., None], True))
        hypotheses.tokens.index_copy_(0, position, tokens[None])
        hypotheses.parents.index_copy_(0, position, parents[None])
        self._close_at_limit(hypotheses, position)
        return tokens, parents

    def _biased(self, scores: Tensor, stop_bias: Tensor) -> Tensor:
        forced = torch.isposinf(stop_bias)
        is_stop = torch.arange(scores.shape[-1], device=scores.device) == self.stop
        bias = torch.where(forced, 0.0, stop_bias)
        scores = torch.where(is_stop, scores + bias[..., None], scores)
        return scores.masked_fill(forced[..., None] & ~is_stop, EMPTY)

    def _advance(self, hypotheses: Hypotheses, found: Candidates, position: Tensor) -> tuple[Tensor, Tensor]:
        """Finish the candidates that end with the stop and continue with the best others."""
        width, finished = hypotheses.scores.shape[1], hypotheses.finished
        stops = found.tokens == self.stop
        ended = stops[:, :width] & (found.scores[:, :width] > EMPTY)  # a stop of lower rank is ignored
        rated = self._rated(found.scores[:, :width], position + 1)
        offered = torch.where(ended, rated, EMPTY)
        finished.offer(offered, position, found.parents[:, :width], still_open=False, to=~hypotheses.done)
        full = torch.isfinite(finished.scores).all(1)
        beaten = finished.scores[:, -1] >= rated[:, 0]
        hypotheses.done.logical_or_(full & beaten)
        going = stops.int().argsort(dim=1, stable=True)[:, :width]  # the best candidates that are not the stop
        hypotheses.scores.copy_(found.scores.gather(1, going))
        return found.tokens.gather(1, going), found.parents.gather(1, going)

    def _rated(self, scores: Tensor, length: Tensor) -> Tensor:
        """Scores by which finished hypotheses are compared. length: (1,) tokens of each, the stop counted."""
        if self.settings.length_penalty == 0.0 or self.settings.width == 1:
            return scores
        return scores / length.to(scores.dtype) ** self.settings.length_penalty

    def _close_at_limit(self, hypotheses: Hypotheses, position: Tensor) -> None:
        """Open hypotheses become finished ones when the limit of their item is reached."""
        length = position + 1
        reached = length >= hypotheses.limits
        own = torch.arange(hypotheses.scores.shape[1], device=hypotheses.scores.device).expand_as(hypotheses.scores)
        offered = torch.where(reached[:, None], self._rated(hypotheses.scores, length), EMPTY)
        hypotheses.finished.offer(offered, length, own, still_open=True, to=~hypotheses.done)
        hypotheses.done.logical_or_(reached)
