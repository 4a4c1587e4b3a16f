"""Working memory of the stages beside their weights: estimates from the sizes, rounded up, for the host's planning."""

from __future__ import annotations

from typing import NamedTuple

from ..indextts2.config import Config
from ..indextts2.contracts import SemanticSpeech, Speaker
from ..indextts2.stages.graphs import makes_graphs
from ..indextts2.stages.mel_to_audio import CHUNK_FRAMES
from ..indextts2.stages.semantic_to_mel import FlowSettings, guides_latent

FLOAT_BYTES = 4
LIVE_TENSORS = 8  # activations of one layer that live at the same time
FBANK_RATE = 100  # filterbank frames per second
LANGUAGE_MODEL_BYTES = 256 * 1024**2  # one short prompt through a language model of half a billion weights
TYPICAL_SECONDS = 15.0  # of a reference, and of a segment whose length is not known yet
TYPICAL_ROWS = 3
TOKENS_PER_PIECE = 16  # semantic tokens of one text token in slow speech
ATTENTION_COPIES = 3  # scores, position scores and weights


class Guidance(NamedTuple):
    """Strengths of the two guidances that compute more rows; 1 is off."""

    emotion: float = 1.0
    latent: float = 1.0


UNGUIDED = Guidance()


def encoder_bytes(config: Config, seconds: float) -> float:
    """Encoding a recording: attention of the semantic encoder, and the first maps of the style encoder."""
    semantic, style = config.semantic_encoder, config.style_encoder
    tokens = seconds * semantic.tokens_per_second
    attention = ATTENTION_COPIES * semantic.heads * tokens**2
    hidden = LIVE_TENSORS * tokens * max(semantic.feed_forward, semantic.dim)
    head = LIVE_TENSORS * seconds * FBANK_RATE * style.bands * style.head_channels
    return FLOAT_BYTES * (attention + hidden + head)


def t2s_bytes(config: Config, rows: int, tokens: int, item_bytes: int = FLOAT_BYTES) -> float:
    """Decoding `rows` hypotheses of up to `tokens` tokens: keys and values of every layer, twice while they grow."""
    t2s = config.t2s
    positions = tokens + t2s.max_text_tokens + t2s.speaker.latents
    cache = 2 * 2 * t2s.layers * t2s.dim * positions * item_bytes
    work = LIVE_TENSORS * t2s.dim * 4 * positions * item_bytes + LIVE_TENSORS * t2s.semantic_tokens * FLOAT_BYTES
    return rows * (cache + run_copies() * work)


def expected_tokens(text_tokens: int) -> int:
    """Semantic tokens that a segment of so many text tokens may take."""
    return TOKENS_PER_PIECE * (text_tokens + TOKENS_PER_PIECE)


def s2m_bytes(config: Config, rows: int, frames: int, branches: int = 2) -> float:
    """Solving the flow for `rows` segments of up to `frames` frames, reference included.

    branches: evaluations of a row side by side, with and without condition, and with latent guidance one more.
    """
    flow = config.s2m.flow
    widest = max(4 * flow.width, 2 * flow.wavenet.width)
    per_row = LIVE_TENSORS * frames * widest + ATTENTION_COPIES * flow.heads * frames**2
    return run_copies() * branches * rows * per_row * FLOAT_BYTES


def run_copies() -> int:
    """How often the memory of one run is held: a graph's pool keeps it beside what the warm-up before it left."""
    return 2 if makes_graphs() else 1


def vocoder_bytes(config: Config, frames: int) -> float:
    """One chunk of the vocoder at its widest layer."""
    vocoder = config.vocoder
    widest, samples, channels = vocoder.initial_channels, 1, vocoder.initial_channels
    for rate in vocoder.upsample_rates:
        samples, channels = samples * rate, channels // 2
        widest = max(widest, samples * channels)
    return FLOAT_BYTES * LIVE_TENSORS * widest * min(frames, 2 * CHUNK_FRAMES)


def flow_work(config: Config, semantic: SemanticSpeech, speaker: Speaker, flow: FlowSettings) -> float:
    """Solving the flow for this very speech."""
    natural = int(semantic.token_lengths.max()) * config.frames_per_token
    frames = max(int(natural), int(semantic.frame_targets.max())) + speaker.prompt_mel.shape[-1]
    branches = 3 if guides_latent(config, semantic, flow) else 2
    return s2m_bytes(config, min(flow.rows_at_once, semantic.tokens.shape[0]), frames, branches)


def typical_bytes(part: str, config: Config, settings: Guidance = UNGUIDED) -> float:
    """A stage before its input is known, for the node that runs the whole chain."""
    frames = round(2 * TYPICAL_SECONDS * config.mel.frames_per_second)
    if part == "encoder":
        return encoder_bytes(config, TYPICAL_SECONDS)
    if part == "t2s":
        rows = TYPICAL_ROWS * (2 if settings.emotion != 1.0 else 1)
        return t2s_bytes(config, rows, round(TYPICAL_SECONDS * config.tokens_per_second))
    if part == "s2m":
        return s2m_bytes(config, TYPICAL_ROWS, frames, 3 if settings.latent != 1.0 else 2)
    return vocoder_bytes(config, frames)
