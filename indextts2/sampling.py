"""Choosing semantic tokens: score processors, searches, and noise that one seed fixes everywhere.

`SAMPLERS` is the table of searches: a row there is a choice of `SamplingSettings.mode`, of the command line and of the
nodes. Tensors in, tensors out. Scores end in the vocabulary: (..., semantic_tokens). The order of the processors is the
official one: repetition penalty, typical, temperature, top-k, top-p (docs/spec/t2s.md#processors). Removed entries
become -inf.

The repetition penalty works on log-probabilities in every mode, so one value means one thing: the probability of a used
token is raised to that power. Differs from the official decoder, which switches to raw logits with a single beam and so
nearly forbids repeats there; `SamplingSettings.official_logits` brings that back.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .checks import check_fields, check_whole
from .errors import InputError

NOISE_BLOCK = 16  # decoding steps whose noise is drawn at once
SEED_BYTES = 8


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """Settings of the choice of tokens. Defaults are those of the released model.

    "beam" samples with several beams, "sample" draws one token at a time, "greedy" and "beam_search" take the best and
    ignore temperature, top_k, top_p and typical.
    """

    mode: str = "beam"  # a row of `SAMPLERS`
    beams: int = 3
    top_k: int = 30  # 0 for off
    top_p: float = 0.8  # 1 for off
    temperature: float = 0.8
    repetition_penalty: float | None = None  # 1 for off, None for the value the checkpoint declares
    length_penalty: float = 0.0  # a finished hypothesis is rated by its sum divided by its length to this power
    max_tokens: int = 1500  # the stop counted, as the official decoder does
    typical: float | None = None  # probability mass of typical sampling, None for off
    official_logits: bool = False  # with one beam, apply the processors to raw logits
    emotion_guidance: float = 1.0  # amplifies what the emotion changes in every token's chance; 1 is off and exact

    def __post_init__(self) -> None:
        check_fields(self, beams=(None, 64), max_tokens=(None, 1_000_000), length_penalty=(-100, 100))
        checks = (
            (self.mode in SAMPLERS, f"mode is one of {', '.join(SAMPLERS)}", self.mode),
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
            (
                0.0 <= self.emotion_guidance < math.inf,
                "emotion_guidance is finite and not negative",
                self.emotion_guidance,
            ),
        )
        for fine, rule, found in checks:
            if not fine:
                raise InputError(f"Sampling setting: {rule}, but got {found}.")

    @property
    def width(self) -> int:
        """Hypotheses kept side by side."""
        return SAMPLERS[self.mode].width(self.beams)

    @property
    def do_sample(self) -> bool:
        """Whether chance is involved."""
        return SAMPLERS[self.mode].do_sample

    @property
    def min_tokens_to_keep(self) -> int:
        """Entries that truncation always leaves: a beam must be able to continue when its best entry is the stop."""
        return 2 if self.width > 1 else 1

    def candidate_count(self, vocabulary: int) -> int:
        """Entries of one row that may be drawn, and so need noise."""
        return min(vocabulary, max(self.top_k, self.min_tokens_to_keep)) if self.top_k else vocabulary


def amplified(logits: Tensor, guidance: float) -> Tensor:
    """Logits in which the emotion's share is multiplied by `guidance` (docs/spec/control.md#guided-emotion).

    logits: (2 * items, ..., vocabulary), those with the emotion first and then those with the speaker's own.
    -> (items, ..., vocabulary) float32. A constant added to a row changes no chance, so that raw logits will do.
    """
    emotion, own = logits.float().chunk(2)
    return own + guidance * (emotion - own)


def penalise_repeats(scores: Tensor, used: Tensor, penalty: float) -> Tensor:
    """Negative scores of used entries times the penalty, positive ones divided by it. used: bool, like scores."""
    if penalty == 1.0:
        return scores
    return torch.where(used, torch.where(scores < 0, scores * penalty, scores / penalty), scores)


def keep_typical(scores: Tensor, mass: float, min_tokens_to_keep: int) -> Tensor:
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
    removed[..., : min_tokens_to_keep if min_tokens_to_keep > 1 else 0].zero_()
    return scores.masked_fill(torch.zeros_like(removed).scatter(-1, order, removed), float("-inf"))


def keep_top_k(scores: Tensor, count: int, min_tokens_to_keep: int) -> Tensor:
    """Remove everything below the `count`-th largest entry; ties stay. 0 switches it off."""
    if count == 0:
        return scores
    kept = min(max(count, min_tokens_to_keep), scores.shape[-1])
    threshold = scores.topk(kept, dim=-1).values[..., -1:]
    return scores.masked_fill(scores < threshold, float("-inf"))


def keep_top_p(scores: Tensor, mass: float, min_tokens_to_keep: int) -> Tensor:
    """Remove the least likely entries that together hold no more than 1 - mass; the largest few stay in any case."""
    if mass >= 1.0:
        return scores
    ordered, order = scores.sort(dim=-1)
    removed = ordered.softmax(-1).cumsum(-1) <= 1.0 - mass
    removed[..., -min_tokens_to_keep:].zero_()
    return scores.masked_fill(torch.zeros_like(removed).scatter(-1, order, removed), float("-inf"))


def truncate(scores: Tensor, settings: SamplingSettings) -> Tensor:
    """Everything after the repetition penalty, in the official order. Unchanged in the modes without chance."""
    if not settings.do_sample:
        return scores
    if settings.typical is not None:
        scores = keep_typical(scores, settings.typical, settings.min_tokens_to_keep)
    scores = scores / settings.temperature
    scores = keep_top_k(scores, settings.top_k, settings.min_tokens_to_keep)
    return keep_top_p(scores, settings.top_p, settings.min_tokens_to_keep)


def starting_scores(logits: Tensor, settings: SamplingSettings) -> Tensor:
    """Input of the processors, in float32: log-probabilities, or raw logits where asked for with one beam."""
    if settings.official_logits and settings.width == 1:
        return logits.float()
    return torch.log_softmax(logits.float(), dim=-1)


def sample_without_replacement(log_weights: Tensor, exponentials: Tensor, count: int) -> Tensor:
    """Draw `count` entries without replacement with chances proportional to exp(log_weights).

    An exponential race (Gumbel top-k): each entry arrives after exponential noise divided by its weight, and the first
    to arrive win, which is the law of successive draws. log_weights, exponentials: (..., entries) -> indices
    (..., count). Weights of zero come last.
    """
    arrival = log_weights - exponentials.clamp_min(torch.finfo(exponentials.dtype).tiny).log()
    return arrival.topk(count, dim=-1).indices


class Candidates(NamedTuple):
    """Continuations of the hypotheses of every item, best first. One that ends with the stop finishes a hypothesis."""

    scores: Tensor  # (items, candidates) float32, of the whole hypothesis
    tokens: Tensor  # (items, candidates) int64
    parents: Tensor  # (items, candidates) int64, the hypothesis that each continues


class Search(Protocol):
    """A way of finding the next tokens among the scores; a row of `SAMPLERS`.

    It asks the host for nothing, so that a step can be captured in a graph, and keeps nothing between steps.
    """

    @property
    def do_sample(self) -> bool:
        """Whether chance is involved: then temperature, top-k, top-p and typical apply."""
        ...

    def width(self, beams: int) -> int:
        """Hypotheses kept side by side when `beams` are asked for."""
        ...

    def noise_width(self, settings: SamplingSettings, vocabulary: int) -> int:
        """Random numbers that one item needs per step, at least one."""
        ...

    def candidates(self, scores: Tensor, noise: Tensor, settings: SamplingSettings) -> Candidates:
        """The best continuations: 2 * width of them, or one where the width is one.

        scores: (items, width, vocabulary), each the sum of its hypothesis so far and of the processed score of the
        entry; noise: (items, noise width) exponential.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenSampling:
    """One hypothesis: its next token is drawn, or the likeliest is taken."""

    do_sample: bool

    def width(self, beams: int) -> int:
        return 1

    def noise_width(self, settings: SamplingSettings, vocabulary: int) -> int:
        return settings.candidate_count(vocabulary) if self.do_sample else 1

    def candidates(self, scores: Tensor, noise: Tensor, settings: SamplingSettings) -> Candidates:
        row = scores[:, 0]
        if self.do_sample:
            values, entries = row.topk(settings.candidate_count(row.shape[-1]), dim=-1)
            tokens = entries.gather(1, sample_without_replacement(values, noise, 1))
        else:
            tokens = row.argmax(-1, keepdim=True)
        return Candidates(row.gather(1, tokens), tokens, torch.zeros_like(tokens))


