"""Every size and constant of the model, as frozen dataclasses. Defaults are the released IndexTTS-2.

Field names are ours; `loading/config_file.py` reads the official YAML schema (with extensions) into them.
A module takes its own section, never the whole tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EMOTIONS = ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
"""Order of the eight emotions everywhere (docs/spec/emotion.md)."""


@dataclass(frozen=True, slots=True)
class MelConfig:
    """Log-mel spectrogram, the domain of S2M and the vocoder (docs/spec/reference.md#mel)."""

    sample_rate: int = 22_050
    fft_size: int = 1024
    window: int = 1024
    hop: int = 256
    bands: int = 80
    low_hz: float = 0.0
    high_hz: float | None = None  # None: half the sample rate
    floor: float = 1e-5  # smallest mel energy before the logarithm
    magnitude_epsilon: float = 1e-9  # inside the square root of the magnitude

    @property
    def frames_per_second(self) -> float:
        return self.sample_rate / self.hop


@dataclass(frozen=True, slots=True)
class FbankConfig:
    """Kaldi-style log filterbank below the semantic encoder and the style encoder.

    Source: docs/spec/reference.md#filterbanks.
    """

    sample_rate: int = 16_000
    frame: int = 400  # 25 ms
    hop: int = 160  # 10 ms
    fft_size: int = 512
    bands: int = 80
    low_hz: float = 20.0
    high_hz: float = 8000.0
    preemphasis: float = 0.97
    window_power: float = 0.85  # Povey window: a Hann window to this power
    floor: float = 1.1920929e-07  # smallest band energy before the logarithm, float32 epsilon
    integer_scale: float = 32_768.0  # the semantic encoder's features read 16-bit integers
    variance_epsilon: float = 1e-7  # per-band normalisation of the semantic encoder's features


@dataclass(frozen=True, slots=True)
class SemanticEncoderConfig:
    """Wav2Vec2-BERT up to the tapped layer (docs/spec/reference.md#semantic-features)."""

    dim: int = 1024
    layers: int = 17  # layers after the tapped one are never needed
    heads: int = 16
    feed_forward: int = 4096
    conv_kernel: int = 31
    left_positions: int = 64
    right_positions: int = 8
    bands: int = 80
    stride: int = 2  # stacked 10 ms feature frames: 2 gives 50 tokens per second, 4 gives 25
    sample_rate: int = 16_000

    @property
    def input_dim(self) -> int:
        return self.bands * self.stride

    @property
    def tokens_per_second(self) -> float:
        return 100.0 / self.stride


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """Semantic codec (docs/spec/reference.md#semantic-codec)."""

    codebook_size: int = 8192
    codebook_dim: int = 8
    dim: int = 1024  # width of the semantic features it quantises
    width: int = 384
    intermediate: int = 2048
    layers: int = 12
    downsample: int = 1  # frames of the semantic encoder to a token; IndexTTS-2.5 has 2


@dataclass(frozen=True, slots=True)
class StyleEncoderConfig:
    """CAMPPlus speaker-style encoder (docs/spec/reference.md#style-encoder)."""

    bands: int = 80
    dim: int = 192
    growth: int = 32
    bottleneck: int = 4
    channels: int = 128
    head_channels: int = 32
    block_layers: tuple[int, ...] = (12, 24, 16)
    dilations: tuple[int, ...] = (1, 2, 2)


@dataclass(frozen=True, slots=True)
class ConditionerConfig:
    """Conformer and perceiver that turn semantic features into latents (docs/spec/t2s.md#conformer)."""

    input_dim: int = 1024
    width: int = 512
    feed_forward: int = 2048
    heads: int = 8
    blocks: int = 6
    kernel: int = 15
    latents: int = 32
    latent_dim: int = 1280
    perceiver_depth: int = 2
    perceiver_head_dim: int = 64
    perceiver_mult: float = 2.0  # inner width of the feed-forward is int(latent_dim * mult * 2 / 3)
    positions: int = 5000


@dataclass(frozen=True, slots=True)
class DurationConfig:
    """The way a checkpoint was taught to read a target length (docs/spec/control.md#trained-length-row)."""

    trained: bool = False  # True: W_num rows mean a length to this checkpoint
    slot: str = "a"  # which of the two slots takes the length row: "a", "b" or "both"
    free: str = "official"  # free length: "official" (rows 1, 0), "zero" (p = 0) or "row0" (row 0 twice)
    rows: bool = True  # False: the slots are zero rows without weights of their own, as in IndexTTS-2.5


@dataclass(frozen=True, slots=True)
class T2SConfig:
    """Text-to-semantic GPT with its conditioners (docs/spec/t2s.md)."""

    layers: int = 24
    dim: int = 1280
    heads: int = 20
    text_tokens: int = 12_000  # pieces; the table has one row more
    max_text_tokens: int = 600
    start_text: int = 0
    stop_text: int = 1
    semantic_tokens: int = 8194  # codebook plus start and stop
    max_semantic_tokens: int = 1815
    start_semantic: int = 8192
    stop_semantic: int = 8193
    decode_row_offset: int = 2  # code k sits at row k + 2 while decoding the released weights; ours use 1
    prompt_token: int | None = 1  # used before the first token (docs/spec/t2s.md#fake-prompt); None: no such token
    alignment_heads: tuple[tuple[int, ...], ...] | None = None  # (layer, head) pairs that follow the text, if known
    speaker_from: str = "features"  # "features": conformer and perceiver; "style": a projection of the style vector
    style_dim: int = 192  # width of the style vector that speaker_from "style" reads
    language_rows: int = 0  # rows of the language table that is added to the text; 0: there is none
    speaker: ConditionerConfig = field(default_factory=ConditionerConfig)
    emotion: ConditionerConfig = field(
        default_factory=lambda: ConditionerConfig(feed_forward=1024, heads=4, blocks=4, latents=1, latent_dim=1024)
    )
    duration: DurationConfig = field(default_factory=DurationConfig)
    repetition_penalty: float = 10.0  # what decoding uses unless told otherwise; the released value, ours need none
    longest_per_piece: float | None = None  # semantic tokens per text token no free speech reaches; None sets no limit

    @property
    def text_rows(self) -> int:
        """Rows of the text position table: start and stop included."""
        return self.max_text_tokens + 2

    @property
    def semantic_rows(self) -> int:
        """Rows of the semantic position table, W_sem = W_num of the paper."""
        return self.max_semantic_tokens + 3

    @property
    def codebook_size(self) -> int:
        return self.start_semantic


@dataclass(frozen=True, slots=True)
class LengthRegulatorConfig:
    """Token clock to frame clock (docs/spec/s2m.md#length-regulator)."""

    input_dim: int = 1024
    width: int = 512
    layers: int = 4


@dataclass(frozen=True, slots=True)
class WaveNetConfig:
    """Gated convolution head of the flow estimator (docs/spec/s2m.md#wavenet-head)."""

    width: int = 512
    layers: int = 8
    kernel: int = 5
    dilation_rate: int = 1


@dataclass(frozen=True, slots=True)
class FlowConfig:
    """Flow-matching estimator: DiT and WaveNet head (docs/spec/s2m.md#flow-estimator)."""

    bands: int = 80
    width: int = 512
    heads: int = 8
    depth: int = 13
    content_dim: int = 512
    style_dim: int = 192
    time_dim: int = 256
    wavenet: WaveNetConfig = field(default_factory=WaveNetConfig)


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """Solution of a flow: number and spacing of its steps, solver and guidance. The official values by default.

    distilled: the flow was taught to be solved in this way alone (`train s2m_few`).
    """

    steps: int = 25
    grid: str = "uniform"
    solver: str = "euler"
    guidance: float = 0.7
    distilled: bool = False


@dataclass(frozen=True, slots=True)
class S2MConfig:
    """Semantic-to-mel: latent projection, length regulator and flow (docs/spec/s2m.md)."""

    latent_dim: int = 1280
    latent_hidden: tuple[int, ...] = (256, 128)
    semantic_dim: int = 1024
    frames_per_token: float = 1.72  # per row of content: official constant for 50 a second; 86.13 / rate otherwise
    content: str = "latent"  # "latent": token embeddings and T2S latents; "decoder": what the codec decodes, no latents
    noise_scale: float = 1.0  # what a temperature of 1 means; a small model is clearer with less noise
    defaults: FlowPlan = field(default_factory=FlowPlan)  # where no setting says otherwise
    regulator: LengthRegulatorConfig = field(default_factory=LengthRegulatorConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)


@dataclass(frozen=True, slots=True)
class VocoderConfig:
    """BigVGAN v2 generator (docs/spec/s2m.md#vocoder)."""

    bands: int = 80
    initial_channels: int = 1536
    upsample_rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2)
    upsample_kernels: tuple[int, ...] = (8, 8, 4, 4, 4, 4)
    residual_kernels: tuple[int, ...] = (3, 7, 11)
    residual_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    snake_logscale: bool = True
    tanh_at_end: bool = False
    bias_at_end: bool = False


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Text front end of a checkpoint."""

    kind: str = "official"
    """"official": SentencePiece on characters and pinyin; "english": CMU phonemes and letters; "multilingual": byte
    pairs of many languages; "plain": SentencePiece on the text as it is, for languages without a normaliser here."""
    tokenizer: str = "bpe.model"
    segment_tokens: int = 120  # longest segment, in text tokens
    segment_tokens_alphabetic: int = 60  # the same for alphabetic languages of the kind "multilingual"
    pause_seconds: float = 0.2  # silence between segments


@dataclass(frozen=True, slots=True)
class EmotionBankConfig:
    """Rows of the stored emotion vectors per emotion, in the order of EMOTIONS (docs/spec/emotion.md#emotion-bank)."""

    group_sizes: tuple[int, ...] = (3, 17, 2, 8, 4, 5, 10, 24)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole checkpoint. Sections are independent; a fine-tuned T2S may run beside an official S2M."""

    mel: MelConfig = field(default_factory=MelConfig)
    semantic_encoder: SemanticEncoderConfig = field(default_factory=SemanticEncoderConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)
    style_encoder: StyleEncoderConfig = field(default_factory=StyleEncoderConfig)
    t2s: T2SConfig = field(default_factory=T2SConfig)
    s2m: S2MConfig = field(default_factory=S2MConfig)
    vocoder: VocoderConfig = field(default_factory=VocoderConfig)
    text: TextConfig = field(default_factory=TextConfig)
    emotion_bank: EmotionBankConfig = field(default_factory=EmotionBankConfig)
    name: str = "IndexTTS-2"
    version: str = "2.0"

    @property
    def tokens_per_second(self) -> float:
        """Semantic tokens of a second of speech."""
        return self.semantic_encoder.tokens_per_second / self.codec.downsample

    @property
    def frames_per_token(self) -> float:
        """Mel frames of a semantic token at its natural length."""
        return self.s2m.frames_per_token * self.codec.downsample
