"""Nodes for eight emotion weights and for places in a text, and the one that joins every source of emotion."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.stages.emotion.bank import SELECTIONS
from ..indextts2.stages.emotion.sources import RULES, WEIGHT_RULES
from . import ports
from .emotion_sources import weight_inputs
from .host import folders, services
from .ports import node_schema
from .widgets import choice, integer, number, seed_input, switch, words

GROUP = "emotion"
NO_PRESET = "none"


class EditEmotionWeights(io.ComfyNode):
    """Eight sliders, and other weights -> weights."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionWeights",
            "Emotion Weights",
            GROUP,
            "Set, change and combine the eight emotion weights. With all at zero the speech is unchanged.",
            inputs=[
                *weight_inputs(),
                choice("combine", WEIGHT_RULES, "How sliders and connected weights are combined, emotion by emotion."),
                number(
                    "scale",
                    1.0,
                    0.0,
                    4.0,
                    0.01,
                    "Multiplies all eight after combining; 1 changes nothing, 0 makes them zero.",
                ),
                number(
                    "normalise_to",
                    0.0,
                    0.0,
                    2.0,
                    0.01,
                    "Scale the eight so that they sum to this; 0 leaves their sum as it is.",
                ),
                switch(
                    "bias",
                    False,
                    "Multiply each emotion by the released program's factor, which balances their strengths. "
                    "Emotion from Weights does not repeat this for connected weights.",
                ),
                switch("cap", False, "Scale all down if they sum to more than 0.8, as released."),
                ports.EmotionWeights.Input(
                    "other", optional=True, tooltip="Other weights to combine with, such as those read from text."
                ),
                choice(
                    "preset",
                    (NO_PRESET, *folders.emotion_presets()),
                    "A named mixture, added to the sliders. Your own are JSON files in models/indextts2/emotions.",
                    optional=True,
                ),
                number("preset_strength", 1.0, 0.0, 2.0, 0.01, "Multiplies the preset; 1 is as listed.", optional=True),
            ],
            outputs=[
                ports.EmotionWeights.Output(display_name="weights", tooltip="The eight weights, from 0 up."),
                io.String.Output(display_name="report", tooltip="The weights in words and their sum."),
            ],
            aliases=["emotion sliders", "emotion vector", "normalise emotion"],
        )

    @classmethod
    def execute(
        cls, combine: str, scale: float, normalise_to: float, bias: bool, cap: bool, other: Any = None,
        preset: str = NO_PRESET, preset_strength: float = 1.0, **sliders: float,
    ) -> io.NodeOutput:  # fmt: skip
        from ..indextts2 import contracts
        from ..indextts2.stages.emotion.bank import balance_weights, normalise_weights
        from ..indextts2.stages.emotion.presets import with_preset
        from ..indextts2.stages.emotion.sources import combine_weights, multiply_weights
        from ..indextts2.values.report import weights_in_words

        weights = contracts.EmotionWeights.of(**sliders)
        if preset != NO_PRESET:
            weights = with_preset(weights, preset, preset_strength, folders.emotion_presets())
        weights = combine_weights(weights, other, combine)
        weights = multiply_weights(weights, scale)
        if normalise_to > 0.0:
            weights = normalise_weights(weights, normalise_to)
        weights = balance_weights(weights, bias=bias, cap=cap)
        return io.NodeOutput(weights, weights_in_words(weights))

    @classmethod
    def fingerprint_inputs(cls, preset: str | None = NO_PRESET, **unused: Any) -> str:
        return "" if preset in (None, NO_PRESET) else repr(folders.emotion_presets().get(preset))


class CombineEmotions(io.ComfyNode):
    """Recording, sliders and words -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "CombineEmotions",
            "Combine Emotion Sources",
            GROUP,
            "Combine the emotion of a recording, hand-set weights and weights read from text. The report shows the "
            "coefficient of each; they always sum to 1.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak, with its emotion bank."),
                ports.Speaker.Input(
                    "speaker", tooltip="The speaker. What the other sources leave over is the speaker's own emotion."
                ),
                number(
                    "audio_strength",
                    1.0,
                    -2.0,
                    2.0,
                    0.01,
                    "Strength of the recording's emotion: 0 none, 1 all, above 1 exaggerates.",
                ),
                number(
                    "weights_strength",
                    1.0,
                    0.0,
                    2.0,
                    0.01,
                    "Multiplies the hand-set weights; 0 leaves them out.",
                ),
                number(
                    "text_strength",
                    0.6,
                    0.0,
                    2.0,
                    0.01,
                    "Multiplies the weights read from text; about 0.6 sounds natural, 0 leaves them out.",
                ),
                choice(
                    "rule",
                    RULES,
                    "share: weights that sum to 0.3 leave 0.7 for the recording and the speaker. "
                    "sum: recording and weights are both added in full.",
                ),
                choice(
                    "selection",
                    SELECTIONS,
                    "Stored example to use for each emotion: the nearest to the speaker, a random one by seed, or "
                    "the mean of all.",
                ),
                seed_input("the random selection"),
                ports.Emotion.Input("audio_emotion", optional=True, tooltip="From Emotion from Reference."),
                ports.EmotionWeights.Input("weights", optional=True, tooltip="Hand-set weights."),
                ports.EmotionWeights.Input("text_weights", optional=True, tooltip="From Emotion from Text."),
            ],
            outputs=[
                ports.Emotion.Output(display_name="emotion", tooltip="The emotion."),
                io.String.Output(display_name="report", tooltip="Coefficient of each source and their sum."),
            ],
            aliases=["emotion mix", "audio and text emotion", "emotion sources"],
        )

    @classmethod
    def execute(
        cls, t2s: Any, speaker: Any, audio_strength: float, weights_strength: float, text_strength: float, rule: str,
        selection: str, seed: int, audio_emotion: Any = None, weights: Any = None, text_weights: Any = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..indextts2.stages.emotion.sources import (
            NO_WEIGHTS,
            combine_sources,
            combine_weights,
            mix_report,
            multiply_weights,
        )

        joined = combine_weights(
            multiply_weights(weights or NO_WEIGHTS, weights_strength),
            multiply_weights(text_weights or NO_WEIGHTS, text_strength),
        )
        mixed = combine_sources(
            services.required(t2s).models, services.on_compute(speaker), audio=services.on_compute(audio_emotion),
            audio_strength=audio_strength, weights=joined, rule=rule, selection=selection, seed=seed,
        )  # fmt: skip
        return io.NodeOutput(
            services.on_intermediate(mixed.emotion), mix_report(mixed, ("audio", "weights", "speaker"))
        )


class PositionInText(io.ComfyNode):
    """Text and words -> where they begin."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PositionInText",
            "Position in Text",
            GROUP,
            "Find where words begin in a text, for the positions of Schedule Emotions.",
            inputs=[
                ports.Text.Input("text", tooltip="The text from Prepare Text."),
                words("words", "", "Words as written in the text; case is ignored."),
                integer("occurrence", 1, 1, 1000, "Which occurrence, counted from 1."),
            ],
            outputs=[io.Float.Output(display_name="position", tooltip="0 is the start of the text, 1 its end.")],
            aliases=["find word", "emotion position"],
        )

    @classmethod
    def execute(cls, text: Any, words: str, occurrence: int) -> io.NodeOutput:
        from ..indextts2.text.position import position_of

        return io.NodeOutput(float(position_of(text, words, occurrence)))


NODES = (EditEmotionWeights, CombineEmotions, PositionInText)
