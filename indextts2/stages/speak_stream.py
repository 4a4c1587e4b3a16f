"""Speech while it is made: the chain segment by segment, and the vocoder's windows as they are finished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..checks import check_whole
from ..contracts import Emotion, PreparedText, Reference, Speaker, Waveform, pause_samples
from ..errors import InputError
from ..surroundings import torch_defaults
from .handles import SpeechModels
from .mel_to_audio import audio_windows
from .prepare_text import prepare_text
from .semantic_to_mel import semantic_to_mel
from .speak import NO_EMOTION, SEEDED, EmotionRequest, SpeakSettings, emotion_of, speaker_of
from .speak_early import EarlySettings, early_pieces
from .t2s.text_to_semantic import text_to_semantic


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of speech in the order of the text."""

    samples: Tensor  # (samples,) float32 on the CPU
    sample_rate: int
    segment: int  # of the text that it belongs to


def speak_stream(
    models: SpeechModels,
    text: str | PreparedText,
    reference: Waveform | Reference | Speaker,
    *,
    emotion: EmotionRequest | Emotion = NO_EMOTION,
    settings: SpeakSettings | None = None,
    seed: int = 0,
    language: str = "",
    first_segment_tokens: int | None = None,
    early: EarlySettings | None = None,
) -> Iterator[SpeechChunk]:
    """Speak `text` as the speaker of `reference`, in chunks that are ready one after the other.

    Put together the chunks are, to the bit, the samples of `speak` with `one_at_a_time(settings)`, which computes one
    segment at a time too. A segment may have a length of its own; the whole has none, since its parts would have to be
    known first. first_segment_tokens: see `prepare_text`, for a first chunk that comes soon. Raises the errors of the
    stages where the chunk is asked for.

    early: settings of the approximate way, in which a segment is heard while its tokens are decoded (`speak_early.py`);
    None is the exact one.
    """
    settings = one_at_a_time(settings or SpeakSettings())
    seeds = {name: check_whole("seed", settings.seeds.get(name, seed)) for name in SEEDED}
    with torch_defaults():
        prepared = text
        if isinstance(prepared, str):
            prepared = prepare_text(
                models.t2s.front_end,
                prepared,
                first_segment_tokens=first_segment_tokens,
                language=language,
                mel=models.t2s.config.mel,
            )
        if prepared.anchors:
            raise InputError(
                "Words at given times (<at>, <by>) are moved to their sound once it is all known, so they cannot be "
                "heard before. Leave out streaming, or speak it as a line of a script, which is streamed by lines."
            )
        speaker = speaker_of(models, reference)
        if isinstance(emotion, EmotionRequest):
            wanted = emotion_of(models, speaker, emotion, seed=seeds["emotion"])
        else:
            wanted = emotion
    rate = models.s2m.config.mel.sample_rate
    for index, segment in enumerate(prepared.segments):
        if early is None:
            pieces = _exact_pieces(models, prepared, speaker, wanted, settings, seeds, index)
        else:
            pieces = early_pieces(models, prepared, speaker, wanted, settings, early, seeds, index)
        for samples in pieces:
            yield SpeechChunk(samples.cpu(), rate, index)
        pause = pause_samples(segment.pause_seconds, rate)
        if pause:
            yield SpeechChunk(torch.zeros(pause), rate, index)


def _exact_pieces(
    models: SpeechModels,
    text: PreparedText,
    speaker: Speaker,
    emotion: Emotion | None,
    settings: SpeakSettings,
    seeds: Mapping[str, int],
    index: int,
) -> Iterator[Tensor]:
    """One segment, (samples,) at a time: the vocoder's windows."""
    with models.ready("t2s") as t2s:
        semantic = text_to_semantic(
            t2s,
            text,
            speaker,
            emotion,
            sampling=settings.sampling,
            decoding=settings.decoding,
            seed=seeds["t2s"],
            segments=(index,),
        )
    with models.ready("s2m") as s2m:
        mel = semantic_to_mel(s2m, semantic, speaker, flow=settings.flow, seed=seeds["s2m"], first_row=index)
    with models.ready("vocoder") as vocoder:
        yield from audio_windows(vocoder, mel, 0)


def one_at_a_time(settings: SpeakSettings) -> SpeakSettings:
    """The same settings with one segment computed at a time: rows computed together differ in their last bits."""
    return replace(
        settings,
        decoding=replace(settings.decoding, rows_at_once=1),
        flow=replace(settings.flow, rows_at_once=1),
    )
