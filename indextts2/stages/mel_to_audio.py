"""The end of the chain: mel to audio, every row as long as was asked, with its pauses, as one recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..contracts import MelSpectrogram, Progress, Speech, Waveform, no_progress
from ..errors import CheckpointMismatch
from .handles import VocoderModels


@torch.no_grad()
def mel_to_audio(vocoder: VocoderModels, mel: MelSpectrogram, *, progress: Progress = no_progress) -> Speech:
    """Speak the rows one after the other, each followed by its pause.

    A row with a sample target is trimmed to it, or padded with silence, by less than one hop as a rule. Samples lie on
    the device of the mel, float32. Raises CheckpointMismatch for a mel of another kind, Cancelled through `progress`.
    """
    _check_domain(vocoder, mel)
    weight = next(vocoder.model.parameters())
    pieces: list[Tensor] = []
    counts: list[int] = []
    rows = mel.mel.shape[0]
    for row in range(rows):
        progress(row, rows)
        frames = int(mel.frame_lengths[row])
        samples = vocoder.model(mel.mel[row : row + 1, :, :frames].to(weight)).float()  # (1, 1, samples)
        samples = _fitted(samples, int(mel.sample_targets[row])).to(mel.mel.device)
        counts.append(samples.shape[-1])
        pieces += [samples, samples.new_zeros(1, 1, round(mel.sample_rate * mel.pauses[row]))]
    progress(rows, rows)
    reports = tuple(replace(report, sample_count=count) for report, count in zip(mel.reports, counts, strict=False))
    return Speech(Waveform(torch.cat(list(_not_empty(pieces)), dim=-1), mel.sample_rate), reports)


def _check_domain(vocoder: VocoderModels, mel: MelSpectrogram) -> None:
    wanted = (vocoder.mel.bands, vocoder.mel.sample_rate, vocoder.mel.hop)
    found = (mel.mel.shape[1], mel.sample_rate, mel.hop)
    if found != wanted:
        raise CheckpointMismatch(
            f"The vocoder reads mels of (bands, sample rate, hop) {wanted}, but the mel has {found}. "
            "Use a vocoder that was trained for the same mel."
        )


def _fitted(samples: Tensor, target: int) -> Tensor:
    """Cut or padded to `target` samples; 0 leaves it as it is."""
    if target <= 0:
        return samples
    return F.pad(samples, (0, max(0, target - samples.shape[-1])))[..., :target]


def _not_empty(pieces: list[Tensor]) -> Iterator[Tensor]:
    return (piece for piece in pieces if piece.shape[-1])
