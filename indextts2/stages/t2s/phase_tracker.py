"""Position of every hypothesis in the text: a belief over text entries, and the phases of emotion it drives.

The filter is that of docs/spec/control.md#position-filter, switching that of docs/spec/control.md#switching. Entry 0 is
the start of the text, entry j the text piece j - 1. State belongs to hypotheses and follows the parent index; all of it
is buffers written in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.transformer import AttentionProbe
from .prefix import Prefix

PIECES_PER_SECOND = 5.0  # usual speed through the text
BLUR_SIGMA = 1.2  # entries
BLUR_RADIUS = 3
SWITCH_OFFSET = 0.5  # past the middle of the last piece of a span
STALL_SECONDS = 3.0  # without progress for so long, the next phase begins anyway
SETTLED_ENTRIES = 3  # the stop is allowed this near to the end of the text
SMALLEST = 1e-20


def blurred(values: Tensor) -> Tensor:
    """Gaussian blur along the last axis, zero outside."""
    offset = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=values.device, dtype=values.dtype)
    kernel = torch.exp(-0.5 * (offset / BLUR_SIGMA) ** 2)
    flat = values.reshape(-1, 1, values.shape[-1])
    return F.conv1d(flat, (kernel / kernel.sum())[None, None], padding=BLUR_RADIUS).view_as(values)


def normalised(values: Tensor) -> Tensor:
    """Scaled so that the last axis sums to one."""
    return values / values.sum(-1, keepdim=True).clamp_min(SMALLEST)


def next_belief(belief: Tensor, attention: Tensor, mask: Tensor, advance: float, *, averaged: bool) -> Tensor:
    """One step of the filter.

    belief: (..., entries); attention: (..., heads, entries), each row renormalised over the text; mask: (..., entries)
    bool; advance: chance to move on by one entry. averaged: all heads are known to follow the text, so take their mean;
    otherwise the head that agrees best with the prior is believed. -> (..., entries)
    """
    entry = torch.arange(belief.shape[-1], device=belief.device)
    last = mask.sum(-1, keepdim=True) - 1
    moved = F.pad(belief[..., :-1], (1, 0)) * advance
    prior = belief * torch.where(entry == last, 1.0, 1.0 - advance) + torch.where(mask, moved, 0.0)
    if averaged:
        observed = normalised(attention.mean(-2))
    else:
        guess = normalised(blurred(prior) * mask).clamp_min(SMALLEST).log()
        agreement = (attention * guess[..., None, :]).sum(-1)  # (..., heads)
        centre = (attention * entry).sum(-1)
        agreement = agreement.masked_fill(centre < 1.0, float("-inf"))
        best = agreement.argmax(-1, keepdim=True)
        observed = attention.gather(-2, best[..., None].expand(*best.shape, attention.shape[-1]))[..., 0, :]
    before = (belief * entry).sum(-1, keepdim=True)
    likelihood = (blurred(observed) * mask).masked_fill(entry < before.floor(), 0.0)
    posterior = prior * likelihood
    lost = posterior.sum(-1, keepdim=True) <= SMALLEST  # nothing agrees: keep what was expected
    return normalised(torch.where(lost, prior, posterior))


@dataclass(slots=True)
class PhaseTracker:
    """Belief, phase and phase history of every hypothesis of a batch."""

    probe: AttentionProbe  # the attention weights it reads
    heads_are_known: bool  # all probed heads follow the text; otherwise the best one of each step is believed
    advance: float  # chance to move on by one text entry with a token
    stall_steps: int  # steps without progress after which the next phase begins
    columns: Tensor  # (items, phases, rows) bool, the prefix rows of each phase
    mask: Tensor  # (items, width, entries) bool
    phase_ends: Tensor  # (items, phases) int64, entry of the last piece of each phase
    last_phase: Tensor  # (items, 1) int64
    belief: Tensor  # (items, width, entries) float32, written by every step, as are all that follow
    phase: Tensor  # (items, width) int64
    history: Tensor  # (steps, items, width) int64, the phase each token was decoded in
    stalled: Tensor  # (items, width) bool, a phase began only because the position stood still
    furthest: Tensor  # (items, width) float32, furthest entry reached
    furthest_step: Tensor  # (items, width) int64, when it was reached, or the phase began
    standing: Tensor  # (items, width) bool, the position stands still

    @classmethod
    def start(
        cls,
        prefix: Prefix,
        items: Tensor,
        width: int,
        steps: int,
        *,
        trunk_rows: Tensor,
        heads: tuple[tuple[int, int], ...],
        heads_are_known: bool,
        tokens_per_second: float,
    ) -> PhaseTracker:
        """Every hypothesis at the first piece.

        items: (items,) int64, the prefix row of each; trunk_rows: (rows,) int64, those of the trunk's batch, where
        others may follow the items'.
        """
        mask = prefix.text_mask[items][:, None].expand(-1, width, -1)
        count, entries, device = items.shape[0], mask.shape[-1], items.device
        belief = torch.zeros(count, width, entries, device=device)
        belief[..., min(1, entries - 1)] = 1.0
        zeros = torch.zeros(count, width, dtype=torch.int64, device=device)
        return cls(
            probe=AttentionProbe(tuple(sorted(heads)), first_query=0, keys=prefix.text_columns[trunk_rows]),
            heads_are_known=heads_are_known,
            advance=min(1.0, PIECES_PER_SECOND / tokens_per_second),
            stall_steps=max(1, round(STALL_SECONDS * tokens_per_second)),
            columns=prefix.phase_columns[items],
            mask=mask.clone(),
            phase_ends=prefix.phase_ends[items],
            last_phase=prefix.phase_counts[items][:, None] - 1,
            belief=belief,
            phase=zeros,
            history=torch.zeros(steps, count, width, dtype=torch.int64, device=device),
            stalled=zeros.bool(),
            furthest=_expected_entry(belief).floor(),
            furthest_step=zeros.clone(),
            standing=zeros.bool(),
        )

    @property
    def position(self) -> Tensor:
        """Expected text entry of each hypothesis. (items, width)"""
        return _expected_entry(self.belief)

    def reorder(self, parents: Tensor) -> None:
        """Hypotheses follow their parents. parents: (items, width)"""
        self.belief.copy_(self.belief.gather(1, parents[..., None].expand_as(self.belief)))
        for buffer in (self.phase, self.stalled, self.furthest, self.furthest_step, self.standing):
            buffer.copy_(buffer.gather(1, parents))

    def phase_columns(self, step: Tensor) -> Tensor:
        """Prefix rows that the tokens of this step attend to, (items, width, rows); notes their phase."""
        self.history.index_copy_(0, step, self.phase[None])
        return self.columns.gather(1, self.phase[..., None].expand(-1, -1, self.columns.shape[-1]))

    def observe(self, attention: Tensor, step: Tensor, done: Tensor) -> None:
        """Take in the attention of the newest tokens and switch phases.

        attention: (items, heads, width, entries); step: (1,) the step of these tokens; done: (items,) bool, items
        whose tokens no longer count.
        """
        rows = normalised(attention.transpose(1, 2) * self.mask[:, :, None])  # (items, width, heads, entries)
        self.belief.copy_(next_belief(self.belief, rows, self.mask, self.advance, averaged=self.heads_are_known))
        position = self.position
        entry = position.floor()
        self.furthest_step.copy_(torch.where(entry > self.furthest, step, self.furthest_step))
        self.furthest.copy_(torch.maximum(self.furthest, entry))
        standing = step - self.furthest_step >= self.stall_steps
        reached = position >= self.phase_ends.gather(1, self.phase) + SWITCH_OFFSET
        switch = (reached | standing) & (self.phase < self.last_phase)
        self.stalled.logical_or_(switch & ~reached & ~done[:, None])
        self.phase.add_(switch)
        self.furthest_step.copy_(torch.where(switch, step, self.furthest_step))
        self.standing.copy_(standing & ~switch)

    def stop_bias(self) -> Tensor:
        """-inf while a hypothesis has text or phases left (docs/spec/control.md#switching). (items, width)

        A position that stands still in the last phase does not hold the stop back for ever.
        """
        last_entry = self.mask.sum(-1) - 1
        settled = (self.position >= last_entry - SETTLED_ENTRIES) | self.standing
        ready = (self.phase >= self.last_phase) & settled
        plain = self.last_phase == 0  # one phase: the ordinary path, nothing is forbidden
        return torch.where(ready | plain, 0.0, float("-inf"))


def _expected_entry(belief: Tensor) -> Tensor:
    return (belief * torch.arange(belief.shape[-1], device=belief.device)).sum(-1)
