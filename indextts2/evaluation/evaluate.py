"""Run a protocol: make every request's speech, let the judges listen, gather the figures.

Works with anything that turns a request into speech: a checkpoint, the corpus's own recordings, or another program.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from ..contracts import Progress, Speech, Waveform, no_progress
from ..errors import AudioError, InputError
from .listeners import Listeners, judge_samples, open_listeners, similarity
from .probe import cross_validated_accuracy, fit_probe, left_out_guesses
from .prosody import FEATURE_NAMES, ProsodyFeatures, prosody_features
from .protocol import NEUTRAL, Protocol, ProtocolSettings, SpeechRequest, Synthesise, build_protocol
from .report import write_report
from .words import error_rates

MOVES = {
    "f0_mean": "pitch, semitones",
    "f0_range": "melody, semitones",
    "level": "loudness, dB",
    "tilt": "brightness, dB",
    "rate": "pace, letters/s",
    "pause_share": "pauses, of the time",
}
"""Features of the table of styles, and what it calls them."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """The judges' figures for one request. None: that judge did not listen, or the figure does not apply."""

    request: SpeechRequest
    seconds: float
    transcript: str | None = None
    quality: dict[str, float] | None = None
    same_speaker: float | None = None
    embedding: np.ndarray | None = None
    features: ProsodyFeatures | None = None
    tokens_asked: int | None = None
    tokens_made: int | None = None
    samples_asked: int | None = None
    samples_made: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The line of the detailed report."""
        return {
            "id": self.request.id,
            "kind": self.request.kind,
            "speaker": self.request.speaker,
            "split": self.request.split,
            "style": self.request.style,
            "text": self.request.text,
            "heard": self.transcript,
            "seconds": round(self.seconds, 3),
            "duration": [self.request.duration.unit, self.request.duration.value],
            "tokens": [self.tokens_asked, self.tokens_made],
            "same_speaker": self.same_speaker,
            "quality": self.quality,
        }


@dataclass(slots=True)
class Evaluation:
    """The figures, and one line per request. `figures` holds plain numbers and dictionaries only."""

    figures: dict[str, Any] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)


def _token_counts(speech: Speech) -> tuple[int | None, int | None]:
    """(asked, made) tokens over all segments; asked is None where a segment was free."""
    if not speech.reports:
        return None, None
    targets = [report.token_target for report in speech.reports]
    asked = None if any(target is None for target in targets) else sum(target or 0 for target in targets)
    return asked, sum(report.token_count for report in speech.reports)


def _sample_target(speech: Speech) -> int | None:
    targets = [report.sample_target for report in speech.reports]
    return sum(target or 0 for target in targets) if targets and all(targets) else None


def listen(request: SpeechRequest, speech: Speech, listeners: Listeners, reference: np.ndarray | None) -> Heard:
    """Let every judge listen to one piece of speech. Silent or broken speech counts as nothing heard."""
    asked, made = _token_counts(speech)
    common: dict[str, Any] = {
        "request": request,
        "seconds": speech.waveform.seconds,
        "tokens_asked": asked,
        "tokens_made": made,
        "samples_asked": _sample_target(speech),
        "samples_made": speech.waveform.samples.shape[-1],
    }
    try:
        judge_samples(speech.waveform)
    except AudioError as error:
        logger.warning("%s cannot be judged: %s", request.id, error)
        return Heard(**common, transcript="" if listeners.transcribe else None)
    if listeners.transcribe:
        common["transcript"] = listeners.transcribe(speech.waveform)
    if request.kind == "free" and listeners.quality:
        common["quality"] = listeners.quality(speech.waveform)
    if request.kind == "free" and listeners.embed:
        common["embedding"] = listeners.embed(speech.waveform)
        if reference is not None:
            common["same_speaker"] = similarity(common["embedding"], reference)
    if request.kind == "emotion":
        common["features"] = _features(speech.waveform, request.text)
    return Heard(**common)


def _features(waveform: Waveform, text: str) -> ProsodyFeatures | None:
    try:
        return prosody_features(waveform, text)
    except AudioError as error:
        logger.warning("No prosody was measured: %s", error)
        return None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 4) if known else None


def _words(heard: Sequence[Heard]) -> dict[str, Any]:
    pairs = [(item.request.text, item.transcript) for item in heard if item.transcript is not None]
    if not pairs:
        return {"utterances": len(heard)}
    rates = error_rates(pairs)
    return {
        "utterances": rates.utterances,
        "word_error_rate": round(rates.word_error_rate, 4),
        "character_error_rate": round(rates.character_error_rate, 4),
    }


def free_figures(heard: Sequence[Heard], references: dict[str, np.ndarray]) -> dict[str, Any]:
    """Word errors, similarity to the own and to every other reference, predicted quality; all, and by split."""
    speakers = {item.request.reference.id: item.request.speaker for item in heard}
    others = [
        similarity(item.embedding, embedding)
        for item in heard
        if item.embedding is not None
        for name, embedding in references.items()
        if speakers.get(name) != item.request.speaker
    ]
    qualities = [item.quality for item in heard if item.quality is not None]
    figures = _words(heard)
    figures["seconds"] = round(sum(item.seconds for item in heard), 2)
    figures["similarity_same"] = _mean([item.same_speaker for item in heard])
    figures["similarity_other"] = _mean(others)
    figures["quality"] = {name: _mean([quality[name] for quality in qualities]) for name in (qualities or [{}])[0]}
    figures["by_split"] = {
        split: {
            **_words([item for item in heard if item.request.split == split]),
            "similarity_same": _mean([item.same_speaker for item in heard if item.request.split == split]),
        }
        for split in sorted({item.request.split for item in heard})
    }
    return figures


def duration_figures(heard: Sequence[Heard]) -> dict[str, Any]:
    """Per factor: word errors, token error, the share of exact token counts, sample error."""
    by_factor: dict[float, list[Heard]] = defaultdict(list)
    for item in heard:
        by_factor[item.request.duration.value].append(item)
    figures: dict[str, Any] = {}
    for factor, mine in sorted(by_factor.items()):
        tokens = [
            abs(item.tokens_made - item.tokens_asked) / item.tokens_asked
            for item in mine
            if item.tokens_asked and item.tokens_made is not None
        ]
        samples = [
            float(abs(item.samples_made - item.samples_asked))
            for item in mine
            if item.samples_asked and item.samples_made is not None
        ]
        figures[f"{factor:g}"] = {
            **_words(mine),
            "token_error": _mean(tokens),
            "exact_token_share": _mean([float(error == 0.0) for error in tokens]),
            "sample_error": _mean(samples),
            "seconds": round(sum(item.seconds for item in mine), 2),
        }
    return figures


def _relative(items: Sequence[tuple[str, str, np.ndarray]]) -> tuple[np.ndarray, list[str]]:
    """(speaker, style, features) -> features relative to the speaker's neutral mean, and styles, without neutral."""
    neutral: dict[str, list[np.ndarray]] = defaultdict(list)
    for speaker, style, features in items:
        if style == NEUTRAL:
            neutral[speaker].append(features)
    kept = [(speaker, style, features) for speaker, style, features in items if style != NEUTRAL and speaker in neutral]
    rows = [features - np.mean(neutral[speaker], axis=0) for speaker, _, features in kept]
    return np.array(rows), [style for _, style, _ in kept]


