"""Length regulator: stretches token-clock features to the mel clock.

Source: docs/spec/s2m.md#length-regulator, docs/spec/control.md#spans.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import LengthRegulatorConfig
from ..errors import InputError

Span = tuple[int, int]
"""(tokens, frames): so many tokens in a row are stretched to so many frames."""

GROUP_NORM_EPSILON = 1e-5
KERNEL = 3


def frame_to_token(spans: Sequence[Span], device: torch.device | None = None) -> Tensor:
    """For each frame the token it shows, by nearest neighbour inside each span: (frames,) int64.

    The quotient is taken in float32, which is what `F.interpolate(mode="nearest")` does; with one span both agree,
    and integer division would not. A span without frames drops its tokens.
    Raises InputError for a span without tokens or with a negative length.
    """
    maps, first = [], 0
    for token_count, frame_count in spans:
        if token_count < 1 or frame_count < 0:
            raise InputError(f"A span needs at least 1 token and 0 frames, but has {token_count} and {frame_count}.")
        ratio = torch.tensor(float(token_count), dtype=torch.float32) / max(frame_count, 1)
        inside = (torch.arange(frame_count, dtype=torch.float32) * ratio).floor().long().clamp(max=token_count - 1)
        maps.append(first + inside)
        first += token_count
    return torch.cat(maps).to(device)


class LengthRegulator(nn.Module):
    """Project, repeat tokens along the mel clock, then smooth with convolutions.

    Every row of a padded batch comes out as if it were alone: convolutions and group norm see its own frames only.
    """

    def __init__(self, config: LengthRegulatorConfig) -> None:
        super().__init__()
        self.content_in_proj = nn.Linear(config.input_dim, config.width)
        layers: list[nn.Module] = []
        for _ in range(config.layers):
            layers.append(nn.Conv1d(config.width, config.width, KERNEL, padding=KERNEL // 2))
            layers.append(nn.GroupNorm(1, config.width, eps=GROUP_NORM_EPSILON))
            layers.append(nn.Mish())
        layers.append(nn.Conv1d(config.width, config.width, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, features: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """features (batch, tokens, input_dim), one `frame_to_token` map per row -> (batch, frames, width).

        Rows with fewer frames than the longest are padded with zeros.
        """
        lengths = [int(row.shape[0]) for row in maps]
        frame_count = max(lengths)
        index = torch.stack([F.pad(row, (0, frame_count - row.shape[0])) for row in maps]).to(features.device)
        if len(set(lengths)) == 1:
            return self.stretch(features, index)
        steps = torch.arange(frame_count, device=features.device)
        frame_mask = steps < torch.tensor(lengths, device=features.device)[:, None]
        return self.stretch(features, index, frame_mask)

    def stretch(self, features: Tensor, index: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """The same with the maps as one tensor: index and frame_mask (batch, frames); mask None: all valid."""
        projected = self.content_in_proj(features)
        index = index[:, :, None].expand(-1, -1, projected.shape[-1])
        hidden = projected.gather(1, index).transpose(1, 2)  # (batch, width, frames)
        if frame_mask is None:
            return self.model(hidden).transpose(1, 2)
        mask = frame_mask[:, None, :].to(hidden.dtype)
        for layer in self.model:
            if isinstance(layer, nn.Conv1d):
                hidden = layer(hidden * mask)
            elif isinstance(layer, nn.GroupNorm):
                hidden = _masked_group_norm(hidden, layer, mask)
            else:
                hidden = layer(hidden)
        return (hidden * mask).transpose(1, 2)


def _masked_group_norm(hidden: Tensor, norm: nn.GroupNorm, mask: Tensor) -> Tensor:
    """Group norm with one group over the valid frames only. hidden (batch, width, frames), mask (batch, 1, frames)."""
    count = mask.sum(dim=2, keepdim=True) * hidden.shape[1]
    mean = (hidden * mask).sum(dim=(1, 2), keepdim=True) / count
    centred = hidden - mean
    variance = (centred.square() * mask).sum(dim=(1, 2), keepdim=True) / count
    normalised = centred * torch.rsqrt(variance + norm.eps)
    return normalised * norm.weight[:, None] + norm.bias[:, None]
