"""Nodes of takes: all of them with their scores, and the one that is chosen."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.text.languages import AUTO, tag_of
from . import ports
from .bundle import bundle_input, model_inputs
from .duration import MOST, any_length_input
from .host import services
from .host.audio import audio_of
from .ports import node_schema
from .preview import GrowingMel
from .semantic_to_mel import latent_guidance_input
from .speak import OFF, emotion_request, speech_models, wanted_duration
from .text import EXAMPLE, language_input
from .text_to_semantic import MOST_TAKES, emotion_guidance_input
from .voices import chosen_voice, voice_input, voice_state
from .widgets import integer, number, seed_input, switch, words

GROUP = "easy"
TAKES = 4


class SpeakTakes(io.ComfyNode):
    """Text -> every take of it, with scores."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SpeakTakes",
            "Several Takes",
            GROUP,
            "Speak a text several times at once and judge every take: length, similarity to the speaker, words and how "
            "it ended. All takes come out as one batch; Choose Take keeps one.",
            inputs=[
                *model_inputs("that of 'models'"),
                words("text", EXAMPLE, "Text to speak, with the tags of Speak.", multiline=True),
                voice_input(),
                integer("takes", TAKES, 1, MOST_TAKES, "Number of takes."),
                number(
                    "emotion_strength", 1.0, 0.0, 1.0, 0.01, "Strength of the connected weights: 0 none, 1 as given."
                ),
                number("seconds", 0.0, 0.0, MOST, 0.01, "Exact length of every take in seconds; 0 is free."),
                switch(
                    "judge_words",
                    False,
                    "Also let a speech recogniser for English read the takes back. It needs the package "
                    "moonshine-voice.",
                ),
                seed_input("all takes"),
                io.Audio.Input(
                    "reference", optional=True, tooltip="A recording of the speaker, 3 to 15 seconds of clean speech."
                ),
                ports.EmotionWeights.Input("emotion_weights", optional=True, tooltip="Emotion as eight weights."),
                ports.Emotion.Input("emotion", optional=True, tooltip="Emotion as a vector, used unchanged."),
                ports.Duration.Input("duration", optional=True, tooltip="A length in any unit; replaces 'seconds'."),
                language_input(),
                emotion_guidance_input(),
                latent_guidance_input(),
                bundle_input(),
                any_length_input(),
            ],
            outputs=[
                ports.Takes.Output(id="all_takes", display_name="takes", tooltip="All takes, for Choose Take."),
                io.Audio.Output(
                    display_name="audio", tooltip="All takes as one batch, padded with silence to the longest."
                ),
                io.String.Output(display_name="table", tooltip="The scores of every take, the best marked."),
            ],
            aliases=["candidates", "variations", "retakes", "best of n"],
        )

    @classmethod
    def execute(
        cls,
        text: str,
        built_in_speaker: str,
        takes: int,
        judge_words: bool,
        seed: int,
        reference: Any = None,
        **inputs: Any,
    ) -> io.NodeOutput:
        from ..indextts2.sampling import SamplingSettings
        from ..indextts2.script.takes import describe_takes, speak_takes
        from ..indextts2.stages.prepare_text import prepare_text
        from ..indextts2.stages.semantic_to_mel import FlowSettings
        from ..indextts2.stages.speak import EmotionRequest, SpeakSettings, emotion_of, speaker_of
        from ..indextts2.stages.t2s.batches import DecodingSettings

        progress = services.progress()
        models = speech_models(inputs).with_watch(GrowingMel(progress))
        config, front_end = models.t2s.config, models.t2s.front_end
        prepared = prepare_text(
            front_end, text, language=tag_of(inputs.get("language", AUTO)), mel=config.mel, pace=models.t2s.pace
        )
        speaker = speaker_of(models, chosen_voice(reference, built_in_speaker))
        asked = emotion_request(inputs)
        emotion = emotion_of(models, speaker, asked, seed=seed) if isinstance(asked, EmotionRequest) else asked
        spoken = speak_takes(
            models,
            prepared,
            speaker,
            emotion,
            duration=wanted_duration(inputs),
            settings=SpeakSettings(
                sampling=SamplingSettings(emotion_guidance=inputs.get("emotion_guidance", OFF)),
                decoding=DecodingSettings(takes=takes, allow_any_length=inputs.get("allow_any_length", False)),
                flow=FlowSettings(latent_guidance=inputs.get("latent_guidance", OFF)),
            ),
            seed=seed,
            word_error=recogniser() if judge_words else None,
            progress=progress,
        )
        return io.NodeOutput(spoken, audio_of(spoken.batch()), describe_takes(spoken))

    @classmethod
    def fingerprint_inputs(cls, built_in_speaker: str | None = None, **unused: Any) -> str:
        return voice_state(built_in_speaker)


def recogniser() -> Any:
    """The judge of words. Raises MissingDependency naming the install command."""
    from ..indextts2.evaluation.listeners import open_listeners
    from ..indextts2.evaluation.words import word_error_rate

    listen = open_listeners(speakers=False, quality=False).transcribe
    return lambda waveform, text: word_error_rate([(text, listen(waveform))])


class ChooseTake(io.ComfyNode):
    """Takes -> one of them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "ChooseTake",
            "Choose Take",
            GROUP,
            "Keep one of several takes: the one you liked, or the best by its scores.",
            inputs=[
                ports.Takes.Input("takes", tooltip="All takes, from Several Takes."),
                integer("take", 0, 0, MOST_TAKES, "Number of the take, from 1; 0 is the best by its scores."),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="The take, mono."),
                ports.Semantic.Output(display_name="semantic", tooltip="Its semantic tokens, for Semantic to Mel."),
                io.Int.Output(display_name="number", tooltip="Number of the take that was kept, from 1."),
                io.String.Output(display_name="report", tooltip="What was asked for and produced, per segment."),
            ],
            aliases=["select take", "pick", "best take"],
        )

    @classmethod
    def execute(cls, takes: Any, take: int) -> io.NodeOutput:
        from ..indextts2.values.report import speech_report

        kept = takes.take(take)
        report = speech_report(kept.semantic.reports, kept.semantic.texts)
        number = take or takes.best + 1
        return io.NodeOutput(audio_of(kept.waveform), services.on_intermediate(kept.semantic), number, report)


NODES = (SpeakTakes, ChooseTake)
