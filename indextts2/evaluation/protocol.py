"""The requests made of a checkpoint: held-out texts, unseen speakers, duration factors and the eight emotions.

A protocol is a plain list of requests, drawn once by a seed, so that two checkpoints are asked exactly the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..checks import check_fields
from ..config import EMOTIONS
from ..contracts import Duration, EmotionWeights, Speech, Waveform
from ..errors import TrainingError
from ..training.data.corpus_data import Corpus, Utterance

FACTORS = (0.75, 0.875, 1.0, 1.125, 1.25)  # of the free length, as in the paper's table of duration control
NEUTRAL = "neutral"
NEUTRALS_PER_SPEAKER = 3  # corpus recordings that tell what is normal for a speaker
TEACHER = "kokoro-82m"  # classic synthesizers beside it in a corpus are for the vocoder, not to be measured against
TEST_SPLITS = ("test_speaker", "test_text")


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One utterance to make.

    kind: "free", "duration" or "emotion". reference: who speaks. recording: the same text by the same speaker, where
    the corpus has it. emotion: weights, or None for the reference's own. style is the emotion's name, or "neutral".
    """

    id: str
    kind: str
    text: str
    speaker: str
    split: str
    reference: Utterance
    recording: Utterance | None = None
    duration: Duration = field(default_factory=Duration)
    emotion: EmotionWeights | None = None
    style: str = NEUTRAL
    seed: int = 0


Synthesise = Callable[[SpeechRequest], Speech]
"""Makes the speech of one request; its reports are read for the token counts, and may be missing."""


@dataclass(frozen=True, slots=True)
class ProtocolSettings:
    """Number of requests of each kind. Zero leaves a kind out."""

    free: int = 100
    duration: int = 12
    emotion: int = 8  # texts per emotion
    probe: int = 45  # corpus recordings per prosody style that the probe learns from
    factors: tuple[float, ...] = FACTORS
    strength: float = 1.0
    minimum_reference_seconds: float = 2.0
    splits: tuple[str, ...] = TEST_SPLITS
    seed: int = 0

    def __post_init__(self) -> None:
        whole: dict[str, Any] = dict.fromkeys(("free", "duration", "emotion", "probe"), (0, 1_000_000))
        check_fields(self, factors=(0.001, 1_000), strength=(0, None), minimum_reference_seconds=(0, None), **whole)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The requests, and the corpus recordings that the style probe learns from."""

    requests: tuple[SpeechRequest, ...]
    probe: tuple[Utterance, ...]
    corpus: Corpus
    settings: ProtocolSettings

    def of_kind(self, kind: str) -> tuple[SpeechRequest, ...]:
        return tuple(request for request in self.requests if request.kind == kind)

    def recording(self, utterance: Utterance) -> Waveform:
        """The audio of a corpus utterance at its own rate."""
        samples: Tensor = self.corpus.waveform(utterance, utterance.sample_rate)
        return Waveform(samples[None, None], utterance.sample_rate)


def _english(corpus: Corpus) -> Corpus:
    """English utterances: the teacher's alone where it read a part of a corpus, and all of a corpus without any."""
    english = [utterance for utterance in corpus.utterances if utterance.language == "en"]
    taught = {utterance.folder for utterance in english if utterance.generator == TEACHER}
    kept = [utterance for utterance in english if utterance.generator == TEACHER or utterance.folder not in taught]
    return Corpus(kept, corpus.cache)


def _named(folders: Sequence[Path]) -> str:
    return " with ".join(str(folder) for folder in folders)


def _references(corpus: Corpus, minimum_seconds: float) -> dict[str, list[Utterance]]:
    """Neutral recordings per speaker that are long enough; the longest one where none is."""
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in corpus.utterances:
        if utterance.style == NEUTRAL:
            by_speaker[utterance.speaker].append(utterance)
    chosen: dict[str, list[Utterance]] = {}
    for speaker, mine in by_speaker.items():
        enough = [utterance for utterance in mine if utterance.seconds >= minimum_seconds]
        chosen[speaker] = enough or [max(mine, key=lambda utterance: utterance.seconds)]
    return chosen


def _reference_for(
    utterance: Utterance, references: dict[str, list[Utterance]], random: np.random.Generator
) -> Utterance | None:
    choices = [other for other in references.get(utterance.speaker, []) if other.text != utterance.text]
    return choices[int(random.integers(len(choices)))] if choices else None


