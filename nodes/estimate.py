"""The node that tells how long a text will be, before anything is spoken."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.errors import InputError
from ..indextts2.text.languages import AUTO, tag_of
from . import ports
from .duration import GROUP, target
from .duration_video import fps_input
from .host import services
from .host.audio import waveform_of
from .ports import node_schema
from .text import EXAMPLE, language_input
from .widgets import choice, number, words

FORMS = {"any": 1, "8n+1": 8, "4n+1": 4}
"""Forms of a number of video frames, and what the number less one is a multiple of."""


class EstimateLength(io.ComfyNode):
    """Text -> seconds, tokens and video frames."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EstimateLength",
            "Estimate Length",
            GROUP,
            "Estimate how long a text will be when it is spoken: seconds, semantic tokens and video frames. No model "
            "runs; the checkpoint's measured pace is used.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak; it knows its own pace."),
                words(
                    "text", EXAMPLE, "Text to estimate. Tags such as <pause 0.4s> or [seconds 2] count.", multiline=True
                ),
                fps_input(),
                choice(
                    "frame_form",
                    FORMS,
                    "Form of the number of video frames: some video models take only numbers such as 8n+1 or 4n+1. The "
                    "next larger one is given.",
                ),
                number(
                    "speed",
                    1.0,
                    0.25,
                    4.0,
                    0.01,
                    "Factor of the speaker's own speed; 1.1 is a tenth faster than usual. Used while no sample is "
                    "connected.",
                ),
                words("sample_text", "", "The words that are said in the sample.", optional=True),
                io.Audio.Input(
                    "sample",
                    optional=True,
                    tooltip="Speech of the speaker, such as an earlier take, that tells the speed.",
                ),
                language_input(),
            ],
            outputs=[
                io.Float.Output(
                    display_name="seconds", tooltip="The length of the speech with its pauses, in seconds."
                ),
                io.Int.Output(display_name="tokens", tooltip="Number of semantic tokens."),
                io.Int.Output(display_name="frame_count", tooltip="Number of video frames that the speech fits into."),
                ports.Duration.Output(
                    display_name="duration", tooltip="The length of exactly these video frames, for Speak."
                ),
                io.String.Output(display_name="report", tooltip="All numbers, and where the pace comes from."),
            ],
            aliases=["duration", "how long", "video length", "frames", "predict length"],
        )

    @classmethod
    def execute(
        cls,
        t2s: Any,
        text: str,
        fps: float,
        frame_form: str,
        speed: float,
        sample_text: str = "",
        sample: Any = None,
        language: str = AUTO,
    ) -> io.NodeOutput:
        from ..indextts2.stages.natural_length import estimated_text
        from ..indextts2.text.pace import DEFAULT_PACE

        models = services.required(t2s).models
        spoken = None if sample is None else (waveform_of(sample, "sample").seconds, sample_text)
        estimate = estimated_text(
            models.front_end, models.config, models.pace or DEFAULT_PACE, text, speed=speed, sample=spoken,
            language=tag_of(language),
        )  # fmt: skip
        if frame_form not in FORMS:
            raise InputError(f"The frame form is one of {', '.join(FORMS)}, but got '{frame_form}'.")
        count = estimate.video_frames(fps, FORMS[frame_form])
        return io.NodeOutput(
            float(estimate.seconds),
            estimate.tokens,
            count,
            target("seconds", count / fps, "auto"),
            estimate.describe(fps),
        )


NODES = (EstimateLength,)
