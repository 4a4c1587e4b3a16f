"""The whole chain: a text and a reference in, speech out. Made of the other stages and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..checks import check_fields, check_whole
from ..contracts import (
    Duration,
    Emotion,
    EmotionWeights,
    PreparedText,
    Progress,
    Reference,
    Speaker,
    Speech,
    Waveform,
    no_progress,
    subrange,
)
from ..errors import InputError
from ..sampling import SamplingSettings
from ..surroundings import with_torch_defaults
from .conditions import condition_speaker, emotion_from_reference
from .emotion.algebra import scale_emotion
from .emotion.bank import speaker_emotion
from .emotion.from_text import emotion_from_text
from .handles import SpeechModels
from .mel_to_audio import mel_to_audio
from .prepare_text import prepare_text
from .reference import reference_of
from .semantic_to_mel import FlowSettings, MelWatch, semantic_to_mel
from .t2s.batches import DecodingSettings
from .t2s.spoken_words import words_in_time
from .t2s.text_to_semantic import text_to_semantic
from .t2s.word_times import place_words
from .words_on_time import heard_words

SEEDED = ("t2s", "s2m", "emotion")
"""What is drawn by chance, each by a seed of its own."""
PROGRESS_TOTAL = 1000
SHARES = {"encode": (0, 60), "t2s": (60, 500), "s2m": (500, 900), "vocoder": (900, PROGRESS_TOTAL)}
"""First and last step of each stage on the progress bar of the whole; a rough guess at its time."""


@dataclass(frozen=True, slots=True)
class EmotionRequest:
    """Emotion that is asked for: eight weights, or a recording, or a text that is read for it. At most one.

    strength: 0 is the speaker's own emotion, 1 the one asked for; the emotion of a recording goes beyond 1, the others
    do not.
    """

    weights: EmotionWeights | None = None
    recording: Waveform | None = None
    text: str | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        given = [name for name in ("weights", "recording", "text") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(f"Give the emotion by one of weights, recording or text, not by {' and '.join(given)}.")
        if not 0.0 <= self.strength < float("inf"):
            raise InputError(f"The emotion strength should be finite and not negative, but is {self.strength}.")
        if self.strength > 1.0 and self.recording is None:
            raise InputError(
                f"The emotion strength of weights or a text should be at most 1, but is {self.strength:g}. "
                "Raise the weights, or take the emotion from a recording."
            )


NO_EMOTION = EmotionRequest()


@dataclass(frozen=True, slots=True)
class SpeakSettings:
    """Settings of the stages. seeds: of "t2s", "s2m" and "emotion", where they differ from the common one."""

    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    seeds: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        unknown = sorted(set(map(str, self.seeds)) - set(SEEDED))
        if unknown:
            raise InputError(f"Seeds are those of {', '.join(SEEDED)}, but got one of {unknown[0][:80]}.")


@with_torch_defaults
def speak(
    models: SpeechModels,
    text: str | PreparedText,
    reference: Waveform | Reference | Speaker,
    *,
    emotion: EmotionRequest | Emotion = NO_EMOTION,
    duration: Duration | None = None,
    settings: SpeakSettings | None = None,
    seed: int = 0,
    language: str = "",
    words: bool = False,
    progress: Progress = no_progress,
    watch: MelWatch | None = None,
) -> Speech:
    """Speak `text` as the speaker of `reference`: a recording, its encoding, or a finished speaker.

    language: a tag such as en, of a text that is not prepared yet; "" is judged by its characters. duration: None is
    free; a length given for the whole text is met to the sample, pauses included. The same seed gives the same speech.
    words: also find when each word is spoken, `Speech.words`, for which text-to-semantic reads its tokens once more.
    watch: shown the mel as it grows.
    Speech.seeds says which seed each stage used, Speech.warnings what of the text was left out. Raises
    the errors of the stages.
    """
    settings, seed = settings or SpeakSettings(), check_whole("seed", seed)
    seeds = {name: settings.seeds.get(name, seed) for name in SEEDED}
    prepared = text
    if isinstance(prepared, str):
        prepared = prepare_text(
            models.t2s.front_end, prepared, language=language, mel=models.t2s.config.mel, pace=models.t2s.pace
        )
    speaker = speaker_of(models, reference)
    wanted = (
        emotion_of(models, speaker, emotion, seed=seeds["emotion"]) if isinstance(emotion, EmotionRequest) else emotion
    )
    _part(progress, "encode")(1, 1)
    with models.ready("t2s") as t2s:
        semantic = text_to_semantic(
            t2s,
            prepared,
            speaker,
            wanted,
            duration=duration,
            sampling=settings.sampling,
            decoding=settings.decoding,
            seed=seeds["t2s"],
            progress=_part(progress, "t2s"),
        )
        semantic = place_words(t2s, prepared, semantic, speaker, wanted)
        in_time = words_in_time(t2s, prepared, semantic, speaker, wanted) if words else None
    with models.ready("s2m") as s2m:
        mel = semantic_to_mel(
            s2m,
            semantic,
            speaker,
            flow=settings.flow,
            seed=seeds["s2m"],
            progress=_part(progress, "s2m"),
            watch=watch,
        )
    with models.ready("vocoder") as vocoder:
        speech = mel_to_audio(vocoder, mel, progress=_part(progress, "vocoder"))
    heard = None if in_time is None else heard_words(in_time, speech)
    return replace(speech, seeds=seeds, warnings=prepared.warnings, words=heard)


def speaker_of(models: SpeechModels, voice: Waveform | Reference | Speaker) -> Speaker:
    """The speaker of a recording, of its encoding, or the speaker itself."""
    if isinstance(voice, Speaker):
        return voice
    reference = reference_of(models, voice) if isinstance(voice, Waveform) else voice
    with models.ready("t2s") as t2s:
        return condition_speaker(t2s, reference)


def emotion_of(models: SpeechModels, speaker: Speaker, request: EmotionRequest, *, seed: int = 0) -> Emotion | None:
    """The emotion a request asks for; None keeps the speaker's own. Raises InputError without a model to read text."""
    weights = request.weights
    if request.text is not None:
        if models.text_to_emotion is None:
            raise InputError("No text-to-emotion model is loaded. Load one, or give the emotion by weights.")
        with models.ready("text_to_emotion") as text_to_emotion:
            weights = emotion_from_text(text_to_emotion, request.text, seed=seed)
    if weights is not None:
        return speaker_emotion(models.t2s, weights, speaker, strength=request.strength, seed=seed)
    if request.recording is not None:
        recorded = reference_of(models, request.recording)
        with models.ready("t2s") as t2s:
            emotion = emotion_from_reference(t2s, recorded, base=speaker)
        return scale_emotion(emotion, request.strength).emotion
    return None


def _part(progress: Progress, stage: str) -> Progress:
    """A stage's own progress as a part of the whole."""
    begin, end = SHARES[stage]
    return subrange(progress, begin, end, PROGRESS_TOTAL)
