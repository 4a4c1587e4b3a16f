"""Nodes that prepare what is said."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import ports, runtime
from .ports import node_schema

GROUP = "text"
EXAMPLE = "Hello! This sentence was made on your own computer."


class PrepareText(io.ComfyNode):
    """Text -> segments of text tokens."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PrepareText",
            "IndexTTS2 Prepare Text",
            GROUP,
            "Write numbers out, split long text into segments, and read tags such as <pause 0.4s>, [happy 0.6], "
            "[seconds 2.5] or [speed 0.9].",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak; it knows its languages."),
                io.String.Input(
                    "text", multiline=True, default=EXAMPLE, tooltip="What is said, of any length; long text is split."
                ),
                io.Int.Input(
                    "segment_tokens",
                    default=0,
                    min=0,
                    max=600,
                    step=1,
                    tooltip="Longest segment, in text tokens; 0 takes the checkpoint's own limit.",
                ),
                io.Float.Input(
                    "pause_seconds",
                    default=0.2,
                    min=0.0,
                    max=10.0,
                    step=0.05,
                    tooltip="Silence between segments, in seconds. Pauses written in the text keep their own length.",
                ),
                io.Boolean.Input(
                    "read_tags", default=True, tooltip="Read tags in brackets; off speaks them as ordinary text."
                ),
                ports.Glossary.Input("glossary", optional=True, tooltip="How certain words are pronounced."),
            ],
            outputs=[
                ports.Text.Output(id="segments", display_name="text", tooltip="The text, ready to be spoken."),
                io.String.Output(display_name="report", tooltip="The segments and how they will be read."),
                io.Int.Output(display_name="segment_count", tooltip="How many segments there are."),
            ],
            aliases=["tts text", "normalize", "split text", "ssml"],
        )

    @classmethod
    def execute(
        cls,
        t2s: Any,
        text: str,
        segment_tokens: int,
        pause_seconds: float,
        read_tags: bool,
        glossary: Any = None,
    ) -> io.NodeOutput:
        from ..indextts2.stages.prepare_text import prepare_text, report

        models = runtime.required(t2s).models
        prepared = prepare_text(
            models.front_end,
            text,
            segment_tokens=segment_tokens or None,
            pause_seconds=pause_seconds,
            glossary=glossary,
            tags=read_tags,
            mel=models.config.mel,
        )
        return io.NodeOutput(prepared, report(prepared), len(prepared.segments))


class PronunciationGlossary(io.ComfyNode):
    """Lines of `term = reading` -> glossary."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PronunciationGlossary",
            "IndexTTS2 Pronunciation Glossary",
            GROUP,
            "Say how words are pronounced, one a line: 'M.2 = M dot two'. English checkpoints also take CMU "
            "phonemes, Chinese ones pinyin. 'term [zh] = reading' is for one language.",
            inputs=[
                io.String.Input(
                    "lines",
                    multiline=True,
                    default="# term = reading\nComfyUI = comfy U I",
                    tooltip="One 'term = reading' a line; lines with # in front are left out.",
                ),
                ports.Glossary.Input("glossary", optional=True, tooltip="A glossary to add to; these lines win."),
            ],
            outputs=[
                ports.Glossary.Output(
                    id="joined", display_name="glossary", tooltip="The words and their readings, for Prepare Text."
                )
            ],
            aliases=["dictionary", "phonemes", "pinyin", "pronounce"],
        )

    @classmethod
    def execute(cls, lines: str, glossary: Any = None) -> io.NodeOutput:
        from ..indextts2.text.glossary import joined_glossary, parse_glossary

        return io.NodeOutput(joined_glossary(glossary or {}, parse_glossary(lines)))


NODES = (PrepareText, PronunciationGlossary)
