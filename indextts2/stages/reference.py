"""Encode a reference recording along the speaker path and the emotion path (docs/spec/reference.md)."""

from __future__ import annotations

import logging
from dataclasses import replace

import torch
from torch import Tensor

from ..audio.fbank import FBANK, semantic_input, style_features
from ..audio.mel import log_mel
from ..audio.recording import without_silence
from ..audio.resample import resample_sinc, resample_soxr
from ..contracts import Reference, Waveform
from ..errors import AudioError
from ..surroundings import with_torch_defaults
from .handles import EncoderModels, SpeechModels

logger = logging.getLogger(__name__)

SECONDS_LIMIT = 15.0  # what the released model reads of a reference
MINIMUM_SECONDS = 0.25  # below this the style encoder has too few frames for its statistics
SHORT_SECONDS = 1.0  # usable, but the speaker will hardly be recognised
SILENCE_PEAK = 1e-4  # -80 dB; nothing but noise is left below it
PART_SECONDS = 3.0  # of the parts whose styles are compared; shorter ones differ within one voice too
MOST_PARTS = 40  # half a part further each
RESAMPLER_REACH_SECONDS = 1.0  # audio kept beyond the limit, so that cutting first does not change the result


@torch.no_grad()
@with_torch_defaults
def encode_reference(
    encoder: EncoderModels,
    waveform: Waveform,
    *,
    seconds_limit: float = SECONDS_LIMIT,
    emotion_waveform: Waveform | None = None,
) -> Reference:
    """One recording -> Reference, on the device of the waveform, in float32.

    Stereo is mixed down; any sample rate is taken; audio beyond `seconds_limit` is left out with a notice.
    emotion_waveform gives the emotion features; None takes them from the same recording, along their own path.
    Raises AudioError for audio that is empty, silent, too short, or not finite.
    """
    speech = _checked(waveform, seconds_limit, "reference audio")
    emotional = speech if emotion_waveform is None else _checked(emotion_waveform, seconds_limit, "emotion audio")
    emotion_rate = waveform.sample_rate if emotion_waveform is None else emotion_waveform.sample_rate

    at_mel_rate = _resampled(speech, waveform.sample_rate, encoder.config.mel.sample_rate, seconds_limit).to(
        encoder.device
    )
    at_fbank_rate = resample_sinc(at_mel_rate, encoder.config.mel.sample_rate, FBANK.sample_rate)
    emotion_audio = _resampled(emotional, emotion_rate, FBANK.sample_rate, seconds_limit).to(encoder.device)

    features = semantic_features(encoder, at_fbank_rate)
    tokens, quantized = encoder.codec.quantize(encoder.place(features, encoder.codec))
    style = encoder.style_encoder(encoder.place(style_features(at_fbank_rate), encoder.style_encoder))
    home = waveform.samples.device
    return Reference(
        features=features.to(home),
        emotion_features=semantic_features(encoder, emotion_audio).to(home),
        tokens=tokens.to(home),
        quantized=quantized.float().to(home),
        style=style.float().to(home),
        mel=log_mel(at_mel_rate, encoder.config.mel).to(home),
        seconds=at_mel_rate.shape[-1] / encoder.config.mel.sample_rate,
        fingerprint=encoder.fingerprint,
    )


def reference_of(models: SpeechModels, waveform: Waveform) -> Reference:
    """`encode_reference` with the encoder of `models`, or what they keep of the same recording.

    Silence at the ends of the recording is left out: it slows speech down and swallows words.
    """
    waveform = without_silence(waveform)
    with models.ready("encoder") as encoder:
        if models.references is not None:
            return models.references.encode(encoder, waveform)
        return encode_reference(encoder, waveform)


@torch.no_grad()
@with_torch_defaults
def style_similarity(encoder: EncoderModels, waveform: Waveform) -> float | None:
    """Cosine of the styles of the two parts of a recording that differ most; None for one too short to compare parts.

    Two voices give a low one; so may one voice that changes a lot, so it is a hint and no proof.
    """
    mono = resample_soxr(waveform.mono[:1].detach().cpu(), waveform.sample_rate, FBANK.sample_rate)
    size, hop = round(PART_SECONDS * FBANK.sample_rate), round(PART_SECONDS / 2 * FBANK.sample_rate)
    mono = mono[:, : MOST_PARTS * hop]
    if mono.shape[1] < size + hop or not bool(torch.isfinite(mono).all()):
        return None
    parts = mono[0].unfold(0, size, hop)
    loud = parts.abs().amax(dim=1) >= SILENCE_PEAK
    features = [style_features(part[None].to(encoder.device)) for part in parts[loud]]
    styles = [encoder.style_encoder(encoder.place(one, encoder.style_encoder)).float() for one in features]
    if len(styles) < 2:
        return None
    directions = torch.nn.functional.normalize(torch.cat(styles), dim=-1)
    return float((directions @ directions.T).min())


def semantic_features(encoder: EncoderModels, waveform: Tensor) -> Tensor:
    """Normalised semantic features of 16 kHz audio: (batch, samples) -> (batch, tokens, dim), float32."""
    input_features, mask = semantic_input(waveform, encoder.config.semantic_encoder)
    hidden = encoder.semantic_encoder(encoder.place(input_features), mask).float()
    return (hidden - encoder.mean.to(hidden)) / encoder.std.to(hidden)


def _checked(waveform: Waveform, seconds_limit: float, name: str) -> Tensor:
    """Checked and mixed down, cut a little beyond the limit: (1, samples) float32."""
    samples, rate = waveform.samples, waveform.sample_rate
    if samples.shape[0] != 1:
        raise AudioError(
            f"The {name} should be one recording, but got a batch of {samples.shape[0]}. Pick one of them."
        )
    if samples.shape[1] == 0 or samples.shape[2] == 0:
        raise AudioError(f"The {name} is empty. Connect a recording of speech.")
    kept = round((seconds_limit + RESAMPLER_REACH_SECONDS) * rate)
    if waveform.seconds > seconds_limit:
        logger.info("The %s lasts %.1f s; its first %.1f s are used.", name, waveform.seconds, seconds_limit)
    mono = replace(waveform, samples=samples[:, :, :kept]).mono
    if not bool(torch.isfinite(mono).all()):
        raise AudioError(f"The {name} contains NaN or infinite samples. Look for the node before it that made them.")
    if min(waveform.seconds, seconds_limit) < MINIMUM_SECONDS:
        raise AudioError(
            f"The {name} lasts {min(waveform.seconds, seconds_limit):.2f} s; at least {MINIMUM_SECONDS:.2f} s "
            "are needed, and 5 to 15 s serve best. Use a longer clip."
        )
    if float(mono[:, : round(seconds_limit * rate)].abs().max()) < SILENCE_PEAK:
        raise AudioError(f"The {name} is silent. Choose another part of the recording, or raise its level.")
    if waveform.seconds < SHORT_SECONDS:
        logger.warning("The %s lasts only %.2f s; 5 to 15 s serve best.", name, waveform.seconds)
    return mono


def _resampled(mono: Tensor, source_rate: int, target_rate: int, seconds_limit: float) -> Tensor:
    """(1, samples) at the target rate, cut to the limit."""
    return resample_soxr(mono, source_rate, target_rate)[:, : int(seconds_limit * target_rate)]
