"""One decoding step of T2S, and the buffers it changes (docs/spec/t2s.md#decoding-rows).

A step writes every buffer of its `StepState` in place, asks the host for nothing and takes no number from it, so that
it can be captured in a graph once and replayed. Beams never move the cache: every step appends one row per hypothesis,
and a boolean mask says which rows are ancestors of which hypothesis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.t2s import TextToSemantic
from ...models.transformer import CacheView, KVCache
from ...sampling import NOISE_BLOCK, SamplingSettings, amplified
from ..graphs import Graphed, GraphMaker
from .phase_tracker import PhaseTracker
from .search import Hypotheses, TokenChoice


@dataclass(slots=True)
class StepState:
    """Everything that a decode changes from step to step. The shape and address of a buffer stay what they are.

    `reserve` alone, called between steps, may put `cache` and `attn_mask` into new memory. Steps beyond the end change
    nothing that counts, up to the next multiple of NOISE_BLOCK steps.
    """

    position: Tensor  # (1,) int64, tokens chosen so far
    logits: Tensor  # (items, width, semantic_tokens), of the next token
    cache: KVCache  # prefix rows, then one row per hypothesis and step; with emotion guidance of twice the items
    attn_mask: Tensor  # (items, width, max_rows) bool, the rows of the cache that each hypothesis attends to
    length: int  # rows of cache and mask that a step reads
    noise: Tensor  # (NOISE_BLOCK, items, noise width) exponential; the host fills it in every NOISE_BLOCK steps
    stop_bias: Tensor  # (items, steps) added to the stop's score
    hypotheses: Hypotheses
    tracker: PhaseTracker | None  # None with a constant emotion

    def reserve(self, length: int) -> None:
        """Let the steps that follow read `length` rows of the cache; the cache grows where it has fewer."""
        if length > self.cache.max_rows:
            max_rows = max(length, 2 * self.cache.max_rows)
            self.cache.resize(max_rows)
            self.attn_mask = F.pad(self.attn_mask, (0, max_rows - self.attn_mask.shape[-1]))
        self.length = length

    def buffers(self) -> dict[str, Tensor]:
        """Every tensor of the state by its dotted name."""
        return dict(_tensors(self, ""))


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name), f"{name}.{field.name}" if name else field.name)


class DecodeStep:
    """Choose one token per hypothesis and run it through the trunk."""

    def __init__(
        self, model: TextToSemantic, settings: SamplingSettings, prefix_rows: int, *, guided: bool = False
    ) -> None:
        self.model, self.prefix_rows = model, prefix_rows
        self.guidance = settings.emotion_guidance if guided else None
        self.choose = TokenChoice(model.config, settings)

    def __call__(self, state: StepState) -> None:
        at = state.position
        bias = state.stop_bias.index_select(1, at).expand_as(state.hypotheses.scores)
        if state.tracker is not None:
            bias = torch.where(torch.isposinf(bias), bias, bias + state.tracker.stop_bias())
        noise = state.noise.index_select(0, at % NOISE_BLOCK)[0]
        tokens, parents = self.choose(state.hypotheses, state.logits, at, noise, bias)
        width = tokens.shape[1]
        rows = self.prefix_rows + at * width + torch.arange(width, device=at.device)
        self._follow(state, parents, rows)
        table_row = (at + self.model.config.decode_row_offset).clamp(max=self.model.config.semantic_rows - 1)
        output = self.model.states(
            self.model.embed_semantic_at(self._with_twins(tokens), table_row),
            attn_mask=self._with_twins(state.attn_mask[:, :, : state.length]),
            view=CacheView(state.cache, rows, state.length),
            probe=None if state.tracker is None else state.tracker.probe,
        )
        logits = self.model.mel_head(output.hidden)
        state.logits.copy_(logits if self.guidance is None else amplified(logits, self.guidance))
        if state.tracker is not None and output.attention_weights is not None:
            attention = output.attention_weights[: tokens.shape[0]]
            state.tracker.observe(attention, at, state.hypotheses.done)
        state.position.add_(1)

    def _with_twins(self, rows: Tensor) -> Tensor:
        """Rows of the trunk: with guidance, every item's again with the speaker's own emotion in its prefix."""
        return rows if self.guidance is None else torch.cat([rows, rows])

    def _follow(self, state: StepState, parents: Tensor, rows: Tensor) -> None:
        """Masks follow the parents; each hypothesis then attends to its own new row. rows: (width,)"""
        mask = state.attn_mask
        inherited = mask.gather(1, parents[..., None].expand_as(mask))
        own = rows[None, :, None].expand(mask.shape[0], -1, -1)
        mask.copy_(inherited.scatter_(2, own, True))
        if state.tracker is not None:
            state.tracker.reorder(parents)
            mask[..., : self.prefix_rows] = state.tracker.phase_columns(state.position)


class GraphedStep:
    """A step on one state, captured once per length and replayed; done as it is where no graph can be made.

    What a step only writes to, the cache's new rows, need not be put back after a warm-up: the step that follows writes
    the same rows. Graphs live as long as this object, that is, for one decode.
    """

    def __init__(self, step: DecodeStep, state: StepState, maker: GraphMaker | None) -> None:
        self.step, self.state = step, state
        self._work = Graphed(lambda: step(state), [step.model], maker)

    def __call__(self) -> None:
        if not self._work.makes_graphs:
            self.step(self.state)
            return
        changing = [buffer for name, buffer in self.state.buffers().items() if not name.startswith("cache.")]
        self._work((self.state.length, self.state.cache.keys.data_ptr()), changing)
