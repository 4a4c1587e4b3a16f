"""Nodes that compute with emotion vectors: blend, interpolate, add differences, scale, limit, transfer, schedule.

The arithmetic is float32 on the compute device, on differences from the base, the speaker's own emotion. Checkpoints do
not mix.
"""

from __future__ import annotations

import math
from typing import Any

from comfy_api.latest import io

from ..indextts2.stages.emotion.algebra import INTERPOLATIONS
from ..indextts2.stages.emotion.measure import DEFAULT_LIMIT
from ..indextts2.stages.emotion.schedule import TRANSITIONS
from . import ports
from .host import services
from .ports import node_schema
from .widgets import choice, number, switch

GROUP = "emotion/arithmetic"
INPUTS = 4
"""Emotions that one Blend or Schedule node takes; more come by chaining Blend nodes."""


def emotion_input(name: str, tooltip: str, *, optional: bool = False) -> Any:
    return ports.Emotion.Input(name, optional=optional, tooltip=tooltip)


def base_input() -> Any:
    """The optional port for what strength 0 means."""
    return ports.Speaker.Input(
        "speaker",
        optional=True,
        tooltip="The speaker, whose own emotion is strength 0. Unconnected uses the emotions' own base.",
    )


def strength_widget(name: str, default: float, tooltip: str, low: float = -4.0, high: float = 4.0) -> Any:
    return number(name, default, low, high, 0.01, tooltip)


def outputs() -> list[Any]:
    return [
        ports.Emotion.Output(display_name="emotion", tooltip="The emotion."),
        io.String.Output(
            display_name="report", tooltip="Coefficient of each input and of the base, their sum, and notes."
        ),
    ]


def mixed_output(mixed: Any, *names: str) -> io.NodeOutput:
    """Output of every node of this file: the emotion, and its coefficients in words."""
    from ..indextts2.stages.emotion.sources import mix_report

    return io.NodeOutput(services.on_intermediate(mixed.emotion), mix_report(mixed, names))


