"""Prepared text and a speaker to semantic tokens and their latents (docs/spec/t2s.md)."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, overload

import torch
from torch.nn.utils.rnn import pad_sequence

from ...checks import check_finite, check_whole
from ...contracts import (
    Duration,
    DurationReport,
    Emotion,
    PreparedText,
    Progress,
    Segment,
    SemanticSpeech,
    Speaker,
    no_progress,
    require_same_checkpoint,
)
from ...errors import CheckpointMismatch, InputError, TextError
from ...models.t2s import TextToSemantic
from ...sampling import SamplingSettings
from ...surroundings import with_torch_defaults
from ...text.languages import language_row
from ...text.syllables import shortest_seconds
from ..conditions import speaker_conditioner
from ..content import CONTENT
from ..duration import Clock, SegmentPlan, Target, plan_segments, refuse_endless, resolve_targets, unmet_whole
from ..emotion.bank import speaker_emotion
from ..handles import T2SModels
from ..natural_length import judged_lengths
from .batches import BatchDecoder, DecodingSettings, Task
from .decode import Take, longest_take
from .phases import phases_of, piece_positions
from .prefix import Phase
from .take_choice import take_report

logger = logging.getLogger(__name__)

LENGTH_AND_TIMES = (
    "The text has words at given times (<at> or <by>), which decide its length. Leave out the other length."
)


@overload
def text_to_semantic(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    duration: Duration | None = None,
    sampling: SamplingSettings | None = None,
    decoding: DecodingSettings | None = None,
    seed: int = 0,
    keep: Literal["best"] = "best",
    segments: Sequence[int] | None = None,
    progress: Progress = no_progress,
) -> SemanticSpeech: ...


@overload
def text_to_semantic(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    duration: Duration | None = None,
    sampling: SamplingSettings | None = None,
    decoding: DecodingSettings | None = None,
    seed: int = 0,
    keep: Literal["all"],
    progress: Progress = no_progress,
) -> list[SemanticSpeech]: ...


@torch.no_grad()
@with_torch_defaults
def text_to_semantic(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    duration: Duration | None = None,
    sampling: SamplingSettings | None = None,
    decoding: DecodingSettings | None = None,
    seed: int = 0,
    keep: Literal["best", "all"] = "best",
    segments: Sequence[int] | None = None,
    progress: Progress = no_progress,
) -> SemanticSpeech | list[SemanticSpeech]:
    """Speech of a text as semantic tokens, one row per segment.

    emotion: None keeps the emotion of the speaker's own reference; segments with an emotion of their own keep it.
    duration: None is free; a length given for the whole text includes the pauses and is met to the sample after the
    vocoder. keep: "best" chooses among the takes of every segment; "all" returns each take of the whole text, as many
    as `decoding.takes`. segments: indices of those to speak now, None for all; each comes out as in the whole, of
    free length or its own (`speak_stream`). Raises TextError for an empty text, ImpossibleLength for one that the words
    cannot be spoken in, CheckpointMismatch for values of another checkpoint, Cancelled through `progress`.
    """
    sampling, decoding = sampling or SamplingSettings(), decoding or DecodingSettings()
    seed = check_whole("seed", seed)
    emotion = emotion or Emotion(speaker.emotion_vector, fingerprint=speaker.fingerprint)
    if text.anchors and duration is not None and duration.unit != "free":
        raise InputError(LENGTH_AND_TIMES)
    text = with_tagged_emotions(t2s, text, speaker)
    _check_inputs(t2s, text, speaker, emotion)
    clock, count = Clock.of(t2s.config), len(text.segments)
    plans = plan_segments(text.segments, duration, clock, trained=t2s.model.config.duration.trained)
    refuse_endless(plans, longest_take(t2s.model, sampling))
    unnatural = judged_lengths(text.segments, plans, clock, t2s.pace, allow_any=decoding.allow_any_length)
    unnatural = _with_first(unnatural, unmet_whole(plans, duration))
    tasks = _tasks(t2s, text, emotion, plans)
    if segments is not None:
        tasks, count = [tasks[index] for index in segments], len(segments)
        unnatural = {at: unnatural[index] for at, index in enumerate(segments) if index in unnatural}
        text = replace(text, segments=tuple(text.segments[index] for index in segments))
    for warning in unnatural.values():
        logger.warning("%s", warning)
    if keep == "all":  # a take of the whole text is decoded like more of the text, with noise of its own
        tasks = [replace(task, index=take * count + task.index) for take in range(decoding.takes) for task in tasks]
    else:
        tasks = [replace(task, takes=decoding.takes) for task in tasks]
    decoder = BatchDecoder(t2s, speaker, sampling, decoding, seed, progress)
    tasks = decoder.with_natural_lengths(tasks, clock)
    takes = decoder.run(tasks, with_latent=decoding.with_latent and CONTENT[t2s.config.s2m.content].has_latents)
    speeches = []
    for first in range(0, len(tasks), count):
        own = takes[first : first + count]
        plans = tuple(task.plan for task in tasks[first : first + count])
        targets = resolve_targets(plans, text.segments, [len(take.tokens) for take in own], duration, clock)
        reports = tuple(
            take_report(
                task.plan,
                take,
                target,
                trained=t2s.model.config.duration.trained,
                fewest=task.fewest,
                text=segment.text,
                unnatural=unnatural.get(at),
            )
            for at, (task, segment, take, target) in enumerate(
                zip(tasks[first : first + count], text.segments, own, targets, strict=True)
            )
        )
        speeches.append(_speech(t2s, text, speaker, own, targets, reports, seed))
    return speeches if keep == "all" else speeches[0]


@torch.no_grad()
def semantic_stream(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    segment: int,
    counts: Iterable[int],
    sampling: SamplingSettings,
    seed: int = 0,
) -> Iterator[tuple[SemanticSpeech, bool]]:
    """One segment while it is decoded: its speech so far, and whether it has ended, at each of `counts` tokens.

    The length is free and there is one hypothesis, so that no token is taken back; what `text_to_semantic` would decode
    again stays as it is. Raises InputError for a segment with a length or an emotion that changes within, and where the
    model has nothing to say.
    """
    emotion = emotion or Emotion(speaker.emotion_vector, fingerprint=speaker.fingerprint)
    text = with_tagged_emotions(t2s, text, speaker)
    _check_inputs(t2s, text, speaker, emotion)
    clock, trained = Clock.of(t2s.config), t2s.model.config.duration.trained
    task = _tasks(t2s, text, emotion, plan_segments(text.segments, None, clock, trained=trained))[segment]
    text = replace(text, segments=(text.segments[segment],))
    if task.plan.controls_length or task.plan.needs_free_pass or len(task.phases) > 1:
        raise InputError(
            f"Segment '{text.segments[0].text}' has a length, or an emotion that changes within. Neither can be met "
            "while the segment is already heard: speak it in the exact way."
        )
    decoder = BatchDecoder(t2s, speaker, sampling, DecodingSettings(), seed, no_progress)
    for take, ended in decoder.growing(task, counts):
        if not len(take.tokens):
            raise InputError("The text-to-semantic stage stopped at once; try another seed.")
        yield _speech(t2s, text, speaker, [take], [None], (), seed), ended


def with_tagged_emotions(t2s: T2SModels, text: PreparedText, speaker: Speaker) -> PreparedText:
    """Emotion tags of the text become vectors of this speaker; a segment's own vector wins."""
    segments = tuple(
        segment
        if segment.emotion is not None or segment.emotion_weights is None
        else replace(segment, emotion=speaker_emotion(t2s, segment.emotion_weights, speaker))
        for segment in text.segments
    )
    return replace(text, segments=segments)


