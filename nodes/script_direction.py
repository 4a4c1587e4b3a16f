"""The node that directs a script: emotions of lines from the lines around them."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import memory, ports
from .host import services
from .plots import image_output, shown
from .ports import node_schema
from .widgets import integer, number, words

GROUP = "script"


class DirectScript(io.ComfyNode):
    """Script -> script with emotions."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "DirectScript",
            "Direct Script",
            GROUP,
            "Give every line of a script an emotion, read from its words and the lines around it and smoothed along "
            "the scene. Lines with an emotion of their own keep it.",
            inputs=[
                ports.T2E.Input("t2e", tooltip="The text-to-emotion model."),
                ports.Script.Input("script", tooltip="The script, from Script from File or Script from Text."),
                integer("before", 2, 0, 50, "Lines before a line that are read with it."),
                integer("after", 1, 0, 50, "Lines after a line that are read with it."),
                number(
                    "context", 0.5, 0.0, 1.0, 0.05, "Share of the reading with the lines around; 0: the line alone."
                ),
                number("smoothing", 0.3, 0.0, 1.0, 0.05, "Weight of a neighbouring line in the same scene; 0 is off."),
                number("strength", 0.8, 0.0, 1.0, 0.05, "Factor of all weights that are read."),
                number("scene_gap", 8.0, 0.0, 3600.0, 0.5, "Seconds without speech that end a scene."),
                words(
                    "overrides",
                    "",
                    "Emotions of single lines, one row each, such as '3: happy .6 sad .2'.",
                    multiline=True,
                ),
            ],
            outputs=[
                image_output(),
                ports.Script.Output(
                    id="directed", display_name="script", tooltip="The script with its emotions, for Synthesize Script."
                ),
                io.String.Output(display_name="report", tooltip="The strongest emotions of every line."),
            ],
            aliases=["emotion", "context", "screenplay", "direction", "sentiment"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, t2e: Any, script: Any, overrides: str, **settings: Any) -> io.NodeOutput:
        from ..indextts2.plots.direction import draw_direction
        from ..indextts2.script.direction import DirectionSettings, describe_direction, direct, read_overrides
        from ..indextts2.stages.emotion.from_text import emotion_from_text

        given = read_overrides(overrides, len(script.lines))
        wanted, progress = DirectionSettings(**settings), services.progress()
        with services.running(t2e, memory.LANGUAGE_MODEL_BYTES) as model:
            found = direct(script, lambda text: emotion_from_text(model, text), wanted, given, progress=progress)
        return shown(cls, draw_direction(found), found.script, describe_direction(found))


NODES = (DirectScript,)
