"""Reads speech corpora: a folder with `manifest.jsonl` and the audio files it names.

Decoded and resampled audio is kept in a cache folder, so that every epoch after the first reads it at no cost.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...atomic import make_folder, replacing
from ...audio.resample import resample_soxr
from ...checks import check_fields
from ...errors import TrainingError
from ...foreign import shown
from .json_lines import read_objects

MANIFEST = "manifest.jsonl"
PCM_SCALE = 32_767  # the cache holds 16-bit samples
DURATION_TOLERANCE_SECONDS = 0.05  # between the manifest and the decoded file


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line of a manifest; the corpus README describes every field.

    phoneme_durations: units of 25 ms, one per character of `phonemes` plus one silence before and one after; None
    where the generator gave none. `folder` is the corpus it belongs to; `extra` holds fields unknown here.
    """

    id: str
    path: str
    split: str
    speaker: str
    language: str
    text: str
    phonemes: str
    seconds: float
    sample_rate: int
    bandwidth_hz: int
    folder: Path
    source: Mapping[str, Any] = field(default_factory=dict)
    gender: str = ""
    accent: str = ""
    style: str = "neutral"
    level: float = 0.0
    style_params: Mapping[str, Any] = field(default_factory=dict)
    speed: float = 1.0
    text_source: str = ""
    phoneme_durations: tuple[int, ...] | None = None
    base_f0_hz: float | None = None
    licence: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError, sample_rate=(1, 10_000_000), seconds=(0, 1e6))

    @property
    def generator(self) -> str:
        """Name of what made the audio: "kokoro-82m", "flite", "human", ..."""
        return str(self.source.get("generator", ""))


KNOWN_FIELDS = {item.name for item in fields(Utterance)} - {"folder", "extra"}
REQUIRED_FIELDS = {
    "id", "path", "split", "speaker", "language", "text", "phonemes", "seconds", "sample_rate", "bandwidth_hz",
}  # fmt: skip


class Corpus:
    """Utterances of one or several corpora, and their audio."""

    def __init__(self, utterances: Sequence[Utterance], cache: Path | None = None) -> None:
        self.utterances = tuple(utterances)
        self.cache = cache

    @classmethod
    def open(cls, folders: Iterable[Path | str], cache: Path | str | None = None) -> Corpus:
        """Read the manifests. cache: where decoded audio is kept; None decodes anew each time.

        Raises TrainingError for a missing manifest, a damaged line, or one id in two corpora.
        """
        utterances: list[Utterance] = []
        for folder in folders:
            utterances += read_manifest(Path(folder))
        doubled = len(utterances) - len({utterance.id for utterance in utterances})
        if doubled:
            raise TrainingError(f"{doubled} utterance ids occur more than once in the manifests; ids must be unique.")
        return cls(utterances, Path(cache) if cache is not None else None)

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def seconds(self) -> float:
        return sum(utterance.seconds for utterance in self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(sorted({utterance.speaker for utterance in self.utterances}))

    def filter(
        self,
        *,
        splits: Collection[str] | None = None,
        languages: Collection[str] | None = None,
        generators: Collection[str] | None = None,
        minimum_bandwidth_hz: int = 0,
        minimum_seconds: float = 0.0,
        maximum_seconds: float = float("inf"),
        with_durations: bool = False,
    ) -> Corpus:
        """The utterances that meet every condition; None means any. Raises TrainingError when none is left."""
        kept = [
            utterance
            for utterance in self.utterances
            if (splits is None or utterance.split in splits)
            and (languages is None or utterance.language in languages)
            and (generators is None or utterance.generator in generators)
            and utterance.bandwidth_hz >= minimum_bandwidth_hz
            and minimum_seconds <= utterance.seconds <= maximum_seconds
            and (not with_durations or utterance.phoneme_durations is not None)
        ]
        if not kept:
            raise TrainingError("No utterance of the corpus meets the recipe's conditions; loosen them.")
        return Corpus(kept, self.cache)

    def waveform(self, utterance: Utterance, rate: int) -> Tensor:
        """(samples,) float32 at `rate`."""
        return torch.from_numpy(self.samples(utterance, rate).astype(np.float32) / PCM_SCALE)

    def samples(self, utterance: Utterance, rate: int) -> np.ndarray:
        """(samples,) int16 at `rate`; mapped from the cache, so that a slice reads only what it covers."""
        if self.cache is None:
            return decode(utterance, rate)
        path = self.cache / str(rate) / f"{_cache_key(utterance)}.npy"
        if not path.is_file():
            make_folder(path.parent, TrainingError)
            with replacing(path, TrainingError) as file:
                np.save(file, decode(utterance, rate))
        return np.load(path, mmap_mode="r")


def read_manifest(folder: Path) -> list[Utterance]:
    """The utterances of one corpus folder. Raises TrainingError naming the line that cannot be used."""
    path = folder / MANIFEST
    objects = enumerate(read_objects(path, "The corpus manifest"), start=1)
    return [_utterance(entry, folder, where=f"{path}, utterance {number}") for number, entry in objects]


def _utterance(entry: dict[str, Any], folder: Path, *, where: str) -> Utterance:
    missing = sorted(REQUIRED_FIELDS - set(entry))
    if missing:
        raise TrainingError(f"{where}: {', '.join(missing)} missing.")
    known = {key: value for key, value in entry.items() if key in KNOWN_FIELDS and value is not None}
    known["phonemes"] = known.get("phonemes", "")
    durations = known.get("phoneme_durations")
    if isinstance(durations, list):
        known["phoneme_durations"] = tuple(durations)
    extra = {key: value for key, value in entry.items() if key not in KNOWN_FIELDS}
    try:
        utterance = Utterance(folder=folder, extra=extra, **known)
    except (TypeError, TrainingError) as error:  # TypeError: a field that is needed is null
        raise TrainingError(f"{where}: {error}") from error
    if durations is not None:
        if len(durations) != len(utterance.phonemes) + 2:
            raise TrainingError(
                f"{where}: {len(durations)} durations for {len(utterance.phonemes)} phoneme characters; "
                "one per character and two for the edges are expected."
            )
    if not os.path.isfile(folder / utterance.path):  # which takes names of any length
        raise TrainingError(f"{where}: the audio file {shown(utterance.path)} does not exist.")
    return utterance


def decode(utterance: Utterance, rate: int) -> np.ndarray:
    """Read and resample one file. (samples,) int16. Raises TrainingError for one that does not match its manifest."""
    import soundfile

    path = utterance.folder / utterance.path
    try:
        audio, found_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (RuntimeError, OSError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
    if abs(len(audio) / found_rate - utterance.seconds) > DURATION_TOLERANCE_SECONDS:
        raise TrainingError(
            f"{path} lasts {len(audio) / found_rate:.3f} s, but its manifest says {utterance.seconds:.3f} s."
        )
    mono = audio.mean(axis=1)
    if found_rate != rate:
        mono = resample_soxr(torch.from_numpy(mono)[None], found_rate, rate)[0].numpy()
    return (np.clip(mono, -1.0, 1.0) * PCM_SCALE).round().astype(np.int16)


def _cache_key(utterance: Utterance) -> str:
    """Ids are unique within a corpus only, and a corpus may be made anew."""
    path = utterance.folder / utterance.path
    mark = f"{path.resolve()}|{path.stat().st_size}|{utterance.seconds}"
    return f"{utterance.id}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