def _with_first(warnings: dict[int, str], more: str | None) -> dict[int, str]:
    """Warnings by segment, with one more at the first."""
    return {**warnings, 0: " ".join(filter(None, (more, warnings.get(0))))} if more else warnings


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
    conditioner = speaker_conditioner(t2s)
    if speaker.condition.shape[1] != conditioner.latents:
        raise CheckpointMismatch(
            f"The speaker condition has {speaker.condition.shape[1]} latents, but this text-to-semantic model needs "
            f"{conditioner.latents} ({conditioner.described}). Make the speaker condition with the same checkpoint."
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


def _tasks(t2s: T2SModels, text: PreparedText, emotion: Emotion, plans: Sequence[SegmentPlan]) -> list[Task]:
    positions, model = piece_positions(text), t2s.model
    tasks = []
    for index, (segment, plan) in enumerate(zip(text.segments, plans, strict=True)):
        ids = _speakable(model, segment)
        phases = tuple(
            Phase(phase.first_piece, t2s.place(phase.vector))
            for phase in phases_of(segment, emotion, positions[index])
            if phase.first_piece < len(ids)
        )
        language = language_row(segment.language) if model.config.language_rows else None
        fewest = math.ceil(shortest_seconds(segment.spoken) * t2s.config.tokens_per_second)
        tasks.append(Task(index, ids, phases, plan, language=language, fewest=fewest))
    return tasks


def _speakable(model: TextToSemantic, segment: Segment) -> tuple[int, ...]:
    """The ids without start and stop, which would end the text early."""
    edges = (model.config.start_text, model.config.stop_text)
    ids = tuple(number for number in segment.ids if number not in edges)
    if not ids:
        raise TextError(f"Segment '{segment.text}' holds nothing to speak. Remove it or change its text.")
    return ids


def _speech(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    takes: Sequence[Take],
    targets: Sequence[Target | None],
    reports: tuple[DurationReport, ...],
    seed: int,
) -> SemanticSpeech:
    home = speaker.condition.device
    lengths = [len(take.tokens) for take in takes]
    latent = None
    if all(take.latent is not None for take in takes):
        rows = [take.latent for take in takes if take.latent is not None]
        latent = pad_sequence(rows, batch_first=True).to(home)
    return SemanticSpeech(
        tokens=pad_sequence([take.tokens for take in takes], batch_first=True).to(home),
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
