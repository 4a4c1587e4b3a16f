"""Nodes that work on spoken lines: one of them, another in its place, and a picture of all."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import ports
from .host.audio import audio_of, waveform_of
from .plots import image_output, shown, width_input
from .ports import node_schema
from .widgets import choice, integer, switch, words

GROUP = "script"
OVERFLOWS = ("list", "overlap", "shift")


def lines_input() -> Any:
    return ports.Lines.Input("lines", tooltip="Spoken lines, from Synthesize Script.")


def number_input() -> Any:
    return integer("number", 1, 1, 100_000, "Number of the line, a whole number from 1.")


def overflow_input() -> Any:
    return choice(
        "overflow",
        OVERFLOWS,
        "Lines that are too long for their cue. list: left out and reported with the seconds they need. overlap: "
        "they run into the next line. shift: later lines wait.",
        default="list",
    )


def timeline_of(lines: Any, overflow: str, gap: float = 0.35, seconds: float = 0.0) -> Any:
    """Spoken lines laid out on their clock."""
    from ..indextts2.script.mix import MixSettings, mix

    return mix(lines.script, lines.lines, lines.sample_rate, MixSettings(overflow, gap, seconds))


class ScriptLine(io.ComfyNode):
    """Spoken lines -> the audio of one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "ScriptLine",
            "Script Line",
            GROUP,
            "Extract the audio of one spoken line, to listen to it or to edit it.",
            inputs=[
                lines_input(),
                number_input(),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="The line, mono."),
                io.String.Output(display_name="text", tooltip="What is said in it."),
            ],
            aliases=["pick line", "preview line"],
        )

    @classmethod
    def execute(cls, lines: Any, number: int) -> io.NodeOutput:
        from ..indextts2.contracts import Waveform
        from ..indextts2.errors import InputError

        if number > len(lines.lines) or not lines.lines[number - 1].audio.numel():
            raise InputError(f"There is no spoken line {number}; the script has {len(lines.lines)} lines.")
        waveform = Waveform(lines.lines[number - 1].audio.view(1, 1, -1), lines.sample_rate)
        return io.NodeOutput(audio_of(waveform), lines.script.lines[number - 1].text)


class ReplaceLine(io.ComfyNode):
    """Spoken lines and a recording -> spoken lines."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "ReplaceLine",
            "Replace Script Line",
            GROUP,
            "Replace one line of a finished script by another recording. The other lines are unchanged.",
            inputs=[
                lines_input(),
                number_input(),
                io.Audio.Input("audio", tooltip="The audio to use instead, such as that of Speak."),
                words("text", "", "The new text, for subtitles; empty keeps the old one.", multiline=True),
                switch("match_loudness", True, "Make the recording as loud as the line it replaces."),
            ],
            outputs=[
                ports.Lines.Output(id="changed", display_name="lines", tooltip="The script with the new line."),
                io.String.Output(display_name="report", tooltip="Every line, and the lines that do not fit."),
            ],
            aliases=["retake", "punch in", "patch line"],
        )

    @classmethod
    def execute(cls, lines: Any, number: int, audio: Any, text: str, match_loudness: bool) -> io.NodeOutput:
        from ..indextts2.script.replace import replaced_line
        from ..indextts2.script.report import describe

        waveform = waveform_of(audio)
        changed = replaced_line(lines, number, waveform, text=text, match_loudness=match_loudness)
        return io.NodeOutput(changed, describe(changed.script, changed.lines, timeline_of(changed, changed.overflow)))


class PlotScript(io.ComfyNode):
    """Spoken lines -> picture and report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PlotScript",
            "Plot Script Timeline",
            GROUP,
            "Draw spoken lines on a timeline: one lane per speaker, cues as outlines, speech as bars; lines that "
            "were stretched a lot or do not fit are red. The report is JSON for other programs.",
            inputs=[lines_input(), overflow_input(), width_input()],
            outputs=[image_output(), io.String.Output(display_name="json", tooltip="The report, as JSON.")],
            aliases=["script report", "timeline", "show script"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, lines: Any, overflow: str, width: int) -> io.NodeOutput:
        import json

        from ..indextts2.plots.script import draw_script
        from ..indextts2.script.report import script_report

        timeline = timeline_of(lines, overflow)
        report = script_report(lines.script, lines.lines, timeline)
        return shown(cls, draw_script(lines, timeline, width=width), json.dumps(report, ensure_ascii=False, indent=2))


NODES = (ScriptLine, ReplaceLine, PlotScript)