def _against_neutral(heard: Sequence[Heard]) -> tuple[np.ndarray, list[str], list[str]]:
    """Features less those of the same text said neutrally by the same speaker, styles, and texts."""
    measured = [(item.request, item.features.vector()) for item in heard if item.features]
    neutral = {(ask.speaker, ask.text): features for ask, features in measured if ask.style == NEUTRAL}
    kept = [
        (ask, features) for ask, features in measured if ask.style != NEUTRAL and (ask.speaker, ask.text) in neutral
    ]
    rows = [features - neutral[ask.speaker, ask.text] for ask, features in kept]
    return np.array(rows), [ask.style for ask, _ in kept], [ask.text for ask, _ in kept]


def emotion_figures(heard: Sequence[Heard], corpus: Sequence[tuple[str, str, np.ndarray]]) -> dict[str, Any]:
    """Accuracy with which the eight emotions can be told apart by prosody.

    own: a probe fitted on the other texts tells the emotion of a text from how it differs from its neutral version;
    transfer: one fitted on corpus recordings tells it from how it differs from the speaker's neutral speech; corpus:
    cross validation within the recordings, the ceiling of transfer. Chance is one in eight. confusion: emotion asked ->
    how often each was told by the own probe. moves: `style_moves` of the speech and of the recordings.
    """
    figures: dict[str, Any] = _words(heard)
    made = [(item.request.speaker, item.request.style, item.features.vector()) for item in heard if item.features]
    features, labels = _relative(made)
    known, styles = _relative(list(corpus))
    figures["chance"] = round(1.0 / max(len(set(styles) | set(labels)), 1), 4)
    own: dict[str, float | None] = {}
    rows, asked, texts = _against_neutral(heard)
    figures["moves"] = style_moves(rows, asked, known, styles)
    try:
        told = left_out_guesses(rows, asked, texts)
    except InputError as error:
        logger.warning("The probe of the speech itself was left out: %s", error)
    else:
        figures["probe_own"] = _mean([float(guess == label) for guess, label in zip(told, asked, strict=True)])
        own = _by_label(told, asked)
        figures["confusion"] = {
            name: Counter(guess for guess, label in zip(told, asked, strict=True) if label == name)
            for name in sorted(set(asked))
        }
    found: dict[str, float | None] = {}
    if len(set(styles)) >= 2 and labels:
        try:
            figures["probe_corpus"] = round(cross_validated_accuracy(known, styles), 4)
        except InputError as error:
            logger.warning("The probe of the recordings themselves was left out: %s", error)
        probe = fit_probe(known, styles)
        figures["probe_transfer"] = round(probe.accuracy(features, labels), 4)
        found = _by_label(probe.predict(features), labels)
    figures["by_emotion"] = {
        name: {"probe_own": own.get(name), "probe_transfer": found.get(name)} for name in sorted(set(own) | set(found))
    }
    return figures


