"""Semantic codec: continuous semantic features to tokens of one codebook and back.

Source: docs/spec/reference.md#semantic-codec.

At run time only the encoder and the quantizer are needed. The mirrored decoder, a class of its own, serves training.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import CodecConfig
from ..errors import InputError

KERNEL = 7  # of every convolution along time
NORM_EPSILON = 1e-6
RESIDUAL_SCALE = 0.1  # start value of the learned scale of each block; trained weights replace it


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution along time, then a wide feed-forward layer; (batch, width, tokens) in and out."""

    def __init__(self, width: int, intermediate: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.pwconv1 = nn.Linear(width, intermediate)
        self.pwconv2 = nn.Linear(intermediate, width)
        self.gamma = nn.Parameter(torch.full((width,), RESIDUAL_SCALE))

    def forward(self, features: Tensor) -> Tensor:
        mixed = self.norm(self.dwconv(features).transpose(1, 2))  # (batch, tokens, width)
        mixed = self.gamma * self.pwconv2(F.gelu(self.pwconv1(mixed)))
        return features + mixed.transpose(1, 2)


class ConvNeXtStack(nn.Module):
    """(batch, tokens, dim) -> (batch, tokens, width)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.embed = nn.Conv1d(config.dim, config.width, KERNEL, padding=KERNEL // 2)
        self.norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)
        self.convnext = nn.ModuleList(ConvNeXtBlock(config.width, config.intermediate) for _ in range(config.layers))
        self.final_layer_norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.embed(features.transpose(1, 2))
        hidden = self.norm(hidden.transpose(1, 2)).transpose(1, 2)  # (batch, width, tokens)
        for block in self.convnext:
            hidden = block(hidden)
        return self.final_layer_norm(hidden.transpose(1, 2))


class FactorizedQuantizer(nn.Module):
    """One codebook of few dimensions between two projections; the search compares directions only.

    The projections are stored as convolutions of width one.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.in_project = nn.Conv1d(config.dim, config.codebook_dim, 1)
        self.out_project = nn.Conv1d(config.codebook_dim, config.dim, 1)
        self.codebook = nn.Embedding(config.codebook_size, config.codebook_dim)

    def project(self, encoded: Tensor) -> Tensor:
        """(batch, tokens, dim) -> (batch, tokens, codebook_dim)."""
        return F.linear(encoded, self.in_project.weight[..., 0], self.in_project.bias)

    def search(self, projected: Tensor) -> Tensor:
        """Row of the codebook with the highest cosine: (batch, tokens, codebook_dim) -> (batch, tokens) int64."""
        directions = F.normalize(self.codebook.weight, dim=-1)
        return (F.normalize(projected, dim=-1) @ directions.T).argmax(dim=-1)

    def expand(self, rows: Tensor) -> Tensor:
        """Raw codebook rows (batch, tokens, codebook_dim) -> (batch, tokens, dim)."""
        return F.linear(rows, self.out_project.weight[..., 0], self.out_project.bias)


class ResidualQuantizer(nn.Module):
    """Holds the single quantizer under the key of the published file."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.quantizers = nn.ModuleList([FactorizedQuantizer(config)])

    @property
    def only(self) -> FactorizedQuantizer:
        return cast(FactorizedQuantizer, self.quantizers[0])


def check_tokens(tokens: Tensor, codebook_size: int) -> None:
    """Raises InputError for ids outside the codebook, such as the start and stop tokens of T2S."""
    if tokens.numel() and (int(tokens.min()) < 0 or int(tokens.max()) >= codebook_size):
        raise InputError(
            f"Semantic tokens should lie in 0..{codebook_size - 1}, but range from {int(tokens.min())} "
            f"to {int(tokens.max())}. Cut start and stop tokens off first."
        )


class SemanticCodec(nn.Module):
    """Encoder and quantizer."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Sequential(ConvNeXtStack(config), nn.Linear(config.width, config.dim))
        self.quantizer = ResidualQuantizer(config)

    @property
    def codebook(self) -> FactorizedQuantizer:
        """The one quantizer there is."""
        return self.quantizer.only

    def encode(self, features: Tensor) -> Tensor:
        """Normalised semantic features (batch, tokens, dim) -> (batch, tokens, dim), before quantisation."""
        return self.encoder(features)

    def forward(self, features: Tensor) -> Tensor:
        """The same as `encode`; what training calls."""
        return self.encode(features)

    def quantize(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised features (batch, tokens, dim) -> tokens (batch, tokens) and quantised (batch, tokens, dim)."""
        tokens = self.codebook.search(self.codebook.project(self.encode(features)))
        return tokens, self.embed(tokens)

    def embed(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, tokens) -> quantised features (batch, tokens, dim).

        Raises InputError, see `check_tokens`.
        """
        check_tokens(tokens, self.config.codebook_size)
        return self.codebook.expand(self.codebook.codebook(tokens))


class CodecDecoder(nn.Module):
    """Mirror of the encoder, needed to train it: quantised (batch, tokens, dim) -> features (batch, tokens, dim)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.decoder = nn.Sequential(ConvNeXtStack(config), nn.Linear(config.width, config.dim))

    def forward(self, quantized: Tensor) -> Tensor:
        return self.decoder(quantized)
