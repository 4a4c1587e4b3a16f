"""Decoding many segments and takes in batches, decoding runaway generation again, and reading latents off the results.

Every take has noise of its own, seeded by its place in the text, so that it does not depend on what else is in its
batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch

from ...checks import check_fields
from ...contracts import Progress, Speaker, subrange
from ...errors import InputError
from ...sampling import SamplingSettings, row_seed
from ..duration import Clock, GuidedSettings, SegmentPlan, stop_rules
from ..graphs import graph_maker
from ..handles import T2SModels
from .decode import DecodeJob, Take, decode, longest_take, running, takes_of
from .latents import latents
from .prefix import Phase, Prefilled, Prefix, build_prefix, merge_prefixes, prefill
from .take_choice import choose_take

SPARE_TOKENS = 25  # beyond `longest_per_piece`, for texts of a word or two


@dataclass(frozen=True, slots=True)
class DecodingSettings:
    """Settings of decoding segments."""

    takes: int = 1  # of every segment; the one nearest to its length is kept, or the likeliest
    rows_at_once: int = 8  # takes in one batch, a matter of memory only
    retries: int = 2  # how often a take that failed, being runaway or cut off, is decoded again with other noise
    with_latent: bool = True  # False leaves the latents out
    duration_slot: str | None = None  # "a", "b" or "both", where a length is told; None for the checkpoint's own
    guided: GuidedSettings = field(default_factory=GuidedSettings)  # the stop schedule of method "guided"
    allow_any_length: bool = False  # lifts the limits of natural_length.POSSIBLE_LENGTH

    def __post_init__(self) -> None:
        check_fields(self, takes=(None, 256), rows_at_once=(None, 4_096), retries=(None, 1_000))
        for name, least in (("takes", 1), ("rows_at_once", 1), ("retries", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} should be at least {least}, but got {getattr(self, name)}.")
        if self.duration_slot not in (None, "a", "b", "both"):
            raise InputError(f"A duration slot is a, b or both, but got '{self.duration_slot}'.")


@dataclass(frozen=True, slots=True)
class Task:
    """One segment as it is to be decoded."""

    index: int  # seeds its noise, together with the take
    ids: tuple[int, ...]
    phases: tuple[Phase, ...]
    plan: SegmentPlan
    takes: int = 1
    first_take: int = 0
    language: int | None = None  # row of the language table
    fewest: int = 0  # tokens below which free speech cannot have said the text
    stop_from: int = 0  # tokens before which the stop is forbidden, after a take that was cut off


def batches_of(tasks: Sequence[Task], rows_at_once: int) -> list[list[Task]]:
    """Tasks that are prefilled together: as many as keep their takes within one batch, in order."""
    batches: list[list[Task]] = []
    room = 0
    for task in tasks:
        if task.takes > room:
            batches.append([])
            room = max(rows_at_once, task.takes)
        batches[-1].append(task)
        room -= task.takes
    return batches


class BatchDecoder:
    """The decodes of one call, which share model, speaker, settings, seed and the progress of the whole."""

    def __init__(
        self,
        t2s: T2SModels,
        speaker: Speaker,
        sampling: SamplingSettings,
        decoding: DecodingSettings,
        seed: int,
        progress: Progress,
    ) -> None:
        self.model, self.sampling, self.decoding, self.seed = t2s.model, sampling, decoding, seed
        self.condition, self.own_emotion = t2s.place(speaker.condition), t2s.place(speaker.emotion_vector)
        self.tokens_per_second = t2s.config.tokens_per_second
        self.limit = longest_take(self.model, sampling)
        self.graphs = graph_maker(t2s.device)
        self._progress, self._batches, self._batch = progress, 0, 0

    def expect(self, tasks: Sequence[Task]) -> None:
        """Count the batches of tasks that are to come, for the progress."""
        self._batches += len(batches_of(tasks, self.decoding.rows_at_once))

    def with_natural_lengths(self, tasks: Sequence[Task], clock: Clock) -> list[Task]:
        """Tasks whose length is a factor of their natural one get it, by a free decode of each."""
        free = [
            replace(task, plan=replace(task.plan, method="free"), takes=1)
            for task in tasks
            if task.plan.needs_free_pass
        ]
        self.expect(tasks)
        self.expect(free)
        natural = {task.index: len(take.tokens) for task, take in zip(free, self.run(free), strict=True)}
        return [
            replace(task, plan=task.plan.after_free(natural[task.index], clock)) if task.index in natural else task
            for task in tasks
        ]

    def run(self, tasks: Sequence[Task], *, with_latent: bool = False) -> list[Take]:
        """One take of every task, chosen from all of its own; runaway and cut-off generation is decoded again."""
        takes = self._run_once(tasks, with_latent=with_latent)
        for _ in range(self.decoding.retries if self.sampling.do_sample else 0):
            failed = [at for at, task in enumerate(tasks) if self._has_failed(task, takes[at])]
            if not failed:
                break
            tasks = [replace(task, first_take=task.first_take + task.takes) for task in tasks]
            again = [self._task_again(tasks[at], takes[at]) for at in failed]
            self.expect(again)
            for at, take in zip(failed, self._run_once(again, with_latent=with_latent), strict=True):
                longer = takes[at].stopped and len(take.tokens) > len(takes[at].tokens)  # of a take that was cut off
                kept = take if take.stopped and (longer or not takes[at].stopped) else takes[at]
                takes[at] = replace(kept, lengths=takes[at].lengths + take.lengths, tries=takes[at].tries + 1)
        return takes

    def _run_once(self, tasks: Sequence[Task], *, with_latent: bool) -> list[Take]:
        takes: list[Take] = []
        for batch in batches_of(tasks, self.decoding.rows_at_once):
            takes += self._run_batch(batch, with_latent=with_latent)
            self._batch += 1
            self._progress(self._batch * self.limit, self._batches * self.limit)
        return takes

    def growing(self, task: Task, counts: Iterable[int]) -> Iterator[tuple[Take, bool]]:
        """One take while it is decoded with a single hypothesis, with its latents so far, and whether it has ended.

        It comes whenever it has one of `counts` tokens, which rise without end, and when it has ended.
        """
        prefilled, guided = self._prefilled([task])
        job, wanted = self._job([task], guided=guided), iter(counts)
        following = next(wanted)
        for state in running(self.model, prefilled, job, self.sampling, graphs=self.graphs):
            ended, count = bool(state.hypotheses.done.all()), int(state.position)
            if not ended and count < following:
                continue
            tokens = state.hypotheses.tokens[:count, 0, 0].cpu()
            take = takes_of(state)[0] if ended else Take(tokens, torch.zeros_like(tokens), score=0.0, stopped=False)
            yield replace(take, latent=latents(self.model, prefilled, (0,), [take])[0].float()), ended
            if ended:
                return
            following = next(wanted)

    def _run_batch(self, batch: Sequence[Task], *, with_latent: bool) -> list[Take]:
        prefilled, guided = self._prefilled(batch)
        chosen = [
            replace(
                choose_take(takes, task.plan.token_target),
                lengths=tuple(len(take.tokens) for take in takes),
                limit=self._limit_of(task),
            )
            for task, takes in zip(batch, self._decode(batch, prefilled, guided=guided), strict=True)
        ]
        if not with_latent:
            return chosen
        latent = latents(self.model, prefilled, range(len(batch)), chosen)
        return [replace(take, latent=latent[row, : len(take.tokens)].float()) for row, take in enumerate(chosen)]

    def _prefilled(self, batch: Sequence[Task]) -> tuple[Prefilled, bool]:
        """The batch, prefilled; twice, the second time as `_plain`, where the emotion is guided, which comes second."""
        guided = self.sampling.emotion_guidance != 1.0 and any(map(self._is_emotional, batch))
        plain = [self._plain(task) for task in batch] if guided else []
        return prefill(self.model, merge_prefixes([self._prefix(task) for task in (*batch, *plain)])), guided

    def _is_emotional(self, task: Task) -> bool:
        """Whether a task is spoken with another emotion than the speaker's own, so that guidance changes it."""
        return any(not torch.equal(phase.vector, self.own_emotion) for phase in task.phases)

    def _plain(self, task: Task) -> Task:
        """The task with the speaker's own emotion in every phase: the same rows and masks, other numbers."""
        return replace(task, phases=tuple(replace(phase, vector=self.own_emotion) for phase in task.phases))

    def _limit_of(self, task: Task) -> int:
        """Most tokens of a segment, the stop counted. Free speech far longer than its text is runaway generation."""
        longest = self.model.config.longest_per_piece
        if task.plan.controls_length or longest is None:
            return self.limit
        return min(self.limit, math.ceil(longest * len(task.ids)) + SPARE_TOKENS)

    def _has_failed(self, task: Task, take: Take) -> bool:
        """Whether free speech never ended, or ended before its words can have been said."""
        return self._is_runaway(task, take) or self._is_cut_off(task, take)

    def _is_cut_off(self, task: Task, take: Take) -> bool:
        """Whether free speech ended by itself before its words can have been said."""
        return task.plan.token_target is None and take.stopped and len(take.tokens) < task.fewest

    def _task_again(self, task: Task, take: Take) -> Task:
        """The task of another try: a take that was cut off may not stop as early again, whatever the noise."""
        return replace(task, stop_from=task.fewest) if self._is_cut_off(task, take) else task

    def _is_runaway(self, task: Task, take: Take) -> bool:
        """Whether free speech reached a limit that the caller did not set."""
        return not (take.stopped or task.plan.controls_length) and take.limit < self.sampling.max_tokens

    def _prefix(self, task: Task) -> Prefix:
        plan, slot = task.plan, task.plan.slot or self.decoding.duration_slot
        trusted = self.model.config.duration.trained or slot is not None
        slots = self.model.duration_slots(None)
        if plan.token_target is not None and (plan.method == "model" or (plan.method == "guided" and trusted)):
            target = torch.tensor([plan.token_target], device=self.condition.device)
            slots = self.model.duration_slots(target, slot=slot)
        return build_prefix(self.model, self.condition, task.phases, slots, task.ids, language=task.language)

    def _decode(self, batch: Sequence[Task], prefilled: Prefilled, *, guided: bool) -> list[list[Take]]:
        """The takes of every task, decoded together; guided: `prefilled` has the batch twice, see `_plain`."""
        job = self._job(batch, guided=guided)
        begin = self._batch * self.limit
        progress = subrange(self._progress, begin, begin + self.limit, self._batches * self.limit)
        takes = decode(self.model, prefilled, job, self.sampling, progress, graphs=self.graphs)
        return [[take for take, at in zip(takes, job.segments, strict=True) if at == row] for row in range(len(batch))]

    def _job(self, batch: Sequence[Task], *, guided: bool) -> DecodeJob:
        """All takes of a batch as items of one decode."""
        rules = [stop_rules(task.plan, self.limit, self.decoding.guided, stop_from=task.stop_from) for task in batch]
        items = [(row, task.first_take + take) for row, task in enumerate(batch) for take in range(task.takes)]
        return DecodeJob(
            segments=tuple(row for row, _ in items),
            seeds=tuple(row_seed(self.seed, batch[row].index, take) for row, take in items),
            limits=torch.tensor([min(rules[row][1], self._limit_of(batch[row])) for row, _ in items]),
            stop_bias=torch.stack([rules[row][0] for row, _ in items]),
            tokens_per_second=self.tokens_per_second,
            plain_segments=tuple(len(batch) + row for row, _ in items) if guided else (),
        )
