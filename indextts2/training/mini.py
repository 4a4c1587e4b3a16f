"""Sizes of the mini checkpoint: the IndexTTS2 architecture, stage by stage, small enough to train on two CPU cores."""

from __future__ import annotations

from ..config import (
    CodecConfig,
    ConditionerConfig,
    Config,
    DurationConfig,
    FlowConfig,
    FlowPlan,
    LengthRegulatorConfig,
    S2MConfig,
    SemanticEncoderConfig,
    StyleEncoderConfig,
    T2SConfig,
    TextConfig,
    VocoderConfig,
    WaveNetConfig,
)

SEMANTIC_DIM = 192
STYLE_DIM = 128
MODEL_DIM = 256
CODEBOOK_SIZE = 1024
TOKENS_PER_SECOND = 25.0

MINI = Config(
    semantic_encoder=SemanticEncoderConfig(
        dim=SEMANTIC_DIM,
        layers=5,
        heads=4,
        feed_forward=576,
        conv_kernel=15,
        left_positions=32,
        right_positions=16,
        stride=4,
    ),
    codec=CodecConfig(
        codebook_size=CODEBOOK_SIZE, codebook_dim=8, dim=SEMANTIC_DIM, width=160, intermediate=512, layers=4
    ),
    style_encoder=StyleEncoderConfig(
        dim=STYLE_DIM,
        growth=16,
        bottleneck=4,
        channels=64,
        head_channels=16,
        block_layers=(6, 12, 8),
        dilations=(1, 2, 2),
    ),
    t2s=T2SConfig(
        layers=6,
        dim=MODEL_DIM,
        heads=4,
        text_tokens=256,
        max_text_tokens=320,
        semantic_tokens=CODEBOOK_SIZE + 2,
        max_semantic_tokens=640,
        start_semantic=CODEBOOK_SIZE,
        stop_semantic=CODEBOOK_SIZE + 1,
        decode_row_offset=1,
        prompt_token=None,
        longest_per_piece=4.0,  # 3.4 is the most in the corpus
        speaker=ConditionerConfig(
            input_dim=SEMANTIC_DIM,
            width=96,
            feed_forward=256,
            heads=4,
            blocks=2,
            latents=16,
            latent_dim=MODEL_DIM,
            perceiver_head_dim=32,
            positions=1000,
        ),
        emotion=ConditionerConfig(
            input_dim=SEMANTIC_DIM,
            width=96,
            feed_forward=192,
            heads=4,
            blocks=2,
            latents=1,
            latent_dim=192,
            perceiver_head_dim=32,
            positions=1000,
        ),
        duration=DurationConfig(trained=True, slot="a", free="zero"),
        alignment_heads=((1, 0), (2, 0), (3, 0)),  # the heads that training guides along the text
        repetition_penalty=1.0,
    ),
    s2m=S2MConfig(
        latent_dim=MODEL_DIM,
        latent_hidden=(128, 96),
        semantic_dim=SEMANTIC_DIM,
        frames_per_token=22_050 / 256 / TOKENS_PER_SECOND,
        noise_scale=0.3,
        defaults=FlowPlan(steps=10, grid="epss"),  # as near to 100 steps as 25 even ones are
        regulator=LengthRegulatorConfig(input_dim=SEMANTIC_DIM, width=192),
        flow=FlowConfig(
            width=192,
            heads=3,
            depth=5,
            content_dim=192,
            style_dim=STYLE_DIM,
            wavenet=WaveNetConfig(width=192, layers=4),
        ),
    ),
    vocoder=VocoderConfig(
        initial_channels=256,
        upsample_rates=(4, 4, 4, 4),
        upsample_kernels=(8, 8, 8, 8),
        residual_kernels=(3,),
        residual_dilations=((1, 3, 5),),
    ),
    text=TextConfig(kind="english", tokenizer="tokenizer.model", segment_tokens=90),
    name="IndexTTS2-mini",
    version="mini-1",
)
