"""Prepared text and a speaker to semantic tokens and their latents (docs/spec/t2s.md).

Segments and takes are decoded in batches. One seed per call gives every row noise of its own, so that a row does not
depend on what else is in its batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...contracts import (
    Duration,
    DurationReport,
    Emotion,
    PreparedText,
    Progress,
    Segment,
    SemanticSpeech,
    Speaker,
    check_finite,
    no_progress,
    require_same_checkpoint,
)
from ...errors import CheckpointMismatch, TextError
from ...models.t2s import TextToSemantic
from ...sampling import SamplingSettings, row_seed
from ...surroundings import with_torch_defaults
from ...text.languages import language_row
from ..content import CONTENT
from ..duration import Clock, GuidedSettings, SegmentPlan, Target, plan_segments, settle, stop_rules
from ..emotion.bank import speaker_emotion
from ..handles import T2SModels
from .decode import DecodeJob, Take, decode, longest_take
from .latents import latents
from .phases import phases_of, piece_positions
from .prefix import Phase, Prefilled, Prefix, build_prefix, merge_prefixes, prefill
from .take_choice import Spoken, choose_take, take_report

SPARE_TOKENS = 25  # beyond `longest_per_piece`, for texts of a word or two


@dataclass(frozen=True, slots=True)
class T2SOptions:
    """Settings few users touch.

    rows_at_once: items decoded in one batch. duration_slot: "a", "b" or "both" in place of the checkpoint's own, for
    durations that name none.
    with_latent: False leaves the latents out. guided: the stop schedule of method "guided". retries: how often free
    speech that ran into its limit of tokens instead of ending is spoken again with other chances.
    """

    rows_at_once: int = 8
    duration_slot: str | None = None
    with_latent: bool = True
    guided: GuidedSettings = field(default_factory=GuidedSettings)
    retries: int = 2


@dataclass(frozen=True, slots=True)
class _Task:
    """One segment as it is to be decoded. index (its number in the text) and first_take seed its noise."""

    index: int
    ids: tuple[int, ...]
    phases: tuple[Phase, ...]
    plan: SegmentPlan
    first_take: int = 0
    language: int | None = None  # row of the language table


@torch.no_grad()
@with_torch_defaults
def text_to_semantic(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    duration: Duration | None = None,
    settings: SamplingSettings | None = None,
    seed: int = 0,
    options: T2SOptions | None = None,
    progress: Progress = no_progress,
) -> SemanticSpeech:
    """Speak a text, one row per segment.

    emotion: None keeps the emotion of the speaker's own reference; segments with an emotion of their own keep it.
    duration: None is free; a length given for the whole text includes the pauses and is met to the sample after the
    vocoder. Raises TextError for an empty text,
    CheckpointMismatch for values of another checkpoint, Cancelled through `progress`.
    """
    settings, options = settings or SamplingSettings(), options or T2SOptions()
    emotion = emotion or Emotion(speaker.emotion_vector, fingerprint=speaker.fingerprint)
    text = with_tagged_emotions(t2s, text, speaker)
    _check_inputs(t2s, text, speaker, emotion)
    clock = Clock.of(t2s.config)
    plans = plan_segments(text.segments, duration, clock, trained=t2s.model.config.duration.trained)
    tasks = _tasks(t2s.model, text, emotion, plans)
    speak = _Speaking(t2s, speaker, settings, seed, options, progress, rounds=_rounds(tasks, options))
    tasks = speak.measure_natural(tasks, clock)
    has_latents = CONTENT[t2s.config.s2m.content].has_latents
    spoken = speak.run(tasks, with_latent=options.with_latent and has_latents)
    plans = tuple(task.plan for task in tasks)
    counts = [len(one.take.tokens) for one in spoken]
    targets = settle(plans, text.segments, counts, duration, clock)
    reports = tuple(
        take_report(plan, one, target, trained=t2s.model.config.duration.trained)
        for plan, one, target in zip(plans, spoken, targets, strict=True)
    )
    return _speech(t2s, text, speaker, spoken, targets, reports, seed)


def with_tagged_emotions(t2s: T2SModels, text: PreparedText, speaker: Speaker) -> PreparedText:
    """Emotion tags of the text become vectors of this speaker; a segment's own vector wins."""
    segments = tuple(
        segment
        if segment.emotion is not None or segment.emotion_weights is None
        else replace(segment, emotion=speaker_emotion(t2s, segment.emotion_weights, speaker))
        for segment in text.segments
    )
    return replace(text, segments=segments)


