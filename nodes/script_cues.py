"""Nodes that work on a script before it is spoken."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import ports
from .host import services
from .ports import node_schema
from .widgets import integer, number

GROUP = "script"
OFF = -1.0  # of the gap of cues to merge


class EditCues(io.ComfyNode):
    """Script -> script with other cues."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EditCues",
            "Edit Cues",
            GROUP,
            "Move, merge and split the cues of a script before it is spoken, put them on the frames of a video, and "
            "list those that are too short for their words.",
            inputs=[
                ports.Script.Input("script", tooltip="The script, from Script from File or Script from Text."),
                number(
                    "shift", 0.0, -360_000.0, 360_000.0, 0.01, "Seconds that every cue comes later; below 0 earlier."
                ),
                number(
                    "merge_gap",
                    OFF,
                    OFF,
                    60.0,
                    0.05,
                    "Join cues of one speaker that are at most so many seconds apart; -1 is off.",
                ),
                integer("merge_characters", 84, 1, 10_000, "Number of characters of the longest text of joined cues."),
                integer("split_characters", 0, 0, 10_000, "Longest text of a cue, in characters; 0 does not split."),
                number("fps", 0.0, 0.0, 240.0, 0.001, "Frame rate to put starts and ends on; 0 is off."),
                ports.T2S.Input(
                    "t2s", optional=True, tooltip="The model whose pace tells which cues are too short; optional."
                ),
            ],
            outputs=[
                ports.Script.Output(id="edited", display_name="script", tooltip="For Synthesize Script."),
                io.String.Output(
                    display_name="report",
                    tooltip="Number of lines, and with t2s the cues that are too short with the seconds they need.",
                ),
            ],
            aliases=["subtitles", "shift", "merge", "split", "retime", "frame rate"],
        )

    @classmethod
    def execute(
        cls,
        script: Any,
        shift: float,
        merge_gap: float,
        merge_characters: int,
        split_characters: int,
        fps: float,
        t2s: Any = None,
    ) -> io.NodeOutput:
        from ..indextts2.script.edit_cues import CueSettings, describe_cues, edited, estimate_of, short_cues
        from ..indextts2.text.pace import DEFAULT_PACE

        gap = None if merge_gap < 0.0 else merge_gap
        after = edited(script, CueSettings(gap, merge_characters, split_characters, shift, fps))
        models = None if t2s is None else services.required(t2s).models
        short = (
            None if models is None else short_cues(after, estimate_of(models.front_end, models.pace or DEFAULT_PACE))
        )
        return io.NodeOutput(after, describe_cues(script, after, short))


NODES = (EditCues,)
