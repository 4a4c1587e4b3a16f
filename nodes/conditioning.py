"""Nodes that turn recordings, weights and words into who talks and how it is said."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.config import EMOTIONS
from ..indextts2.stages.emotion.bank import SELECTIONS
from ..indextts2.stages.emotion.from_text import METHODS
from ..indextts2.stages.reference import SECONDS_LIMIT
from . import memory, ports, runtime
from .ports import node_schema, seed_input

GROUP = "condition"
MOST_SECONDS = 60.0


def built_in_input() -> io.Combo.Input:
    """The widget that names a built-in reference."""
    return io.Combo.Input(
        "built_in_speaker",
        options=[*runtime.BUILT_IN_PLACES, *runtime.built_in_speakers()],
        default=runtime.BUILT_IN_PLACES[0],
        tooltip="Which built-in reference to use while no audio is connected, by place or by name.",
    )


class EncodeReference(io.ComfyNode):
    """Audio -> reference."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EncodeReference",
            "IndexTTS2 Encode Reference",
            GROUP,
            "Read a recording of someone talking. The result gives the speaker, the emotion, or both. Without audio, "
            "a built-in reference is used.",
            inputs=[
                ports.Encoder.Input("encoder", tooltip="The encoder of a checkpoint."),
                built_in_input(),
                io.Float.Input(
                    "seconds_limit",
                    default=SECONDS_LIMIT,
                    min=1.0,
                    max=MOST_SECONDS,
                    step=0.5,
                    tooltip="Longest part of the audio that is read, from its start, in seconds. The released models "
                    "were made for 15.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="Clean speech of one person, 3 to 15 seconds, any sample rate, mono or stereo.",
                ),
                io.Audio.Input(
                    "emotion_audio",
                    optional=True,
                    tooltip="Gives the emotion of the reference instead of the audio; any sample rate, the same "
                    "longest part is read.",
                ),
            ],
            outputs=[ports.Reference.Output(display_name="reference", tooltip="What the encoder knows of it.")],
            aliases=["speaker encoder", "reference audio", "clone"],
        )

    @classmethod
    def execute(
        cls,
        encoder: Any,
        built_in_speaker: str,
        seconds_limit: float,
        audio: Any = None,
        emotion_audio: Any = None,
    ) -> io.NodeOutput:
        from ..indextts2.stages.reference import encode_reference

        speech = runtime.reference_waveform(audio, built_in_speaker)
        emotional = None if emotion_audio is None else runtime.waveform_of(emotion_audio, "emotion_audio")
        work = memory.encoder_bytes(runtime.required(encoder).models.config, seconds_limit)
        with runtime.running(encoder, work) as models:
            reference = encode_reference(models, speech, seconds_limit=seconds_limit, emotion_waveform=emotional)
        return io.NodeOutput(runtime.on_intermediate(reference))


