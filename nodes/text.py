"""Nodes that prepare what is said."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.text.languages import AUTO, CHOICES, tag_of
from ..indextts2.text.profiles import PROFILES
from . import ports
from .host import services
from .ports import node_schema
from .widgets import choice, integer, number, switch, words

GROUP = "text"
EXAMPLE = "Hello! This sentence was made on your own computer."


def language_input() -> io.Combo.Input:
    """The widget that names the language of a text."""
    return choice(
        "language",
        CHOICES,
        "Language of the text. auto: judged by its characters. IndexTTS-2.5 was made for zh, en, zhen (both mixed), "
        "ja, es and ar, and fine-tunes know others; a language that the checkpoint does not know is reported.",
        optional=True,
    )


def profile_input() -> io.Combo.Input:
    """The widget that says how much of a text is written out."""
    return choice(
        "text_profile",
        PROFILES,
        "auto: numbers and names are written out as the checkpoint was trained. plain: the text as it is written, for "
        "fine-tunes that were trained so; digits are then reported.",
        optional=True,
    )


class PrepareText(io.ComfyNode):
    """Text -> segments of text tokens."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PrepareText",
            "Prepare Text",
            GROUP,
            "Spell out numbers, split long text into segments, and read tags such as <pause 0.4s>, [happy 0.6], "
            "[seconds 2.5] or [speed 0.9].",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak; it knows its languages."),
                words("text", EXAMPLE, "Text to speak, of any length; long text is split.", multiline=True),
                integer(
                    "segment_tokens", 0, 0, 600, "Longest segment, in text tokens; 0 uses the checkpoint's own limit."
                ),
                number(
                    "pause_seconds",
                    0.2,
                    0.0,
                    10.0,
                    0.05,
                    "Silence between segments, in seconds. Pauses written in the text keep their own length.",
                ),
                switch("read_tags", True, "Interpret tags in brackets; off speaks them as ordinary text."),
                ports.Glossary.Input("glossary", optional=True, tooltip="Pronunciations of particular words."),
                language_input(),
                profile_input(),
            ],
            outputs=[
                ports.Text.Output(id="segments", display_name="text", tooltip="The text, ready to be spoken."),
                io.String.Output(display_name="report", tooltip="The segments and how they will be read."),
                io.Int.Output(display_name="segment_count", tooltip="Number of segments."),
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
        language: str = AUTO,
        text_profile: str = AUTO,
    ) -> io.NodeOutput:
        from ..indextts2.stages.prepare_text import prepare_text, report
        from ..indextts2.text.front_end import with_profile

        models = services.required(t2s).models
        prepared = prepare_text(
            with_profile(models.front_end, text_profile),
            text,
            segment_tokens=segment_tokens or None,
            pause_seconds=pause_seconds,
            glossary=glossary,
            tags=read_tags,
            language=tag_of(language),
            mel=models.config.mel,
            pace=models.pace,
        )
        return io.NodeOutput(prepared, report(prepared), len(prepared.segments))


class PronunciationGlossary(io.ComfyNode):
    """Lines of `term = reading` -> glossary."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PronunciationGlossary",
            "Pronunciation Glossary",
            GROUP,
            "Set how words are pronounced, one per line: 'M.2 = M dot two'. English checkpoints also accept CMU "
            "phonemes, Chinese ones pinyin. 'term [zh] = reading' applies to one language.",
            inputs=[
                words(
                    "lines",
                    "# term = reading\nComfyUI = comfy U I",
                    "One 'term = reading' per line; lines that start with # are ignored.",
                    multiline=True,
                ),
                ports.Glossary.Input(
                    "glossary", optional=True, tooltip="A glossary to extend; these lines take precedence."
                ),
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
