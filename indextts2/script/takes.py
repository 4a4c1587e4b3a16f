"""Several takes of one line from one batched call of text-to-semantic, and each as a value of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..contracts import Duration, Emotion, PreparedText, Progress, SemanticSpeech, Speaker, no_progress
from ..sampling import SamplingSettings
from ..stages.handles import T2SModels
from ..stages.t2s.text_to_semantic import T2SOptions, text_to_semantic

LARGEST_SEED = 2**63


def decode_takes(
    t2s: T2SModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None,
    takes: int,
    *,
    duration: Duration | None = None,
    sampling: SamplingSettings | None = None,
    options: T2SOptions | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[SemanticSpeech]:
    """So many takes of a text, decoded together: the text is said again and again, with other noise each time.

    duration: of one take. A take does not depend on how many follow it, as far as the arithmetic of a batch allows.
    """
    if duration is not None and duration.unit not in ("free", "factor"):
        duration = replace(duration, value=duration.value * takes)
    spoken = text_to_semantic(
        t2s,
        replace(text, segments=text.segments * takes),
        speaker,
        emotion,
        duration=duration,
        settings=sampling,
        seed=seed % LARGEST_SEED,
        options=options,
        progress=progress,
    )
    count = len(text.segments)
    return [rows_of(spoken, range(take * count, (take + 1) * count)) for take in range(takes)]


def rows_of(semantic: SemanticSpeech, rows: Sequence[int]) -> SemanticSpeech:
    """Some rows of semantic speech, no wider than they need."""
    place = torch.tensor(list(rows), device=semantic.tokens.device)
    lengths = semantic.token_lengths[place]
    width = int(lengths.max())
    return replace(
        semantic,
        tokens=semantic.tokens[place][:, :width],
        token_lengths=lengths,
        latent=None if semantic.latent is None else semantic.latent[place][:, :width],
        frame_targets=semantic.frame_targets[place],
        sample_targets=semantic.sample_targets[place],
        pauses=tuple(semantic.pauses[row] for row in rows),
        reports=tuple(semantic.reports[row] for row in rows),
        texts=tuple(semantic.texts[row] for row in rows),
    )