class BlendEmotions(io.ComfyNode):
    """Several emotions and their weights -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        numbers = range(1, INPUTS + 1)
        return node_schema(
            "BlendEmotions",
            "Blend Emotions",
            GROUP,
            "Mix up to four emotions, each with a weight. The rest up to 1 is the base, the speaker's own emotion; "
            "with all weights at zero the base is unchanged.",
            inputs=[
                *(
                    emotion_input(f"emotion_{number}", f"Emotion number {number}.", optional=number > 1)
                    for number in numbers
                ),
                *(
                    strength_widget(
                        f"weight_{number}",
                        0.5,
                        f"Weight of emotion {number}: 0 none, 1 all of it; below 0 is its opposite. Ignored while the "
                        "emotion is not connected.",
                    )
                    for number in numbers
                ),
                switch(
                    "normalise", False, "Scale the weights so that they sum to 1, which leaves no share for the base."
                ),
                base_input(),
            ],
            outputs=outputs(),
            aliases=["mix emotions", "merge emotions", "average emotion"],
        )

    @classmethod
    def execute(cls, normalise: bool, speaker: Any = None, **inputs: Any) -> io.NodeOutput:
        from ..indextts2.errors import InputError
        from ..indextts2.stages.emotion.algebra import blend_emotions
        from ..indextts2.stages.emotion.sources import base_from

        parts = connected(inputs, "weight")
        total = math.fsum(weight for _, _, weight in parts)
        if normalise and total == 0.0:
            raise InputError("The weights sum to 0, so they cannot be scaled to sum to 1. Set one, or normalise not.")
        divisor = total if normalise else 1.0
        emotions = [(services.on_compute(emotion), weight / divisor) for _, emotion, weight in parts]
        mixed = blend_emotions(emotions, base=base_from(speaker, *(emotion for emotion, _ in emotions)))
        return mixed_output(mixed, *(f"emotion {number}" for number, _, _ in parts), "base")


def connected(inputs: dict[str, Any], widget: str) -> list[tuple[int, Any, float]]:
    """(number, emotion, widget value) of every numbered emotion that is connected."""
    return [
        (number, inputs[f"emotion_{number}"], float(inputs[f"{widget}_{number}"]))
        for number in range(1, INPUTS + 1)
        if inputs.get(f"emotion_{number}") is not None
    ]


class InterpolateEmotions(io.ComfyNode):
    """Two emotions and a place between them -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "InterpolateEmotions",
            "Interpolate Emotions",
            GROUP,
            "Interpolate between two emotions. Both ends are exact.",
            inputs=[
                emotion_input("emotion_a", "The emotion at 0."),
                emotion_input("emotion_b", "The emotion at 1."),
                strength_widget(
                    "place",
                    0.5,
                    "0 is emotion a, 1 is emotion b; values outside exaggerate and need lerp.",
                    -1.0,
                    2.0,
                ),
                choice(
                    "mode",
                    INTERPOLATIONS,
                    "lerp: a straight line, weaker halfway. keep: a straight line at constant strength. slerp: an "
                    "arc. The last two need a base: a speaker, or emotions that carry one.",
                ),
                base_input(),
            ],
            outputs=outputs(),
            aliases=["lerp", "slerp", "morph emotion", "crossfade"],
        )

    @classmethod
    def execute(cls, emotion_a: Any, emotion_b: Any, place: float, mode: str, speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.emotion.algebra import interpolate_emotions
        from ..indextts2.stages.emotion.sources import base_from

        base = base_from(speaker, emotion_a, emotion_b)
        ends = services.on_compute((emotion_a, emotion_b))
        mixed = interpolate_emotions(*ends, place, mode=mode, base=base)
        return mixed_output(mixed, "emotion a", "emotion b", "")


class EmotionArithmetic(io.ComfyNode):
    """a + amount x (b - c) -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EmotionArithmetic",
            "Emotion Arithmetic",
            GROUP,
            "Add the difference of two emotions to a third: a + amount x (b - c). If b and c are an angry and a "
            "neutral recording of another person, a becomes angry without that person's sound.",
            inputs=[
                emotion_input("emotion_a", "The emotion to change."),
                emotion_input("emotion_b", "The emotion to add."),
                emotion_input("emotion_c", "The emotion to subtract."),
                strength_widget("amount", 1.0, "How much of b - c is added: 0 none, 1 all; below 0 is the opposite."),
                base_input(),
            ],
            outputs=outputs(),
            aliases=["analogy", "add emotion", "subtract emotion", "task arithmetic"],
        )

    @classmethod
    def execute(
        cls, emotion_a: Any, emotion_b: Any, emotion_c: Any, amount: float, speaker: Any = None
    ) -> io.NodeOutput:
        from ..indextts2.stages.emotion.algebra import add_difference
        from ..indextts2.stages.emotion.sources import base_from

        base = base_from(speaker, emotion_a, emotion_b, emotion_c)
        mixed = add_difference(*services.on_compute((emotion_a, emotion_b, emotion_c)), amount, base=base)
        return mixed_output(mixed, "emotion a", "emotion b", "emotion c", "")


class ScaleEmotion(io.ComfyNode):
    """Emotion and strength -> emotion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "ScaleEmotion",
            "Scale Emotion",
            GROUP,
            "Make an emotion weaker or stronger. 1 leaves it exactly as it is, 0 is the speaker's own emotion.",
            inputs=[
                emotion_input("emotion", "The emotion to scale; in a schedule, every keyframe."),
                strength_widget(
                    "strength", 1.0, "0 is the speaker's own, 1 unchanged, above 1 exaggerated, below 0 the opposite."
                ),
                base_input(),
            ],
            outputs=outputs(),
            aliases=["emotion strength", "intensity", "emo alpha"],
        )

    @classmethod
    def execute(cls, emotion: Any, strength: float, speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.emotion.algebra import scale_emotion
        from ..indextts2.stages.emotion.sources import base_from

        mixed = scale_emotion(services.on_compute(emotion), strength, base=base_from(speaker, emotion))
        return mixed_output(mixed, "emotion", "base")


class LimitEmotion(io.ComfyNode):
    """Emotion and limit -> emotion that is at most so strong."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "LimitEmotion",
            "Limit Emotion",
            GROUP,
            "Weaken an emotion that is stronger than a limit; weaker ones are left exactly as they are. A strength "
            "of 1 is the median distance of the checkpoint's own emotions from the speaker.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model whose stored emotions define strength 1."),
                emotion_input("emotion", "The emotion to limit; in a schedule, each keyframe separately."),
                strength_widget(
                    "limit", DEFAULT_LIMIT, "Largest strength index; above 1 the voice may change.", 0.0, 10.0
                ),
                base_input(),
            ],
            outputs=outputs(),
            aliases=["clamp emotion", "emotion too strong"],
        )

    @classmethod
    def execute(cls, t2s: Any, emotion: Any, limit: float, speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.emotion.algebra import limit_emotion
        from ..indextts2.stages.emotion.measure import base_of, reference_distance_of
        from ..indextts2.stages.emotion.sources import bank_of, base_from

        bank = bank_of(services.required(t2s).models, emotion)
        emotion = services.on_compute(emotion)
        base = base_of(emotion, base=base_from(speaker, emotion))
        return mixed_output(limit_emotion(emotion, reference_distance_of(bank, base), limit, base=base))


class TransferEmotion(io.ComfyNode):
    """An emotional and a neutral clip of somebody else -> that emotion for a speaker."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "TransferEmotion",
            "Transfer Emotion",
            GROUP,
            "Give a speaker the emotion of another person without that person's sound: the difference between an "
            "emotional and a neutral recording of that person is added to the speaker's own emotion.",
            inputs=[
                ports.Speaker.Input("speaker", tooltip="The speaker."),
                emotion_input("emotional", "Emotion from Reference of an emotional recording of another person."),
                emotion_input("neutral", "Emotion from Reference of a neutral recording of the same person."),
                strength_widget("strength", 1.0, "0 is the speaker's own emotion, 1 the whole difference."),
            ],
            outputs=outputs(),
            aliases=["style transfer", "copy emotion"],
        )

    @classmethod
    def execute(cls, speaker: Any, emotional: Any, neutral: Any, strength: float) -> io.NodeOutput:
        from ..indextts2.stages.emotion.algebra import transfer_emotion
        from ..indextts2.stages.emotion.sources import base_from

        base = base_from(speaker, emotional, neutral)
        emotional, neutral, base = services.on_compute((emotional, neutral, base))
        mixed = transfer_emotion(emotional, neutral, strength, base=base)
        return mixed_output(mixed, "emotional", "neutral", "speaker")


