"""The whole chain in one node, made of the same stages as the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from comfy_api.latest import io

from ..indextts2.loading.find import MINI
from ..indextts2.sampling import SamplingSettings
from ..indextts2.stages.semantic_to_mel import FlowSettings
from ..indextts2.text.languages import AUTO, tag_of
from . import memory, ports
from .bundle import bundle_input, gathered, model_inputs, uses_own_checkpoint
from .checkpoints import checkpoint_input, checkpoint_state, keep_models_for
from .duration import MOST, any_length_input
from .host import services
from .host.audio import audio_of, waveform_of
from .ports import node_schema
from .preview import GrowingMel, heard, player_input, speech_picture
from .semantic_to_mel import latent_guidance_input
from .text import EXAMPLE, language_input, profile_input
from .text_to_semantic import emotion_guidance_input
from .voices import chosen_voice, voice_input, voice_state
from .widgets import number, seed_input, words

GROUP = "easy"
OFF = 1.0  # of a guidance
STAGES = {
    "encoder": "Listening to the reference",
    "t2s": "Deciding words and delivery",
    "s2m": "Shaping the sound",
    "vocoder": "Making the waveform",
}
"""What a node says while a model works."""


class Speak(io.ComfyNode):
    """Text -> audio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "Speak",
            "Speak",
            GROUP,
            "Text to speech in one node, which works alone. Everything is optional: the models of Load Checkpoint, a "
            "recording of the speaker, an emotion, a length.",
            inputs=[
                *model_inputs("that of 'models'"),
                words(
                    "text",
                    EXAMPLE,
                    "Text to speak. Tags such as <pause 0.4s> or [happy 0.6] are understood.",
                    multiline=True,
                ),
                voice_input(),
                number(
                    "emotion_strength",
                    1.0,
                    0.0,
                    1.0,
                    0.01,
                    "Strength of the connected emotion weights or emotion audio: 0 none, 1 as given.",
                ),
                number(
                    "seconds",
                    0.0,
                    0.0,
                    MOST,
                    0.01,
                    "Exact length of the speech including pauses, in seconds; 0 is the natural length.",
                ),
                seed_input("all stages"),
                io.Audio.Input(
                    "reference", optional=True, tooltip="A recording of the speaker, 3 to 15 seconds of clean speech."
                ),
                ports.EmotionWeights.Input(
                    "emotion_weights",
                    optional=True,
                    tooltip="Emotion as eight weights: from Emotion Weights (sliders) or Emotion from Text.",
                ),
                io.Audio.Input(
                    "emotion_audio", optional=True, tooltip="A recording whose emotion is used, whoever speaks in it."
                ),
                ports.Emotion.Input(
                    "emotion",
                    optional=True,
                    tooltip="Emotion as a vector, used unchanged: from Blend Emotions, Schedule Emotions and others.",
                ),
                ports.Duration.Input(
                    "duration", optional=True, tooltip="A length in any unit, from Duration; replaces 'seconds'."
                ),
                language_input(),
                emotion_guidance_input(),
                latent_guidance_input(),
                profile_input(),
                checkpoint_input(
                    "Checkpoint that this node loads by itself while no models are connected; 'mini' is built in.",
                    optional=True,
                ),
                bundle_input(),
                player_input(),
                any_length_input(),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="Mono speech at the checkpoint's sample rate."),
                io.String.Output(
                    display_name="report", tooltip="What was asked for and what was produced, per segment."
                ),
                ports.words_output(),
            ],
            aliases=["tts", "text to speech", "speech", "voice", "clone", "voice cloning", "index-tts", "say"],
            is_output_node=True,
        )

    def __init__(self) -> None:
        super().__init__()
        keep_models_for(self)

    @classmethod
    def execute(
        cls, text: str, built_in_speaker: str, seed: int, reference: Any = None, **inputs: Any
    ) -> io.NodeOutput:
        from ..indextts2.stages.speak import SpeakSettings, speak
        from ..indextts2.stages.t2s.batches import DecodingSettings
        from ..indextts2.values.report import speech_report

        progress = services.progress()
        voice = chosen_voice(reference, built_in_speaker)
        speech = speak(
            speech_models(inputs),
            text,
            voice,
            emotion=emotion_request(inputs),
            duration=wanted_duration(inputs),
            settings=SpeakSettings(
                sampling=SamplingSettings(emotion_guidance=inputs.get("emotion_guidance", OFF)),
                decoding=DecodingSettings(allow_any_length=inputs.get("allow_any_length", False)),
                flow=FlowSettings(latent_guidance=inputs.get("latent_guidance", OFF)),
            ),
            seed=seed,
            language=tag_of(inputs.get("language", AUTO)),
            words=True,
            progress=progress,
            watch=GrowingMel(progress),
        )
        rate, total = speech.waveform.sample_rate, speech.waveform.samples.shape[-1]
        notes = (*speech.warnings, *notes_on(voice))
        report = speech_report(speech.reports, (), rate, total, notes)
        audio = audio_of(speech.waveform)
        services.tell(f"{total / rate:.2f} s of speech")
        shown = heard(cls, audio, speech_picture(speech.waveform, speech.words), progress)
        return io.NodeOutput(audio, report, speech.words, ui=shown)

    @classmethod
    def fingerprint_inputs(cls, checkpoint: str = MINI, built_in_speaker: str | None = None, **inputs: Any) -> str:
        return (checkpoint_state(checkpoint) if uses_own_checkpoint(inputs) else "") + voice_state(built_in_speaker)


def notes_on(voice: Any) -> tuple[str, ...]:
    """Sentences about what is poor about the recording of a speaker; none about a saved one."""
    from ..indextts2.audio.recording import recording_quality
    from ..indextts2.contracts import Waveform

    return recording_quality(voice).faults if isinstance(voice, Waveform) else ()


def speech_models(inputs: Mapping[str, Any], announce: Callable[[str], None] = services.tell) -> Any:
    """The four models as one. The host brings each to the compute device when its turn comes, which is announced."""
    from ..indextts2.stages.handles import SpeechModels

    parts = gathered(inputs)
    guidance = memory.Guidance(inputs.get("emotion_guidance", OFF), inputs.get("latent_guidance", OFF))
    work = {name: memory.typical_bytes(name, loaded.models.config, guidance) for name, loaded in parts.items()}

    def placed(part: str) -> AbstractContextManager[Any]:
        announce(STAGES[part])
        return services.running(parts[part], work[part])

    models = SpeechModels(**{name: loaded.models for name, loaded in parts.items()}, placement=placed)
    return models.with_text_profile(inputs.get("text_profile", AUTO))


def emotion_request(inputs: dict[str, Any]) -> Any:
    """The one emotion that is connected. Raises InputError for several."""
    from ..indextts2.errors import InputError
    from ..indextts2.stages.speak import EmotionRequest

    weights, recording, emotion = (inputs.get(name) for name in ("emotion_weights", "emotion_audio", "emotion"))
    if emotion is not None:
        if weights is not None or recording is not None:
            raise InputError("Connect one of emotion, emotion_weights and emotion_audio, not several.")
        return emotion
    waveform = None if recording is None else waveform_of(recording, "emotion_audio")
    return EmotionRequest(weights, waveform, strength=inputs["emotion_strength"])


def wanted_duration(inputs: dict[str, Any]) -> Any:
    """The connected duration, or the widget's seconds, or None for the natural length."""
    from ..indextts2.contracts import Duration

    if inputs.get("duration") is not None:
        return inputs["duration"]
    return Duration("seconds", inputs["seconds"]) if inputs["seconds"] else None


NODES = (Speak,)
