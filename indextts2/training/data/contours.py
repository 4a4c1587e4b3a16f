"""Pitch, voicing and loudness along an utterance, two rows per semantic token: what a head reads off hidden states.

A small model otherwise leaves melody and effort to whatever frames the loss happens to reward (docs/training.md). The
heads are for training alone and are not exported.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .feature_store import FeatureEntry, FeatureStore
from .prosody import pitch_contour

ROWS_PER_TOKEN = 2
VALUES = 3  # pitch, loudness, voicing
PITCH_SPREAD = 0.2  # of natural log of hertz within a speaker's speech
LOUDNESS_SPREAD = 1.5  # of log amplitude


def token_contour(waveform: Tensor, tokens: int) -> Tensor:
    """(samples,) at 16 kHz -> (2 * tokens, 3): log F0 in hertz, interpolated where unvoiced, log amplitude, voicing."""
    log_f0, voiced, loudness = pitch_contour(waveform)
    contour = torch.stack([log_f0, loudness, voiced.to(log_f0)], dim=-1)
    rows = ROWS_PER_TOKEN * tokens
    place = ((torch.arange(rows) + 0.5) * (len(contour) / rows)).long().clamp(max=len(contour) - 1)
    return contour[place]


def relative_contours(store: FeatureStore, entries: Sequence[FeatureEntry]) -> dict[str, Tensor]:
    """Id -> (2 * tokens, 3), pitch and loudness less the mean of the speaker's voiced rows at this speed, over spreads.

    Raises TrainingError where the features were written before they had a `contour`.
    """
    groups: dict[tuple[str, float], list[FeatureEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.speaker, entry.speed), []).append(entry)
    spread = torch.tensor([PITCH_SPREAD, LOUDNESS_SPREAD])
    found: dict[str, Tensor] = {}
    for members in groups.values():
        contours = [store.tensor(entry, "contour") for entry in members]
        everything = torch.cat(contours)
        voiced = everything[everything[:, 2] > 0.0, :2]
        usual = voiced.mean(dim=0) if len(voiced) else everything[:, :2].mean(dim=0)
        for entry, contour in zip(members, contours, strict=True):
            found[entry.id] = torch.cat([(contour[:, :2] - usual) / spread, contour[:, 2:]], dim=1)
    return found


class ContourHead(nn.Module):
    """Reads a contour off hidden states, by one linear layer."""

    def __init__(self, dim: int, rows: int) -> None:
        """rows: of the contour per hidden state."""
        super().__init__()
        self.rows = rows
        self.layer = nn.Linear(dim, rows * VALUES)

    def forward(self, hidden: Tensor, contour: Tensor, counted: Tensor) -> Tensor:
        """Error of pitch where voiced, of loudness, and cross-entropy of voicing, added up.

        hidden: (batch, states, dim); contour: (batch, rows * states, 3); counted: (batch, states) bool.
        """
        pitch, loudness, voicing = (
            self.layer(hidden).float().unflatten(-1, (self.rows, VALUES)).flatten(1, 2).unbind(-1)
        )
        wanted_pitch, wanted_loudness, voiced = contour.unbind(dim=-1)
        valid = counted.repeat_interleave(self.rows, dim=1).to(pitch)
        sounding = valid * voiced
        return (
            _mean((pitch - wanted_pitch).abs(), sounding)
            + _mean((loudness - wanted_loudness).abs(), valid)
            + _mean(F.binary_cross_entropy_with_logits(voicing, voiced, reduction="none"), valid)
        )


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
