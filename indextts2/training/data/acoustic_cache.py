"""Data that the encoders are trained on, computed once per utterance: filterbank, pitch, loudness, phone labels.

A folder holds safetensors shards, and `index.jsonl` tells which one an utterance is in. Several recipes may share it:
each reads the utterances of its own corpora. Running `update` again adds those that are new or were made anew.
Per utterance, with frames of 10 ms and half tokens of 20 ms: fbank (frames, bands) float16 of 16-bit scale; labels
(halves,) int8; log_f0, energy (halves,) float16; voiced (halves,) bool.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ...atomic import append_text, make_folder, write_bytes
from ...audio.fbank import FBANK, frame_count, kaldi_fbank
from ...audio.io import read_audio
from ...audio.resample import resample_sinc, resample_soxr
from ...config import MelConfig
from ...errors import TrainingError
from .corpus_data import Corpus, Utterance
from .json_lines import fields_of, read_objects
from .phonemes import IGNORED, PHONE_INDEX, SILENCE, phone_labels
from .prosody import PITCH, pitch_contour

logger = logging.getLogger(__name__)

INDEX = "index.jsonl"
KINDS = ("fbank", "labels", "log_f0", "energy", "voiced")
SHARD_UTTERANCES = 256
HALF_SECONDS = PITCH.hop / PITCH.sample_rate
QUIET_BELOW_LOUDEST = 4.6  # in natural log of amplitude, 40 dB
QUIET_HALVES = 5  # a label inside at least 100 ms of quiet means silence


@dataclass(frozen=True, slots=True)
class AcousticEntry:
    """One utterance of the cache. phonemes is empty for speech without usable ones; key names its tensors."""

    id: str
    speaker: str
    split: str
    language: str
    seconds: float
    key: str
    phonemes: str = ""
    aligned: bool = False  # labels come from known durations


class AcousticCache:
    """Reads the utterances of some corpora from the cache folder into memory."""

    def __init__(self, folder: Path, corpora: Sequence[Path]) -> None:
        shards = _shards(folder)
        self.entries = tuple(_entry(utterance) for utterance in Corpus.open(corpora).utterances)
        missing = [entry.id for entry in self.entries if entry.key not in shards]
        if missing:
            raise TrainingError(
                f"The acoustic cache at {folder} lacks {len(missing)} utterances of the corpora, {missing[0]} for one. "
                "Build it with `update` first."
            )
        self.tensors: dict[str, Tensor] = {}
        for shard in sorted({shards[entry.key] for entry in self.entries}):
            with safe_open(folder / shard, framework="pt") as file:
                for key in (entry.key for entry in self.entries if shards[entry.key] == shard):
                    self.tensors |= {f"{key}/{kind}": file.get_tensor(f"{key}/{kind}") for kind in KINDS}

    def __iter__(self) -> Iterator[AcousticEntry]:
        return iter(self.entries)

    def get(self, entry: AcousticEntry, kind: str) -> Tensor:
        return self.tensors[f"{entry.key}/{kind}"]


def open_cache(folder: str, corpora: Sequence[str]) -> AcousticCache:
    """The utterances of the corpora that a recipe names; those that the folder lacks are added first."""
    roots = [Path(corpus) for corpus in corpora]
    update(Path(folder), roots)
    return AcousticCache(Path(folder), roots)


def speaker_path_16k(path: Path) -> Tensor:
    """Audio file -> (samples,) at 16 kHz along the speaker path of the reference chain.

    Source: docs/spec/reference.md#speaker-path.
    """
    waveform = read_audio(path)
    mono = waveform.samples[0].mean(dim=0, keepdim=True)
    middle_rate = MelConfig().sample_rate
    return resample_sinc(resample_soxr(mono, waveform.sample_rate, middle_rate), middle_rate, FBANK.sample_rate)[0]


def utterance_tensors(waveform: Tensor, phonemes: str, durations: Sequence[int] | None) -> dict[str, Tensor]:
    """Everything the cache keeps of one utterance; waveform: (samples,) at 16 kHz."""
    fbank = kaldi_fbank(waveform[None] * FBANK.integer_scale)[0]
    halves = frame_count(waveform.shape[-1]) // 2
    # Half token h covers frames 2h and 2h + 1, whose common centre lies half a window and half a hop after their start.
    centre = (FBANK.frame + FBANK.hop) / 2 / FBANK.sample_rate
    log_f0, voiced, energy = (values[:halves] for values in pitch_contour(waveform))
    labels = torch.full((halves,), IGNORED, dtype=torch.int64)
    if durations is not None:
        labels = phone_labels(phonemes, durations, torch.arange(halves) * HALF_SECONDS + centre)
        labels[_long_quiet(energy)] = PHONE_INDEX[SILENCE]
    return {
        "fbank": fbank.to(torch.float16),
        "labels": labels.to(torch.int8),
        "log_f0": log_f0.to(torch.float16),
        "energy": energy.to(torch.float16),
        "voiced": voiced,
    }


def _long_quiet(energy: Tensor) -> Tensor:
    """True where the frame lies inside a run of quiet frames long enough to be a pause: (frames,) -> (frames,)."""
    quiet = energy < energy.max() - QUIET_BELOW_LOUDEST
    edges = torch.nn.functional.pad(quiet.int(), (1, 1)).diff()
    long_quiet = torch.zeros_like(quiet)
    for start, end in zip((edges == 1).nonzero().flatten(), (edges == -1).nonzero().flatten(), strict=True):
        if end - start >= QUIET_HALVES:
            long_quiet[start:end] = True
    return long_quiet


def update(folder: Path, corpora: Sequence[Path]) -> int:
    """Add every utterance of these corpora that the cache lacks. Returns how many were added.

    Raises TrainingError for an id that occurs twice in these corpora.
    """
    utterances = Corpus.open(corpora).utterances
    make_folder(folder, TrainingError)
    known = _shards(folder)
    new = [utterance for utterance in utterances if _key(utterance) not in known]
    shard_number = len(list(folder.glob("*.safetensors")))
    for start in range(0, len(new), SHARD_UTTERANCES):
        shard = f"acoustic_{shard_number:05d}.safetensors"
        tensors: dict[str, Tensor] = {}
        lines: list[str] = []
        for utterance in new[start : start + SHARD_UTTERANCES]:
            waveform, key = speaker_path_16k(utterance.folder / utterance.path), _key(utterance)
            made = utterance_tensors(waveform, utterance.phonemes or "", utterance.phoneme_durations)
            tensors |= {f"{key}/{kind}": value.contiguous() for kind, value in made.items()}
            lines.append(json.dumps({"key": key, "shard": shard}, ensure_ascii=False) + "\n")
        write_bytes(folder / shard, save(tensors), TrainingError)
        append_text(folder / INDEX, "".join(lines), TrainingError)
        shard_number += 1
        logger.info("Acoustic cache: %d of %d new utterances", min(start + SHARD_UTTERANCES, len(new)), len(new))
    return len(new)


def _entry(utterance: Utterance) -> AcousticEntry:
    return AcousticEntry(
        id=utterance.id,
        speaker=utterance.speaker,
        split=utterance.split,
        language=utterance.language,
        seconds=utterance.seconds,
        key=_key(utterance),
        phonemes=utterance.phonemes or "",
        aligned=utterance.phoneme_durations is not None,
    )


def _key(utterance: Utterance) -> str:
    """Changes with the audio file and with what its labels are made from. Ids alone are unique within a corpus only."""
    path = (utterance.folder / utterance.path).resolve()
    file = path.stat()
    mark = f"{path}|{file.st_size}|{file.st_mtime_ns}|{utterance.phonemes}|{utterance.phoneme_durations}"
    return f"{utterance.id}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"


def _shards(folder: Path) -> dict[str, str]:
    """Shard by key of everything in the folder; lines of earlier versions, which knew ids only, do not count."""
    index = folder / INDEX
    entries = read_objects(index, "The index of the cache") if index.is_file() else ()
    own = (fields_of(entry, f"The index {index}", key=str, shard=str) for entry in entries if "key" in entry)
    return {key: shard for key, shard in own}
