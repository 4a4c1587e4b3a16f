"""One line spoken: takes, fitted to its slot, rendered, judged and cleaned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..checks import check_fields
from ..contracts import (
    Duration,
    Emotion,
    PreparedText,
    Progress,
    SemanticSpeech,
    Speaker,
    SpokenWord,
    no_progress,
    subrange,
)
from ..errors import ImpossibleTime
from ..sampling import SamplingSettings
from ..stages.duration import Clock, describe, target_of
from ..stages.handles import SpeechModels, T2SModels
from ..stages.semantic_to_mel import FlowSettings, semantic_to_mel
from ..stages.t2s.batches import DecodingSettings
from ..stages.t2s.decode import longest_take
from ..stages.t2s.spoken_words import words_in_mel
from ..stages.t2s.text_to_semantic import text_to_semantic
from ..stages.t2s.word_times import AT_GIVEN_TIMES, place_words
from .clean import CleanSettings, overlap_samples
from .fit import Fit, FitSettings, Slot, line_pauses, line_samples, plan_fit, retargeted, unnatural_length
from .line_audio import LineAudio, line_audio, line_words
from .model import LARGEST_SEED
from .take_scores import TakeScore, TakeSettings, judged_sound, judged_speaker, judged_tokens

UNSPOKEN = ("silent", "refused")
"""Kinds of status of a line without sound."""

PARTS = 3  # of the progress of a line: tokens, mel, audio
PART_STEPS = 1000


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Settings of every line."""

    fit: FitSettings = field(default_factory=FitSettings)
    clean: CleanSettings = field(default_factory=CleanSettings)
    takes: TakeSettings = field(default_factory=TakeSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class LineAsk:
    """Request for one line. duration: a length of its own; slot: its room on the timeline."""

    text: PreparedText
    seed: int = 0
    takes: int = 1
    duration: Duration | None = None
    slot: Slot = field(default_factory=Slot)


@dataclass(frozen=True, slots=True)
class LineReport:
    """Outcome of one line beside its request.

    status: "spoken", "unfit" (it cannot stay before the next line; needs_samples says how long it is at its shortest),
    "refused" (its words cannot be spoken in the length it asks for) or "silent" (nothing in it can be spoken).

    asked_samples: None when free; method: how the length came about; stretch: of S2M, 1 for none; passages: parts a
    long line was spoken in, each with takes of its own; words: their places in the line's audio.
    """

    status: str
    asked: str
    asked_samples: int | None
    sample_count: int
    sample_rate: int
    method: str = ""
    stretch: float = 1.0
    token_count: int = 0
    token_target: int | None = None
    stop: str = ""
    seed: int = 0
    needs_samples: int | None = None
    takes: tuple[TakeScore, ...] = ()
    chosen: int = 0
    warnings: tuple[str, ...] = ()
    passages: int = 1
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """audio: (samples,) float32 on the CPU; tokens: (tokens,) of every segment of the kept take, in a row."""

    audio: Tensor
    tokens: Tensor
    report: LineReport


@dataclass(frozen=True, slots=True)
class _Take:
    semantic: SemanticSpeech
    score: TakeScore
    fit: Fit
    asked: str
    asked_samples: int | None
    sound: LineAudio | None = None


def _order(take: _Take) -> tuple[bool, float]:
    """Usable takes first, then the smallest cost."""
    return bool(take.score.faults), take.score.cost


class LineSpeaker:
    """Speaks lines with one set of models and settings."""

    def __init__(self, models: SpeechModels, settings: LineSettings) -> None:
        self.models, self.settings = models, settings
        config = models.t2s.config
        self.clock = Clock.of(config)
        self.controls_length = models.t2s.model.config.duration.trained
        self.tokens_per_second = config.tokens_per_second

    def speak(
        self, ask: LineAsk, speaker: Speaker, emotion: Emotion | None, progress: Progress = no_progress
    ) -> SpokenLine:
        """The best take of the first seed that gives a usable one, else the best of all seeds tried."""
        attempts: list[_Take] = []
        tried: list[TakeScore] = []
        for attempt in range(self.settings.takes.retries + 1):
            seed = (ask.seed + attempt) % (LARGEST_SEED + 1)
            take, scores = self._attempt(ask, speaker, emotion, seed, progress)
            attempts.append(take)
            tried += scores
            if not take.score.faults:
                break
        best = min(attempts, key=_order)
        if best.sound is None:
            return self._result(ask, best, tried, ())
        with self.models.ready("t2s") as t2s:
            rows = words_in_mel(t2s, ask.text, best.semantic, speaker, emotion)
        return self._result(ask, best, tried, line_words(ask.text, rows, best.sound, self.clock))

    def _attempt(
        self, ask: LineAsk, speaker: Speaker, emotion: Emotion | None, seed: int, progress: Progress
    ) -> tuple[_Take, list[TakeScore]]:
        """The best take of one seed, and the scores of all."""
        with self.models.ready("t2s") as t2s:
            takes = self._decoded(t2s, ask, speaker, emotion, seed, _part(progress, 0))
        takes.sort(key=_order)
        count = min(len(takes), self.settings.takes.listen)
        heard = [self._rendered(one, speaker, seed, progress) for one in takes[:count]]
        scores = sorted([one.score for one in [*heard, *takes[count:]]], key=lambda score: score.number)
        return min(heard, key=_order), scores

    def _decoded(
        self, t2s: T2SModels, ask: LineAsk, speaker: Speaker, emotion: Emotion | None, seed: int, progress: Progress
    ) -> list[_Take]:
        take_count = max(ask.takes, self.settings.takes.count)

        def decode(count: int, duration: Duration | None, *, fitted: bool = False) -> list[SemanticSpeech]:
            return text_to_semantic(
                replace(t2s, pace=None) if fitted else t2s,  # fitted to a length that was measured, not estimated
                ask.text,
                speaker,
                emotion,
                duration=duration,
                sampling=self.settings.sampling,
                decoding=replace(self.settings.decoding, takes=count),
                seed=seed,
                keep="all",
                progress=progress,
            )

        if ask.text.anchors:
            return self._at_given_times(t2s, ask, speaker, emotion, decode(take_count, ask.duration), seed)
        if ask.duration is not None:
            return self._with_own_length(ask, decode(take_count, ask.duration), seed)
        cued = ask.slot.room is not None and self.settings.fit.cue != "start"
        tagged = any(segment.duration is not None for segment in ask.text.segments)  # their lengths are theirs alone
        measure_first = cued and self.controls_length and not tagged
        spoken = decode(1 if measure_first else take_count, None)
        if not cued and ask.slot.deadline is None:
            return [self._scored(one, Fit(), "free", None, None, number, seed) for number, one in enumerate(spoken)]
        if not measure_first:
            return [self._fitted(ask, one, number, seed) for number, one in enumerate(spoken)]
        natural, pauses = line_samples(spoken[0], self.clock), line_pauses(spoken[0], self.clock)
        ended = all(report.stop != "limit" for report in spoken[0].reports)
        if not ended:  # then the natural length is not known, and the cue has to be trusted
            trusted = min(ask.slot.room or natural, ask.slot.deadline or ask.slot.room or natural)
            spare = trusted - pauses >= len(spoken[0].pauses) * self.clock.hop  # a cue of pauses alone says nothing
            natural = trusted if spare else natural
        fit = self._fit(natural, ask.slot, pauses, controls_length=True)
        if fit.told is None and take_count == 1 and ended:
            return [self._fitted(ask, spoken[0], 0, seed)]
        wanted, most = fit.told or fit.samples or natural, self._most_samples(ask.text)
        if wanted > most:
            fit = replace(fit, samples=fit.samples or natural)  # the stretch does what one take cannot
        told = Duration("samples", min(wanted, most))
        takes = decode(take_count, told, fitted=True)
        return [self._told(ask, one, fit, told, number, seed) for number, one in enumerate(takes)]

    def _fit(self, natural: int, slot: Slot, pauses: int, *, controls_length: bool) -> Fit:
        fit, any_length = self.settings.fit, self.settings.decoding.allow_any_length
        return plan_fit(natural, slot, fit, controls_length=controls_length, pauses=pauses, allow_any_length=any_length)

    def _most_samples(self, text: PreparedText) -> int:
        """The longest that T2S can be told for a text: its longest segment must stay within one take."""
        sizes = [len(segment.ids) + 1 for segment in text.segments]  # as a length is shared out among them
        tokens = (longest_take(self.models.t2s.model, self.settings.sampling) - 2) * sum(sizes) / max(sizes)
        pauses = sum(self.clock.pause_samples(segment.pause_seconds) for segment in text.segments)
        return max(1, int(tokens * self.clock.frames_per_token)) * self.clock.hop + pauses

    def _at_given_times(
        self,
        t2s: T2SModels,
        ask: LineAsk,
        speaker: Speaker,
        emotion: Emotion | None,
        spoken: Sequence[SemanticSpeech],
        seed: int,
    ) -> list[_Take]:
        """Takes whose words are at their times, which decide the length. Raises ImpossibleTime where none can be so."""
        takes, reasons = [], []
        for number, one in enumerate(spoken):
            try:
                semantic = place_words(t2s, ask.text, one, speaker, emotion)
            except ImpossibleTime as error:
                reasons.append(error)
                continue
            lead = self.clock.pause_samples(semantic.lead_seconds)
            made = lead + int(semantic.sample_targets.sum()) + line_pauses(semantic, self.clock)
            fit = self._own_length_fit(ask, made, None)
            takes.append(self._scored(semantic, fit, AT_GIVEN_TIMES, None, None, number, seed))
        if not takes:
            raise reasons[0]
        return takes

    def _own_length_fit(self, ask: LineAsk, made: int, samples: int | None) -> Fit:
        """The fit of a line that has its length for itself. made: samples it has; samples: those asked for."""
        late = ask.slot.deadline is not None and made > ask.slot.deadline
        unfit = late and self.settings.fit.overflow == "list"
        return Fit(samples, fits=not unfit, needs=made if unfit else None)

    def _with_own_length(self, ask: LineAsk, spoken: Sequence[SemanticSpeech], seed: int) -> list[_Take]:
        """Takes of a line that states its length: exact, whatever else is on the timeline."""
        own = ask.duration or Duration()
        target = target_of(own, self.clock)
        takes = []
        for number, semantic in enumerate(spoken):
            samples = target.samples if target else None
            if samples is not None:
                semantic = retargeted(semantic, samples, self.clock, self._overlap(semantic))
            made = samples or int(own.value * line_samples(semantic, self.clock))
            fit = self._own_length_fit(ask, made, samples)
            wanted = self.clock.tokens_of(samples / self.clock.hop) if samples else None
            takes.append(self._scored(semantic, fit, describe(own), samples, wanted, number, seed))
        return takes

    def _fitted(self, ask: LineAsk, semantic: SemanticSpeech, number: int, seed: int) -> _Take:
        """A free take whose length is left to the stretch. T2S is not told anything."""
        natural, pauses = line_samples(semantic, self.clock), line_pauses(semantic, self.clock)
        fit = self._fit(natural, ask.slot, pauses, controls_length=False)
        wanted = None
        if fit.samples is not None:
            wanted = self.clock.tokens_of(fit.samples / self.clock.hop)
            semantic = retargeted(semantic, fit.samples, self.clock, self._overlap(semantic))
        return self._scored(semantic, fit, self._cue_words(ask), ask.slot.room, wanted, number, seed)

    def _told(self, ask: LineAsk, semantic: SemanticSpeech, fit: Fit, told: Duration, number: int, seed: int) -> _Take:
        """A take that T2S made to a length; the rest is stretch."""
        samples = fit.samples or round(told.value)
        wanted = self.clock.tokens_of(told.value / self.clock.hop)
        semantic = retargeted(semantic, samples, self.clock, self._overlap(semantic))
        return self._scored(semantic, fit, self._cue_words(ask), ask.slot.room, wanted, number, seed)

    def _overlap(self, semantic: SemanticSpeech) -> int:
        return overlap_samples(semantic.pauses, self.clock.sample_rate, self.settings.clean)

    def _cue_words(self, ask: LineAsk) -> str:
        if ask.slot.room is None or self.settings.fit.cue == "start":
            return "free"
        relation = "at most " if self.settings.fit.cue == "within" else ""
        return f"{relation}{ask.slot.room / self.clock.sample_rate:.3f} s of its cue"

    def _scored(
        self,
        semantic: SemanticSpeech,
        fit: Fit,
        asked: str,
        asked_samples: int | None,
        wanted: int | None,
        number: int,
        seed: int,
    ) -> _Take:
        rows = [semantic.tokens[row, : int(count)].cpu() for row, count in enumerate(semantic.token_lengths)]
        stops = [report.stop != "limit" for report in semantic.reports]
        cut_off = any(report.cut_off for report in semantic.reports)
        score = judged_tokens(rows, stops, wanted, self.tokens_per_second, number, seed, cut_off=cut_off)
        return _Take(semantic, score, fit, asked, asked_samples)

    def _rendered(self, take: _Take, speaker: Speaker, seed: int, progress: Progress) -> _Take:
        """The take with its audio, its S2M reports and a score of its sound."""
        models = self.models
        flow = replace(self.settings.flow, allow_any_stretch=True)  # the limits of the fit hold instead
        with models.ready("s2m") as s2m:
            mel = semantic_to_mel(s2m, take.semantic, speaker, flow=flow, seed=seed, progress=_part(progress, 1))
        lengths = mel.frame_lengths.tolist()
        rows = [mel.mel[row, :, :count].cpu() for row, count in enumerate(lengths)]
        score = judged_sound(take.score, rows, mel.sample_rate / mel.hop)
        with models.ready("vocoder") as vocoder:
            sound = line_audio(vocoder, mel, self.settings.clean, _part(progress, 2))
        if self.settings.takes.judge_speaker:
            with models.ready("encoder") as encoder:
                score = judged_speaker(score, encoder, sound.samples, mel.sample_rate, speaker.style)
        semantic = replace(take.semantic, reports=mel.reports)
        return replace(take, semantic=semantic, score=score, sound=sound)

    def _result(
        self, ask: LineAsk, kept: _Take, tried: Sequence[TakeScore], words: tuple[SpokenWord, ...]
    ) -> SpokenLine:
        audio = torch.zeros(0) if kept.sound is None else kept.sound.samples
        reports, semantic, fit = kept.semantic.reports, kept.semantic, kept.fit
        tokens = sum(report.token_count for report in reports)
        stretch = sum(report.stretch * report.token_count for report in reports) / max(1, tokens)
        warnings = [warning for report in reports for warning in report.warnings]
        warnings += [fit.note] if fit.note else []
        warnings += unnatural_length(fit, ask.text.original, self.clock.sample_rate)
        if kept.score.faults:
            warnings.append(f"The best take is poor: {', '.join(kept.score.faults)}. Try another seed or more takes.")
        targets = [report.token_target for report in reports]
        known = [target for target in targets if target is not None]
        report = LineReport(
            status="spoken" if fit.fits else "unfit",
            asked=kept.asked,
            asked_samples=kept.asked_samples,
            sample_count=audio.shape[0],
            sample_rate=self.clock.sample_rate,
            method=_method(kept, ask, stretched=fit.samples is not None),
            stretch=round(stretch, 4),
            token_count=tokens,
            token_target=sum(known) if len(known) == len(targets) else None,
            stop=", ".join(dict.fromkeys(report.stop for report in reports)),
            seed=kept.score.seed,
            needs_samples=fit.needs,
            takes=tuple(tried),
            chosen=kept.score.number,
            warnings=tuple(dict.fromkeys((*ask.text.warnings, *warnings))),
            words=words,
        )
        rows = [semantic.tokens[row, : int(count)].cpu() for row, count in enumerate(semantic.token_lengths)]
        return SpokenLine(audio.float().contiguous(), torch.cat(rows), report)


def _method(kept: _Take, ask: LineAsk, *, stretched: bool) -> str:
    """The means by which the length was reached, in the order they are tried."""
    spoken = dict.fromkeys(report.method for report in kept.semantic.reports)
    means = ["natural" if method == "free" else method for method in spoken]
    if ask.takes > 1:
        means.append("candidates")
    if stretched:
        means.append("stretch")
    return " + ".join(dict.fromkeys(means))


def _part(progress: Progress, part: int) -> Progress:
    """One of the equal parts of a line's progress."""
    return subrange(progress, part * PART_STEPS, (part + 1) * PART_STEPS, PARTS * PART_STEPS)
