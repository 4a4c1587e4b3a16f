"""Nodes that draw: emotion weights, emotions, mel spectrograms and the timeline of semantic speech."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ..indextts2.stages.emotion.measure import DEFAULT_LIMIT
from . import memory, ports
from .host import services
from .ports import node_schema
from .widgets import integer, number

GROUP = "plot"
WIDTH = 768


def width_input() -> Any:
    return integer("width", WIDTH, 256, 4096, "Width of the image in pixels; the height follows.", step=8)


def image_output() -> Any:
    return io.Image.Output(display_name="image", tooltip="The plot as an image.")


def shown(node: Any, picture: torch.Tensor, *more: Any) -> io.NodeOutput:
    """A picture as the host's IMAGE, and as a preview on the node."""
    image = services.on_intermediate(picture[None])
    return io.NodeOutput(image, *more, ui=ui.PreviewImage(image, cls=node))


class PlotEmotionWeights(io.ComfyNode):
    """Eight weights -> picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PlotEmotionWeights",
            "Plot Emotion Weights",
            GROUP,
            "Draw eight emotion weights as petals and bars, with their sum and the released program's limit of 0.8.",
            inputs=[ports.EmotionWeights.Input("weights", tooltip="The weights to draw."), width_input()],
            outputs=[image_output()],
            aliases=["emotion radar", "emotion chart"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, weights: Any, width: int) -> io.NodeOutput:
        from ..indextts2.plots.emotion import draw_weights
        from ..indextts2.stages.emotion.bank import SLIDER_CAP

        return shown(cls, draw_weights(weights, cap=SLIDER_CAP, width=width))


class PlotEmotion(io.ComfyNode):
    """Emotion -> picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PlotEmotion",
            "Plot Emotion",
            GROUP,
            "Draw the direction and strength of an emotion; a schedule is drawn along the text. Bars are its "
            "similarity to the checkpoint's own emotions, from -1 to 1; petals are the similarity times the "
            "strength.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model whose stored emotions define strength 1."),
                ports.Emotion.Input("emotion", tooltip="The emotion to draw."),
                number(
                    "limit",
                    DEFAULT_LIMIT,
                    0.1,
                    10.0,
                    0.05,
                    "Strength index marked in red; above 1 the voice may change.",
                ),
                width_input(),
                ports.Speaker.Input(
                    "speaker",
                    optional=True,
                    tooltip="The speaker, who defines strength 0; needed if the emotion does not carry one.",
                ),
                ports.Text.Input("text", optional=True, tooltip="The text whose words are written below a schedule."),
            ],
            outputs=[
                image_output(),
                io.Float.Output(
                    display_name="strength", tooltip="Strength index: 0 is the speaker's own emotion, 1 is typical."
                ),
            ],
            aliases=["emotion radar", "emotion schedule plot"],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, t2s: Any, emotion: Any, limit: float, width: int, speaker: Any = None, text: Any = None
    ) -> io.NodeOutput:
        from ..indextts2.plots.from_values import emotion_picture

        models = services.required(t2s).models
        picture, strength = emotion_picture(models, emotion, limit=limit, speaker=speaker, text=text, width=width)
        return shown(cls, picture, float(strength))


class PlotMel(io.ComfyNode):
    """Mel -> picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PlotMel",
            "Plot Mel",
            GROUP,
            "Draw a mel spectrogram over seconds and kilohertz, with its segments and pauses.",
            inputs=[ports.Mel.Input("mel", tooltip="The mel spectrogram to draw."), width_input()],
            outputs=[image_output()],
            aliases=["spectrogram", "show mel"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, mel: Any, width: int) -> io.NodeOutput:
        from ..indextts2.plots.mel import draw_mel

        return shown(cls, draw_mel(mel, width=width))


class PlotSemantic(io.ComfyNode):
    """Semantic tokens -> picture of their timeline, and facts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PlotSemantic",
            "Plot Semantic Timeline",
            GROUP,
            "Draw semantic tokens over seconds: segments, pauses, tokens, and the length asked for against the "
            "length produced. With the text also emotions; with text and speaker also where each word is spoken.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model, for its token rate and to find words."),
                ports.Semantic.Input("semantic", tooltip="The tokens to draw."),
                width_input(),
                ports.Text.Input("text", optional=True, tooltip="The text that was spoken."),
                ports.Speaker.Input(
                    "speaker", optional=True, tooltip="The speaker; used to find words, which runs the model once."
                ),
                ports.Emotion.Input("emotion", optional=True, tooltip="The emotion it was spoken with."),
            ],
            outputs=[
                image_output(),
                io.String.Output(
                    display_name="report", tooltip="Length asked for and produced of each segment, in tokens."
                ),
            ],
            aliases=["semantic info", "token timeline", "alignment"],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, t2s: Any, semantic: Any, width: int, text: Any = None, speaker: Any = None, emotion: Any = None
    ) -> io.NodeOutput:
        from ..indextts2.plots.from_values import semantic_picture
        from ..indextts2.values.report import speech_report

        options = {"text": text, "speaker": speaker, "emotion": emotion, "width": width}
        if text is None or speaker is None:
            picture = semantic_picture(services.required(t2s).models, semantic, **options)
        else:
            work = memory.t2s_bytes(services.required(t2s).models.config, 1, semantic.tokens.shape[1])
            with services.running(t2s, work) as models:
                picture = semantic_picture(models, semantic, **options)
        return shown(cls, picture, speech_report(semantic.reports, semantic.texts))


NODES = (PlotEmotionWeights, PlotEmotion, PlotMel, PlotSemantic)
