"""Where in the text a hypothesis is: a belief over text entries, and the phases of emotion it drives.

The filter is that of docs/spec/control.md#position-filter, switching that of docs/spec/control.md#switching. Entry 0 is
the start of the text, entry j the text piece j - 1. State belongs to hypotheses and follows the parent index; all of it
is tensors of fixed shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError
from ...models.transformer import Watch
from .prefix import Prefix

PIECES_PER_SECOND = 5.0  # usual speed through the text
BLUR_SIGMA = 1.2  # entries
BLUR_RADIUS = 3
SWITCH_OFFSET = 0.5  # past the middle of the last piece of a span
STALL_SECONDS = 3.0  # without progress for so long, the next phase begins anyway
SETTLED_ENTRIES = 3  # the stop is allowed this near to the end of the text
SMALLEST = 1e-20


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """How an emotion schedule is spoken (docs/spec/control.md#emotion-schedules).

    layout: "a" keeps one text, planned in the mood of each piece; "b" plans the whole text in the current mood. lead:
    text pieces by which a phase begins early. forget: tokens of older phases that a new phase still hears, None for
    all. heads: (layer, head) pairs that follow the text, None for the checkpoint's own or, failing that, the best head
    of every step.
    """

    layout: str = "a"
    lead: float = 0.0
    forget: int | None = None
    heads: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        if self.forget is not None and self.forget < 1:
            raise InputError(f"A new phase should hear at least 1 older token, but forget is {self.forget}.")


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
        seen = normalised(attention.mean(-2))
    else:
        guess = normalised(blurred(prior) * mask).clamp_min(SMALLEST).log()
        agreement = (attention * guess[..., None, :]).sum(-1)  # (..., heads)
        centre = (attention * entry).sum(-1)
        agreement = agreement.masked_fill(centre < 1.0, float("-inf"))
        best = agreement.argmax(-1, keepdim=True)
        seen = attention.gather(-2, best[..., None].expand(*best.shape, attention.shape[-1]))[..., 0, :]
    before = (belief * entry).sum(-1, keepdim=True)
    likelihood = (blurred(seen) * mask).masked_fill(entry < before.floor(), 0.0)
    posterior = prior * likelihood
    lost = posterior.sum(-1, keepdim=True) <= SMALLEST  # nothing agrees: keep what was expected
    return normalised(torch.where(lost, prior, posterior))


class PhaseTracker:
    """Belief, phase and phase history of every hypothesis of a batch."""

    def __init__(
        self,
        prefix: Prefix,
        items: Tensor,
        beams: int,
        steps: int,
        settings: ScheduleSettings,
        *,
        heads: tuple[tuple[int, ...], ...],
        known_heads: bool,
        tokens_per_second: float,
    ) -> None:
        """items: (items,) int64, the prefix row of each. heads: (layer, head) pairs to watch, all if unknown."""
        self.settings, self._known_heads = settings, known_heads
        self.heads = tuple((int(layer), int(head)) for layer, head in sorted(heads))
        self._advance = min(1.0, PIECES_PER_SECOND / tokens_per_second)
        self._patience = max(1, round(STALL_SECONDS * tokens_per_second))
        self._columns = prefix.phase_columns[items]  # (items, phases, rows)
        self._text = prefix.text_columns[items]  # (items, text sets, entries)
        self._mask = prefix.text_mask[items][:, None].expand(-1, beams, -1)
        self._ends = prefix.phase_ends[items]
        self._last_phase = prefix.phase_counts[items][:, None] - 1
        count, device, entries = items.shape[0], items.device, self._mask.shape[-1]
        self.belief = torch.zeros(count, beams, entries, device=device)
        self.belief[..., min(1, entries - 1)] = 1.0
        self.phase = torch.zeros(count, beams, dtype=torch.int64, device=device)
        self.history = torch.zeros(steps, count, beams, dtype=torch.int64, device=device)
        self.stalled = torch.zeros(count, beams, dtype=torch.bool, device=device)
        self._mark = self.position.floor()
        self._marked_at = torch.zeros(count, beams, dtype=torch.int64, device=device)
        self._begun_at = torch.zeros(count, beams, dtype=torch.int64, device=device)
        self._waited = torch.zeros(count, beams, dtype=torch.bool, device=device)

    @property
    def position(self) -> Tensor:
        """Expected text entry of each hypothesis. (items, beams)"""
        return (self.belief * torch.arange(self.belief.shape[-1], device=self.belief.device)).sum(-1)

    def watch(self) -> Watch:
        """What the trunk should report of the newest rows."""
        return Watch(self.heads, first_query=0, keys=self._text.flatten(1))

    def reorder(self, parents: Tensor) -> None:
        """Hypotheses follow their parents. parents: (items, beams)"""
        self.belief = self.belief.gather(1, parents[..., None].expand_as(self.belief))
        for name in ("phase", "stalled", "_mark", "_marked_at", "_begun_at", "_waited"):
            setattr(self, name, getattr(self, name).gather(1, parents))

    def columns(self, step: Tensor) -> Tensor:
        """Prefix rows that the tokens of this step see, (items, beams, rows); notes their phase."""
        self.history.index_copy_(0, step, self.phase[None])
        index = self.phase[..., None].expand(-1, -1, self._columns.shape[-1])
        return self._columns.gather(1, index)

    def forgotten(self, token_steps: Tensor) -> Tensor | None:
        """Tokens of older phases that are no longer heard. token_steps: (columns,) -> (items, beams, columns)."""
        if self.settings.forget is None:
            return None
        oldest = self._begun_at - self.settings.forget
        return (token_steps < oldest[..., None]) & (self.phase > 0)[..., None]

    def observe(self, attention: Tensor, step: Tensor) -> None:
        """Take in the attention of the newest tokens and switch phases.

        attention: (items, heads, beams, text sets * entries); step: (1,) the step of these tokens.
        """
        rows = attention.transpose(1, 2).unflatten(
            -1, (self._text.shape[1], -1)
        )  # (items, beams, heads, sets, entries)
        chosen = self.phase.clamp(max=rows.shape[-2] - 1)[..., None, None, None]
        rows = rows.gather(3, chosen.expand(*rows.shape[:3], 1, rows.shape[-1]))[..., 0, :]
        rows = normalised(rows * self._mask[:, :, None])
        self.belief = next_belief(self.belief, rows, self._mask, self._advance, averaged=self._known_heads)
        position = self.position
        moved = position.floor() > self._mark
        self._marked_at = torch.where(moved, step, self._marked_at)
        self._mark = torch.maximum(self._mark, position.floor())
        end = self._ends.gather(1, self.phase)
        self._waited = step - self._marked_at >= self._patience
        reached = position >= end + SWITCH_OFFSET - self.settings.lead
        switch = (reached | self._waited) & (self.phase < self._last_phase)
        self.stalled = self.stalled | (switch & ~reached)
        self.phase = self.phase + switch
        self._begun_at = torch.where(switch, step + 1, self._begun_at)
        self._marked_at = torch.where(switch, step, self._marked_at)
        self._waited = self._waited & ~switch

    def stop_bias(self) -> Tensor:
        """-inf while a hypothesis has text or phases left (docs/spec/control.md#switching). (items, beams)

        A position that stands still in the last phase does not hold the stop back for ever.
        """
        last_entry = self._mask.sum(-1) - 1
        settled = (self.position >= last_entry - SETTLED_ENTRIES) | self._waited
        ready = (self.phase >= self._last_phase) & settled
        plain = self._last_phase == 0  # one phase: the ordinary path, nothing is forbidden
        return torch.where(ready | plain, 0.0, float("-inf"))
