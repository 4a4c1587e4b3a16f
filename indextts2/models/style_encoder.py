"""Style encoder: CAMPPlus, one vector per recording that says who talks (docs/spec/reference.md#style-encoder)."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import StyleEncoderConfig

SEGMENT_FRAMES = 100  # window of the local average in the context-aware mask
HEAD_STRIDE = (2, 1)  # halves frequency, keeps time
HEAD_REDUCTION = 8  # bands are halved three times
CONTEXT_REDUCTION = 2


class HeadBlock(nn.Module):
    """Residual block over (batch, channels, bands, frames)."""

    def __init__(self, channels: int, *, halve_bands: bool) -> None:
        super().__init__()
        stride = HEAD_STRIDE if halve_bands else (1, 1)
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if halve_bands:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, image: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(image)))
        return F.relu(self.bn2(self.conv2(hidden)) + self.shortcut(image))


class Head(nn.Module):
    """Two-dimensional front end: (batch, bands, frames) -> (batch, channels * bands / 8, frames)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(HeadBlock(channels, halve_bands=True), HeadBlock(channels, halve_bands=False))
        self.layer2 = nn.Sequential(HeadBlock(channels, halve_bands=True), HeadBlock(channels, halve_bands=False))
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=HEAD_STRIDE, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, fbank: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(fbank[:, None])))
        hidden = self.layer2(self.layer1(hidden))
        return F.relu(self.bn2(self.conv2(hidden))).flatten(1, 2)


def norm_relu(channels: int) -> nn.Sequential:
    """Batch norm and ReLU under the published names."""
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


class FirstLayer(nn.Module):
    """Strided convolution that halves the frame rate."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 5, stride=2, padding=2, bias=False)
        self.nonlinear = norm_relu(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.nonlinear(self.linear(features))


class ContextMask(nn.Module):
    """Convolution whose output is masked by what the whole recording and its neighbourhood sound like."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(inputs, inputs // CONTEXT_REDUCTION, 1)
        self.linear2 = nn.Conv1d(inputs // CONTEXT_REDUCTION, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        context = features.mean(dim=-1, keepdim=True) + segment_average(features)
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        return self.linear_local(features) * mask


def segment_average(features: Tensor) -> Tensor:
    """Average over windows of 100 frames, repeated over each window; the last window may be shorter.

    (batch, channels, frames) -> (batch, channels, frames)
    """
    averages = F.avg_pool1d(features, SEGMENT_FRAMES, stride=SEGMENT_FRAMES, ceil_mode=True)
    return averages.repeat_interleave(SEGMENT_FRAMES, dim=-1)[..., : features.shape[-1]]


class DenseLayer(nn.Module):
    """One layer of a dense block; its output is appended to its input by the block."""

    def __init__(self, inputs: int, config: StyleEncoderConfig, dilation: int) -> None:
        super().__init__()
        inner = config.growth * config.bottleneck
        self.nonlinear1 = norm_relu(inputs)
        self.linear1 = nn.Conv1d(inputs, inner, 1, bias=False)
        self.nonlinear2 = norm_relu(inner)
        self.cam_layer = ContextMask(inner, config.growth, dilation)

    def forward(self, features: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(features))))


class DenseBlock(nn.Module):
    """(batch, inputs, frames) -> (batch, inputs + layers * growth, frames)."""

    def __init__(self, inputs: int, layers: int, config: StyleEncoderConfig, dilation: int) -> None:
        super().__init__()
        for index in range(layers):
            self.add_module(f"tdnnd{index + 1}", DenseLayer(inputs + index * config.growth, config, dilation))

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.children():
            features = torch.cat([features, layer(features)], dim=1)
        return features


class Transition(nn.Module):
    """Halves the channels after a dense block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = norm_relu(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(self.nonlinear(features))


class StatisticsPooling(nn.Module):
    """Mean and unbiased standard deviation over time: (batch, channels, frames) -> (batch, 2 * channels)."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features.mean(dim=-1), features.std(dim=-1)], dim=-1)


class Embedding(nn.Module):
    """Last projection and a batch norm without weights: (batch, inputs) -> (batch, dim)."""

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, dim, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(dim, affine=False)))

    def forward(self, statistics: Tensor) -> Tensor:
        return self.nonlinear(self.linear(statistics[..., None]).squeeze(-1))


class StyleEncoder(nn.Module):
    """Mean-free filterbank (batch, frames, bands) -> style (batch, dim). Needs at least three frames."""

    def __init__(self, config: StyleEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.head = Head(config.head_channels)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["tdnn"] = FirstLayer(config.head_channels * (config.bands // HEAD_REDUCTION), config.channels)
        channels = config.channels
        for number, (depth, dilation) in enumerate(zip(config.block_layers, config.dilations, strict=True), start=1):
            layers[f"block{number}"] = DenseBlock(channels, depth, config, dilation)
            channels += depth * config.growth
            layers[f"transit{number}"] = Transition(channels)
            channels //= 2
        layers["out_nonlinear"] = norm_relu(channels)
        layers["stats"] = StatisticsPooling()
        layers["dense"] = Embedding(2 * channels, config.dim)
        self.xvector = nn.Sequential(layers)

    def forward(self, fbank: Tensor) -> Tensor:
        return self.xvector(self.head(fbank.transpose(1, 2)))
