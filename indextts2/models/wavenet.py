"""WaveNet head of the flow estimator: gated convolutions with reflection padding (docs/spec/s2m.md#wavenet-head)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import WaveNetConfig


def padding_sizes(kernel: int, dilation: int) -> tuple[int, int]:
    """Frames added (left, right) so that a convolution keeps the frame count; an odd total leaves more on the left."""
    total = (kernel - 1) * dilation
    right = total // 2
    return total - right, right


def reflection_index(lengths: Tensor, frame_count: int, padding: tuple[int, int]) -> Tensor:
    """Index that each padded frame of each row is read from: (batch, left + frames + right) int64.

    lengths (batch,). A row shorter than the padding is first extended with zeros, as the official code does; the index
    `frame_count` stands for such a zero. What lies beyond a row's own right padding is arbitrary.
    """
    left, right = padding
    lengths = lengths[:, None]
    extended = torch.maximum(lengths, torch.full_like(lengths, max(padding) + 1))
    position = torch.arange(-left, frame_count + right, device=lengths.device)[None, :].abs()
    mirrored = torch.where(position >= extended, 2 * (extended - 1) - position, position).clamp(min=0)
    return torch.where(mirrored < lengths, mirrored, torch.full_like(mirrored, frame_count))


def reflect_whole(hidden: Tensor, padding: tuple[int, int]) -> Tensor:
    """Reflection padding of the whole tensor, all rows alike. hidden (batch, width, frames)."""
    left, right = padding
    missing = max(max(padding) + 1 - hidden.shape[-1], 0)
    padded = F.pad(F.pad(hidden, (0, missing)), (left, right), mode="reflect")
    return padded[..., : padded.shape[-1] - missing]


def reflect_rows(hidden: Tensor, index: Tensor) -> Tensor:
    """Reflection padding of every row at its own end, along `reflection_index`. hidden (batch, width, frames)."""
    with_zero = F.pad(hidden, (0, 1))
    return with_zero.gather(2, index[:, None, :].expand(-1, hidden.shape[1], -1))


class NestedConv(nn.Module):
    """A convolution under the published key `conv.conv`."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.ModuleDict({"conv": nn.Conv1d(inputs, outputs, kernel, dilation=dilation)})

    def forward(self, hidden: Tensor) -> Tensor:
        return self.conv["conv"](hidden)


class WaveNet(nn.Module):
    """Residual stack of gated convolutions; the time condition enters every gate."""

    def __init__(self, config: WaveNetConfig) -> None:
        super().__init__()
        width = config.width
        self.width = width
        dilations = [config.dilation_rate**layer for layer in range(config.layers)]
        self.paddings = [padding_sizes(config.kernel, dilation) for dilation in dilations]
        self.cond_layer = NestedConv(width, 2 * width * config.layers)
        self.in_layers = nn.ModuleList(NestedConv(width, 2 * width, config.kernel, dilation) for dilation in dilations)
        self.res_skip_layers = nn.ModuleList(NestedConv(width, 2 * width) for _ in dilations[:-1])
        self.res_skip_layers.append(NestedConv(width, width))

    @property
    def reach(self) -> int:
        """Earlier frames that can influence a frame: the receptive field to the left."""
        return sum(left for left, _ in self.paddings)

    def condition(self, time_embedding: Tensor) -> Tensor:
        """time_embedding (batch, width) -> (batch, layers * 2 * width, 1), the share of the time in every gate."""
        return self.cond_layer(time_embedding[:, :, None])

    def reflection(self, lengths: Tensor, frame_count: int) -> dict[tuple[int, int], Tensor]:
        """One `reflection_index` per distinct padding of the layers; pass the result to `forward`."""
        return {padding: reflection_index(lengths, frame_count, padding) for padding in set(self.paddings)}

    def forward(
        self,
        hidden: Tensor,
        condition: Tensor,
        mask: Tensor | None = None,
        reflection: dict[tuple[int, int], Tensor] | None = None,
    ) -> Tensor:
        """hidden (batch, width, frames), condition from `condition` -> (batch, width, frames).

        mask (batch, 1, frames), None: all frames valid. reflection None pads all rows at the end of the tensor, as the
        official code does; with the maps of `reflection` each row is padded at its own end.
        """
        total: Tensor | None = None
        last = len(self.paddings) - 1
        for layer, padding in enumerate(self.paddings):
            padded = reflect_whole(hidden, padding) if reflection is None else reflect_rows(hidden, reflection[padding])
            share = condition[:, layer * 2 * self.width : (layer + 1) * 2 * self.width]
            signal, gate = (self.in_layers[layer](padded) + share).chunk(2, dim=1)
            output = self.res_skip_layers[layer](torch.tanh(signal) * torch.sigmoid(gate))
            if layer < last:
                hidden = hidden + output[:, : self.width]
                hidden = hidden if mask is None else hidden * mask
                output = output[:, self.width :]
            total = output if total is None else total + output
        if total is None:  # no layers
            return hidden
        return total if mask is None else total * mask
