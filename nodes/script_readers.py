"""Nodes that read a script: from text on a canvas, or from a file of subtitles or a table."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.script.kinds import KINDS
from . import ports, script_examples, user_files
from .ports import node_schema
from .widgets import choice, switch, words

GROUP = "script"
OFF = "off"
ANCHORED = ("phrases", "words")
EXAMPLE = "Anna [happy .6]: Did you hear that? <pause 0.4s> Somebody is at the door.\nBen: I heard nothing."


def script_output(what: str) -> Any:
    return ports.Script.Output(id="lines_of_text", display_name="script", tooltip=what)


def keep_sounds_input() -> Any:
    return switch(
        "keep_sounds",
        False,
        "Speak what captions write beside the dialogue too, such as [door creaks] and (sighs); off leaves it out.",
        optional=True,
    )


def anchored_input() -> Any:
    return choice(
        "anchored",
        (OFF, *ANCHORED),
        "Speak word-timed WebVTT and JSON at the times of their words. phrases: what follows a silence begins and ends "
        "at its time. words: every word, which is refused where it would be stretched beyond its limits.",
        optional=True,
    )


def findings_output() -> Any:
    return io.String.Output(
        display_name="report", tooltip="What was left out, taken for a speaker or read with a fault, one row each."
    )


def read_output(script: Any) -> io.NodeOutput:
    """A script that was read, with its number of lines, its speakers and what was found while reading."""
    from ..indextts2.script.report import findings_in_words

    return io.NodeOutput(script, len(script.lines), "\n".join(script.speakers), findings_in_words(script))


def read_outputs() -> list[io.Output]:
    """What both readers give, in the order of `read_output`."""
    return [
        script_output("The lines, for Synthesize Script."),
        io.Int.Output(display_name="line_count", tooltip="Number of lines."),
        io.String.Output(
            display_name="speakers", tooltip="Names in the order in which they first speak, one per line."
        ),
        findings_output(),
    ]


class ScriptFromText(io.ComfyNode):
    """Text -> script."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "ScriptFromText",
            "Script from Text",
            GROUP,
            "Read a script: plain dialogue such as 'Anna [happy .6]: Hello.', SRT, WebVTT, ASS, SBV, LRC or TTML "
            "subtitles, a table or JSON. Errors are reported with line and column.",
            inputs=[
                words("text", EXAMPLE, "The script, in any of the formats.", multiline=True),
                choice("kind", KINDS, "The format; auto detects it from the text.", default="auto"),
                keep_sounds_input(),
                anchored_input(),
            ],
            outputs=read_outputs(),
            aliases=["dialogue", "dialog", "subtitles", "srt", "screenplay"],
        )

    @classmethod
    def execute(cls, text: str, kind: str, keep_sounds: bool = False, anchored: str = OFF) -> io.NodeOutput:
        from ..indextts2.script.read import read_script

        return read_output(read_script(text, kind, keep=keep_sounds, anchored="" if anchored == OFF else anchored))


class ScriptFromFile(io.ComfyNode):
    """A file of the input folder -> script."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        files = script_examples.offered_files()
        return node_schema(
            "ScriptFromFile",
            "Script from File",
            GROUP,
            "Read a script file from ComfyUI's input folder: .srt, .vtt, .ass, .sbv, .lrc, .ttml, .csv, .tsv, .json or "
            ".txt dialogue. "
            "Errors are reported with line and column. Files marked [example] ship with the pack.",
            inputs=[
                choice("file", files, "The file. Press R to refresh the list."),
                words("encoding", "", "Encoding of the file, such as cp1252 or gb18030; empty is UTF-8."),
                keep_sounds_input(),
                anchored_input(),
            ],
            outputs=read_outputs(),
            aliases=["subtitles", "srt", "vtt", "load script"],
        )

    @classmethod
    def execute(cls, file: str, encoding: str, keep_sounds: bool = False, anchored: str = OFF) -> io.NodeOutput:
        from ..indextts2.script.read import read_script_file

        path = script_examples.offered_file(file)
        wanted = "" if anchored == OFF else anchored
        return read_output(read_script_file(path, encoding=encoding.strip(), keep=keep_sounds, anchored=wanted))

    @classmethod
    def fingerprint_inputs(cls, file: str, encoding: str, keep_sounds: bool = False, anchored: str = OFF) -> str:
        return f"{user_files.script_state(file)},{encoding},{anchored}" + (",keep_sounds" if keep_sounds else "")


NODES = (ScriptFromText, ScriptFromFile)
