"""Can the styles of a corpus be told apart? Two probes and a recogniser listen to its recordings.

`python -m indextts2.evaluation.corpus_probe FOLDER ...`: every recording is judged by probes that were fitted on other
voices and other texts. Run it on half an hour of a new recipe before the long run, and on the finished corpus.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..contracts import Waveform
from ..errors import AudioError, IndexTTS2Error, InputError
from ..training.data.corpus_data import Corpus, Utterance
from .learned_probe import fit_learned_probe, log_mel_bands
from .listeners import transcribe
from .probe import fit_probe
from .prosody import FEATURE_NAMES, prosody_features
from .protocol import NEUTRAL, NEUTRALS_PER_SPEAKER, TEACHER
from .words import error_rates

VOICE_GROUPS = 4
LEAST_WORDS = 4  # shorter lines say too little of pace and melody to be judged by

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """One recording as both probes see it. features: (features,); mel: (bands, frames)."""

    utterance: Utterance
    features: np.ndarray
    mel: Tensor


@dataclass(frozen=True, slots=True)
class Told:
    """Share of recordings whose style was told, by style, and how often each was taken for which."""

    recordings: int
    share: float
    by_style: dict[str, float]
    confusion: dict[str, dict[str, int]]


def voices_of(utterance: Utterance) -> frozenset[str]:
    """The voices in a recording: both of a blend, so that no probe is asked about a voice it has heard in part."""
    source = utterance.source
    return frozenset(source["voices"]) if "voices" in source else frozenset((source.get("voice", utterance.speaker),))


def measured(corpus: Corpus) -> list[Measured]:
    """Both kinds of features of the teacher's recordings of enough words; what cannot be measured is left out."""
    found: list[Measured] = []
    for utterance in corpus.utterances:
        if utterance.generator != TEACHER or len(utterance.text.split()) < LEAST_WORDS:
            continue
        waveform = Waveform(corpus.waveform(utterance, utterance.sample_rate)[None, None], utterance.sample_rate)
        try:
            features = prosody_features(waveform, utterance.text).vector()
        except AudioError as error:
            logger.warning("%s cannot be measured: %s", utterance.id, error)
            continue
        found.append(Measured(utterance, features, log_mel_bands(waveform)))
    return found


def relative(items: Sequence[Measured]) -> list[Measured]:
    """The recordings of the styles, less the speaker's neutral ones of the most usual pace. Without such: left out."""
    neutral: dict[str, list[Measured]] = defaultdict(list)
    for item in items:
        if item.utterance.style == NEUTRAL:
            neutral[item.utterance.speaker].append(item)
    kept: list[Measured] = []
    usual: dict[str, tuple[np.ndarray, Tensor]] = {}
    for speaker, mine in neutral.items():
        nearest = sorted(mine, key=lambda item: abs(item.utterance.speed - 1.0))[:NEUTRALS_PER_SPEAKER]
        mels = torch.stack([item.mel.mean(dim=1, keepdim=True) for item in nearest])
        usual[speaker] = np.mean([item.features for item in nearest], axis=0), mels.mean(dim=0)
    for item in items:
        if item.utterance.style != NEUTRAL and item.utterance.speaker in usual:
            features, mel = usual[item.utterance.speaker]
            kept.append(Measured(item.utterance, item.features - features, item.mel - mel))
    return kept


Guess = Callable[[Sequence[Measured], Sequence[Measured]], list[str]]
"""(recordings to learn from, recordings to judge) -> styles."""


def guess_by_prosody(known: Sequence[Measured], asked: Sequence[Measured]) -> list[str]:
    """The linear discriminant of probe.py on prosody features."""
    probe = fit_probe(np.array([item.features for item in known]), [item.utterance.style for item in known])
    return probe.predict(np.array([item.features for item in asked]))


def guess_by_network(known: Sequence[Measured], asked: Sequence[Measured]) -> list[str]:
    """The network of learned_probe.py on log-mels."""
    probe = fit_learned_probe([item.mel for item in known], [item.utterance.style for item in known])
    return probe.predict([item.mel for item in asked])


def told(items: Sequence[Measured], guess: Guess, *, groups: int = VOICE_GROUPS) -> Told:
    """Judge every group of voices by what the others taught. Raises InputError when there are too few voices.

    A blend of voices of two groups is learned from where neither is asked about, and never judged.
    """
    voices = sorted({voice for item in items for voice in voices_of(item.utterance)})
    if len(voices) < groups:
        raise InputError(f"{groups} groups of voices need as many voices, but the corpus has {len(voices)}.")
    pairs: list[tuple[str, str]] = []
    for group in range(groups):
        held = set(voices[group::groups])
        asked = [item for item in items if voices_of(item.utterance) <= held]
        known = [item for item in items if not voices_of(item.utterance) & held]
        guesses = guess(known, asked)
        pairs += [(item.utterance.style, found) for item, found in zip(asked, guesses, strict=True)]
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for style, found in pairs:
        confusion[style][found] += 1
    by_style = {style: found[style] / found.total() for style, found in sorted(confusion.items())}
    right = sum(found[style] for style, found in confusion.items())
    return Told(len(pairs), right / len(pairs), by_style, {style: dict(found) for style, found in confusion.items()})


def word_errors(corpus: Corpus) -> dict[str, float]:
    """Word error rate of the recogniser by style."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for utterance in corpus.utterances:
        waveform = Waveform(corpus.waveform(utterance, utterance.sample_rate)[None, None], utterance.sample_rate)
        pairs[utterance.style].append((utterance.text, transcribe(waveform)))
    return {style: round(error_rates(mine).word_error_rate, 4) for style, mine in sorted(pairs.items())}


def main(arguments: list[str] | None = None) -> int:
    """Print the report as JSON; 1 when the corpus cannot be judged."""
    parser = argparse.ArgumentParser(prog="python -m indextts2.evaluation.corpus_probe", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="corpus folders")
    parser.add_argument("--words", action="store_true", help="also let the recogniser read every recording back")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    try:
        corpus = Corpus.open(options.folders)
        items = relative(measured(corpus))
        report = {
            "features": list(FEATURE_NAMES),
            "prosody": asdict(told(items, guess_by_prosody)),
            "network": asdict(told(items, guess_by_network)),
        }
        if options.words:
            report["word_error_rate"] = word_errors(corpus)
    except IndexTTS2Error as error:
        logger.error("%s", error)
        return 1
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
