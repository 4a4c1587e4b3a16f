"""All takes of a text with their scores, so that a listener chooses: lengths, similarity, words, natural ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from ..contracts import (
    Duration,
    Emotion,
    PreparedText,
    Progress,
    SemanticSpeech,
    Speaker,
    Waveform,
    no_progress,
    subrange,
)
from ..errors import InputError, shortened
from ..stages.handles import SpeechModels
from ..stages.mel_to_audio import mel_to_audio
from ..stages.semantic_to_mel import semantic_to_mel
from ..stages.speak import SpeakSettings
from ..stages.t2s.text_to_semantic import text_to_semantic
from .take_scores import TakeScore, judged_sound, judged_speaker, judged_tokens

WORD_COST = 4.0  # of a take in which every word is wrong
SHARE_OF_TOKENS = 400  # of a thousand steps of progress; the rest is shared out among the takes
STEPS = 1000
SHOWN = 60  # characters of the text in a report

WordError = Callable[[Waveform, str], float]
"""Share of the words of a text that a recogniser does not hear in its speech."""


@dataclass(frozen=True, slots=True)
class SpokenTake:
    """One take of a whole text, heard and judged."""

    semantic: SemanticSpeech
    waveform: Waveform
    score: TakeScore
    natural_stop: bool  # every segment ended by itself: neither forced nor cut by the limit
    word_error: float | None = None  # None without a recogniser

    @property
    def seconds(self) -> float:
        return self.waveform.seconds

    @property
    def cost(self) -> float:
        """Sum of the faults; the smallest is the best."""
        return self.score.cost + WORD_COST * (self.word_error or 0.0)


@dataclass(frozen=True, slots=True)
class Takes:
    """The takes of a text, in the order they were decoded."""

    takes: tuple[SpokenTake, ...]
    text: str
    asked_seconds: float | None = None  # None when the length is free

    def __post_init__(self) -> None:
        if not self.takes:
            raise InputError("There are no takes. Decode at least one.")

    @property
    def best(self) -> int:
        """Index of the best take: usable ones first, then the smallest cost."""
        return min(range(len(self.takes)), key=lambda at: (bool(self.takes[at].score.faults), self.takes[at].cost))

    def take(self, number: int) -> SpokenTake:
        """A take by its number from 1; 0 is the best. Raises InputError for a number that is not there."""
        if not 0 <= number <= len(self.takes):
            raise InputError(f"There are takes 1 to {len(self.takes)}, and 0 is the best, but got {number}.")
        return self.takes[number - 1 if number else self.best]

    def batch(self) -> Waveform:
        """All of them, padded with silence at the end: samples (takes, 1, samples)."""
        longest = max(one.waveform.samples.shape[-1] for one in self.takes)
        rows = [
            torch.nn.functional.pad(one.waveform.samples[:1], (0, longest - one.waveform.samples.shape[-1]))
            for one in self.takes
        ]
        return Waveform(torch.cat(rows), self.takes[0].waveform.sample_rate)


def speak_takes(
    models: SpeechModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None = None,
    *,
    duration: Duration | None = None,
    settings: SpeakSettings | None = None,
    seed: int = 0,
    word_error: WordError | None = None,
    progress: Progress = no_progress,
) -> Takes:
    """Every take of a text (`settings.decoding.takes`), through the whole chain.

    word_error: a recogniser's, None to leave words unjudged. Take k is the same whatever the number of takes. Raises
    the errors of the stages.
    """
    settings = settings or SpeakSettings()
    with models.ready("t2s") as t2s:
        decoded = text_to_semantic(
            t2s,
            text,
            speaker,
            emotion,
            duration=duration,
            sampling=settings.sampling,
            decoding=settings.decoding,
            seed=seed,
            keep="all",
            progress=subrange(progress, 0, SHARE_OF_TOKENS, STEPS),
        )
    spoken = []
    for number, semantic in enumerate(decoded):
        begin, end = (SHARE_OF_TOKENS + (STEPS - SHARE_OF_TOKENS) * at // len(decoded) for at in (number, number + 1))
        one = _heard(models, semantic, speaker, settings, seed, number, subrange(progress, begin, end, STEPS))
        words = None if word_error is None else word_error(one.waveform, text.original)
        spoken.append(replace(one, word_error=None if words is None else round(words, 4)))
    samples = decoded[0].sample_targets
    rate = spoken[0].waveform.sample_rate
    pauses = sum(int(seconds * rate) for seconds in decoded[0].pauses)
    asked = (int(samples.sum()) + pauses) / rate if bool((samples > 0).all()) else None
    return Takes(tuple(spoken), text.original, asked)


def _heard(
    models: SpeechModels,
    semantic: SemanticSpeech,
    speaker: Speaker,
    settings: SpeakSettings,
    seed: int,
    number: int,
    progress: Progress,
) -> SpokenTake:
    """A take with its audio and the score of its tokens, its mel and its voice."""
    tokens_per_second = models.t2s.config.tokens_per_second
    rows = [semantic.tokens[row, : int(count)].cpu() for row, count in enumerate(semantic.token_lengths)]
    targets = [report.token_target for report in semantic.reports]
    known = [target for target in targets if target is not None]
    stops = [report.stop for report in semantic.reports]
    score = judged_tokens(
        rows,
        [stop != "limit" for stop in stops],
        sum(known) if known and len(known) == len(targets) else None,
        tokens_per_second,
        number,
        seed,
    )
    with models.ready("s2m") as s2m:
        mel = semantic_to_mel(s2m, semantic, speaker, flow=settings.flow, seed=seed, progress=progress)
    lengths = mel.frame_lengths.tolist()
    mels = [mel.mel[row, :, :count].cpu() for row, count in enumerate(lengths)]
    score = judged_sound(score, mels, mel.sample_rate / mel.hop)
    with models.ready("vocoder") as vocoder:
        waveform = mel_to_audio(vocoder, mel, progress=progress).waveform
    with models.ready("encoder") as encoder:
        score = judged_speaker(score, encoder, waveform.samples[0, 0].cpu(), waveform.sample_rate, speaker.style)
    natural = all(stop == "own" for stop in stops)
    return SpokenTake(replace(semantic, reports=mel.reports), waveform, score, natural)


def takes_table(takes: Takes) -> list[dict[str, object]]:
    """One row of plain values per take; None where a judge did not listen, or the figure does not apply."""
    return [
        {
            "take": at + 1,
            "best": at == takes.best,
            "seconds": round(one.seconds, 3),
            "asked_seconds": None if takes.asked_seconds is None else round(takes.asked_seconds, 3),
            "tokens": one.score.tokens,
            "length_error": one.score.length_error,
            "similarity": one.score.speaker_cosine,
            "word_error": one.word_error,
            "natural_stop": one.natural_stop,
            "faults": list(one.score.faults),
            "cost": round(one.cost, 4),
        }
        for at, one in enumerate(takes.takes)
    ]


def describe_takes(takes: Takes) -> str:
    """The table in words, one row per take, the best marked."""
    rows = [f"Takes of '{shortened(takes.text, SHOWN)}':"]
    for values in takes_table(takes):
        facts = [f"{values['seconds']} s", f"{values['tokens']} tokens", f"length error {values['length_error']}"]
        facts += [f"similarity {values['similarity']}"] if values["similarity"] is not None else []
        facts += [f"word error {values['word_error']}"] if values["word_error"] is not None else []
        facts.append("natural stop" if values["natural_stop"] else "its end was forced or cut")
        facts += _texts(values["faults"])
        mark = " (best)" if values["best"] else ""
        rows.append(f"{values['take']}{mark}: {', '.join(facts)}")
    return "\n".join(rows)


def _texts(values: object) -> Sequence[str]:
    return [str(value) for value in values] if isinstance(values, list) else []