@dataclass(frozen=True, slots=True)
class BeamSearch:
    """Several hypotheses: continuations are drawn from all of them together, or the best are taken."""

    do_sample: bool

    def width(self, beams: int) -> int:
        return beams

    def noise_width(self, settings: SamplingSettings, vocabulary: int) -> int:
        return settings.width * settings.candidate_count(vocabulary) if self.do_sample else 1

    def candidates(self, scores: Tensor, noise: Tensor, settings: SamplingSettings) -> Candidates:
        beams, vocabulary = scores.shape[1:]
        if beams == 1:
            return TokenSampling(self.do_sample).candidates(scores, noise, settings)
        count = settings.candidate_count(vocabulary) if self.do_sample else 2 * beams
        values, entries = scores.topk(count, dim=-1)
        flat = values.flatten(1)
        if self.do_sample:
            chosen = sample_without_replacement(flat, noise, 2 * beams)
            chosen = chosen.gather(1, flat.gather(1, chosen).argsort(dim=1, descending=True, stable=True))
        else:
            chosen = flat.topk(2 * beams, dim=1).indices
        return Candidates(flat.gather(1, chosen), entries.flatten(1).gather(1, chosen), chosen // count)


SAMPLERS: dict[str, Search] = {
    "beam": BeamSearch(do_sample=True),
    "sample": TokenSampling(do_sample=True),
    "greedy": TokenSampling(do_sample=False),
    "beam_search": BeamSearch(do_sample=False),
}
"""Searches by the name that `SamplingSettings.mode` gives them."""


def row_seed(seed: int, segment: int, take: int) -> int:
    """The seed of one row of a batch, so that a row's draws do not depend on its neighbours."""
    text = f"{check_whole('seed', seed)}/{segment}/{take}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=SEED_BYTES).digest(), "little") >> 1


class TokenNoise:
    """Exponential noise of the draws, made on the CPU from one generator per item, a block of steps at a time.

    block: (NOISE_BLOCK, items, noise width), written in place.
    """

    def __init__(self, seeds: tuple[int, ...], block: Tensor) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.block = block

    def refill(self) -> None:
        """Draw the noise of the next steps."""
        steps, _, width = self.block.shape
        rows = [torch.empty(steps, width).exponential_(generator=generator) for generator in self._generators]
        self.block.copy_(torch.stack(rows, dim=1))
