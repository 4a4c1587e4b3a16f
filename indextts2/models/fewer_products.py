"""Long convolutions over wide signals with about half the multiplications, for a processor (Toom-Cook).

Four neighbouring outputs of a filter of four taps need 16 products when they are computed one by one. They are also
the coefficients of a product of polynomials, which seven values of it determine: seven products, of sums of inputs and
sums of taps. A longer filter is a sum of such filters of four taps, whose sums of inputs are the same ones, a tile of
four further on. What remains are seven matrix products. Results differ from the direct sum by rounding: 1e-5 of the
output's deviation at most in the vocoder, where the direct sum has 2e-6.

Source: A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, arXiv 1509.09308, in one dimension.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE = 4  # outputs computed together, and taps of the filters that a long one is split into
POINTS = (
    0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
)  # where the polynomials are evaluated, beside infinity; small ones round least
VALUES = len(POINTS) + 1
LEAST_TAPS, LEAST_CHANNELS, LEAST_SAMPLES = 7, 192, 512  # below, the sums cost more than they save
COLUMNS = 512  # of the matrix products; more of them need more memory
NUMBERS = 1 << 22  # of the sums of taps that are held at a time


def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """For the sums of inputs (VALUES, VALUES), of taps (VALUES, TILE), and of products (TILE, VALUES)."""
    of_inputs, of_taps = _powers(VALUES), _powers(TILE)
    return torch.linalg.inv(of_inputs).T.float(), of_taps.float(), of_taps.T.float()


def _powers(width: int) -> Tensor:
    """The powers 0 to width - 1 of all points; at infinity only the highest counts. (VALUES, width) float64"""
    finite = torch.tensor(POINTS, dtype=torch.float64)[:, None] ** torch.arange(width)
    return torch.cat([finite, F.one_hot(torch.tensor([width - 1]), width).to(finite)])


def correlate(signal: Tensor, weight: Tensor, bias: Tensor, dilation: int) -> Tensor:
    """A convolution that keeps the length, `F.conv1d` with padding on both sides. On the processor, in float32.

    signal: (batch, in, samples); weight: (out, in, taps), an odd number; bias: (out,)  ->  (batch, out, samples)
    """
    outputs, inputs, taps = weight.shape
    result = signal.new_empty(signal.shape[0], outputs, signal.shape[2])
    at_once = max(1, NUMBERS // (VALUES * -(-taps // TILE) * inputs))
    parts = (part.split(at_once, dim=dim) for part, dim in ((weight, 0), (bias, 0), (result, 1)))
    for own_weight, own_bias, target in zip(*parts, strict=True):
        sums = _sums_of_taps(own_weight)
        for row, own_target in zip(signal, target, strict=True):
            _correlate_row(row, sums, own_bias, dilation, taps // 2, own_target)
    return result


def _sums_of_taps(weight: Tensor) -> Tensor:
    """(out, in, taps) -> (VALUES, filters, out, in), the filters being those of TILE taps"""
    outputs, inputs, taps = weight.shape
    filters = -(-taps // TILE)
    _, of_taps, _ = _matrices()
    each = torch.stack([F.pad(of_taps, (TILE * k, TILE * (filters - 1 - k))) for k in range(filters)], dim=1)
    each = each[..., :taps].reshape(VALUES * filters, taps)
    return (each @ weight.reshape(outputs * inputs, taps).T).view(VALUES, filters, outputs, inputs)


def _correlate_row(signal: Tensor, sums: Tensor, bias: Tensor, dilation: int, half_taps: int, target: Tensor) -> None:
    """signal: (in, samples); target: (out, samples), written.

    Samples are laid out as (TILE, in, tile, dilation): between neighbours of the last two axes, taken as one, lies no
    multiple of the dilation, so that a tile further on is `dilation` columns further on.
    """
    inputs, samples = signal.shape
    filters, outputs = sums.shape[1:3]
    tiles, width = -(-samples // (TILE * dilation)), TILE * dilation
    before, total = half_taps * dilation, (tiles + filters) * width
    layout = F.pad(signal, (before, total - before - samples)).view(inputs, tiles + filters, TILE, dilation)
    planes = layout.permute(2, 0, 1, 3).reshape(TILE, inputs, -1)
    del layout  # as large as the signal
    at_once = max(1, COLUMNS // dilation)
    for first in range(0, tiles, at_once):
        count = min(at_once, tiles - first)
        found = _correlate_columns(planes, sums, dilation, first * dilation, count * dilation)
        own = target[:, first * width : (first + count) * width]
        samples_in_order = found.view(TILE, outputs, count, dilation).permute(1, 2, 0, 3).reshape(outputs, -1)
        torch.add(samples_in_order[:, : own.shape[1]], bias[:, None], out=own)


def _correlate_columns(planes: Tensor, sums: Tensor, dilation: int, first: int, count: int) -> Tensor:
    """Some columns of the result, (TILE, out, count), as far as the inputs of `planes` (TILE, in, columns) say."""
    filters, outputs, inputs = sums.shape[1:]
    of_inputs, _, of_products = _matrices()
    wide = count + (filters - 1) * dilation
    begins = [first + (k // TILE) * dilation for k in range(VALUES)]
    window = torch.stack([planes[k % TILE, :, begin : begin + wide] for k, begin in enumerate(begins)])
    values = (of_inputs @ window.view(VALUES, -1)).view(VALUES, inputs, wide)
    del window
    products = torch.bmm(sums[:, 0], values[..., :count])
    for k in range(1, filters):
        products.baddbmm_(sums[:, k], values[..., k * dilation : k * dilation + count])
    return (of_products @ products.view(VALUES, -1)).view(TILE, outputs, count)


class WideConv(nn.Conv1d):
    """A convolution that keeps the length, with fewer products where that is faster."""

    def __init__(self, channels: int, taps: int, *, dilation: int = 1) -> None:
        super().__init__(channels, channels, taps, dilation=dilation, padding=dilation * (taps // 2))

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, samples) -> the same"""
        if self.bias is None or not self._pays(signal):
            return super().forward(signal)
        return correlate(signal, self.weight, self.bias, self.dilation[0])

    def _pays(self, signal: Tensor) -> bool:
        wide = self.kernel_size[0] >= LEAST_TAPS and self.in_channels >= LEAST_CHANNELS
        computes = signal.device.type == "cpu" and not (torch.is_grad_enabled() or torch.compiler.is_compiling())
        return wide and computes and signal.shape[-1] >= LEAST_SAMPLES and signal.dtype is torch.float32
