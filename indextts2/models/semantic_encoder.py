"""Semantic encoder: Wav2Vec2-BERT up to the tapped layer (docs/spec/reference.md#semantic-features).

Only what lies below the tapped layer is built, so the keys are the live part of the published file. Weights come from
loading/, never from here.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..config import SemanticEncoderConfig
from .wav2vec2_bert import ConformerEncoder, FeatureProjection, initialise


class SemanticEncoder(nn.Module):
    """Stacked filterbank frames -> hidden states of the tapped layer, before normalisation by the stored statistics."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        self.feature_projection = FeatureProjection(config)
        self.encoder = ConformerEncoder(config)
        self.config = config
        self.apply(initialise)

    def forward(self, input_features: Tensor, mask: Tensor | None = None) -> Tensor:
        """input_features: (batch, tokens, bands * stride), mask: (batch, tokens) -> (batch, tokens, dim).

        Without a mask every token counts. Masked tokens keep their place in the output.
        """
        projected = self.feature_projection(input_features)
        return self.encoder(projected, None if mask is None else mask.to(projected.device).bool())
