"""The decoding loop of T2S over one pool of key/value rows per item (docs/spec/t2s.md#decoding-rows).

Beams never move the cache: every step appends one row per beam, and a boolean mask says which rows are ancestors of
which beam. Left padding, takes and phases of emotion are entries of the same mask. Positions, steps and noise are
tensors; the host looks at `done` every few steps, and steps run beyond it change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...contracts import Progress, no_progress
from ...models.t2s import TextToSemantic
from ...models.transformer import Memory
from ...sampling import NOISE_BLOCK, SamplingSettings, TokenNoise
from .phase_tracker import PhaseTracker, ScheduleSettings
from .prefix import Prefilled
from .search import Found, Search

EXTENT_BLOCK = 64  # rows by which the part of the pool that attention reads grows
CHECK_EVERY = 4  # steps between two looks at `done` on an accelerator
MUCH_SILENCE = 30  # silent tokens of a take that may stay untouched
LONGEST_SILENCE = 10  # tokens of one run that are kept otherwise


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """What to decode from a prefilled batch of segments.

    segments: for each item the prefix row it continues; seeds: one per item; limits: (items,) int64 most tokens, the
    stop counted; stop_bias: (items, steps) added to the stop's score, -inf forbids and +inf forces it; schedule and
    tokens_per_second matter with several phases only.
    """

    segments: tuple[int, ...]
    seeds: tuple[int, ...]
    limits: Tensor
    stop_bias: Tensor
    schedule: ScheduleSettings = ScheduleSettings()
    tokens_per_second: float = 50.0


@dataclass(frozen=True, slots=True)
class Take:
    """One decoded item.

    tokens: (tokens,) int64 on the CPU; phases: (tokens,) the phase each token was fed in; stopped: False when the limit
    ended it; stalled: a phase began only because the text position stood still; willing: the stop was forced where the
    model would have stopped by itself.
    """

    tokens: Tensor
    phases: Tensor
    score: float
    stopped: bool
    stalled: bool = False
    willing: bool = False


def longest_take(model: TextToSemantic, settings: SamplingSettings) -> int:
    """Most tokens of a take, the stop counted: what was asked for, or what the position table can number."""
    return min(settings.max_tokens, model.config.semantic_rows - model.config.decode_row_offset + 1)


def plain_job(
    model: TextToSemantic, segments: tuple[int, ...], seeds: tuple[int, ...], settings: SamplingSettings
) -> DecodeJob:
    """A job without any constraint on length."""
    limit = longest_take(model, settings)
    limits = torch.full((len(segments),), limit, dtype=torch.int64)
    return DecodeJob(segments, seeds, limits, torch.zeros(len(segments), limit))


@torch.no_grad()
def decode(
    model: TextToSemantic,
    prefilled: Prefilled,
    job: DecodeJob,
    settings: SamplingSettings,
    progress: Progress = no_progress,
) -> list[Take]:
    """Decode every item of the job together; each comes out as if it were alone.

    progress(done, total) is called with tokens between steps; raising inside it ends the loop at once and leaves
    `prefilled` and the model as they were.
    """
    loop = _Loop(model, prefilled, job, settings)
    total = int(job.limits.max())
    every = 1 if loop.device.type == "cpu" else CHECK_EVERY
    for step in range(total):
        if step % NOISE_BLOCK == 0:
            loop.noise.refill()
        loop.step(step)
        if (step + 1) % every == 0 or step + 1 == total:
            progress(step + 1, total)
            if bool(loop.search.done.all()):
                break
    return loop.takes()


def with_short_silences(take: Take, token: int) -> Take:
    """Cut long runs of a silent token, if there is much of it (docs/spec/t2s.md#long-silences). The released pipeline
    does not.
    """
    silent = take.tokens == token
    if int(silent.sum()) <= MUCH_SILENCE:
        return take
    index = torch.arange(len(silent))
    last_sound = torch.where(silent, -1, index).cummax(0).values
    keep = index - last_sound <= LONGEST_SILENCE
    return replace(take, tokens=take.tokens[keep], phases=take.phases[keep])


class _Loop:
    """All state of one decode. Dropped as a whole when the decode ends, however it ends."""

    def __init__(self, model: TextToSemantic, prefilled: Prefilled, job: DecodeJob, settings: SamplingSettings) -> None:
        prefix, self.device = prefilled.prefix, prefilled.state.device
        self.model, self.beams, self.prefix_rows = model, settings.width, prefix.rows
        items = torch.tensor(job.segments, device=self.device)
        self.search = Search(model.config, settings, job.limits.to(self.device))
        vocabulary = model.config.semantic_tokens
        self.noise = TokenNoise(job.seeds, self.search.noise_width(vocabulary) if settings.draws else 1, self.device)
        self.stop_bias = job.stop_bias.to(self.device)
        capacity = self._rounded(self.prefix_rows + self.beams * EXTENT_BLOCK)
        self.pool = prefilled.pool.cropped(items, self.prefix_rows, capacity)
        columns = prefix.phase_columns[items, :1].expand(-1, self.beams, -1)
        self.visible = F.pad(columns, (0, capacity - self.prefix_rows))
        self.logits = model.mel_head(prefilled.state)[items][:, None].expand(-1, self.beams, -1)
        self.at = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.beam = torch.arange(self.beams, device=self.device)
        self.tracker = self._tracker(prefilled, items, job) if prefix.phase_columns.shape[1] > 1 else None

    def _tracker(self, prefilled: Prefilled, items: Tensor, job: DecodeJob) -> PhaseTracker:
        config = self.model.config
        known = job.schedule.heads or config.alignment_heads
        every = tuple((layer, head) for layer in range(config.layers) for head in range(config.heads))
        return PhaseTracker(
            prefilled.prefix,
            items,
            self.beams,
            int(job.limits.max()),
            job.schedule,
            heads=known or every,
            known_heads=bool(known),
            tokens_per_second=job.tokens_per_second,
        )

    @staticmethod
    def _rounded(rows: int) -> int:
        return -(-rows // EXTENT_BLOCK) * EXTENT_BLOCK

    def step(self, step: int) -> None:
        """Choose one token per hypothesis and run it through the trunk."""
        bias = self.stop_bias.index_select(1, self.at).expand(-1, self.beams)
        if self.tracker is not None:
            bias = torch.where(torch.isposinf(bias), bias, bias + self.tracker.stop_bias())
        noise = self.noise.block.index_select(0, self.at % NOISE_BLOCK)[0]
        tokens, parents = self.search.choose(self.logits, self.at, noise, bias)
        rows = self.prefix_rows + self.at * self.beams + self.beam
        extent = self._rounded(self.prefix_rows + (step + 1) * self.beams)
        self._reserve(extent)
        self._follow(parents, rows)
        place = (self.at + self.model.config.decode_row_offset).clamp(max=self.model.config.semantic_rows - 1)
        output = self.model.states(
            self.model.semantic_at(tokens, place),
            visible=self.visible[:, :, :extent],
            memory=Memory(self.pool, rows, extent),
            watch=None if self.tracker is None else self.tracker.watch(),
        )
        self.logits = self.model.mel_head(output.hidden)
        if self.tracker is not None and output.watched is not None:
            self.tracker.observe(output.watched, self.at)
        self.at = self.at + 1

    def _reserve(self, extent: int) -> None:
        if extent > self.pool.capacity:
            capacity = max(extent, 2 * self.pool.capacity)
            self.pool.grow(capacity)
            self.visible = F.pad(self.visible, (0, capacity - self.visible.shape[-1]))

    def _follow(self, parents: Tensor, rows: Tensor) -> None:
        """Masks follow the parent index; each hypothesis then sees its own new row. rows: (beams,)"""
        self.visible = self.visible.gather(1, parents[..., None].expand_as(self.visible))
        own = rows[None, :, None].expand(self.visible.shape[0], -1, -1)
        self.visible.scatter_(2, own, True)
        if self.tracker is None:
            return
        self.tracker.reorder(parents)
        self.visible[..., : self.prefix_rows] = self.tracker.columns(self.at)
        made_at = (torch.arange(self.visible.shape[-1], device=self.device) - self.prefix_rows) // self.beams
        forgotten = self.tracker.forgotten(made_at)
        if forgotten is not None:
            self.visible &= ~(forgotten & (made_at >= 0))

    def takes(self) -> list[Take]:
        """The best hypothesis of each item."""
        found = self.search.found()
        if self.tracker is None:
            return [
                Take(one.tokens, torch.zeros_like(one.tokens), one.score, one.stopped, willing=one.willing)
                for one in found
            ]
        history, stalled = self.tracker.history.cpu(), self.tracker.stalled.cpu()
        return [self._phased(one, history[:, item], bool(stalled[item].any())) for item, one in enumerate(found)]

    @staticmethod
    def _phased(one: Found, history: Tensor, stalled: bool) -> Take:
        phases = history[torch.arange(len(one.tokens)), one.beams]
        return Take(one.tokens, phases, one.score, one.stopped, stalled, one.willing)
