"""A tiny random T2S with a speaker and texts, for the tests of decoding."""

from __future__ import annotations

import torch

from indextts2.contracts import Duration, Emotion, PreparedText, Segment, Speaker
from indextts2.models.t2s import TextToSemantic
from indextts2.models.transformer import MATRIX
from indextts2.stages.handles import T2SModels
from indextts2.stages.t2s.decode import DecodeJob, decode, longest_take
from indextts2.stages.t2s.prefix import Phase, build_prefix, merge_prefixes, prefill
from tests.conftest import TINY

MARK, ENCODER_MARK = "t2s-test", "encoder-test"
TEXTS = ((5, 9, 30, 31, 8), (12, 40), (3, 77, 20, 21, 22, 23, 60, 61, 62, 7, 8))


def numbers(seed=0):
    return torch.Generator().manual_seed(seed)


def tiny_model(config=TINY.t2s, seed=0, std=0.3):
    model = TextToSemantic(config).eval().requires_grad_(False)
    generator = numbers(seed)
    for name, parameter in model.named_parameters():
        target = parameter.T if MATRIX.fullmatch(name) else parameter  # drawn in the order of the published layout
        target.copy_(torch.empty(target.shape).normal_(std=std, generator=generator))
    return model


def tiny_handle(model, config=TINY):
    return T2SModels(model, None, None, config, MARK, ENCODER_MARK)


def tiny_speaker(seed=1, config=TINY):
    g = numbers(seed)
    return Speaker(
        condition=torch.randn(1, config.t2s.speaker.latents, config.t2s.dim, generator=g),
        emotion_vector=torch.randn(1, config.t2s.dim, generator=g),
        style=torch.randn(1, config.style_encoder.dim, generator=g),
        prompt_mel=torch.randn(1, config.mel.bands, 30, generator=g),
        prompt_quantized=torch.randn(1, 9, config.codec.dim, generator=g),
        fingerprint=MARK,
        encoder_fingerprint=ENCODER_MARK,
    )


def emotion_vector(seed, dim=TINY.t2s.dim):
    return torch.randn(1, dim, generator=numbers(seed))


def tiny_emotion(seed=2):
    return Emotion(emotion_vector(seed), fingerprint=MARK)


def prepared(*texts, pauses=(), durations=(), emotions=()):
    """Segments from ids."""

    def of(values, index):
        return values[index] if index < len(values) else None

    segments = tuple(
        Segment(f"segment {index}", tuple(ids), of(pauses, index) or 0.0, of(emotions, index), of(durations, index))
        for index, ids in enumerate(texts)
    )
    return PreparedText(" ".join(segment.text for segment in segments), "", segments)


def prefilled(model, texts=TEXTS, phases=None):
    """Texts behind one speaker, run through the trunk. phases: per text, a list of phases."""
    speaker = tiny_speaker()
    plain = [Phase(0, speaker.emotion_vector)]
    prefixes = [
        build_prefix(model, speaker.condition, phases[index] if phases else plain, model.duration_slots(None), ids)
        for index, ids in enumerate(texts)
    ]
    return prefill(model, merge_prefixes(prefixes))


def plain_job(model, segments, seeds, settings):
    """A job without any constraint on length."""
    limit = longest_take(model, settings)
    limits = torch.full((len(segments),), limit, dtype=torch.int64)
    return DecodeJob(segments, seeds, limits, torch.zeros(len(segments), limit))


def decoded(model, texts, settings, seeds=None, **more):
    """Free takes of the texts, one each."""
    rows = tuple(range(len(texts)))
    return decode(model, prefilled(model, texts), plain_job(model, rows, seeds or rows, settings), settings, **more)


def seconds(value, method="auto"):
    return Duration("seconds", value, method)


def tokens(value, method="auto"):
    return Duration("tokens", value, method)
