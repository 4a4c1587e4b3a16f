"""What the encoders are trained on, computed once per utterance: filterbank, pitch, loudness, phone labels.

A folder holds `index.jsonl` and safetensors shards. Running `update` again adds the utterances that are new.
Per utterance, with frames of 10 ms and half tokens of 20 ms: fbank (frames, bands) float16 of 16-bit scale; labels
(halves,) int8; log_f0, energy (halves,) float16; voiced (halves,) bool.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..audio.fbank import FBANK, frame_count, kaldi_fbank
from ..audio.io import read_audio
from ..audio.resample import resample_sinc, resample_soxr
from ..config import MelConfig
from ..errors import TrainingError
from .phonemes import IGNORED, PHONE_INDEX, SILENCE, phone_labels
from .prosody import PITCH, pitch_contour

logger = logging.getLogger(__name__)

SHARD_UTTERANCES = 256
HALF_SECONDS = PITCH.hop / PITCH.sample_rate
QUIET_BELOW_LOUDEST = 4.6  # in natural log of amplitude, 40 dB
QUIET_HALVES = 5  # a label inside at least 100 ms of quiet means silence


@dataclass(frozen=True, slots=True)
class AcousticEntry:
    """One utterance of the cache. phone_string is empty for speech without usable phonemes."""

    id: str
    speaker: str
    style: str
    split: str
    language: str
    seconds: float
    shard: str
    phonemes: str = ""
    aligned: bool = False  # labels come from known durations


class AcousticCache:
    """Reads the cache folder into memory."""

    def __init__(self, folder: Path) -> None:
        index = folder / "index.jsonl"
        if not index.is_file():
            raise TrainingError(
                f"No acoustic cache at {folder}: {index.name} is missing. Build it with `update` first."
            )
        lines = index.read_text(encoding="utf-8").splitlines()
        self.entries = tuple(AcousticEntry(**json.loads(line)) for line in lines if line)
        self.tensors: dict[str, Tensor] = {}
        for shard in sorted({entry.shard for entry in self.entries}):
            self.tensors.update(load_file(folder / shard))

    def __iter__(self) -> Iterator[AcousticEntry]:
        return iter(self.entries)

    def get(self, entry: AcousticEntry, kind: str) -> Tensor:
        return self.tensors[f"{entry.id}/{kind}"]


def speaker_path_16k(path: Path) -> Tensor:
    """Audio file -> (samples,) at 16 kHz along the speaker path of the reference chain (spec/s2m.md section 1.1)."""
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
    """Add every utterance of these corpora that the cache lacks. Returns how many were added."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.jsonl"
    known = (
        {json.loads(line)["id"] for line in index.read_text(encoding="utf-8").splitlines()} if index.exists() else set()
    )
    new = [(root, line) for root in corpora for line in _manifest(root) if line["id"] not in known]
    shard_number = len(list(folder.glob("*.safetensors")))
    for start in range(0, len(new), SHARD_UTTERANCES):
        shard = f"acoustic_{shard_number:05d}.safetensors"
        tensors: dict[str, Tensor] = {}
        entries: list[AcousticEntry] = []
        for root, line in new[start : start + SHARD_UTTERANCES]:
            durations = line.get("phoneme_durations")
            made = utterance_tensors(speaker_path_16k(root / line["path"]), line.get("phonemes") or "", durations)
            tensors |= {f"{line['id']}/{kind}": value.contiguous() for kind, value in made.items()}
            known_fields = {field.name for field in fields(AcousticEntry)}
            values = {key: value for key, value in line.items() if key in known_fields and value is not None}
            entries.append(AcousticEntry(**values, shard=shard, aligned=durations is not None))
        save_file(tensors, folder / shard)
        with index.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
        shard_number += 1
        logger.info("Acoustic cache: %d of %d new utterances", min(start + SHARD_UTTERANCES, len(new)), len(new))
    return len(new)


def _manifest(root: Path) -> list[dict]:
    manifest = root / "manifest.jsonl"
    if not manifest.is_file():
        raise TrainingError(f"{root} has no manifest.jsonl. Point to a corpus folder.")
    return [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines() if line]
