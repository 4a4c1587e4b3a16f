"""Semantic encoder: Wav2Vec2-BERT up to the tapped layer (spec/s2m.md section 1.3).

The layers are those of transformers; only what lies below the tapped layer is built, so the keys are the live part of
the published file. Weights come from loading/, never from here.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..config import SemanticEncoderConfig


class SemanticEncoder(nn.Module):
    """Stacked filterbank frames -> hidden states of the tapped layer, before normalisation by the stored statistics."""

    def __init__(self, config: SemanticEncoderConfig) -> None:
        super().__init__()
        from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

        published = Wav2Vec2BertModel(Wav2Vec2BertConfig(**library_settings(config)))
        self.feature_projection = published.feature_projection
        self.encoder = published.encoder
        self.config = config

    def forward(self, input_features: Tensor, mask: Tensor | None = None) -> Tensor:
        """input_features: (batch, tokens, bands * stride), mask: (batch, tokens) -> (batch, tokens, dim).

        Without a mask every token counts. Masked tokens keep their place in the output.
        """
        projected, _ = self.feature_projection(input_features)
        attention_mask = None if mask is None else mask.to(projected.device)
        return self.encoder(projected, attention_mask=attention_mask, return_dict=True).last_hidden_state


def library_settings(config: SemanticEncoderConfig) -> dict[str, Any]:
    """Arguments of transformers' Wav2Vec2BertConfig: the published ones, without random training aids."""
    dropouts = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout")
    return {
        "hidden_size": config.dim,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.feed_forward,
        "feature_projection_input_dim": config.input_dim,
        "conv_depthwise_kernel_size": config.conv_kernel,
        "left_max_position_embeddings": config.left_positions,
        "right_max_position_embeddings": config.right_positions,
        "position_embeddings_type": "relative_key",
        "hidden_act": "swish",
        "add_adapter": False,
        "apply_spec_augment": False,
        "mask_time_prob": 0.0,  # above 0 the library draws an embedding of masked time from the global generator
        "mask_feature_prob": 0.0,
        "layerdrop": 0.0,
        "conformer_conv_dropout": 0.0,
        "attn_implementation": "eager",  # the other kinds cannot take relative positions in every version
        **dict.fromkeys(dropouts, 0.0),
    }
