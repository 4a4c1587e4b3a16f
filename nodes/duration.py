"""Nodes that say how long it takes. A length is met to the sample, pauses included."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.contracts import DURATION_METHODS
from ..indextts2.contracts import Duration as Target
from . import ports
from .host.audio import waveform_of
from .ports import node_schema
from .widgets import choice, integer, number, switch

GROUP = "duration"
UNITS = ("free", "seconds", "tokens", "frames", "factor")
MOST = 100_000.0


def method_input() -> io.Combo.Input:
    """The widget that says how text-to-semantic is held to a length."""
    return choice(
        "method",
        DURATION_METHODS,
        "How the length is met. auto: as the checkpoint was trained. natural: spoken at a free length, then "
        "stretched. model: the length is given to the model; model_b: in slot B. guided: the stop is encouraged "
        "near the length. forced: the stop is forced. model, model_b and guided are experimental with checkpoints "
        "that were not trained on lengths, such as the official one.",
        default="auto",
    )


def any_length_input() -> io.Boolean.Input:
    """The widget that lifts the limits of a length."""
    return switch(
        "allow_any_length",
        False,
        "Speak lengths below 0.5 or above 2 times the natural one too; otherwise they are refused, because no word of "
        "them can be understood.",
        optional=True,
    )


def target(unit: str, value: float, method: str) -> Target:
    """The duration that widgets ask for."""
    return Target(method=method) if unit == "free" else Target(unit, value, method)


class Duration(io.ComfyNode):
    """A unit and a value -> duration."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "Duration",
            "Duration",
            GROUP,
            "Ask for a length: in seconds, semantic tokens, mel frames, or as a factor of the natural length.",
            inputs=[
                choice(
                    "unit",
                    UNITS,
                    "Unit of the value. free: no length is asked for. factor: 1.2 is a fifth longer than natural.",
                    default="seconds",
                ),
                number(
                    "value",
                    3.0,
                    0.01,
                    MOST,
                    0.01,
                    "Length of the whole text including pauses, in seconds, tokens, frames or as a factor.",
                ),
                method_input(),
            ],
            outputs=[ports.Duration.Output(display_name="duration", tooltip="For Text to Semantic or Speak.")],
            aliases=["length", "seconds", "speed", "timing"],
        )

    @classmethod
    def execute(cls, unit: str, value: float, method: str) -> io.NodeOutput:
        return io.NodeOutput(target(unit, value, method))


class DurationFromAudio(io.ComfyNode):
    """The length of a recording -> duration."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "DurationFromAudio",
            "Duration from Audio",
            GROUP,
            "Ask for the length of a recording, for example to dub it.",
            inputs=[
                io.Audio.Input("audio", tooltip="The recording whose length is used."),
                number(
                    "factor",
                    1.0,
                    0.05,
                    20.0,
                    0.01,
                    "Multiplies the recording's length; 1 is exactly its length.",
                ),
                method_input(),
            ],
            outputs=[
                ports.Duration.Output(display_name="duration", tooltip="For Text to Semantic or Speak."),
                io.Float.Output(display_name="seconds", tooltip="The length asked for, in seconds."),
            ],
            aliases=["dubbing", "match length", "audio length"],
        )

    @classmethod
    def execute(cls, audio: Any, factor: float, method: str) -> io.NodeOutput:
        seconds = waveform_of(audio).seconds * factor
        return io.NodeOutput(target("seconds", seconds, method), float(seconds))


class DurationFromFrameCount(io.ComfyNode):
    """Frames of a video and their rate -> duration."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "DurationFromFrameCount",
            "Duration from Frame Count",
            GROUP,
            "Ask for the length of a video clip: its number of video frames divided by the frame rate.",
            inputs=[
                integer("frame_count", 72, 1, 10_000_000, "Number of video frames in the clip."),
                number("fps", 24.0, 0.1, 1000.0, 0.001, "Video frames per second."),
                method_input(),
            ],
            outputs=[
                ports.Duration.Output(display_name="duration", tooltip="For Text to Semantic or Speak."),
                io.Float.Output(display_name="seconds", tooltip="The length asked for, in seconds."),
            ],
            aliases=["video length", "fps", "lip sync", "match video"],
        )

    @classmethod
    def execute(cls, frame_count: int, fps: float, method: str) -> io.NodeOutput:
        return io.NodeOutput(target("seconds", frame_count / fps, method), frame_count / fps)


NODES = (Duration, DurationFromAudio, DurationFromFrameCount)