class SpeakerCondition(io.ComfyNode):
    """Reference -> speaker."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SpeakerCondition",
            "IndexTTS2 Speaker Condition",
            GROUP,
            "Make the speaker of a reference: who talks. It also carries the emotion of the same recording, which is "
            "used wherever no other emotion is connected.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak."),
                ports.Reference.Input("reference", tooltip="A recording encoded by the same checkpoint's encoder."),
            ],
            outputs=[ports.Speaker.Output(display_name="speaker", tooltip="Who talks, for every node that speaks.")],
            aliases=["clone", "speaker embedding"],
        )

    @classmethod
    def execute(cls, t2s: Any, reference: Any) -> io.NodeOutput:
        from ..indextts2.stages.conditions import condition_speaker

        work = memory.encoder_bytes(runtime.required(t2s).models.config, reference.seconds)
        with runtime.running(t2s, work) as models:
            return io.NodeOutput(runtime.on_intermediate(condition_speaker(models, reference)))


class EmotionFromReference(io.ComfyNode):
    """Reference -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromReference",
            "IndexTTS2 Emotion from Reference",
            GROUP,
            "Take the emotion of a recording, whoever speaks in it.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak."),
                ports.Reference.Input("reference", tooltip="The recording whose emotion is taken."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="0 is the speaker's own emotion, 1 that of the reference; above 1 exaggerates. Other "
                    "values than 1 need the speaker.",
                ),
                ports.Speaker.Input(
                    "speaker",
                    optional=True,
                    tooltip="Who will talk; the speaker's own emotion is what strength 0 means.",
                ),
            ],
            outputs=[ports.Emotion.Output(display_name="emotion", tooltip="How it is said, for the nodes that speak.")],
            aliases=["emotion audio", "emo", "style transfer"],
        )

    @classmethod
    def execute(cls, t2s: Any, reference: Any, strength: float, speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.conditions import emotion_from_reference
        from ..indextts2.stages.emotion.algebra import scale_emotion

        work = memory.encoder_bytes(runtime.required(t2s).models.config, reference.seconds)
        with runtime.running(t2s, work) as models:
            emotion = emotion_from_reference(models, reference, base=speaker)
        scaled = emotion if strength == 1.0 else scale_emotion(runtime.on_compute(emotion), strength).emotion
        return io.NodeOutput(runtime.on_intermediate(scaled))


def weight_inputs() -> list[Any]:
    """The eight sliders, in the order of the checkpoint's emotion bank."""
    return [
        io.Float.Input(
            name,
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.01,
            display_mode=io.NumberDisplay.slider,
            tooltip=f"Share of '{name}', from 0 (none) to 1 (all of it). Sums up to 0.8 sound natural.",
        )
        for name in EMOTIONS
    ]


class EmotionFromWeights(io.ComfyNode):
    """Eight sliders -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromWeights",
            "IndexTTS2 Emotion from Weights",
            GROUP,
            "Mix an emotion from eight sliders. All at zero change nothing: the speaker's own emotion remains.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak, with its emotion bank."),
                ports.Speaker.Input("speaker", tooltip="Who will talk. What the sliders leave is the speaker's own."),
                *weight_inputs(),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="All sliders are multiplied by this; 0 is the speaker's own emotion, 1 as set.",
                ),
                io.Boolean.Input(
                    "balance",
                    default=True,
                    tooltip="Even out the eight sliders, which are not equally strong, and keep their sum at or "
                    "below 0.8, as the released program does. Not applied to connected weights.",
                ),
                io.Combo.Input(
                    "selection",
                    options=list(SELECTIONS),
                    default=SELECTIONS[0],
                    tooltip="Which stored example of each emotion is used: the one nearest to the speaker, a random "
                    "one by seed, or the mean of all.",
                ),
                seed_input("the random selection"),
                ports.EmotionWeights.Input(
                    "weights", optional=True, tooltip="Eight weights that replace the sliders, from 0 to 1 each."
                ),
                ports.Reference.Input(
                    "selection_reference",
                    optional=True,
                    tooltip="Chooses the stored examples nearest to this recording instead of to the speaker.",
                ),
            ],
            outputs=[
                ports.Emotion.Output(display_name="emotion", tooltip="How it is said, for the nodes that speak."),
                ports.EmotionWeights.Output(
                    id="used_weights", display_name="weights", tooltip="The eight weights after balance and strength."
                ),
            ],
            aliases=["emotion vector", "emo vec", "happy", "angry", "sad"],
        )

    @classmethod
    def execute(
        cls,
        t2s: Any,
        speaker: Any,
        strength: float,
        balance: bool,
        selection: str,
        seed: int,
        weights: Any = None,
        selection_reference: Any = None,
        **sliders: float,
    ) -> io.NodeOutput:
        from ..indextts2.contracts import EmotionWeights
        from ..indextts2.stages.emotion.bank import balance_weights, scale_weights, speaker_emotion

        if weights is None:
            set_by_hand = EmotionWeights.of(**sliders)
            weights = balance_weights(set_by_hand) if balance else set_by_hand
        used = scale_weights(weights, strength)
        style = None if selection_reference is None else selection_reference.style
        models, speaker = runtime.required(t2s).models, runtime.on_compute(speaker)
        emotion = speaker_emotion(models, used, speaker, style=style, selection=selection, seed=seed)
        return io.NodeOutput(runtime.on_intermediate(emotion), used)


class EmotionFromText(io.ComfyNode):
    """Words -> emotion weights."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromText",
            "IndexTTS2 Emotion from Text",
            GROUP,
            "Read eight emotion weights from words: the line itself, or a description such as 'she is furious'. "
            "Connect the weights to Emotion from Weights or to Speak.",
            inputs=[
                ports.T2E.Input("t2e", tooltip="The text-to-emotion model."),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="I cannot believe we won!",
                    tooltip="Words that show or describe the emotion, up to a few sentences.",
                ),
                io.Combo.Input(
                    "method",
                    options=["auto", *METHODS],
                    default="auto",
                    tooltip="auto: what the model was trained for. likelihood: how probable each emotion is. "
                    "generate: the model writes its answer.",
                ),
                io.Float.Input(
                    "temperature",
                    default=0.0,
                    min=0.0,
                    max=10.0,
                    step=0.05,
                    tooltip="For likelihood: below 1 sharpens, above 1 flattens the eight weights; 0 takes the "
                    "model's own.",
                ),
                seed_input("a model that draws its answer"),
            ],
            outputs=[
                ports.EmotionWeights.Output(display_name="weights", tooltip="Eight weights from 0 to 1."),
                io.String.Output(display_name="report", tooltip="The weights in words, and what was odd."),
            ],
            aliases=["emotion text", "qwen emotion", "sentiment"],
        )

    @classmethod
    def execute(cls, t2e: Any, text: str, method: str, temperature: float, seed: int) -> io.NodeOutput:
        from ..indextts2.stages.emotion.from_text import read_emotion
        from ..indextts2.values.report import weights_in_words

        with runtime.running(t2e, memory.LANGUAGE_MODEL_BYTES) as model:
            found = read_emotion(model, text, method=method, temperature=temperature or None, seed=seed)
        notes = [f"Note: {warning}" for warning in found.warnings]
        return io.NodeOutput(found.weights, "\n".join([weights_in_words(found.weights), *notes]))


NODES = (EncodeReference, SpeakerCondition, EmotionFromReference, EmotionFromWeights, EmotionFromText)