class RemoveEmotion(io.ComfyNode):
    """An emotion without what lies along another one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "RemoveEmotion",
            "Remove Emotion",
            GROUP,
            "Remove from an emotion its component along an unwanted one, and keep the rest.",
            inputs=[
                emotion_input("emotion", "The emotion to change."),
                emotion_input("unwanted", "The emotion to remove."),
                base_input(),
            ],
            outputs=outputs(),
            aliases=["project out", "erase emotion"],
        )

    @classmethod
    def execute(cls, emotion: Any, unwanted: Any, speaker: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.emotion.algebra import remove_emotion
        from ..indextts2.stages.emotion.sources import base_from

        base = base_from(speaker, emotion, unwanted)
        return mixed_output(remove_emotion(*services.on_compute((emotion, unwanted)), base=base))


class ScheduleEmotions(io.ComfyNode):
    """Emotions at places of the text -> one emotion that changes while it is spoken."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        numbers = range(1, INPUTS + 1)
        return node_schema(
            "ScheduleEmotions",
            "Schedule Emotions",
            GROUP,
            "Change the emotion while the text is spoken, inside a sentence, without a cut. Each emotion begins at "
            "its position in the text. With a single emotion the result is the same as connecting it directly.",
            inputs=[
                *(
                    emotion_input(
                        f"emotion_{number}", f"Emotion that begins at position {number}.", optional=number > 1
                    )
                    for number in numbers
                ),
                *(
                    strength_widget(
                        f"position_{number}",
                        (number - 1) / INPUTS,
                        f"Where emotion {number} begins: 0 the start of the text, 1 its end. Position in Text finds a "
                        "word's. Ignored while the emotion is not connected.",
                        0.0,
                        1.0,
                    )
                    for number in numbers
                ),
                choice(
                    "transition",
                    TRANSITIONS,
                    "step: each emotion holds until the next begins. linear: it changes evenly into the next.",
                ),
            ],
            outputs=outputs()[:1],
            aliases=["emotion keyframes", "emotion timeline", "change emotion"],
        )

    @classmethod
    def execute(cls, transition: str, **inputs: Any) -> io.NodeOutput:
        from ..indextts2.stages.emotion.schedule import schedule_emotions

        points = [(position, emotion) for _, emotion, position in connected(inputs, "position")]
        return io.NodeOutput(services.on_intermediate(schedule_emotions(points, transition=transition)))


NODES = (
    BlendEmotions,
    InterpolateEmotions,
    EmotionArithmetic,
    ScaleEmotion,
    LimitEmotion,
    TransferEmotion,
    RemoveEmotion,
    ScheduleEmotions,
)
