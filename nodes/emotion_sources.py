"""Nodes that take an emotion from a recording, from eight weights and from text."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.config import EMOTIONS
from ..indextts2.stages.emotion.bank import SELECTIONS
from ..indextts2.stages.emotion.from_text import METHODS
from . import memory, ports
from .host import services
from .ports import node_schema
from .widgets import choice, number, seed_input, switch, words

GROUP = "condition"


class EmotionFromReference(io.ComfyNode):
    """Reference -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromReference",
            "Emotion from Reference",
            GROUP,
            "Use the emotion of a recording, whoever speaks in it.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak."),
                ports.Reference.Input("reference", tooltip="The recording whose emotion is used."),
                number(
                    "strength",
                    1.0,
                    0.0,
                    2.0,
                    0.05,
                    "0 is the speaker's own emotion, 1 that of the reference; above 1 exaggerates. Values other "
                    "than 1 need a speaker.",
                ),
                ports.Speaker.Input(
                    "speaker",
                    optional=True,
                    tooltip="The speaker; the speaker's own emotion is strength 0.",
                ),
            ],
            outputs=[ports.Emotion.Output(display_name="emotion", tooltip="The emotion, for the nodes that speak.")],
            aliases=["emotion audio", "emo", "style transfer"],
        )

    @classmethod
    def execute(cls, t2s: Any, reference: Any, strength: float, speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.conditions import emotion_from_reference
        from ..indextts2.stages.emotion.algebra import scale_emotion

        work = memory.encoder_bytes(services.required(t2s).models.config, reference.seconds)
        with services.running(t2s, work) as models:
            emotion = emotion_from_reference(models, reference, base=speaker)
        scaled = emotion if strength == 1.0 else scale_emotion(services.on_compute(emotion), strength).emotion
        return io.NodeOutput(services.on_intermediate(scaled))


def weight_inputs() -> list[Any]:
    """The eight sliders, in the order of the checkpoint's emotion bank."""
    return [
        number(
            name,
            0.0,
            0.0,
            1.0,
            0.01,
            f"Weight of '{name}', from 0 (none) to 1 (full). Sums up to 0.8 sound natural.",
            display_mode=io.NumberDisplay.slider,
        )
        for name in EMOTIONS
    ]


class EmotionFromWeights(io.ComfyNode):
    """Eight sliders -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromWeights",
            "Emotion from Weights",
            GROUP,
            "Mix an emotion from eight sliders. With all at zero the speaker's own emotion is unchanged.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak, with its emotion bank."),
                ports.Speaker.Input(
                    "speaker", tooltip="The speaker. What the sliders leave over is the speaker's own emotion."
                ),
                *weight_inputs(),
                number(
                    "strength",
                    1.0,
                    0.0,
                    1.0,
                    0.01,
                    "Multiplies all sliders; 0 is the speaker's own emotion, 1 as set.",
                ),
                switch(
                    "balance",
                    True,
                    "Balance the eight sliders, which are not equally strong, and cap their sum at 0.8, as the "
                    "released program does. Not applied to connected weights.",
                ),
                choice(
                    "selection",
                    SELECTIONS,
                    "Stored example to use for each emotion: the nearest to the speaker, a random one by seed, or "
                    "the mean of all.",
                ),
                seed_input("the random selection"),
                ports.EmotionWeights.Input(
                    "weights", optional=True, tooltip="Eight weights that replace the sliders, from 0 to 1 each."
                ),
                ports.Reference.Input(
                    "selection_reference",
                    optional=True,
                    tooltip="Choose the stored examples nearest to this recording instead of the speaker.",
                ),
            ],
            outputs=[
                ports.Emotion.Output(display_name="emotion", tooltip="The emotion, for the nodes that speak."),
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
        models, speaker = services.required(t2s).models, services.on_compute(speaker)
        emotion = speaker_emotion(models, used, speaker, style=style, selection=selection, seed=seed)
        return io.NodeOutput(services.on_intermediate(emotion), used)


class EmotionFromText(io.ComfyNode):
    """Words -> emotion weights."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromText",
            "Emotion from Text",
            GROUP,
            "Read eight emotion weights from a text: the line itself, or a description such as 'she is furious'. "
            "Connect the weights to Emotion from Weights or to Speak.",
            inputs=[
                ports.T2E.Input("t2e", tooltip="The text-to-emotion model."),
                words(
                    "text",
                    "I cannot believe we won!",
                    "Text that shows or describes the emotion, up to a few sentences.",
                    multiline=True,
                ),
                choice(
                    "method",
                    ["auto", *METHODS],
                    "auto: what the model was trained for. likelihood: probability of each emotion. generate: the "
                    "model writes a reply.",
                    default="auto",
                ),
                number(
                    "temperature",
                    0.0,
                    0.0,
                    10.0,
                    0.05,
                    "For likelihood: below 1 sharpens, above 1 flattens the eight weights; 0 uses the model's own "
                    "temperature.",
                ),
                seed_input("a model that samples its reply"),
            ],
            outputs=[
                ports.EmotionWeights.Output(display_name="weights", tooltip="Eight weights from 0 to 1."),
                io.String.Output(display_name="report", tooltip="The weights in words, and warnings."),
            ],
            aliases=["emotion text", "qwen emotion", "sentiment"],
        )

    @classmethod
    def execute(cls, t2e: Any, text: str, method: str, temperature: float, seed: int) -> io.NodeOutput:
        from ..indextts2.stages.emotion.from_text import read_emotion
        from ..indextts2.values.report import weights_in_words

        with services.running(t2e, memory.LANGUAGE_MODEL_BYTES) as model:
            found = read_emotion(model, text, method=method, temperature=temperature or None, seed=seed)
        notes = [f"Note: {warning}" for warning in found.warnings]
        return io.NodeOutput(found.weights, "\n".join([weights_in_words(found.weights), *notes]))


NODES = (EmotionFromReference, EmotionFromWeights, EmotionFromText)
