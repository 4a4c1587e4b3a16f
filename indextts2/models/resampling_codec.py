"""Codec of half the token rate: continuous semantic features to tokens, and tokens back to features (IndexTTS-2.5).

Two frames become one token on the way in and one token two frames on the way out, by a convolution on either side of
the architecture of `codec.py` (docs/spec/v25.md#codec). Attribute names follow the published file.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..config import CodecConfig
from .codec import ConvNeXtStack, FactorizedQuantizer, ResidualQuantizer, SemanticCodec, check_tokens

RESAMPLING_KERNEL = 3


UNUSED_BY_SIDE = {"both": (), "encode": ("decoder", "up"), "decode": ("down", "encoder")}
"""Side of a codec that is needed -> the modules that are not: its encoder, or what S2M reads."""


def codec_of(config: CodecConfig, side: str = "both") -> SemanticCodec | ResamplingCodec:
    """The codec of a configuration, or one side of it, whose other modules are empty."""
    codec = ResamplingCodec(config) if config.downsample > 1 else SemanticCodec(config)
    for name in UNUSED_BY_SIDE[side]:
        if hasattr(codec, name):
            setattr(codec, name, nn.Sequential())
    return codec


class ResamplingCodec(nn.Module):
    """Encoder, quantizer and decoder with `config.downsample` frames to a token.

    There is no mask of padding, so rows of a batch have to be equally long.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        padding = RESAMPLING_KERNEL // 2
        self.down = nn.Conv1d(config.dim, config.dim, RESAMPLING_KERNEL, stride=config.downsample, padding=padding)
        self.encoder = nn.Sequential(ConvNeXtStack(config), nn.Linear(config.width, config.dim))
        self.quantizer = ResidualQuantizer(config)
        self.decoder = nn.Sequential(ConvNeXtStack(config), nn.Linear(config.width, config.dim))
        self.up = nn.Conv1d(config.dim, config.dim, RESAMPLING_KERNEL, padding=padding)

    @property
    def codebook(self) -> FactorizedQuantizer:
        """The one quantizer there is."""
        return self.quantizer.only

    def encode(self, features: Tensor) -> Tensor:
        """Normalised features (batch, frames, dim) -> (batch, ceil(frames / downsample), dim), before quantisation."""
        return self.encoder(F.gelu(self.down(features.transpose(1, 2))).transpose(1, 2))

    def quantize(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, frames, dim) -> tokens (batch, tokens) and quantised (batch, tokens, dim)."""
        tokens = self.codebook.search(self.codebook.project(self.encode(features)))
        return tokens, self.embed(tokens)

    def embed(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, tokens) -> quantised features (batch, tokens, dim). Raises InputError, see `check_tokens`."""
        check_tokens(tokens, self.config.codebook_size)
        return self.codebook.expand(self.codebook.codebook(tokens))

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, tokens) -> features (batch, tokens * downsample, dim), a reconstruction of the encoder's."""
        decoded = self.decoder(self.embed(tokens))
        repeated = decoded.repeat_interleave(self.config.downsample, dim=1)
        return self.up(repeated.transpose(1, 2)).transpose(1, 2)