def _check_inputs(t2s: T2SModels, text: PreparedText, speaker: Speaker, emotion: Emotion) -> None:
    _check_kind(t2s, text, speaker)
    own = ("the text-to-semantic model", t2s.fingerprint)
    require_same_checkpoint(own, ("the speaker", speaker.fingerprint), ("the emotion", emotion.fingerprint))
    for segment in text.segments:
        if segment.emotion is not None:
            require_same_checkpoint(own, (f"the emotion of '{segment.text}'", segment.emotion.fingerprint))
    require_same_checkpoint(
        ("the text-to-semantic model", t2s.encoder_fingerprint), ("the speaker", speaker.encoder_fingerprint)
    )
    dim = t2s.model.config.dim
    for name, vector in (("speaker condition", speaker.condition), ("emotion vector", emotion.vector)):
        if vector.shape[-1] != dim:
            raise CheckpointMismatch(
                f"The {name} has width {vector.shape[-1]}, but this text-to-semantic model needs {dim}. "
                "Make it with the same checkpoint."
            )
        check_finite(f"The {name}", vector)
    if not any(segment.ids for segment in text.segments):
        raise TextError("There is nothing to speak: the text is empty or holds no known characters.")


def _check_kind(t2s: T2SModels, text: PreparedText, speaker: Speaker) -> None:
    """Refuse values of the other generation by its name. Raises CheckpointMismatch."""
    config = t2s.model.config
    names = {True: "IndexTTS-2.5, one latent made of the style", False: "IndexTTS-2, latents made of the features"}
    from_style = config.speaker_from == "style"
    latents = 1 if from_style else config.speaker.latents
    if speaker.condition.shape[1] != latents:
        raise CheckpointMismatch(
            f"The speaker condition has {speaker.condition.shape[1]} latents, but this text-to-semantic model needs "
            f"{latents} ({names[from_style]}). Make the speaker condition with the same checkpoint."
        )
    tagged = all(segment.language for segment in text.segments)
    if config.language_rows and not tagged:
        raise CheckpointMismatch(
            "The text was prepared by a checkpoint without languages (IndexTTS-2), but this text-to-semantic model is "
            "told the language of every segment (IndexTTS-2.5). Prepare the text with the same checkpoint."
        )
    if not config.language_rows and tagged and text.segments:
        raise CheckpointMismatch(
            "The text was prepared for a checkpoint that is told its language (IndexTTS-2.5), but this "
            "text-to-semantic model has no languages (IndexTTS-2). Prepare the text with the same checkpoint."
        )


def _tasks(model: TextToSemantic, text: PreparedText, emotion: Emotion, plans: Sequence[SegmentPlan]) -> list[_Task]:
    positions = piece_positions(text)
    weight = model.final_norm.weight
    tasks = []
    for index, (segment, plan) in enumerate(zip(text.segments, plans, strict=True)):
        ids = _speakable(model, segment)
        phases = tuple(
            Phase(phase.first_piece, phase.vector.to(device=weight.device, dtype=weight.dtype))
            for phase in phases_of(segment, emotion, positions[index])
            if phase.first_piece < len(ids)
        )
        language = language_row(segment.language) if model.config.language_rows else None
        tasks.append(_Task(index, ids, phases, plan, language=language))
    return tasks


