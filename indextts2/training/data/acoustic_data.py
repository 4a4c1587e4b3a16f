"""Batches of filterbanks with their targets, augmented on the fly, for the semantic encoder and the style encoder."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ...audio.fbank import FBANK
from ...errors import TrainingError
from .acoustic_cache import AcousticCache, AcousticEntry
from .phonemes import IGNORED, phone_sequence

LENGTH_JITTER = 0.2  # mixes neighbours when utterances are sorted by length
DECIBELS_PER_NAT = 10.0 / math.log(10.0)  # of power


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges of the random changes. All act on the cached log filterbank."""

    stretch: tuple[float, float] = (0.85, 1.2)  # of the length; pitch stays
    warp: tuple[float, float] = (0.9, 1.1)  # of the frequency axis, as another vocal tract
    noise_share: float = 0.5  # of the utterances
    noise_decibels: tuple[float, float] = (8.0, 45.0)  # below the loud parts of the speech
    noise_tilt_decibels: float = 15.0  # largest slope of the noise across the bands
    noise_flutter: float = 0.6  # spread of the noise in natural log
    band_masks: int = 2
    band_mask_width: int = 9
    frame_masks: int = 2
    frame_mask_width: int = 8


@dataclass(frozen=True, slots=True)
class AcousticBatch:
    """Half tokens run at twice the token clock.

    features (batch, tokens, bands * stride), mask (batch, tokens); labels (batch, halves) with IGNORED where unknown;
    log_f0, energy (batch, halves); voiced, half_mask (batch, halves) bool; phones: one row of phone ids per utterance,
    padded with 0, phone_lengths (batch,).
    """

    features: Tensor
    mask: Tensor
    labels: Tensor
    log_f0: Tensor
    energy: Tensor
    voiced: Tensor
    half_mask: Tensor
    phones: Tensor
    phone_lengths: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """As a dictionary, which the training loop can move to a device."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def uniform(low: float, high: float, generator: Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def stretch_frames(values: Tensor, count: int) -> Tensor:
    """Linear interpolation along time: (frames, bands) -> (count, bands)."""
    return F.interpolate(values.T[None], size=count, mode="linear", align_corners=False)[0].T


def warp_bands(fbank: Tensor, factor: float) -> Tensor:
    """Move what lies at band k to band k / factor: (frames, bands) -> (frames, bands)."""
    source = (torch.arange(fbank.shape[1]) * factor).clamp(max=fbank.shape[1] - 1)
    low = source.floor().long()
    high = (low + 1).clamp(max=fbank.shape[1] - 1)
    return torch.lerp(fbank[:, low], fbank[:, high], source - low)


def add_noise(fbank: Tensor, settings: Augmentation, generator: Generator) -> Tensor:
    """Stationary coloured noise, added as power: (frames, bands) -> (frames, bands)."""
    if uniform(0.0, 1.0, generator) >= settings.noise_share:
        return fbank
    loud = torch.quantile(fbank.amax(dim=1), 0.9)
    level = loud - uniform(*settings.noise_decibels, generator) / DECIBELS_PER_NAT
    slope = uniform(-1.0, 1.0, generator) * settings.noise_tilt_decibels / DECIBELS_PER_NAT
    tilt = torch.linspace(-0.5, 0.5, fbank.shape[1]) * slope
    flutter = torch.randn(fbank.shape, generator=generator) * settings.noise_flutter
    return torch.logaddexp(fbank, level + tilt + flutter)


def mask_spans(features: Tensor, settings: Augmentation, generator: Generator) -> Tensor:
    """Zero a few bands and a few stretches of normalised features (SpecAugment, arXiv 1904.08779)."""
    features = features.clone()
    for dim, count, widest in (
        (1, settings.band_masks, settings.band_mask_width),
        (0, settings.frame_masks, settings.frame_mask_width),
    ):
        for _ in range(count):
            width = int(torch.randint(0, widest + 1, (), generator=generator))
            start = int(torch.randint(0, max(1, features.shape[dim] - width), (), generator=generator))
            features.narrow(dim, start, min(width, features.shape[dim] - start)).zero_()
    return features


def normalise_bands(fbank: Tensor) -> Tensor:
    """As in `audio.fbank.semantic_input`: (frames, bands) -> (frames, bands), mean 0 and variance 1 per band."""
    deviation = (fbank.var(dim=0, keepdim=True) + FBANK.variance_epsilon).sqrt()
    return (fbank - fbank.mean(dim=0, keepdim=True)) / deviation


class AcousticData:
    """Serves batches of the given entries. `stride` is the semantic encoder's, in frames of 10 ms."""

    def __init__(self, cache: AcousticCache, entries: Sequence[AcousticEntry], *, stride: int) -> None:
        if not entries:
            raise TrainingError("No utterance of the acoustic cache can be used here. Check split and language.")
        self.cache = cache
        self.stride = stride
        self.entries = sorted(entries, key=lambda entry: entry.seconds)
        self.frames = torch.tensor([cache.get(entry, "fbank").shape[0] for entry in self.entries])

    def draw(self, frame_budget: int, generator: Generator, settings: Augmentation | None) -> AcousticBatch:
        """A random batch of utterances of similar length that holds about `frame_budget` frames with its padding."""
        jitter = 1 + LENGTH_JITTER * torch.rand(len(self.entries), generator=generator)
        order = (self.frames * jitter).argsort()
        first = int(torch.randint(0, len(self.entries), (), generator=generator))
        count = max(1, min(frame_budget // int(self.frames[order[first]]), len(self.entries)))
        first = min(first, len(self.entries) - count)
        chosen = [self.entries[index] for index in order[first : first + count].tolist()]
        return self.collate(chosen, generator, settings)

    def in_order(self, frame_budget: int) -> Iterator[AcousticBatch]:
        """Every entry once, by length, unchanged; for measurements."""
        generator = Generator().manual_seed(0)
        group: list[int] = []
        for index in range(len(self.entries)):
            if group and (len(group) + 1) * int(self.frames[index]) > frame_budget:
                yield self.collate([self.entries[member] for member in group], generator, None)
                group = []
            group.append(index)
        yield self.collate([self.entries[member] for member in group], generator, None)

    def collate(
        self, entries: Sequence[AcousticEntry], generator: Generator, settings: Augmentation | None
    ) -> AcousticBatch:
        rows = [self._row(entry, generator, settings) for entry in entries]
        columns = {kind: [row[kind] for row in rows] for kind in rows[0]}
        halves = 2 * max(row.shape[0] for row in columns["features"])

        def padded(kind: str, fill: float) -> Tensor:
            return torch.stack(
                [F.pad(row[:halves], (0, max(0, halves - len(row))), value=fill) for row in columns[kind]]
            )

        lengths = torch.tensor([len(row) for row in columns["labels"]])
        phones = [torch.tensor(phone_sequence(entry.phonemes), dtype=torch.int64) for entry in entries]
        pad = torch.nn.utils.rnn.pad_sequence
        return AcousticBatch(
            features=pad(columns["features"], batch_first=True),
            mask=pad([torch.ones(len(row), dtype=torch.bool) for row in columns["features"]], batch_first=True),
            labels=padded("labels", IGNORED),
            log_f0=padded("log_f0", 0.0),
            energy=padded("energy", 0.0),
            voiced=padded("voiced", False),
            half_mask=torch.arange(halves)[None] < lengths[:, None],
            phones=pad(phones, batch_first=True),
            phone_lengths=torch.tensor([len(row) for row in phones]),
        )

    def _row(self, entry: AcousticEntry, generator: Generator, settings: Augmentation | None) -> dict[str, Tensor]:
        fbank = self.cache.get(entry, "fbank").float()
        targets = {kind: self.cache.get(entry, kind) for kind in ("labels", "log_f0", "energy", "voiced")}
        warp = 1.0
        if settings is not None:
            warp = uniform(*settings.warp, generator)
            frames = max(2 * self.stride, round(fbank.shape[0] * uniform(*settings.stretch, generator)))
            fbank = add_noise(warp_bands(stretch_frames(fbank, frames), warp), settings, generator)
        halves = fbank.shape[0] // 2
        source = (torch.arange(halves) * (len(targets["labels"]) / max(1, halves))).long()
        row = {kind: values[source.clamp(max=len(values) - 1)] for kind, values in targets.items()}
        features = normalise_bands(fbank)
        if settings is not None:
            features = mask_spans(features, settings, generator)
        features = F.pad(features, (0, 0, 0, -features.shape[0] % self.stride))
        return {
            "features": features.reshape(-1, self.stride * features.shape[1]),
            "labels": row["labels"].long(),
            "log_f0": row["log_f0"].float() - math.log(warp),
            "energy": row["energy"].float(),
            "voiced": row["voiced"],
        }