def _drawn(items: Sequence[Utterance], count: int, random: np.random.Generator) -> list[Utterance]:
    """`count` items, the speakers taking turns, so that a short list covers many speakers."""
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for place in random.permutation(len(items)):
        by_speaker[items[int(place)].speaker].append(items[int(place)])
    names = sorted(by_speaker)
    queues = [by_speaker[names[int(place)]] for place in random.permutation(len(names))]
    drawn: list[Utterance] = []
    while len(drawn) < count and any(queues):
        drawn += [queue.pop() for queue in queues if queue]
    return drawn[:count]


def build_protocol(folder: Path | Sequence[Path], settings: ProtocolSettings | None = None) -> Protocol:
    """Draw the requests from corpus folders with held-out texts. Raises TrainingError when there are none."""
    settings = settings or ProtocolSettings()
    folders = [folder] if isinstance(folder, Path) else list(folder)
    corpus = _english(Corpus.open(folders))
    random = np.random.default_rng(settings.seed)
    references = _references(corpus, settings.minimum_reference_seconds)
    tests = [utterance for utterance in corpus.utterances if utterance.split in settings.splits]
    if not tests:
        raise TrainingError(
            f"{_named(folders)} has no English utterance of the splits {', '.join(settings.splits)}, so there is no "
            "held-out text to ask for. Add one with held-out texts, as recipes/corpus_held_out.yaml makes."
        )
    # Of any split: a speaker of test_speaker has no recording that training heard, one of test_text may have some.
    pairs = {utterance.id: _reference_for(utterance, references, random) for utterance in tests}
    usable = [utterance for utterance in tests if pairs[utterance.id] is not None]
    if not usable:
        raise TrainingError(
            f"None of the {len(tests)} held-out texts of {_named(folders)} has a reference: a neutral recording of "
            "another text by the same speaker. Add the corpus with the other recordings of these speakers."
        )
    requests: list[SpeechRequest] = []

    def ask(
        kind: str, utterance: Utterance, suffix: str, duration: Duration, style: str = NEUTRAL, seed: int | None = None
    ) -> None:
        reference = pairs[utterance.id]
        if reference is None:
            return
        weights = EmotionWeights.of(**{style: settings.strength}) if style in EMOTIONS else None
        requests.append(
            SpeechRequest(
                f"{kind}-{utterance.id}{suffix}",
                kind,
                utterance.text,
                utterance.speaker,
                utterance.split,
                reference,
                recording=utterance,
                duration=duration,
                emotion=weights,
                style=style,
                seed=settings.seed + (len(requests) if seed is None else seed),
            )
        )

    for utterance in _drawn(usable, settings.free, random):
        ask("free", utterance, "", Duration())
    for number, utterance in enumerate(_drawn(usable, settings.duration, random)):
        for factor in settings.factors:  # of one free length, which the seed decides
            ask("duration", utterance, f"-x{factor:g}", Duration("factor", factor), seed=number)
    for utterance in _drawn(usable, settings.emotion, random):
        for style in (NEUTRAL, *EMOTIONS):
            ask("emotion", utterance, f"-{style}", Duration(), style)
    probe = _probe_recordings(corpus, settings.probe if settings.emotion else 0, random)
    return Protocol(tuple(requests), tuple(probe), corpus, settings)


def _probe_recordings(corpus: Corpus, count: int, random: np.random.Generator) -> list[Utterance]:
    """Up to `count` training recordings of each emotion, and the neutral ones of the most usual speed."""
    chosen: list[Utterance] = []
    for style in EMOTIONS:
        mine = [utterance for utterance in corpus.utterances if utterance.split == "train" and utterance.style == style]
        chosen += _drawn(mine, count, random)
    speakers = {utterance.speaker for utterance in chosen}
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in corpus.utterances:
        if utterance.split == "train" and utterance.style == NEUTRAL and utterance.speaker in speakers:
            by_speaker[utterance.speaker].append(utterance)
    for mine in by_speaker.values():
        chosen += sorted(mine, key=lambda utterance: abs(utterance.speed - 1.0))[:NEUTRALS_PER_SPEAKER]
    return chosen


def recordings_of(protocol: Protocol) -> Synthesise:
    """A `synthesise` that returns the corpus's own recordings: the ceiling every checkpoint is compared with."""

    def synthesise(request: SpeechRequest) -> Speech:
        if request.recording is None:
            raise TrainingError(f"The request {request.id} has no recording to return.")
        return Speech(protocol.recording(request.recording))

    return synthesise