def _speakable(model: TextToSemantic, segment: Segment) -> tuple[int, ...]:
    """The ids without start and stop, which would end the text early."""
    edges = (model.config.start_text, model.config.stop_text)
    ids = tuple(number for number in segment.ids if number not in edges)
    if not ids:
        raise TextError(f"Segment '{segment.text}' holds nothing to speak. Remove it or change its text.")
    return ids


def _groups(tasks: Sequence[_Task], options: T2SOptions) -> list[list[_Task]]:
    """Tasks that are prefilled together: as many as keep their takes within one batch, in order."""
    groups: list[list[_Task]] = []
    room = 0
    for task in tasks:
        if task.plan.takes > room:
            groups.append([])
            room = max(options.rows_at_once, task.plan.takes)
        groups[-1].append(task)
        room -= task.plan.takes
    return groups


def _rounds(tasks: Sequence[_Task], options: T2SOptions) -> int:
    """Decodes of one batch that the whole call takes, for the progress bar."""
    waiting = [task for task in tasks if task.plan.waits]
    return len(_groups(tasks, options)) + len(_groups(waiting, options))


class _Speaking:
    """One call of `text_to_semantic`: what all its decodes share."""

    def __init__(
        self,
        t2s: T2SModels,
        speaker: Speaker,
        settings: SamplingSettings,
        seed: int,
        options: T2SOptions,
        progress: Progress,
        *,
        rounds: int,
    ) -> None:
        self.model, self.settings, self.seed, self.options = t2s.model, settings, seed, options
        weight = self.model.final_norm.weight
        self.condition = speaker.condition.to(device=weight.device, dtype=weight.dtype)
        self.tokens_per_second = t2s.config.tokens_per_second
        self.limit = longest_take(self.model, settings)
        self._progress, self._rounds, self._round = progress, rounds, 0

    def measure_natural(self, tasks: Sequence[_Task], clock: Clock) -> list[_Task]:
        """Decode freely what is asked as a factor of its natural length, and set the length of the real decode."""
        waiting = [task for task in tasks if task.plan.waits]
        free = [replace(task, plan=replace(task.plan, method="free", takes=1)) for task in waiting]
        lengths = {
            task.index: len(one.take.tokens)
            for task, one in zip(waiting, self.run(free, with_latent=False), strict=True)
        }
        return [
            replace(task, plan=task.plan.after_free(lengths[task.index], clock)) if task.index in lengths else task
            for task in tasks
        ]

    def run(self, tasks: Sequence[_Task], *, with_latent: bool) -> list[Spoken]:
        """Decode all tasks and choose a take of each; speak again what did not end by itself."""
        spoken = self._run_once(tasks, with_latent=with_latent)
        for _ in range(self.options.retries if self.settings.do_sample else 0):
            endless = [at for at, task in enumerate(tasks) if self._lost(task, spoken[at])]
            if not endless:
                break
            tasks = [replace(task, first_take=task.first_take + task.plan.takes) for task in tasks]
            again = [tasks[at] for at in endless]
            self._rounds += len(_groups(again, self.options))
            for at, one in zip(endless, self._run_once(again, with_latent=with_latent), strict=True):
                kept = one if one.take.stopped else spoken[at]
                spoken[at] = replace(kept, lengths=spoken[at].lengths + one.lengths)
        return spoken

    def _run_once(self, tasks: Sequence[_Task], *, with_latent: bool) -> list[Spoken]:
        spoken: list[Spoken] = []
        for group in _groups(tasks, self.options):
            spoken += self._run_group(group, with_latent=with_latent)
            self._round += 1
            self._progress(self._round * self.limit, self._rounds * self.limit)
        return spoken

    def _run_group(self, group: Sequence[_Task], *, with_latent: bool) -> list[Spoken]:
        prefilled = prefill(self.model, merge_prefixes([self._prefix(task) for task in group]))
        takes = self._decode(group, prefilled)
        chosen = [choose_take(own, task.plan.token_target) for task, own in zip(group, takes, strict=True)]
        rows: Sequence[Tensor | None] = [None] * len(group)
        if with_latent:
            latent = latents(self.model, prefilled, range(len(group)), chosen)
            rows = [latent[row, : len(take.tokens)].float() for row, take in enumerate(chosen)]
        return [
            Spoken(take, tuple(len(one.tokens) for one in own), row, self._limit_of(task))
            for task, take, own, row in zip(group, chosen, takes, rows, strict=True)
        ]

    def _limit_of(self, task: _Task) -> int:
        """The most tokens of a segment, the stop counted. Free speech far longer than its text has lost its way."""
        share = self.model.config.longest_per_piece
        if task.plan.steers or share is None:
            return self.limit
        return min(self.limit, math.ceil(share * len(task.ids)) + SPARE_TOKENS)

    def _lost(self, task: _Task, spoken: Spoken) -> bool:
        """Whether free speech went on to a limit that the caller did not set."""
        return not (spoken.take.stopped or task.plan.steers) and spoken.limit < self.settings.max_tokens

    def _prefix(self, task: _Task) -> Prefix:
        plan, slot = task.plan, task.plan.duration.slot or self.options.duration_slot
        trusted = self.model.config.duration.trained or slot is not None
        slots = self.model.duration_slots(None)
        if plan.token_target is not None and (plan.method == "model" or (plan.method == "guided" and trusted)):
            target = torch.tensor([plan.token_target], device=self.condition.device)
            slots = self.model.duration_slots(target, slot=slot)
        return build_prefix(self.model, self.condition, task.phases, slots, task.ids, language=task.language)

    def _decode(self, group: Sequence[_Task], prefilled: Prefilled) -> list[list[Take]]:
        """The takes of every task, decoded in one batch."""
        rules = [stop_rules(task.plan, self.limit, self.options.guided) for task in group]
        items = [(row, task.first_take + take) for row, task in enumerate(group) for take in range(task.plan.takes)]
        job = DecodeJob(
            segments=tuple(row for row, _ in items),
            seeds=tuple(row_seed(self.seed, group[row].index, take) for row, take in items),
            limits=torch.tensor([min(rules[row][1], self._limit_of(group[row])) for row, _ in items]),
            stop_bias=torch.stack([rules[row][0] for row, _ in items]),
            tokens_per_second=self.tokens_per_second,
        )
        results = decode(self.model, prefilled, job, self.settings, self._step)
        return [[take for take, (at, _) in zip(results, items, strict=True) if at == row] for row in range(len(group))]

    def _step(self, done: int, total: int) -> None:
        within = done * self.limit // max(1, total)
        self._progress(self._round * self.limit + within, self._rounds * self.limit)


