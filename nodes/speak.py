"""The whole chain in one node, made of the same stages as the others."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.loading.parts import GROUPS
from ..indextts2.sampling import SamplingSettings
from ..indextts2.stages.semantic_to_mel import FlowSettings
from ..indextts2.text.languages import AUTO, tag_of
from . import memory, ports
from .conditioning import built_in_input
from .duration import MOST
from .host import services
from .host.audio import audio_of, reference_waveform, waveform_of
from .ports import node_schema
from .semantic_to_mel import latent_guidance_input
from .text import EXAMPLE, language_input, profile_input
from .text_to_semantic import emotion_guidance_input
from .widgets import number, seed_input, words

GROUP = "easy"
OFF = 1.0  # of a guidance


class Speak(io.ComfyNode):
    """Text -> audio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "Speak",
            "IndexTTS2 Speak",
            GROUP,
            "Text to speech in one node. Connect the four models of Load Checkpoint and run. Everything else is "
            "optional: a recording of the speaker, an emotion, a length.",
            inputs=[
                ports.Encoder.Input("encoder", tooltip="From IndexTTS2 Load Checkpoint."),
                ports.T2S.Input("t2s", tooltip="From IndexTTS2 Load Checkpoint."),
                ports.S2M.Input("s2m", tooltip="From IndexTTS2 Load Checkpoint."),
                ports.Vocoder.Input("vocoder", tooltip="From IndexTTS2 Load Checkpoint."),
                words(
                    "text",
                    EXAMPLE,
                    "Text to speak. Tags such as <pause 0.4s> or [happy 0.6] are understood.",
                    multiline=True,
                ),
                built_in_input(),
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
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="Mono speech at the checkpoint's sample rate."),
                io.String.Output(
                    display_name="report", tooltip="What was asked for and what was produced, per segment."
                ),
                ports.words_output(),
            ],
            aliases=["tts", "text to speech", "speech", "voice", "clone", "voice cloning", "index-tts", "say"],
        )

    @classmethod
    def execute(
        cls, text: str, built_in_speaker: str, seed: int, reference: Any = None, **inputs: Any
    ) -> io.NodeOutput:
        from ..indextts2.stages.speak import SpeakSettings, speak
        from ..indextts2.values.report import speech_report

        speech = speak(
            speech_models(inputs),
            text,
            reference_waveform(reference, built_in_speaker),
            emotion=emotion_request(inputs),
            duration=wanted_duration(inputs),
            settings=SpeakSettings(
                sampling=SamplingSettings(emotion_guidance=inputs.get("emotion_guidance", OFF)),
                flow=FlowSettings(latent_guidance=inputs.get("latent_guidance", OFF)),
            ),
            seed=seed,
            language=tag_of(inputs.get("language", AUTO)),
            words=True,
            progress=services.progress(),
        )
        rate, total = speech.waveform.sample_rate, speech.waveform.samples.shape[-1]
        report = speech_report(speech.reports, (), rate, total, speech.warnings)
        return io.NodeOutput(audio_of(speech.waveform), report, speech.words)


def speech_models(inputs: dict[str, Any]) -> Any:
    """The four models as one, each brought to the compute device by the host when its turn comes."""
    from ..indextts2.stages.handles import SpeechModels

    parts = {name: services.required(inputs[name]) for name in GROUPS}
    guidance = memory.Guidance(inputs.get("emotion_guidance", OFF), inputs.get("latent_guidance", OFF))
    work = {name: memory.typical_bytes(name, loaded.models.config, guidance) for name, loaded in parts.items()}
    models = SpeechModels(
        **{name: loaded.models for name, loaded in parts.items()},
        placement=lambda part: services.running(parts[part], work[part]),
    )
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
