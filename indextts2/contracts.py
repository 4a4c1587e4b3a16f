"""The values that travel between stages: frozen dataclasses of tensors, checked at the border.

Values are never modified in place; the host caches them by reference. Every value made by a checkpoint carries that
checkpoint's fingerprint, and `require_same_checkpoint` refuses mixtures. Dimension names: batch, tokens, frames,
samples, text, bands, dim. `None` means "not given" unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .checks import LONGEST_ASKED, check_fields, check_shape
from .config import EMOTIONS
from .errors import CheckpointMismatch, InputError

Progress = Callable[[int, int], None]
"""Called as progress(done, total) between any two steps of a loop; raising `Cancelled` inside it stops the loop."""


def no_progress(done: int, total: int) -> None:
    """The progress callback of callers that do not want one."""


def subrange(progress: Progress, begin: int, end: int, total: int) -> Progress:
    """The progress of one part of some work, reported as `begin` to `end` of `total` and never backwards."""
    furthest = begin

    def report(done: int, part_total: int) -> None:
        nonlocal furthest
        share = min(done, part_total) / part_total if part_total else 1.0
        furthest = max(furthest, begin + round(share * (end - begin)))
        progress(furthest, total)

    return report


def pause_samples(seconds: float, sample_rate: int) -> int:
    """Samples of silence that a pause takes: truncated, as in the released pipeline.

    Source: docs/spec/s2m.md#output-and-pauses.
    """
    return int(seconds * sample_rate)


def require_same_checkpoint(*pairs: tuple[str, str]) -> str:
    """Each pair is (what it is, fingerprint). Returns the common fingerprint; empty ones (hand-made values) match any.

    Raises CheckpointMismatch naming the two that differ.
    """
    known = [(name, fingerprint) for name, fingerprint in pairs if fingerprint]
    for name, fingerprint in known[1:]:
        if fingerprint != known[0][1]:
            raise CheckpointMismatch(
                f"{known[0][0]} was made by checkpoint {known[0][1]} and {name} by checkpoint {fingerprint}. "
                "Their vectors mean different things; make both with the same checkpoint."
            )
    return known[0][1] if known else ""


@dataclass(frozen=True, slots=True)
class Waveform:
    """Audio."""

    samples: Tensor  # (batch, channels, samples) float32 in [-1, 1]
    sample_rate: int  # Hz

    def __post_init__(self) -> None:
        check_fields(self)
        check_shape("Waveform.samples", self.samples, None, None, None)
        if self.sample_rate <= 0:
            raise InputError(f"The sample rate should be positive, but is {self.sample_rate} Hz.")

    @property
    def seconds(self) -> float:
        return self.samples.shape[-1] / self.sample_rate

    @property
    def mono(self) -> Tensor:
        """(batch, samples) float32: the mean of the channels."""
        return self.samples.float().mean(dim=1)


@dataclass(frozen=True, slots=True)
class Reference:
    """Encoder outputs of one reference recording (docs/spec/reference.md)."""

    features: Tensor  # (1, rows, dim) normalised semantic features
    emotion_features: Tensor  # (1, rows, dim) the same along the emotion path, resampled once
    tokens: Tensor  # (1, tokens) int64 semantic tokens of the recording, as many as rows unless the codec resamples
    quantized: Tensor  # (1, tokens, dim) the codec's embedding of the tokens
    style: Tensor  # (1, style_dim)
    mel: Tensor  # (1, bands, frames)
    seconds: float
    fingerprint: str = ""

    def __post_init__(self) -> None:
        check_shape("Reference.features", self.features, 1, None, None)
        check_shape("Reference.emotion_features", self.emotion_features, 1, None, None)
        check_shape("Reference.tokens", self.tokens, 1, None)
        rows, count = self.features.shape[1], max(1, self.tokens.shape[-1])
        rows_per_token = max(1, round(rows / count))
        check_shape("Reference.tokens", self.tokens, 1, -(-rows // rows_per_token))
        check_shape("Reference.quantized", self.quantized, 1, self.tokens.shape[1], None)
        check_shape("Reference.style", self.style, 1, None)
        check_shape("Reference.mel", self.mel, 1, None, None)


@dataclass(frozen=True, slots=True)
class Speaker:
    """The speaker: what T2S and S2M need of a reference."""

    condition: Tensor  # (1, latents, dim) speaker condition of T2S
    emotion_vector: Tensor  # (1, dim) emotion vector of the speaker's own reference, base of every mix
    style: Tensor  # (1, style_dim)
    prompt_mel: Tensor  # (1, bands, frames)
    prompt_quantized: Tensor  # (1, rows, dim) the reference's content for S2M: quantised in 2.0, continuous in 2.5
    fingerprint: str = ""
    encoder_fingerprint: str = ""

    def __post_init__(self) -> None:
        check_shape("Speaker.condition", self.condition, 1, None, None)
        check_shape("Speaker.emotion_vector", self.emotion_vector, 1, self.condition.shape[-1])
        check_shape("Speaker.style", self.style, 1, None)
        check_shape("Speaker.prompt_mel", self.prompt_mel, 1, None, None)
        check_shape("Speaker.prompt_quantized", self.prompt_quantized, 1, None, None)


@dataclass(frozen=True, slots=True)
class Keyframe:
    """An emotion that begins at a position of the text."""

    position: float  # 0 is the start of the text, 1 its end
    vector: Tensor  # (1, dim)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Emotion:
    """The emotion of a text: one vector, or several along it."""

    vector: Tensor  # (1, dim), the first keyframe's when there are several
    keyframes: tuple[Keyframe, ...] = ()  # empty for a constant emotion
    base: Tensor | None = None  # (1, dim) the vector that strength zero stands for; None when unknown
    transition: str = "step"  # or "linear"
    fingerprint: str = ""

    def __post_init__(self) -> None:
        check_shape("Emotion.vector", self.vector, 1, None)
        for frame in self.keyframes:
            check_shape("Keyframe.vector", frame.vector, 1, self.vector.shape[-1])


@dataclass(frozen=True, slots=True)
class EmotionWeights:
    """Eight numbers in the order of `config.EMOTIONS`; all zero means exactly "no change"."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        check_fields(self, names={"values": "Emotion weights"})
        if len(self.values) != len(EMOTIONS):
            raise InputError(f"Eight emotion weights are expected ({', '.join(EMOTIONS)}), but got {len(self.values)}.")
        if not all(0.0 <= value < float("inf") for value in self.values):
            raise InputError(f"Emotion weights should be finite and not negative, but are {list(self.values)}.")

    @classmethod
    def of(cls, /, **weights: float) -> EmotionWeights:
        """EmotionWeights.of(happy=0.6). Raises InputError for an unknown name."""
        unknown = sorted(set(weights) - set(EMOTIONS))
        if unknown:
            raise InputError(f"Unknown emotion {', '.join(unknown)}; known are {', '.join(EMOTIONS)}.")
        return cls(tuple(float(weights.get(name, 0.0)) for name in EMOTIONS))

    def named(self) -> list[tuple[str, float]]:
        """(name, weight) of all eight, in order."""
        return list(zip(EMOTIONS, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text that T2S speaks in one decode."""

    text: str
    ids: tuple[int, ...]  # text token ids, without start and stop
    pause_seconds: float = 0.0  # silence after the segment
    emotion: Emotion | None = None  # overrides the emotion given for the whole text
    duration: Duration | None = None  # overrides the duration given for the whole text
    start: int = 0  # character position in the text as given
    end: int = 0
    emotion_weights: EmotionWeights | None = None  # an emotion tag of the text, resolved to a vector later
    language: str = ""  # code of the language it is read in; "" where the front end does not tell
    spoken: str = ""  # the words as they will be said, in plain spelling
    origins: tuple[int, ...] = ()  # per id the character of the text as given, -1 for blanks and marks; () if unknown


@dataclass(frozen=True, slots=True)
class Anchor:
    """A time that a place in a text is tied to: the word behind it begins then, or the word before it has ended."""

    kind: str  # "at": the next word begins then; "by": the word before ends then at the latest
    place: int  # character in the text as given
    seconds: float  # from the start of the speech


@dataclass(frozen=True, slots=True)
class PreparedText:
    """Text ready for T2S, with what the front end did to it."""

    original: str
    normalised: str
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()
    tokenizer_fingerprint: str = ""
    anchors: tuple[Anchor, ...] = ()  # in the order of the text; kept by `place_words`, once it is spoken

    @property
    def token_count(self) -> int:
        return sum(len(segment.ids) for segment in self.segments)


DURATION_METHODS = ("auto", "natural", "model", "model_b", "guided", "forced")
"""Ways to meet a length; "auto" is the checkpoint's own way, "model_b" is "model" with the length told in slot b."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A target length (docs/spec/control.md#duration-methods)."""

    unit: str = "free"  # value ignored; or "tokens", "frames", "seconds", "samples", or "factor" of the free length
    value: float = 0.0
    method: str = "auto"  # one of DURATION_METHODS

    def __post_init__(self) -> None:
        check_fields(self)
        if self.unit not in LONGEST_ASKED:
            raise InputError(f"A duration is given in {', '.join(LONGEST_ASKED)}, but got '{self.unit}'.")
        if self.method not in DURATION_METHODS:
            raise InputError(f"A duration method is one of {', '.join(DURATION_METHODS)}, but got '{self.method}'.")
        if self.unit != "free" and not 0.0 < self.value <= LONGEST_ASKED[self.unit]:
            asked = f"{self.value} {self.unit} was asked; at most {LONGEST_ASKED[self.unit]:,} can be."
            raise InputError(f"A duration should be positive and finite, but {asked}")


@dataclass(frozen=True, slots=True)
class DurationReport:
    """Lengths of a segment: asked, produced by T2S, stretched by S2M; one per segment, and one merged for the whole."""

    asked: str  # in words
    method: str
    token_target: int | None  # tokens T2S was told to make, None when free
    token_count: int  # made by T2S
    frame_target: int | None = None  # frames S2M was told to make, None when free
    frame_count: int | None = None  # made by S2M, None before it ran
    stretch: float = 1.0  # frames / (frames_per_token * tokens)
    sample_target: int | None = None
    sample_count: int | None = None  # after the final trim, None before
    stop: str = "own"  # or "forced", "guided", "limit"
    take_lengths: tuple[int, ...] = ()  # tokens of every take decoded
    warnings: tuple[str, ...] = ()
    span_stretches: tuple[float, ...] = ()  # of the parts between words at given times
    tries: int = 1  # how often it was decoded, because takes before had failed
    cut_off: bool = False  # it ended before its words can have been said, in every try


@dataclass(frozen=True, slots=True)
class SemanticSpeech:
    """Output of text-to-semantic, input of semantic-to-mel. One batch item per segment."""

    tokens: Tensor  # (batch, tokens) int64, padded with 0
    token_lengths: Tensor  # (batch,) int64
    latent: Tensor | None  # (batch, tokens, dim); None switches latent enhancement off
    frame_targets: Tensor  # (batch,) int64 frames asked for, 0 where free
    sample_targets: Tensor  # (batch,) int64 samples asked for, 0 where free
    pauses: tuple[float, ...]  # seconds of silence after each item
    reports: tuple[DurationReport, ...] = ()
    texts: tuple[str, ...] = ()
    seed: int = 0
    fingerprint: str = ""
    encoder_fingerprint: str = ""
    downsample: int | None = None  # features of the semantic encoder in one token; None for one
    spans: Tensor | None = None  # (batch, spans, 2) int64, see `spans_of`; padded with 0
    lead_seconds: float = 0.0  # silence before the first item
    starts_at: tuple[float, ...] = ()  # seconds at which words were asked to begin, in the whole
    ends_by: tuple[float, ...] = ()  # seconds by which words were asked to have ended

    def __post_init__(self) -> None:
        check_shape("SemanticSpeech.tokens", self.tokens, None, None)
        rows, width = self.tokens.shape
        check_shape("SemanticSpeech.token_lengths", self.token_lengths, rows)
        check_shape("SemanticSpeech.frame_targets", self.frame_targets, rows)
        check_shape("SemanticSpeech.sample_targets", self.sample_targets, rows)
        if self.latent is not None:
            check_shape("SemanticSpeech.latent", self.latent, rows, width, None)
        if len(self.pauses) != rows:
            raise InputError(f"SemanticSpeech has {rows} rows, but {len(self.pauses)} pauses.")
        if self.spans is not None:
            check_shape("SemanticSpeech.spans", self.spans, rows, None, 2)

    def spans_of(self, row: int) -> tuple[tuple[int, int], ...]:
        """(tokens, frames) of the parts of an item that have lengths of their own; empty where it has none."""
        if self.spans is None:
            return ()
        return tuple((int(tokens), int(frames)) for tokens, frames in self.spans[row].tolist() if tokens)


@dataclass(frozen=True, slots=True)
class MelSpectrogram:
    """Log-mel spectrograms, one batch item per segment."""

    mel: Tensor  # (batch, bands, frames), padded with the silence floor
    frame_lengths: Tensor  # (batch,) int64
    sample_targets: Tensor  # (batch,) int64 samples the vocoder's output is trimmed to, 0 for hop x frames
    pauses: tuple[float, ...]  # seconds of silence after each item
    sample_rate: int  # Hz
    hop: int  # samples per frame
    reports: tuple[DurationReport, ...] = ()
    texts: tuple[str, ...] = ()
    lead_seconds: float = 0.0  # silence before the first item
    starts_at: tuple[float, ...] = ()  # seconds at which words were asked to begin, in the whole
    ends_by: tuple[float, ...] = ()  # seconds by which words were asked to have ended

    def __post_init__(self) -> None:
        check_shape("MelSpectrogram.mel", self.mel, None, None, None)
        check_shape("MelSpectrogram.frame_lengths", self.frame_lengths, self.mel.shape[0])
        check_shape("MelSpectrogram.sample_targets", self.sample_targets, self.mel.shape[0])


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A written word with its place in the audio, in samples: from `start` up to `end`."""

    text: str  # as written, with its punctuation
    start: int
    end: int
    group: int = 0  # index of the segment, in a script of the line
    speaker: str = ""  # "" where nobody is named
    asked: int | None = None  # sample at which it was asked to begin, None where it was free

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise InputError(f"The word '{self.text}' should not end before it starts, but lies at {self.start}.")


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """Words in time: every written word of some audio, in the order in which they begin."""

    words: tuple[SpokenWord, ...]
    sample_rate: int  # Hz
    sample_count: int  # of the whole audio

    def __post_init__(self) -> None:
        if self.sample_rate <= 0:
            raise InputError(f"The sample rate should be positive, but is {self.sample_rate} Hz.")


@dataclass(frozen=True, slots=True)
class Shift:
    """Audio from sample `first` up to `end` that is heard so many samples earlier, so that its words are on time."""

    first: int
    end: int
    earlier: int


@dataclass(frozen=True, slots=True)
class Speech:
    """The end of the chain: audio with its reports."""

    waveform: Waveform  # samples (1, 1, samples)
    reports: tuple[DurationReport, ...] = ()
    seeds: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # of the text, such as words that cannot be spoken; a segment's are in its report
    words: SpokenWords | None = None  # None where nobody asked for them
    shifts: tuple[Shift, ...] = ()  # of the sound, to the times of its words


def concatenated(values: Sequence[Tensor], fill: float) -> Tensor:
    """Stack (1, ..., n) tensors of different n into one batch, padded on the right with `fill`."""
    width = max(value.shape[-1] for value in values)
    rows = [torch.nn.functional.pad(value, (0, width - value.shape[-1]), value=fill) for value in values]
    return torch.cat(rows, dim=0)