def _speech(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    spoken: Sequence[Spoken],
    targets: Sequence[Target | None],
    reports: tuple[DurationReport, ...],
    seed: int,
) -> SemanticSpeech:
    home = speaker.condition.device
    lengths = [len(one.take.tokens) for one in spoken]
    longest = max(lengths)
    latent = None
    if all(one.latent is not None for one in spoken):
        rows = [F.pad(one.latent, (0, 0, 0, longest - len(one.latent))) for one in spoken if one.latent is not None]
        latent = torch.stack(rows).to(home)
    return SemanticSpeech(
        tokens=torch.stack([F.pad(one.take.tokens, (0, longest - len(one.take.tokens))) for one in spoken]).to(home),
        token_lengths=torch.tensor(lengths, device=home),
        latent=latent,
        frame_targets=torch.tensor([target.frames if target else 0 for target in targets], device=home),
        sample_targets=torch.tensor([target.samples if target else 0 for target in targets], device=home),
        pauses=tuple(segment.pause_seconds for segment in text.segments),
        reports=reports,
        texts=tuple(segment.text for segment in text.segments),
        seed=seed,
        fingerprint=t2s.fingerprint,
        encoder_fingerprint=speaker.encoder_fingerprint or t2s.encoder_fingerprint,
        downsample=t2s.config.codec.downsample if t2s.config.codec.downsample > 1 else None,
    )
