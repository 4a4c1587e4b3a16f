"""Choosing semantic tokens: score processors, draws without replacement, and noise that one seed fixes everywhere.

Tensors in, tensors out. Scores end in the vocabulary: (..., semantic_tokens). The order of the processors is the
official one: repetition penalty, typical, temperature, top-k, top-p (docs/spec/t2s.md#processors). Removed entries
become -inf.

The repetition penalty works on log-probabilities in every mode, so one value means one thing: the probability of a used
token is raised to that power. Differs from the official decoder, which switches to raw logits with a single beam and so
nearly forbids repeats there; `SamplingSettings.official_logits` brings that back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import InputError

MODES = ("beam", "sample", "greedy", "beam_search")
NOISE_BLOCK = 16  # decoding steps whose noise is drawn at once
SEED_BYTES = 8


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How tokens are chosen. Defaults are those of the released model.

    mode: "beam" samples with several beams, "sample" draws one token at a time, "greedy" and "beam_search" take the
    best and ignore temperature, top_k, top_p and typical. top_k 0, top_p 1 and repetition_penalty 1 switch these off;
    repetition_penalty None is the value the checkpoint declares.
    typical: probability mass of typical sampling, None for off. length_penalty: a finished hypothesis scores its sum
    divided by length to this power. max_tokens counts the stop, as the official decoder does.
    official_logits: with one beam, apply the processors to raw logits.
    """

    mode: str = "beam"
    beams: int = 3
    top_k: int = 30
    top_p: float = 0.8
    temperature: float = 0.8
    repetition_penalty: float | None = None
    length_penalty: float = 0.0
    max_tokens: int = 1500
    typical: float | None = None
    official_logits: bool = False

    def __post_init__(self) -> None:
        checks = (
            (self.mode in MODES, f"mode is one of {', '.join(MODES)}", self.mode),
            (self.beams >= 1, "beams is at least 1", self.beams),
            (self.top_k >= 0, "top_k is 0 (off) or more", self.top_k),
            (0.0 < self.top_p <= 1.0, "top_p is above 0 and at most 1", self.top_p),
            (self.temperature > 0.0, "temperature is above 0", self.temperature),
            (
                self.repetition_penalty is None or self.repetition_penalty > 0.0,
                "repetition_penalty is above 0",
                self.repetition_penalty,
            ),
            (self.max_tokens >= 1, "max_tokens is at least 1", self.max_tokens),
            (self.typical is None or 0.0 < self.typical < 1.0, "typical lies between 0 and 1", self.typical),
        )
        for fine, rule, found in checks:
            if not fine:
                raise InputError(f"Sampling setting: {rule}, but {found} was given.")

    @property
    def width(self) -> int:
        """Hypotheses kept side by side."""
        return self.beams if self.mode in ("beam", "beam_search") else 1

    @property
    def draws(self) -> bool:
        """Whether chance is involved."""
        return self.mode in ("beam", "sample")

    @property
    def keep(self) -> int:
        """Entries that truncation always leaves: a beam must be able to go on when its best entry is the stop."""
        return 2 if self.width > 1 else 1

    def survivors(self, vocabulary: int) -> int:
        """Entries of one row that may be drawn, and so need noise."""
        return min(vocabulary, max(self.top_k, self.keep)) if self.top_k else vocabulary


def penalise_repeats(scores: Tensor, used: Tensor, penalty: float) -> Tensor:
    """Negative scores of used entries times the penalty, positive ones divided by it. used: bool, like scores."""
    if penalty == 1.0:
        return scores
    return torch.where(used, torch.where(scores < 0, scores * penalty, scores / penalty), scores)


def keep_typical(scores: Tensor, mass: float, keep: int) -> Tensor:
    """Keep entries whose surprise lies nearest to the entropy until they hold `mass`.

    Source: docs/spec/t2s.md#typical-sampling.
    """
    log_probability = torch.log_softmax(scores, dim=-1)
    entropy = -(log_probability * log_probability.exp()).nansum(-1, keepdim=True)
    distance = (-log_probability - entropy).abs()
    ordered, order = distance.sort(dim=-1)
    cumulative = scores.gather(-1, order).softmax(-1).cumsum(-1)
    last = (cumulative < mass).sum(-1, keepdim=True).clamp(max=scores.shape[-1] - 1)
    removed = ordered > ordered.gather(-1, last)
    removed[..., : keep if keep > 1 else 0] = False
    return scores.masked_fill(torch.zeros_like(removed).scatter(-1, order, removed), float("-inf"))


def keep_top_k(scores: Tensor, count: int, keep: int) -> Tensor:
    """Remove everything below the `count`-th largest entry; ties stay. 0 switches it off."""
    if count == 0:
        return scores
    threshold = scores.topk(min(max(count, keep), scores.shape[-1]), dim=-1).values[..., -1:]
    return scores.masked_fill(scores < threshold, float("-inf"))


def keep_top_p(scores: Tensor, mass: float, keep: int) -> Tensor:
    """Remove the least likely entries that together hold no more than 1 - mass; the `keep` largest stay."""
    if mass >= 1.0:
        return scores
    ordered, order = scores.sort(dim=-1)
    removed = ordered.softmax(-1).cumsum(-1) <= 1.0 - mass
    removed[..., -keep:] = False
    return scores.masked_fill(torch.zeros_like(removed).scatter(-1, order, removed), float("-inf"))


def truncate(scores: Tensor, settings: SamplingSettings) -> Tensor:
    """Everything after the repetition penalty, in the official order. Unchanged in the modes without chance."""
    if not settings.draws:
        return scores
    if settings.typical is not None:
        scores = keep_typical(scores, settings.typical, settings.keep)
    scores = scores / settings.temperature
    scores = keep_top_k(scores, settings.top_k, settings.keep)
    return keep_top_p(scores, settings.top_p, settings.keep)


def starting_scores(logits: Tensor, settings: SamplingSettings) -> Tensor:
    """What the processors work on, in float32: log-probabilities, or raw logits where asked for with one beam."""
    if settings.official_logits and settings.width == 1:
        return logits.float()
    return torch.log_softmax(logits.float(), dim=-1)


def race(log_weights: Tensor, exponentials: Tensor, count: int) -> Tensor:
    """Draw `count` entries without replacement with chances proportional to exp(log_weights).

    Each entry "arrives" after exponential noise divided by its weight; the first to arrive win, which is the law of
    successive draws. log_weights, exponentials: (..., entries) -> indices (..., count). Weights of zero come last.
    """
    arrival = log_weights - exponentials.clamp_min(torch.finfo(exponentials.dtype).tiny).log()
    return arrival.topk(count, dim=-1).indices


def row_seed(seed: int, segment: int, take: int) -> int:
    """The seed of one row of a batch, so that a row's draws do not depend on its neighbours."""
    text = f"{seed}/{segment}/{take}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=SEED_BYTES).digest(), "little") >> 1


class TokenNoise:
    """Exponential noise for `race`, drawn on the CPU from one generator per item, `NOISE_BLOCK` steps at a time."""

    def __init__(self, seeds: tuple[int, ...], width: int, device: torch.device) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._width = width
        self.block = torch.ones(NOISE_BLOCK, len(seeds), width, device=device)

    def refill(self) -> None:
        """Draw the next block. block: (NOISE_BLOCK, items, width), always the same tensor."""
        rows = [torch.empty(NOISE_BLOCK, self._width).exponential_(generator=g) for g in self._generators]
        self.block.copy_(torch.stack(rows, dim=1))
