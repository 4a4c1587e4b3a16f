"""Bridges between emotions and the host's plain types, so that nodes of other packs can compute on them."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.config import EMOTIONS
from . import ports
from .host import services
from .ports import node_schema
from .widgets import words

GROUP = "emotion/bridge"


def like_input() -> Any:
    """The optional port that says what bare numbers mean."""
    return ports.Emotion.Input(
        "like",
        optional=True,
        tooltip=(
            "The emotion the numbers were made from: gives the result its checkpoint, base and keyframe "
            "positions. Unconnected trusts that the numbers fit."
        ),
    )


def emotion_output() -> Any:
    return ports.Emotion.Output(display_name="emotion", tooltip="The emotion.")


class EmotionToLatent(io.ComfyNode):
    """Emotion -> LATENT."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionToLatent",
            "Emotion to Latent",
            GROUP,
            "Turn an emotion vector into a LATENT of shape (keyframes, numbers, 1, 1), for the latent arithmetic "
            "nodes of ComfyUI and of other packs.",
            inputs=[ports.Emotion.Input("emotion", tooltip="An emotion, or a schedule: one row per keyframe.")],
            outputs=[io.Latent.Output(display_name="latent", tooltip="The numbers as a latent; it is not an image.")],
            aliases=["emotion tensor", "emotion vector to latent"],
        )

    @classmethod
    def execute(cls, emotion: Any) -> io.NodeOutput:
        from ..indextts2.stages.emotion.numbers import emotion_rows

        return io.NodeOutput({"samples": services.on_intermediate(emotion_rows(emotion))[:, :, None, None].clone()})


class LatentToEmotion(io.ComfyNode):
    """LATENT -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "LatentToEmotion",
            "Latent to Emotion",
            GROUP,
            "Turn a LATENT back into an emotion. Each row must have as many numbers as the checkpoint's emotions.",
            inputs=[
                io.Latent.Input("latent", tooltip="A latent from Emotion to Latent, changed in any way."),
                like_input(),
            ],
            outputs=[emotion_output()],
            aliases=["tensor to emotion"],
        )

    @classmethod
    def execute(cls, latent: Any, like: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.emotion.numbers import emotion_from_rows

        return io.NodeOutput(services.on_intermediate(emotion_from_rows(latent["samples"].flatten(1), like)))


class EmotionToNumbers(io.ComfyNode):
    """Emotion -> list of numbers, and text."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionToNumbers",
            "Emotion to Numbers",
            GROUP,
            "Turn an emotion vector into a list of numbers and into text. Of a schedule, the first keyframe is used.",
            inputs=[ports.Emotion.Input("emotion", tooltip="The emotion to convert.")],
            outputs=[
                io.Float.Output(display_name="numbers", is_output_list=True, tooltip="One number per dimension."),
                io.String.Output(display_name="text", tooltip="The same numbers in square brackets, exact."),
            ],
            aliases=["emotion to list", "emotion to string", "export emotion"],
        )

    @classmethod
    def execute(cls, emotion: Any) -> io.NodeOutput:
        from ..indextts2.stages.emotion.numbers import numbers_in_words
        from ..indextts2.stages.emotion.schedule import emotion_to_list

        numbers = emotion_to_list(emotion)
        return io.NodeOutput(numbers, numbers_in_words(numbers))


class EmotionFromNumbers(io.ComfyNode):
    """List of numbers, or text -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionFromNumbers",
            "Emotion from Numbers",
            GROUP,
            "Make an emotion from a list of numbers, or from numbers written as text.",
            inputs=[
                words(
                    "text",
                    "",
                    "Numbers separated by commas or spaces, brackets allowed. Ignored while numbers are connected.",
                    multiline=True,
                ),
                io.Float.Input(
                    "numbers", optional=True, force_input=True, tooltip="A list of numbers, one per dimension."
                ),
                like_input(),
            ],
            outputs=[emotion_output()],
            is_input_list=True,
            aliases=["list to emotion", "string to emotion", "import emotion"],
        )

    @classmethod
    def execute(cls, text: list[str], numbers: list[float] | None = None, like: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.emotion.numbers import emotion_from_numbers, numbers_of

        found = numbers_of(text[0]) if numbers is None else numbers
        return io.NodeOutput(services.on_intermediate(emotion_from_numbers(found, like[0] if like else None)))


class WeightsToNumbers(io.ComfyNode):
    """Eight weights -> eight FLOATs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "WeightsToNumbers",
            "Emotion Weights to Numbers",
            GROUP,
            "Split eight emotion weights into numbers, to compute with them or to show them. To join numbers "
            "again, connect them to the sliders of Emotion Weights.",
            inputs=[ports.EmotionWeights.Input("weights", tooltip="The weights to split.")],
            outputs=[io.Float.Output(display_name=name, tooltip=f"Weight of '{name}'.") for name in EMOTIONS],
            aliases=["split weights", "emotion floats"],
        )

    @classmethod
    def execute(cls, weights: Any) -> io.NodeOutput:
        return io.NodeOutput(*(float(value) for value in weights.values))


NODES = (EmotionToLatent, LatentToEmotion, EmotionToNumbers, EmotionFromNumbers, WeightsToNumbers)
