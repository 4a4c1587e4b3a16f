"""How much memory a stage works in beside its weights: estimates from the sizes, rounded up, for the host's
planning.
"""

from __future__ import annotations

from ..indextts2.config import Config
from ..indextts2.stages.mel_to_audio import CHUNK_FRAMES

FLOAT_BYTES = 4
LIVE_TENSORS = 8  # activations of one layer that live at the same time
FBANK_RATE = 100  # filterbank frames per second
ATTENTION_COPIES = 3  # scores, position scores and weights


def encoder_bytes(config: Config, seconds: float) -> float:
    """Encoding a recording: attention of the semantic encoder, or the first maps of the style encoder."""
    semantic, style = config.semantic_encoder, config.style_encoder
    tokens = seconds * semantic.tokens_per_second
    attention = ATTENTION_COPIES * semantic.heads * tokens**2
    hidden = LIVE_TENSORS * tokens * max(semantic.feed_forward, semantic.dim)
    head = LIVE_TENSORS * seconds * FBANK_RATE * style.bands * style.head_channels
    return FLOAT_BYTES * max(attention + hidden, head)


def t2s_bytes(config: Config, rows: int, tokens: int, item_bytes: int = FLOAT_BYTES) -> float:
    """Decoding `rows` hypotheses of up to `tokens` tokens: keys and values of every layer, twice while they grow."""
    t2s = config.t2s
    positions = tokens + t2s.max_text_tokens + t2s.speaker.latents
    cache = 2 * 2 * t2s.layers * t2s.dim * positions * item_bytes
    work = LIVE_TENSORS * t2s.dim * 4 * positions * item_bytes + LIVE_TENSORS * t2s.semantic_tokens * FLOAT_BYTES
    return rows * (cache + work)


def s2m_bytes(config: Config, rows: int, frames: int) -> float:
    """Solving the flow for `rows` segments of up to `frames` frames, reference included, with and without condition."""
    flow = config.s2m.flow
    widest = max(4 * flow.width, 2 * flow.wavenet.width)
    per_row = LIVE_TENSORS * frames * widest + ATTENTION_COPIES * flow.heads * frames**2
    return 2 * rows * per_row * FLOAT_BYTES


def vocoder_bytes(config: Config, frames: int) -> float:
    """One chunk of the vocoder at its widest layer."""
    vocoder = config.vocoder
    widest, samples, channels = vocoder.initial_channels, 1, vocoder.initial_channels
    for rate in vocoder.upsample_rates:
        samples, channels = samples * rate, channels // 2
        widest = max(widest, samples * channels)
    return FLOAT_BYTES * LIVE_TENSORS * widest * min(frames, 2 * CHUNK_FRAMES)