def style_moves(
    spoken: np.ndarray, asked: Sequence[str], recorded: np.ndarray, styles: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Style -> how far pitch, melody, loudness, brightness, pace and pauses move from neutral, spoken and recorded.

    spoken, recorded: (utterances, features), less neutral; asked, styles: a style for each. Styles of both only.
    """
    moves: dict[str, dict[str, float]] = {}
    for style in sorted(set(asked) & set(styles)):
        sides = {"spoken": spoken[np.array(asked) == style], "recorded": recorded[np.array(styles) == style]}
        moves[style] = {
            f"{name}, {side}": round(float(rows[:, FEATURE_NAMES.index(feature)].mean()), 2)
            for feature, name in MOVES.items()
            for side, rows in sides.items()
        }
    return moves


def _by_label(guesses: Sequence[str], labels: Sequence[str]) -> dict[str, float | None]:
    """Share told right, by label."""
    return {
        name: _mean([float(guess == label) for guess, label in zip(guesses, labels, strict=True) if label == name])
        for name in sorted(set(labels))
    }


def _reference_embeddings(protocol: Protocol, listeners: Listeners) -> dict[str, np.ndarray]:
    """Embedding of every reference of the free requests, by utterance id."""
    if listeners.embed is None:
        return {}
    references = {request.reference.id: request.reference for request in protocol.of_kind("free")}
    return {name: listeners.embed(protocol.recording(utterance)) for name, utterance in references.items()}


def probe_features(protocol: Protocol) -> list[tuple[str, str, np.ndarray]]:
    """Speaker, style and prosody of the recordings that the transferred probe learns from."""
    measured = [(item, _features(protocol.recording(item), item.text)) for item in protocol.probe]
    return [(item.speaker, item.style, features.vector()) for item, features in measured if features]


def evaluate(
    synthesise: Synthesise, protocol: Protocol, listeners: Listeners, *, progress: Progress = no_progress
) -> Evaluation:
    """Make and judge every request. A judge that is None leaves its figures out."""
    references = _reference_embeddings(protocol, listeners)
    result = Evaluation()
    total = len(protocol.requests)
    for done, request in enumerate(protocol.requests):
        progress(done, total)
        result.heard.append(listen(request, synthesise(request), listeners, references.get(request.reference.id)))
    progress(total, total)
    by_kind = {
        kind: [item for item in result.heard if item.request.kind == kind] for kind in ("free", "duration", "emotion")
    }
    if by_kind["free"]:
        result.figures["free"] = free_figures(by_kind["free"], references)
    if by_kind["duration"]:
        result.figures["duration"] = duration_figures(by_kind["duration"])
        result.figures["duration_ordered"] = lengths_follow_factors(by_kind["duration"])
    if by_kind["emotion"]:
        result.figures["emotion"] = emotion_figures(by_kind["emotion"], probe_features(protocol))
    return result


def lengths_follow_factors(heard: Sequence[Heard]) -> float | None:
    """Share of neighbouring factors of one text where the larger factor gave the longer speech."""
    by_text: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for item in heard:
        by_text[item.request.speaker, item.request.text].append((item.request.duration.value, item.seconds))
    ordered = [float(longer[1] > shorter[1]) for mine in by_text.values() for shorter, longer in pairwise(sorted(mine))]
    return _mean(ordered)


def run(
    synthesise: Synthesise,
    corpus: Path | Sequence[Path],
    output: Path,
    *,
    name: str,
    settings: ProtocolSettings | None = None,
    listeners: Listeners | None = None,
    words: dict[str, Any] | None = None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Entry of `python -m indextts2 evaluate`: build the protocol, evaluate, write report.json and report.md.

    words: figures of word borders (`word_times.word_figures`) for the report.
    Raises MissingDependency before anything is made when a judge's package is not installed.
    """
    judges = listeners or open_listeners()
    protocol = build_protocol(corpus, settings)
    result = evaluate(synthesise, protocol, judges, progress=progress)
    if words is not None:
        result.figures["words"] = words
    write_report(output, name, protocol.settings, result.figures, [item.to_dict() for item in result.heard])
    return result
