"""Content that semantic-to-mel reads of tokens and of a reference: one class per kind of `S2MConfig.content`.

Rows of content are what the length regulator stretches: one per token, or several where the codec resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..contracts import Reference, SemanticSpeech
from ..models.codec import SemanticCodec
from ..models.resampling_codec import ResamplingCodec
from ..models.s2m import SemanticToMel, single_precision_frames, stretched_frames
from .placed import device_of

NO_LATENTS = "This checkpoint speaks without latents, so that the strength of the latents changes nothing."
NO_LATENT_TO_GUIDE = "There is no latent in this speech, so that latent guidance changes nothing."


class ContentSource(Protocol):
    """Turns semantic speech into rows of content."""

    has_latents: bool

    def __init__(self, codec: Any, model: SemanticToMel) -> None: ...

    def __call__(self, semantic: SemanticSpeech, latent_strength: float) -> tuple[Tensor, list[int]]:
        """-> rows (batch, rows, semantic_dim), padded on the right, and how many each item has."""

    @staticmethod
    def prompt(reference: Reference) -> Tensor:
        """The same of a reference: (1, rows, semantic_dim)."""

    @staticmethod
    def natural_frames(rows: int, frames_per_row: float) -> int:
        """Mel frames of so many rows when no length is asked."""

    @staticmethod
    def stretched_frames(rows: int, frames_per_row: float, factor: float) -> int:
        """Mel frames at `factor` times the natural length."""


@dataclass(frozen=True, slots=True)
class EmbeddingPlusLatent:
    """IndexTTS-2: the codec's embedding of every token, plus the projected latent of T2S; a reference is quantised."""

    codec: SemanticCodec
    model: SemanticToMel

    has_latents = True

    def __call__(self, semantic: SemanticSpeech, latent_strength: float) -> tuple[Tensor, list[int]]:
        device = device_of(self.codec)
        rows = self.codec.embed(semantic.tokens.to(device))
        lengths = [int(count) for count in semantic.token_lengths]
        if semantic.latent is None or latent_strength == 0.0:
            return rows, lengths
        latent = semantic.latent.to(device=device, dtype=rows.dtype)
        return rows + latent_strength * self.model.project_latent(latent), lengths

    @staticmethod
    def prompt(reference: Reference) -> Tensor:
        return reference.quantized

    @staticmethod
    def natural_frames(rows: int, frames_per_row: float) -> int:
        return single_precision_frames(rows, frames_per_row)

    @staticmethod
    def stretched_frames(rows: int, frames_per_row: float, factor: float) -> int:
        return max(1, round(factor * frames_per_row * rows))


@dataclass(frozen=True, slots=True)
class CodecDecode:
    """IndexTTS-2.5: what the codec decodes, several rows a token; a reference stays continuous. No latents."""

    codec: ResamplingCodec
    model: SemanticToMel

    has_latents = False

    def __call__(self, semantic: SemanticSpeech, latent_strength: float) -> tuple[Tensor, list[int]]:
        device, repeats = device_of(self.codec), self.codec.config.downsample
        counts = [int(count) for count in semantic.token_lengths]
        decoded = [  # one by one: the codec knows no mask, and padding would leak into the last rows
            self.codec.decode(semantic.tokens[index : index + 1, :count].to(device))[0]
            for index, count in enumerate(counts)
        ]
        longest = max(rows.shape[0] for rows in decoded)
        padded = [F.pad(rows, (0, 0, 0, longest - rows.shape[0])) for rows in decoded]
        return torch.stack(padded), [repeats * count for count in counts]

    @staticmethod
    def prompt(reference: Reference) -> Tensor:
        return reference.features

    @staticmethod
    def natural_frames(rows: int, frames_per_row: float) -> int:
        return stretched_frames(rows, frames_per_row)

    @staticmethod
    def stretched_frames(rows: int, frames_per_row: float, factor: float) -> int:
        return stretched_frames(rows, frames_per_row, factor)


CONTENT: dict[str, type[ContentSource]] = {"latent": EmbeddingPlusLatent, "decoder": CodecDecode}
"""Kind of content -> its class. A further kind is a further entry."""


def spans_in_rows(spans: Sequence[tuple[int, int]] | None, rows_per_token: int) -> list[tuple[int, int]] | None:
    """(tokens, frames) pieces as (rows, frames)."""
    return None if spans is None else [(tokens * rows_per_token, frames) for tokens, frames in spans]
