"""The decoding loop of T2S: from a prefilled batch of segments to takes (docs/spec/t2s.md#sampling).

The step is in `step.py`; here are its first state, the host's look at `done` every few steps, and what is read off the
last state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...contracts import Progress, no_progress
from ...models.t2s import TextToSemantic
from ...sampling import NOISE_BLOCK, SAMPLERS, SamplingSettings, TokenNoise, amplified
from ..graphs import GraphMaker
from .phase_tracker import PhaseTracker
from .prefix import Prefilled
from .search import Hypotheses
from .step import DecodeStep, GraphedStep, StepState

ROW_BLOCK = 64  # the part of the cache that attention reads grows by so many rows
GRAPH_ROWS = 256  # the same where steps are graphs, doubled each time: every length is captured on its own
CHECK_EVERY = 8  # steps between two looks at `done` on an accelerator


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """A batch of items to decode from prefilled segments."""

    segments: tuple[int, ...]  # the prefix row that each item continues
    seeds: tuple[int, ...]  # of each item's noise
    limits: Tensor  # (items,) int64, most tokens, the stop counted
    stop_bias: Tensor  # (items, steps) added to the stop's score: -inf forbids it, +inf forces it
    tokens_per_second: float = 50.0  # matters with several phases only
    plain_segments: tuple[int, ...] = ()  # the same with the speaker's own emotion; none without emotion guidance


@dataclass(frozen=True, slots=True)
class Take:
    """One decoded segment."""

    tokens: Tensor  # (tokens,) int64 on the CPU, without the stop
    phases: Tensor  # (tokens,) int64, the phase each token was decoded in
    score: float  # sum of processed scores, the stop's included
    stopped: bool  # False when the limit ended it
    stalled: bool = False  # a phase began only because the position in the text stood still
    natural_stop: bool = False  # the stop was forced where the model would have stopped by itself
    limit: int = 0  # most tokens it could have had, the stop counted
    lengths: tuple[int, ...] = ()  # tokens of all takes that it was chosen from
    tries: int = 1  # how often its segment was decoded, because takes before it failed
    latent: Tensor | None = None  # (tokens, dim), None until the second pass


def longest_take(model: TextToSemantic, settings: SamplingSettings) -> int:
    """Most tokens of a take, the stop counted: what was asked for, or what the position table can number."""
    return min(settings.max_tokens, model.config.semantic_rows - model.config.decode_row_offset + 1)


@torch.no_grad()
def decode(
    model: TextToSemantic,
    prefilled: Prefilled,
    job: DecodeJob,
    settings: SamplingSettings,
    progress: Progress = no_progress,
    *,
    graphs: GraphMaker | None = None,
) -> list[Take]:
    """Decode every item of the job together; each comes out as if it were alone.

    progress(done, total) is called with tokens between steps; raising inside it ends the loop at once and leaves
    `prefilled` and the model as they were. graphs: captures the step and replays it; None runs it as it is.
    """
    for state in running(model, prefilled, job, settings, progress, graphs=graphs):
        if bool(state.hypotheses.done.all()):
            break
    return takes_of(state)


def running(
    model: TextToSemantic,
    prefilled: Prefilled,
    job: DecodeJob,
    settings: SamplingSettings,
    progress: Progress = no_progress,
    *,
    graphs: GraphMaker | None = None,
) -> Iterator[StepState]:
    """The state at each look of the host, while more is decoded; it is the same object, written in place."""
    state = first_state(model, prefilled, job, settings)
    noise = TokenNoise(job.seeds, state.noise)
    step = GraphedStep(
        DecodeStep(model, settings, prefilled.prefix.rows, guided=bool(job.plain_segments)), state, graphs
    )
    total = int(job.limits.max())
    check_every = 1 if state.position.device.type == "cpu" else CHECK_EVERY
    for done in range(1, total + 1):
        if (done - 1) % NOISE_BLOCK == 0:
            noise.refill()
        rows = prefilled.prefix.rows + done * settings.width
        state.reserve(_rounded(rows, ROW_BLOCK) if graphs is None else _doubled(rows, GRAPH_ROWS))
        step()
        if done % check_every == 0 or done == total:
            progress(done, total)
            yield state


def first_state(model: TextToSemantic, prefilled: Prefilled, job: DecodeJob, settings: SamplingSettings) -> StepState:
    """The state before the first step. Nothing in it shares memory with `prefilled`."""
    prefix, device, width = prefilled.prefix, prefilled.state.device, settings.width
    items = torch.tensor(job.segments, device=device)
    rows = torch.tensor(job.segments + job.plain_segments, device=device)  # of the trunk's batch
    steps = _rounded(int(job.limits.max()), NOISE_BLOCK)
    max_rows = _rounded(prefix.rows + width * ROW_BLOCK, ROW_BLOCK)
    columns = prefix.phase_columns[items, :1].expand(-1, width, -1)
    logits = model.mel_head(prefilled.state)[rows][:, None]
    if job.plain_segments:
        logits = amplified(logits, settings.emotion_guidance)
    noise_width = SAMPLERS[settings.mode].noise_width(settings, model.config.semantic_tokens)
    return StepState(
        position=torch.zeros(1, dtype=torch.int64, device=device),
        logits=logits.repeat(1, width, 1),
        cache=prefilled.cache.slice(rows, prefix.rows, max_rows),
        attn_mask=F.pad(columns, (0, max_rows - prefix.rows)),
        length=0,
        noise=torch.ones(NOISE_BLOCK, len(items), noise_width, device=device),
        stop_bias=F.pad(job.stop_bias, (0, max(0, steps - job.stop_bias.shape[1]))).to(device),
        hypotheses=Hypotheses.start(model.config, width, job.limits.to(device), steps),
        tracker=_tracker(model, prefilled, items, rows, job, width, steps)
        if prefix.phase_columns.shape[1] > 1
        else None,
    )


def _tracker(
    model: TextToSemantic, prefilled: Prefilled, items: Tensor, rows: Tensor, job: DecodeJob, width: int, steps: int
) -> PhaseTracker:
    """The tracker of the checkpoint's own alignment heads or, failing those, of the best head of every step."""
    config = model.config
    known = config.alignment_heads
    heads = ((layer, head) for layer in range(config.layers) for head in range(config.heads))
    return PhaseTracker.start(
        prefilled.prefix,
        items,
        width,
        steps,
        trunk_rows=rows,
        heads=tuple((layer, head) for layer, head in known or heads),
        heads_are_known=bool(known),
        tokens_per_second=job.tokens_per_second,
    )


def takes_of(state: StepState) -> list[Take]:
    """The best finished hypothesis of each item."""
    hypotheses, finished = state.hypotheses, state.hypotheses.finished
    takes = []
    for item in range(hypotheses.done.shape[0]):
        tokens, held = hypotheses.path(item)
        phases, stalled = torch.zeros_like(tokens), False
        if state.tracker is not None:
            phases = state.tracker.history[: len(tokens), item].cpu().gather(1, held[:, None])[:, 0]
            stalled = bool(state.tracker.stalled[item].any())
        takes.append(
            Take(
                tokens,
                phases,
                score=float(finished.scores[item, 0]),
                stopped=not bool(finished.still_open[item, 0]),
                stalled=stalled,
                natural_stop=bool(hypotheses.natural_stop[item, finished.beams[item, 0]]),
            )
        )
    return takes


def _rounded(count: int, block: int) -> int:
    return -(-count // block) * block


def _doubled(count: int, first: int) -> int:
    """The first of `first`, twice that and so on that is at least `count`."""
    while first < count:
        first *= 2
    return first
