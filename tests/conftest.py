"""The tiny checkpoint of all tests that need a whole one: every part, consistent sizes, random weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from indextts2.config import (
    CodecConfig,
    ConditionerConfig,
    Config,
    DurationConfig,
    EmotionBankConfig,
    FlowConfig,
    LengthRegulatorConfig,
    MelConfig,
    S2MConfig,
    SemanticEncoderConfig,
    StyleEncoderConfig,
    T2SConfig,
    TextConfig,
    VocoderConfig,
    WaveNetConfig,
)

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the commands that tests start
torch.set_num_threads(1)  # tests run in two processes, and sizes are tiny

DIM, SEMANTIC_DIM, STYLE_DIM, CODES = 32, 24, 16, 40

TINY = Config(
    mel=MelConfig(bands=20),
    semantic_encoder=SemanticEncoderConfig(
        dim=SEMANTIC_DIM, layers=2, heads=2, feed_forward=32, conv_kernel=7, left_positions=8, right_positions=4,
        stride=4,
    ),
    codec=CodecConfig(codebook_size=CODES, codebook_dim=4, dim=SEMANTIC_DIM, width=16, intermediate=24, layers=2),
    style_encoder=StyleEncoderConfig(
        dim=STYLE_DIM, growth=4, bottleneck=2, channels=16, head_channels=4, block_layers=(2, 2), dilations=(1, 2)
    ),
    t2s=T2SConfig(
        layers=2,
        dim=DIM,
        heads=2,
        text_tokens=256,
        max_text_tokens=120,
        semantic_tokens=CODES + 2,
        max_semantic_tokens=160,
        start_semantic=CODES,
        stop_semantic=CODES + 1,
        decode_row_offset=1,
        speaker=ConditionerConfig(
            input_dim=SEMANTIC_DIM, width=16, feed_forward=24, heads=2, blocks=1, latents=4, latent_dim=DIM,
            perceiver_head_dim=8, positions=600,
        ),
        emotion=ConditionerConfig(
            input_dim=SEMANTIC_DIM, width=16, feed_forward=24, heads=2, blocks=1, latents=1, latent_dim=20,
            perceiver_head_dim=8, positions=600,
        ),
        duration=DurationConfig(trained=True, slot="a", free="zero"),
    ),
    s2m=S2MConfig(
        latent_dim=DIM,
        latent_hidden=(12, 8),
        semantic_dim=SEMANTIC_DIM,
        frames_per_token=22_050 / 256 / 25.0,
        regulator=LengthRegulatorConfig(input_dim=SEMANTIC_DIM, width=16, layers=2),
        flow=FlowConfig(
            bands=20, width=16, heads=2, depth=3, content_dim=16, style_dim=STYLE_DIM, time_dim=8,
            wavenet=WaveNetConfig(width=16, layers=2),
        ),
    ),
    vocoder=VocoderConfig(
        bands=20,
        initial_channels=32,
        upsample_rates=(8, 8, 2, 2),
        upsample_kernels=(16, 16, 4, 4),
        residual_kernels=(3,),
        residual_dilations=((1, 3, 5),),
    ),
    text=TextConfig(kind="english", tokenizer="tokenizer.model", segment_tokens=60),
    emotion_bank=EmotionBankConfig(group_sizes=(2, 1, 1, 1, 2, 1, 1, 1)),
    name="tiny",
    version="test",
)  # fmt: skip

TINY_V25 = replace(
    TINY,
    semantic_encoder=replace(TINY.semantic_encoder, stride=2),
    codec=replace(TINY.codec, downsample=2),
    t2s=replace(
        TINY.t2s,
        text_tokens=2236,
        decode_row_offset=2,
        speaker_from="style",
        style_dim=STYLE_DIM,
        language_rows=107,
        duration=DurationConfig(rows=False),
    ),
    s2m=replace(TINY.s2m, content="decoder", frames_per_token=1.72),
    text=TextConfig(kind="multilingual", tokenizer="tiny.tiktoken", segment_tokens=100, segment_tokens_alphabetic=50),
    name="IndexTTS-2.5",
    version="2.5",
)
"""The same sizes as an IndexTTS-2.5, with the small vocabulary of its fixtures."""

TINY_VOCABULARY = Path(__file__).parent / "parity" / "data" / "v25_tiny.tiktoken"

TinyParts = dict[str, dict[str, Tensor]]


def tiny_modules(config: Config = TINY) -> dict[str, nn.Module]:
    """Every model of a configuration, freshly built."""
    from indextts2.models.resampling_codec import codec_of
    from indextts2.models.s2m import SemanticToMel
    from indextts2.models.semantic_encoder import SemanticEncoder
    from indextts2.models.style_encoder import StyleEncoder
    from indextts2.models.t2s import TextToSemantic
    from indextts2.models.vocoder import Vocoder

    return {
        "semantic_encoder": SemanticEncoder(config.semantic_encoder),
        "codec": codec_of(config.codec),
        "style_encoder": StyleEncoder(config.style_encoder),
        "t2s": TextToSemantic(config.t2s),
        "s2m": SemanticToMel(config.s2m),
        "vocoder": Vocoder(config.vocoder),
    }


def random_parts(config: Config = TINY, seed: int = 0) -> TinyParts:
    """Random weights of every part, the same for the same seed."""
    from indextts2.models.transformer import MATRIX

    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def weight(key: str, shape: torch.Size) -> Tensor:
        return noise(*shape[::-1]).T.contiguous() if MATRIX.fullmatch(key) else noise(*shape)

    parts: TinyParts = {}
    for name, module in tiny_modules(config).items():
        parts[name] = {
            key: value.clone() if not value.is_floating_point() or key.endswith(("freqs", "filter"))
            else 1.0 + 0.1 * noise(*value.shape).abs() if key.endswith(("running_var", "gamma"))
            else 0.2 * weight(key, value.shape)
            for key, value in module.state_dict().items()
        }  # fmt: skip
    rows = sum(config.emotion_bank.group_sizes)
    parts["statistics"] = {"mean": noise(config.codec.dim), "std": 0.5 + noise(config.codec.dim).abs()}
    parts["emotion_bank"] = {
        "style_rows": noise(rows, config.style_encoder.dim),
        "emotion_rows": noise(rows, config.t2s.dim),
    }
    return parts


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test writes to the cache of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INDEXTTS2_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    return TINY


@pytest.fixture(scope="session")
def tiny_parts() -> TinyParts:
    return random_parts()


@pytest.fixture(scope="session")
def tiny_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from indextts2.training.data.tokenizer import train_english_tokenizer

    return train_english_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.model")


@pytest.fixture(scope="session")
def write_tiny(tiny_parts: TinyParts, tiny_tokenizer: Path) -> Callable[[Path], Path]:
    """Writes the tiny native checkpoint into a folder of one's own, to be changed freely."""
    from indextts2.loading.native import About, write_native

    def write(folder: Path, precision: str = "fp32") -> Path:
        about = About(licence="CC0-1.0", provenance="random numbers", precision=precision)
        write_native(folder, TINY, tiny_parts, about, tokenizer=tiny_tokenizer)
        return folder

    return write


@pytest.fixture(scope="session")
def tiny_checkpoint(write_tiny: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole native checkpoint. Not to be written to."""
    return write_tiny(tmp_path_factory.mktemp("checkpoints") / "tiny")
