"""Choosing the next tokens of every hypothesis: beams, plain sampling and greedy (docs/spec/t2s.md#beam-step).

All state is tensors of fixed shape, updated without asking the host anything, so that a step may be captured in a
graph. Items are the rows of a batch (a segment or one take of it); each item has `beams` hypotheses side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...config import T2SConfig
from ...sampling import SamplingSettings, penalise_repeats, race, starting_scores, truncate

EMPTY = float("-inf")
OUT_OF_PLAY = -1e9  # score of the beams that do not take part in the first step


@dataclass(frozen=True, slots=True)
class Found:
    """The best hypothesis of one item.

    tokens: (tokens,) int64 on the CPU without the stop; beams: (tokens,), the beam that held each token; score: sum of
    processed scores; stopped: False when the length limit ended it; willing: the stop that ended it was forced, but is
    what the model would have chosen there.
    """

    tokens: Tensor
    beams: Tensor
    score: float
    stopped: bool
    willing: bool = False


class Search:
    """Hypotheses of a batch of items, open and finished.

    limits: (items,) int64 most tokens of each item, the stop counted.
    """

    def __init__(self, config: T2SConfig, settings: SamplingSettings, limits: Tensor) -> None:
        self.settings, self.stop = settings, config.stop_semantic
        self.limits = limits
        declared = settings.repetition_penalty
        self.penalty = config.repetition_penalty if declared is None else declared
        items, beams, device = limits.shape[0], settings.width, limits.device
        self.scores = torch.full((items, beams), OUT_OF_PLAY, device=device)
        self.scores[:, 0] = 0.0
        self.used = torch.zeros(items, beams, config.semantic_tokens, dtype=torch.bool, device=device)
        self.used[..., config.start_semantic] = True
        if config.prompt_token is not None:
            self.used[..., config.prompt_token] = True
        history = (int(limits.max()), items, beams)
        self.tokens = torch.zeros(history, dtype=torch.int64, device=device)
        self.parents = torch.zeros(history, dtype=torch.int64, device=device)
        self.done = torch.zeros(items, dtype=torch.bool, device=device)
        self.willing = torch.zeros(items, beams, dtype=torch.bool, device=device)
        self.best_scores = torch.full((items, beams), EMPTY, device=device)
        self.best_lengths = torch.zeros(items, beams, dtype=torch.int64, device=device)
        self.best_beams = torch.zeros(items, beams, dtype=torch.int64, device=device)
        self.best_open = torch.zeros(items, beams, dtype=torch.bool, device=device)

    def noise_width(self, vocabulary: int) -> int:
        """Random numbers one item needs per step."""
        return self.settings.width * self.settings.survivors(vocabulary)

    def choose(self, logits: Tensor, step: Tensor, noise: Tensor, stop_bias: Tensor) -> tuple[Tensor, Tensor]:
        """One step of every item.

        logits: (items, beams, vocabulary); step: (1,) int64, tokens chosen so far; noise: (items, noise width);
        stop_bias: (items, beams) added to the stop's score after the repetition penalty: -inf forbids it, +inf leaves
        nothing else. -> tokens (items, beams) and the beams they continue (items, beams).
        """
        scores = penalise_repeats(starting_scores(logits, self.settings), self.used, self.penalty)
        forced = torch.isposinf(stop_bias) & ~self.done[:, None]
        self.willing = torch.where(forced, scores.argmax(-1) == self.stop, self.willing)
        scores = truncate(self._biased(scores, stop_bias), self.settings) + self.scores[..., None]
        tokens, parents = self._advance(scores, step, noise)
        self.used = self.used.gather(1, parents[..., None].expand_as(self.used))
        self.used.scatter_(2, tokens[..., None], True)
        self.tokens.index_copy_(0, step, tokens[None])
        self.parents.index_copy_(0, step, parents[None])
        self._close_at_limit(step)
        return tokens, parents

    def found(self) -> list[Found]:
        """The best finished hypothesis of each item."""
        tokens, parents = self.tokens.cpu(), self.parents.cpu()
        lengths, beams = self.best_lengths[:, 0].tolist(), self.best_beams[:, 0].tolist()
        scores, still_open = self.best_scores[:, 0].tolist(), self.best_open[:, 0].tolist()
        willing = self.willing.tolist()
        return [
            Found(
                *_path(tokens[:, item], parents[:, item], lengths[item], beams[item]),
                scores[item],
                not still_open[item],
                willing[item][beams[item]],
            )
            for item in range(len(lengths))
        ]

    def _biased(self, scores: Tensor, stop_bias: Tensor) -> Tensor:
        forced = torch.isposinf(stop_bias)
        is_stop = torch.arange(scores.shape[-1], device=scores.device) == self.stop
        bias = torch.where(forced, 0.0, stop_bias)
        scores = torch.where(is_stop, scores + bias[..., None], scores)
        return scores.masked_fill(forced[..., None] & ~is_stop, EMPTY)

    def _advance(self, scores: Tensor, step: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        if self.settings.width > 1:
            return self._advance_beams(scores, step, noise)
        row = scores[:, 0]
        if self.settings.draws:
            values, entries = row.topk(self.settings.survivors(row.shape[-1]), dim=-1)
            token = entries.gather(1, race(values, noise, 1))
        else:
            token = row.argmax(-1, keepdim=True)
        self.scores = row.gather(1, token)
        stops = token == self.stop
        self._store(torch.where(stops, self.scores, EMPTY), step, torch.zeros_like(token), still_open=False)
        self.done = self.done | stops[:, 0]
        return token, torch.zeros_like(token)

    def _advance_beams(self, scores: Tensor, step: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        beams, vocabulary = scores.shape[1:]
        values, entries = scores.topk(self.settings.survivors(vocabulary) if self.settings.draws else 2 * beams, dim=-1)
        per_beam, flat = values.shape[-1], values.flatten(1)
        if self.settings.draws:
            drawn = race(flat, noise, 2 * beams)
            drawn = drawn.gather(1, flat.gather(1, drawn).argsort(dim=1, descending=True, stable=True))
        else:
            drawn = flat.topk(2 * beams, dim=1).indices
        score = flat.gather(1, drawn)  # (items, 2 beams), best first
        token, parent = entries.flatten(1).gather(1, drawn), drawn // per_beam
        stops = token == self.stop
        ends = stops[:, :beams] & (score[:, :beams] > EMPTY)  # a stop of lower rank is ignored
        self._store(torch.where(ends, score[:, :beams], EMPTY), step, parent[:, :beams], still_open=False)
        full = torch.isfinite(self.best_scores).all(1)
        beaten = self.best_scores[:, -1] >= self._rated(score[:, 0], step + 1)
        self.done = self.done | (full & beaten)
        going = stops.int().argsort(dim=1, stable=True)[:, :beams]  # the first candidates that go on
        self.scores = score.gather(1, going)
        return token.gather(1, going), parent.gather(1, going)

    def _rated(self, score: Tensor, length: Tensor) -> Tensor:
        if self.settings.length_penalty == 0.0 or self.settings.width == 1:
            return score
        return score / length.to(score.dtype) ** self.settings.length_penalty

    def _store(self, scores: Tensor, length: Tensor, beams: Tensor, *, still_open: bool) -> None:
        """Offer hypotheses of `length` tokens to the finished ones of items that are not done; -inf offers nothing."""
        offered = self._rated(scores, length if still_open else length + 1)
        merged = torch.cat([self.best_scores, offered], dim=1)
        order = merged.argsort(dim=1, descending=True, stable=True)[:, : self.best_scores.shape[1]]
        fresh = ~self.done[:, None]

        def merge(stored: Tensor, new: Tensor) -> Tensor:
            return torch.where(fresh, torch.cat([stored, new], dim=1).gather(1, order), stored)

        self.best_scores = merge(self.best_scores, offered)
        self.best_lengths = merge(self.best_lengths, length.expand_as(beams))
        self.best_beams = merge(self.best_beams, beams)
        self.best_open = merge(self.best_open, torch.full_like(beams, still_open, dtype=torch.bool))

    def _close_at_limit(self, step: Tensor) -> None:
        """Open hypotheses become finished ones when the limit of their item is reached."""
        reached = (step + 1 >= self.limits)[:, None]
        own = torch.arange(self.scores.shape[1], device=self.scores.device).expand_as(self.scores)
        self._store(torch.where(reached, self.scores, EMPTY), step + 1, own, still_open=True)
        self.done = self.done | reached[:, 0]


def _path(tokens: Tensor, parents: Tensor, length: int, beam: int) -> tuple[Tensor, Tensor]:
    """Follow one hypothesis back to its start. tokens, parents: (steps, beams) -> tokens and beams, (length,) each."""
    chosen = torch.zeros(length, dtype=torch.int64)
    held = torch.zeros(length, dtype=torch.int64)
    for step in range(length - 1, -1, -1):
        chosen[step], held[step] = tokens[step, beam], beam
        beam = int(parents[step, beam])
    return chosen, held
