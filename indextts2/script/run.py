"""A script spoken line by line: resumable, shared out among processes, the same bytes however it was interrupted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..checks import check_fields
from ..config import Config
from ..contracts import Emotion, Progress, Speaker, Waveform, no_progress, subrange
from ..errors import CheckpointMismatch, ImpossibleTime, InputError, TextError, shortened
from ..stages.conditions import condition_speaker
from ..stages.duration import Clock
from ..stages.emotion.bank import speaker_emotion
from ..stages.handles import SpeechModels
from ..stages.prepare_text import Pauses, prepare_text
from ..stages.reference import reference_of
from .cast import SAVED_SUFFIX, Voice
from .fit import Slot, slots_of
from .lengths import own_refusals, short_cue
from .line import LineAsk, LineReport, LineSettings, LineSpeaker, SpokenLine
from .model import Line, Script
from .passages import joined_passages, passages_of
from .store import LineStore, key_of, passage_key

logger = logging.getLogger(__name__)

SHOWN = 40  # characters of a line that a message repeats
STEPS = 1000  # of a line, on the progress bar of the whole
BRIEF, MIDDLE, FULL, TRAILING, UNMARKED = 0.15, 0.25, 0.4, 0.5, 0.1  # seconds of silence
PAUSES: Mapping[str, float] = {
    **dict.fromkeys(",，、", BRIEF),
    **dict.fromkeys(";；:：—", MIDDLE),
    **dict.fromkeys(".。!！?？", FULL),
    "…": TRAILING,
    "": UNMARKED,
}
"""Silence between two segments of a line, by the character the first ends with."""


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Settings of a script."""

    line: LineSettings = field(default_factory=LineSettings)
    seed: int = 0  # of lines without their own
    pauses: Pauses | None = field(default_factory=lambda: PAUSES)  # between segments; None: the checkpoint's one number
    language: str = ""  # of lines without their own; "" is judged by the characters of each

    def __post_init__(self) -> None:
        check_fields(self, pauses=(0, 60))


@dataclass(frozen=True, slots=True)
class Job:
    """A script with a voice for everybody in it."""

    script: Script
    voices: Mapping[str, Voice]  # by the names in the script
    config: Config
    fingerprint: str  # of the checkpoint, its precision and the kind of device: all that shapes the sound
    settings: JobSettings = field(default_factory=JobSettings)
    seeds: Mapping[int, int] = field(default_factory=dict)  # of lines, by index, that are spoken with another one
    kept: Mapping[int, str] = field(default_factory=dict)  # keys of lines, by index, whose finished sound is kept

    def seed_of(self, index: int) -> int:
        """The seed of a line: the one it is spoken again with, else its own, else that of the job."""
        own = self.script.lines[index].seed
        return self.seeds.get(index, self.settings.seed if own is None else own)

    @property
    def slots(self) -> tuple[Slot, ...]:
        rate = Clock.of(self.config).sample_rate
        return slots_of(self.script.lines, rate, self.settings.line.fit.overflow)

    def keys(self) -> list[str]:
        """The name each finished line is kept under. Lines that were changed get another one."""
        fingerprints = {name: voice.fingerprint() for name, voice in self.voices.items()}
        settings = self.settings
        return [
            self.kept.get(index)
            or key_of(
                text=line.text,
                emotion=line.emotion,
                language=line.language or settings.language,
                duration=line.duration,
                seed=self.seed_of(index),
                takes=line.takes,
                slot=slot,
                voice=fingerprints[line.speaker],
                settings=settings.line,
                pauses=dict(settings.pauses) if isinstance(settings.pauses, Mapping) else settings.pauses,
                checkpoint=self.fingerprint,
            )
            for index, (line, slot) in enumerate(zip(self.script.lines, self.slots, strict=True))
        ]


def no_line(_line: SpokenLine) -> None:
    """Does nothing with a finished line."""


def run_lines(
    job: Job,
    load: Callable[[], SpeechModels],
    store: LineStore,
    *,
    shard: tuple[int, int] = (0, 1),
    progress: Progress = no_progress,
    ready: Callable[[SpokenLine], None] = no_line,
) -> int:
    """Speak the lines of this process that are not finished yet; returns how many were spoken.

    load: called only when there is something to speak. shard: (this process, all processes). ready: gets every line of
    this process in order, as soon as it is finished. Raises the errors of the stages, naming the line.
    """
    keys, (process, processes) = job.keys(), shard
    mine = [index for index in range(process, len(keys), processes)]
    speaking: _Speaking | None = None
    count = 0
    for place, index in enumerate(mine):
        progress(place * STEPS, len(mine) * STEPS)
        line = store.get(keys[index])
        if line is None:
            if speaking is None:
                speaking = _Speaking(job, load())
                speaking.look_ahead([other for other in mine[place:] if store.get(keys[other]) is None])
            speaking.finish(index, keys[index], store, _part(progress, place, len(mine)))
            count += 1
            line = store.get(keys[index])
        if line is not None:
            ready(line)
    progress(len(mine) * STEPS, max(1, len(mine)) * STEPS)
    return count


def finished_lines(job: Job, store: LineStore) -> list[SpokenLine | None]:
    """The finished lines of a job."""
    return [store.get(key) for key in job.keys()]


