"""A learned probe: a small network that tells the prosody style of an utterance from its log-mel spectrogram.

It hears what `prosody.py` has no number for. Fit it on some voices and texts and ask it about others: only then does it
say that a style can be heard, not that a recording is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from ..audio.mel import log_mel
from ..config import MelConfig
from ..contracts import Waveform
from ..errors import InputError
from .listeners import JUDGE_RATE, judge_samples

MELS = MelConfig(sample_rate=JUDGE_RATE, hop=160)
BANDS = MELS.bands
SMALLEST_DEVIATION = 1e-5
CROP_FRAMES = 320  # of a longer utterance the network hears a stretch, a shorter one stands between quiet
WIDTH = 96
BATCH = 24
PEAK_RATE = 2e-3
WEIGHT_DECAY = 0.02
MASKED_BANDS = 10  # at most, in training


class StyleListener(nn.Module):
    """Four strided convolutions, pooled over time by mean and deviation, and a linear reader."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = (BANDS, WIDTH, WIDTH, WIDTH, WIDTH)
        self.layers = nn.ModuleList(
            nn.Conv1d(before, after, 5, stride=2 if place < 3 else 1, padding=2)
            for place, (before, after) in enumerate(zip(widths, widths[1:], strict=False))
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, momentum=0.3) for width in widths[1:])
        self.reader = nn.Linear(2 * WIDTH, classes)
        self.dropout = nn.Dropout(0.3)

    def forward(self, mels: Tensor) -> Tensor:
        """(batch, BANDS, frames) -> logits (batch, classes)."""
        x = mels
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(functional.gelu(layer(x)))
        pooled = torch.cat([x.mean(dim=2), x.std(dim=2)], dim=1)
        return self.reader(self.dropout(pooled))


@dataclass(frozen=True, slots=True)
class LearnedProbe:
    """A fitted network with the scale of its input. centre, scale: (BANDS, 1)."""

    classes: tuple[str, ...]
    network: StyleListener
    centre: Tensor
    scale: Tensor

    @torch.inference_mode()
    def predict(self, mels: Sequence[Tensor]) -> list[str]:
        """One class name for every (BANDS, frames)."""
        self.network.eval()
        windows = [_windows((mel - self.centre) / self.scale) for mel in mels]
        scores = (self.network(stretches).softmax(dim=1).mean(dim=0) for stretches in windows)
        return [self.classes[int(score.argmax())] for score in scores]

    def accuracy(self, mels: Sequence[Tensor], labels: Sequence[str]) -> float:
        """Share of utterances whose class is found."""
        return float(np.mean([guess == label for guess, label in zip(self.predict(mels), labels, strict=True)]))


def log_mel_bands(waveform: Waveform) -> Tensor:
    """(bands, frames) log-mels at the judges' rate, 100 frames a second. Raises AudioError for less than 30 ms."""
    return log_mel(torch.from_numpy(judge_samples(waveform))[None], MELS)[0]


def _framed(mel: Tensor, start: int) -> Tensor:
    """CROP_FRAMES from `start`, which is negative where quiet comes first. (bands, frames) -> (bands, CROP_FRAMES)."""
    before, after = max(-start, 0), max(start + CROP_FRAMES - mel.shape[1], 0)
    kept = mel[:, max(start, 0) : max(start, 0) + CROP_FRAMES - before - after]
    return functional.pad(kept, (before, after), value=float(mel.min()))


def _windows(mel: Tensor) -> Tensor:
    """First, middle and last stretch of a long utterance, all of a short one: (3 or 1, bands, CROP_FRAMES)."""
    spare = mel.shape[1] - CROP_FRAMES
    starts = (0, spare // 2, spare) if spare > 0 else (spare // 2,)
    return torch.stack([_framed(mel, start) for start in starts])


def _cropped(mel: Tensor, random: np.random.Generator) -> Tensor:
    """(bands, CROP_FRAMES) from anywhere in the utterance, with a few bands hidden."""
    spare = mel.shape[1] - CROP_FRAMES
    framed = _framed(mel, int(random.integers(min(spare, 0), max(spare, 0) + 1))).clone()
    hidden, first = int(random.integers(MASKED_BANDS + 1)), int(random.integers(BANDS - MASKED_BANDS))
    framed[first : first + hidden] = 0.0
    return framed


def fit_learned_probe(
    mels: Sequence[Tensor], labels: Sequence[str], *, epochs: int = 60, seed: int = 0
) -> LearnedProbe:
    """Train the network. mels: (BANDS, frames) each. Raises InputError for fewer than two classes."""
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2 or len(mels) != len(labels):
        raise InputError(
            f"A learned probe needs one label per utterance and two classes, but got {len(mels)} utterances, "
            f"{len(labels)} labels and {len(classes)} classes."
        )
    random = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = StyleListener(len(classes))
        joined = torch.cat(list(mels), dim=1)
        centre, scale = joined.mean(dim=1, keepdim=True), joined.std(dim=1, keepdim=True) + SMALLEST_DEVIATION
        standard = [(mel - centre) / scale for mel in mels]
        targets = torch.tensor([classes.index(label) for label in labels])
        steps = epochs * -(-len(mels) // BATCH)
        optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
        network.train()
        for _ in range(epochs):
            for chosen in np.array_split(random.permutation(len(mels)), -(-len(mels) // BATCH)):
                batch = torch.stack([_cropped(standard[int(place)], random) for place in chosen])
                loss = functional.cross_entropy(network(batch), targets[chosen], label_smoothing=0.05)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    return LearnedProbe(classes, network.eval(), centre, scale)
