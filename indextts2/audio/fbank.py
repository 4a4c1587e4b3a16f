"""Log filterbanks at 16 kHz in pure torch: the style encoder's, and the stacked ones of the semantic encoder.

Both share one Kaldi-style analysis (docs/spec/reference.md#filterbanks); they differ in scale and normalisation.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import FbankConfig, SemanticEncoderConfig
from ..errors import AudioError

FBANK = FbankConfig()
KALDI_MEL_SCALE = 1127.0  # mel = 1127 ln(1 + hz / 700)
KALDI_MEL_CORNER_HZ = 700.0


def frame_count(sample_count: int, config: FbankConfig = FBANK) -> int:
    """Frames that fit entirely into the signal ("snip edges")."""
    return max(0, (sample_count - config.frame) // config.hop + 1)


def kaldi_fbank(waveform: Tensor, config: FbankConfig = FBANK) -> Tensor:
    """Log filterbank energies of 16 kHz audio: (batch, samples) -> (batch, frames, bands).

    The result depends on the scale of the input: the style encoder takes samples in [-1, 1], the semantic encoder
    16-bit integers. Raises AudioError when not even one frame fits.
    """
    if waveform.shape[-1] < config.frame:
        raise AudioError(
            f"A filterbank needs at least {config.frame} samples at {config.sample_rate} Hz, "
            f"but got {waveform.shape[-1]}. Use a longer clip."
        )
    frames = waveform.unfold(-1, config.frame, config.hop)  # (batch, frames, frame)
    frames = frames - frames.mean(dim=-1, keepdim=True)
    previous = F.pad(frames, (1, 0), mode="replicate")[..., :-1]  # the first sample is its own predecessor
    window, filters = _analysis(config)
    frames = (frames - config.preemphasis * previous) * window.to(frames)
    power = torch.fft.rfft(frames, n=config.fft_size).abs().square()  # (batch, frames, fft_size / 2 + 1)
    energies = power[..., :-1] @ filters.to(frames)  # the Nyquist bin has no filter
    return energies.clamp(min=config.floor).log()


def style_features(waveform: Tensor, config: FbankConfig = FBANK) -> Tensor:
    """Input of the style encoder: (batch, samples) in [-1, 1] -> (batch, frames, bands), each band with mean zero."""
    fbank = kaldi_fbank(waveform, config)
    return fbank - fbank.mean(dim=1, keepdim=True)


def semantic_input(
    waveform: Tensor, encoder: SemanticEncoderConfig, config: FbankConfig = FBANK
) -> tuple[Tensor, Tensor]:
    """Input of the semantic encoder, equal to the transformers SeamlessM4TFeatureExtractor with its stride.

    (batch, samples) in [-1, 1] -> features (batch, tokens, bands * stride) and mask (batch, tokens). Every band is
    normalised over time, then `stride` frames are stacked. A last, incomplete stack is filled with zeros and kept; it
    is valid when it holds at least two real frames, which is how the extractor decides.
    """
    fbank = kaldi_fbank(waveform * config.integer_scale, config)
    frames = fbank.shape[1]
    if frames < 2:
        raise AudioError("The semantic encoder needs at least two frames (35 ms) of audio. Use a longer clip.")
    centred = fbank - fbank.mean(dim=1, keepdim=True)
    normalised = centred / (fbank.var(dim=1, keepdim=True) + config.variance_epsilon).sqrt()
    token_count = math.ceil(frames / encoder.stride)
    padded = F.pad(normalised, (0, 0, 0, token_count * encoder.stride - frames))
    stacked = padded.reshape(padded.shape[0], token_count, encoder.input_dim)
    deciding_frame = torch.arange(token_count, device=waveform.device) * encoder.stride + min(1, encoder.stride - 1)
    mask = (deciding_frame < frames).expand(waveform.shape[0], token_count)
    return stacked, mask


def _mel(hertz: Tensor) -> Tensor:
    return KALDI_MEL_SCALE * torch.log1p(hertz / KALDI_MEL_CORNER_HZ)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # kept for later calls, which may compute gradients
def _analysis(config: FbankConfig) -> tuple[Tensor, Tensor]:
    """Window (frame,) and triangular filters (fft_size / 2, bands), both computed in double precision."""
    hann = torch.hann_window(config.frame, periodic=False, dtype=torch.float64)
    bins = torch.arange(config.fft_size // 2, dtype=torch.float64) * config.sample_rate / config.fft_size
    limits = _mel(torch.tensor([config.low_hz, config.high_hz], dtype=torch.float64))
    edges = torch.linspace(float(limits[0]), float(limits[1]), config.bands + 2, dtype=torch.float64)
    position = _mel(bins)[:, None]  # (bins, 1) against (bands,)
    rising = (position - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - position) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0.0)
    return hann.pow(config.window_power), filters