def speak_script(
    job: Job,
    load: Callable[[], SpeechModels],
    *,
    store: LineStore | None = None,
    progress: Progress = no_progress,
) -> list[SpokenLine]:
    """All lines of a script. store: None keeps them in memory only."""
    store = store or LineStore()
    run_lines(job, load, store, progress=progress)
    found = finished_lines(job, store)
    lines = [line for line in found if line is not None]
    if len(lines) != len(found):
        raise InputError("Finished lines vanished while the script was spoken. Leave the folder alone, and run again.")
    return lines


class _Speaking:
    """The models at work, and the speakers they know already."""

    def __init__(self, job: Job, models: SpeechModels) -> None:
        self.job, self.models = job, models
        self.slots, self.clock, self.line_settings = job.slots, Clock.of(job.config), job.settings.line
        self.speaker_of = LineSpeaker(models, job.settings.line)
        self._known: dict[str, Speaker] = {}

    def look_ahead(self, indices: Sequence[int]) -> None:
        """Name every line whose length looks impossible, before any is spoken."""
        found = []
        for index in indices:
            try:
                ask = self._ask(index)
                reasons = self._refusals(ask) or [short_cue(ask, self.clock, self.models.t2s.pace, self.line_settings)]
            except InputError:  # which is told where the line is spoken
                continue
            found += [f"Line {index + 1}: {reason}" for reason in reasons if reason]
        if found:
            logger.warning("Before speaking: lengths of %d lines look impossible. %s", len(found), " ".join(found))

    def _refusals(self, ask: LineAsk) -> list[str]:
        t2s = self.models.t2s
        trained = t2s.model.config.duration.trained
        return own_refusals(ask, self.clock, t2s.pace, self.line_settings, trained=trained)

    def finish(self, index: int, key: str, store: LineStore, progress: Progress) -> None:
        """Speak a line and keep it; a long one passage by passage, going on with those that are kept already."""
        line = self.job.script.lines[index]
        try:
            ask = self._ask(index)
        except TextError as error:
            store.put(key, self._unspoken("silent", str(error)))
            return
        try:
            refused = self._refusals(ask)
            if refused:
                store.put(key, self._unspoken("refused", " ".join(refused)))
                return
            speaker = self.speaker(line.speaker)
            emotion = self.emotion(line, speaker, ask.seed)
            passages = passages_of(ask, emotion, takes_start_only=self.job.settings.line.fit.cue == "start")
            names = [passage_key(key, place) for place in range(len(passages))] if len(passages) > 1 else [key]
            parts = []
            for place, (name, passage) in enumerate(zip(names, passages, strict=True)):
                part = store.get(name)
                if part is None:
                    part = self.speaker_of.speak(passage, speaker, emotion, _part(progress, place, len(passages)))
                    store.put(name, part)
                parts.append(part)
        except ImpossibleTime as error:
            store.put(key, self._unspoken("refused", str(error)))
            return
        except (InputError, CheckpointMismatch) as error:
            raise type(error)(f"Line {index + 1} of the script ('{shortened(line.text, SHOWN)}'): {error}") from error
        if len(parts) > 1:
            store.put(key, joined_passages(parts))
            for name in names:
                store.drop(name)

    def _ask(self, index: int) -> LineAsk:
        """Raises TextError for a line without a word that can be spoken."""
        line = self.job.script.lines[index]
        settings = self.job.settings
        t2s = self.models.t2s
        text = prepare_text(
            t2s.front_end,
            line.text,
            pause_seconds=settings.pauses,
            language=line.language or settings.language,
            mel=t2s.config.mel,
            pace=t2s.pace,
        )
        return LineAsk(
            text=text,
            seed=self.job.seed_of(index),
            takes=line.takes or settings.line.takes.count,
            duration=line.duration,
            slot=self.slots[index],
        )

    def _unspoken(self, status: str, reason: str) -> SpokenLine:
        report = LineReport(status, "nothing", None, 0, self.clock.sample_rate, warnings=(reason,))
        return SpokenLine(torch.zeros(0), torch.zeros(0, dtype=torch.int64), report)

    def speaker(self, name: str) -> Speaker:
        """The speaker of a name, conditioned once."""
        if name not in self._known:
            self._known[name] = self._conditioned(self.job.voices[name])
        return self._known[name]

    def _conditioned(self, voice: Voice) -> Speaker:
        source = voice.source
        if isinstance(source, Path) and source.suffix == SAVED_SUFFIX:
            from ..values.files import load_value

            return load_value(source, "speaker")
        if isinstance(source, Path):
            from ..audio.io import read_audio

            source = read_audio(source)
        if isinstance(source, Waveform):
            reference = reference_of(self.models, source)
            with self.models.ready("t2s") as t2s:
                return condition_speaker(t2s, reference)
        return source

    def emotion(self, line: Line, speaker: Speaker, seed: int) -> Emotion | None:
        """The line's emotion, else the cast's, else None for the speaker's own."""
        voice = self.job.voices[line.speaker]
        weights = line.emotion or voice.emotion_weights
        if weights is None:
            return voice.emotion
        return speaker_emotion(self.models.t2s, weights, speaker, seed=seed)


@dataclass(frozen=True, slots=True)
class SpokenScript:
    """A script with its finished lines, one each. overflow: how they were fitted."""

    script: Script
    lines: tuple[SpokenLine, ...]
    sample_rate: int
    overflow: str = "list"


def _part(progress: Progress, place: int, count: int) -> Progress:
    """One line's part of the whole, never backwards: a line that is tried again shows its furthest point."""
    return subrange(progress, place * STEPS, (place + 1) * STEPS, count * STEPS)
