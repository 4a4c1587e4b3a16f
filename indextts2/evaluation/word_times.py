"""Borders of words against the exact timings of a corpus, through audio-to-semantic and through text-to-semantic.

A recording becomes semantic tokens, and its words are found in them; the corpus says where they are. Speech that T2S
made of the same text has no such timings: it is laid over the recording by dynamic time warping, which carries the
recording's borders over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..audio.mel import log_mel
from ..audio.resample import resample_soxr
from ..config import MelConfig
from ..contracts import PreparedText, Progress, Speaker, SpokenWord, SpokenWords, Waveform, no_progress
from ..errors import TrainingError
from ..stages.conditions import condition_speaker
from ..stages.handles import SpeechModels
from ..stages.prepare_text import prepare_text
from ..stages.reference import reference_of
from ..stages.revoice import audio_to_semantic
from ..stages.speak import speak
from ..stages.t2s.spoken_words import words_in_time, written_words
from ..stages.word_borders import snapped_words
from ..training.data.alignment import align
from ..training.data.corpus_data import Utterance
from .protocol import Protocol

MILLISECONDS = 1000.0
HIGH = 95  # percentile that is reported beside the median
DETOUR = 0.3  # of a usual frame's cost, for each frame in which one of two recordings stands still
CHANGE_FRAMES = 2  # on either side of a frame, between which its change is taken

Border = tuple[float, float]


def true_borders(models: SpeechModels, utterance: Utterance, text: PreparedText) -> dict[str, list[Border | None]]:
    """(start, end) in seconds of the written words of a recording, by the exact timings of its phonemes; None where the
    two spellings do not meet. Empty for a text that is no single segment of the front end's own pieces.
    """
    found = models.t2s.front_end.pieces(utterance.text)
    if len(text.segments) != 1 or len(found) != len(text.segments[0].ids) or utterance.phoneme_durations is None:
        return {}
    spans = align(found.pieces, utterance.phonemes, utterance.phoneme_durations)
    words = written_words(utterance.text, text.segments[0].start, text.segments[0].end)
    borders: dict[str, list[Border | None]] = {}
    for word, first, end in words:
        own = [
            span
            for span, origin in zip(spans, text.segments[0].origins, strict=True)
            if first <= origin < end and span[1] > span[0]
        ]
        borders.setdefault(word, []).append((own[0][0], own[-1][1]) if own else None)
    return borders


def warped(recording: Tensor, other: Tensor) -> Tensor:
    """Frame of `other` for each frame of `recording`, along the cheapest path. (bands, frames) each -> (frames,).

    Frames are compared by their shape and its change; standing still costs extra, or noise in pauses leads astray.
    """
    a, b = (_shape(mel) for mel in (recording, other))
    cost = torch.cdist(a, b).double().numpy()
    detour = DETOUR * float(np.median(cost))
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for row in range(rows):
        for column in range(columns):
            still = min(total[row, column + 1], total[row + 1, column]) + detour
            before = min(total[row, column], still)
            total[row + 1, column + 1] = cost[row, column] + before
    pairs: list[list[int]] = [[] for _ in range(rows)]
    row, column = rows - 1, columns - 1
    while row >= 0 and column >= 0:
        pairs[row].append(column)
        step = int(np.argmin((total[row, column], total[row, column + 1] + detour, total[row + 1, column] + detour)))
        row, column = row - (step != 2), column - (step != 1)
    return torch.tensor([float(np.mean(own)) for own in pairs])


def _shape(mel: Tensor) -> Tensor:
    """Frames without the level of the recording, with their change: (bands, frames) -> (frames, twice the bands)."""
    level = (mel - mel.mean(1, keepdim=True)) / mel.std(1, keepdim=True).clamp_min(1e-3)
    padded = torch.nn.functional.pad(level[None], (CHANGE_FRAMES, CHANGE_FRAMES), mode="replicate")[0]
    change = (padded[:, 2 * CHANGE_FRAMES :] - padded[:, : -2 * CHANGE_FRAMES]) / 2.0
    return torch.cat([level, change]).T


def _mel(waveform: Waveform, mel: MelConfig) -> Tensor:
    return log_mel(resample_soxr(waveform.mono, waveform.sample_rate, mel.sample_rate), mel)[0]


def _errors(words: Sequence[SpokenWord], rate: int, truth: dict[str, list[Border | None]]) -> list[float]:
    """Seconds by which each border is off; words are matched by their text in the order in which they stand."""
    seen: dict[str, int] = {}
    errors: list[float] = []
    for word in words:
        place = seen.setdefault(word.text, 0)
        seen[word.text] += 1
        known = truth.get(word.text, [])
        border = known[place] if place < len(known) else None
        if border is not None:
            errors += [word.start / rate - border[0], word.end / rate - border[1]]
    return errors


def border_figures(errors: Sequence[float]) -> dict[str, Any]:
    """Median and high percentile of the border error in milliseconds, and the median with its sign."""
    if not errors:
        return {"borders": 0}
    size = np.abs(errors) * MILLISECONDS
    return {
        "borders": len(errors),
        "median_ms": round(float(np.median(size)), 1),
        f"p{HIGH}_ms": round(float(np.percentile(size, HIGH)), 1),
        "bias_ms": round(float(np.median(errors)) * MILLISECONDS, 1),
    }


def word_figures(
    models: SpeechModels, protocol: Protocol, count: int, *, progress: Progress = no_progress
) -> dict[str, dict[str, Any]]:
    """Border errors of `count` texts of the protocol by the way they were spoken. Raises TrainingError."""
    asks = [ask for ask in protocol.of_kind("free") if ask.recording and ask.recording.phoneme_durations][:count]
    if not asks:
        raise TrainingError("No held-out recording of the corpus has phoneme durations, so no word can be measured.")
    heard: dict[str, list[float]] = {"audio_to_semantic": [], "audio_to_semantic_snapped": [], "text_to_semantic": []}
    mel = models.t2s.config.mel
    for done, ask in enumerate(asks):
        progress(done, len(asks))
        if ask.recording is None:
            continue
        text = prepare_text(models.t2s.front_end, ask.text, mel=mel)
        truth = true_borders(models, ask.recording, text)
        if not truth:
            continue
        recording = protocol.recording(ask.recording)
        with models.ready("t2s") as t2s:
            speaker = condition_speaker(t2s, reference_of(models, recording))
        found = _recorded_words(models, recording, text, speaker)
        at_rate = resample_soxr(recording.mono, recording.sample_rate, mel.sample_rate)[0]
        snapped = snapped_words(found, at_rate)
        heard["audio_to_semantic"] += _errors(found.words, found.sample_rate, truth)
        heard["audio_to_semantic_snapped"] += _errors(snapped.words, found.sample_rate, truth)
        speech = speak(models, text, protocol.recording(ask.reference), seed=ask.seed, words=True)
        if speech.words is not None:
            path = warped(_mel(recording, mel), _mel(speech.waveform, mel)) * mel.hop / mel.sample_rate
            moved = {word: [_moved(one, path, mel) for one in known] for word, known in truth.items()}
            heard["text_to_semantic"] += _errors(speech.words.words, mel.sample_rate, moved)
    progress(len(asks), len(asks))
    return {name: border_figures(errors) for name, errors in heard.items()}


def _recorded_words(models: SpeechModels, recording: Waveform, text: PreparedText, speaker: Speaker) -> SpokenWords:
    with models.ready("encoder") as encoder:
        semantic = audio_to_semantic(encoder, recording)
    with models.ready("t2s") as t2s:
        return words_in_time(t2s, text, semantic, speaker)


def _moved(border: Border | None, path: Tensor, mel: MelConfig) -> Border | None:
    """Borders of a recording in the speech that `path` leads to."""
    if border is None:
        return None
    first, last = (float(path[min(len(path) - 1, int(seconds * mel.sample_rate / mel.hop))]) for seconds in border)
    return first, last
