"""Nodes after the speech: captions, and tracks for models that move lips."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ..indextts2.script.caption_cues import CaptionSettings
from ..indextts2.script.caption_files import CAPTION_KINDS
from . import ports, user_files
from .host.audio import audio_of, waveform_of
from .plots import image_output, shown, width_input
from .ports import node_schema
from .widgets import choice, integer, number, seed_input, switch, words

GROUP = "words"
DEFAULTS = CaptionSettings()


def words_input() -> Any:
    return ports.Words.Input("words", tooltip="Words in time, from Speak, Synthesize Script or Timeline Mix.")


class SaveCaptions(io.ComfyNode):
    """Words in time -> a caption file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SaveCaptions",
            "Save Captions",
            GROUP,
            "Write captions of speech as a file below the output folder: SRT, WebVTT, ASS karaoke, or JSON with "
            "the time of each word. Lines break by width, reading speed and punctuation.",
            inputs=[
                words_input(),
                choice("kind", CAPTION_KINDS, "Kind of the file. ass fills each word while it is spoken."),
                integer("width", DEFAULTS.width, 8, 512, "Most characters in a row of a caption, a whole number."),
                integer("rows", DEFAULTS.rows, 1, 6, "Most rows of a caption, a whole number."),
                number(
                    "reading_speed",
                    DEFAULTS.reading_speed,
                    1.0,
                    100.0,
                    0.5,
                    "Characters per second that a reader takes in; captions stay longer where there is time.",
                ),
                switch("speakers", True, "Name the speakers of a script."),
                switch("word_times", False, "Write the time of each word into WebVTT; some players show such times."),
                words(
                    "filename_prefix",
                    "captions/indextts2",
                    "Folder and start of the file name, below the output folder; a number is appended.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="text", tooltip="The content of the file."),
                io.String.Output(display_name="file", tooltip="Name of the file below the output folder."),
                io.String.Output(display_name="report", tooltip="Number of captions, and those that are too fast."),
            ],
            aliases=["subtitles", "srt", "vtt", "karaoke", "ass"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, filename_prefix: str, kind: str, **given: Any) -> io.NodeOutput:
        from ..indextts2.atomic import write_text
        from ..indextts2.script.caption_cues import captions_of, describe_captions
        from ..indextts2.script.caption_files import write_captions

        spoken = given.pop("words")
        settings = CaptionSettings(**given)
        text = write_captions(spoken, kind, settings)
        path, name = user_files.new_file(filename_prefix, f".{kind}")
        write_text(path, text)
        report = describe_captions(captions_of(spoken, settings), settings)
        return io.NodeOutput(text, name, report, ui=ui.PreviewText(f"Saved as {name}\n{report}"))


class PrepareLipSync(io.ComfyNode):
    """Audio and its words -> tracks for a video model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PrepareLipSync",
            "Prepare for Lip Sync",
            GROUP,
            "Make speech ready for a video model that moves lips: whole video frames, its sample rate and channels, "
            "and the tone of a quiet room under pauses, because such models stop on digital silence.",
            inputs=[
                io.Audio.Input("audio", tooltip="The speech, from Speak, Timeline Mix or any recording."),
                number("frame_rate", 25.0, 1.0, 240.0, 0.001, "Video frames per second of the video model."),
                integer(
                    "frame_step",
                    1,
                    1,
                    64,
                    "Video frames are a multiple of this plus one: 8 for LTX, 4 for Wan; 1 takes any number.",
                ),
                integer("sample_rate", 44_100, 8_000, 192_000, "Samples per second of both tracks."),
                switch("stereo", True, "Two channels, the speech in the middle; off is one channel."),
                number(
                    "room_tone",
                    -65.0,
                    -120.0,
                    -20.0,
                    1.0,
                    "Level of the room in the pauses in dB of full scale; "
                    "its strength is 0 at the loudest and about -65 in a quiet room.",
                ),
                seed_input("the noise of the room"),
                ports.Words.Input(
                    "words", optional=True, tooltip="Words of the same audio; the mouth is closed between them."
                ),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="The track for the video model, with the room in it."),
                io.Audio.Output(display_name="clean", tooltip="The track for the finished video, as long, without it."),
                io.Int.Output(display_name="frame_count", tooltip="Number of video frames of both tracks."),
                io.Float.Output(
                    display_name="mouth",
                    is_output_list=True,
                    tooltip="Strength of the opening of the mouth in each video frame: 0 is closed, 1 is wide.",
                ),
            ],
            aliases=["lipsync", "talking head", "wan s2v", "ltx", "audio to video"],
        )

    @classmethod
    def execute(cls, audio: Any, words: Any = None, **given: Any) -> io.NodeOutput:
        from ..indextts2.stages.lip_sync import LipSyncSettings, prepare_lip_sync

        made = prepare_lip_sync(waveform_of(audio), LipSyncSettings(**given), words=words)
        return io.NodeOutput(audio_of(made.track), audio_of(made.clean), made.frame_count, list(made.mouth))


class WordsAtTimes(io.ComfyNode):
    """Times of words -> a text with tags that ask for them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "WordsAtTimes",
            "Words at Given Times",
            GROUP,
            "Write times of words into a text, as tags that Speak and Prepare Text keep: from the words of other "
            "speech, or from word-timed SRT, WebVTT or JSON.",
            inputs=[
                words(
                    "text",
                    "",
                    "Text to speak; empty speaks the words of the timings. Words spelled alike get their times.",
                    multiline=True,
                ),
                words(
                    "timings",
                    "",
                    "Word-timed SRT, WebVTT or JSON. Not used while words are connected.",
                    multiline=True,
                ),
                choice(
                    "anchored",
                    ("phrases", "words"),
                    "phrases: what follows a silence begins and ends at its time. words: every word, which is refused "
                    "where it would be stretched beyond its limits.",
                ),
                ports.Words.Input("words", optional=True, tooltip="Words in time of other speech, such as a take."),
            ],
            outputs=[io.String.Output(display_name="text", tooltip="The text with tags such as <at 2.4s>.")],
            aliases=["dub", "align", "word timing", "sync"],
        )

    @classmethod
    def execute(cls, text: str, timings: str, anchored: str, words: Any = None) -> io.NodeOutput:
        from ..indextts2.script.timed_words import WordTiming, timed_text
        from ..indextts2.script.word_timings import read_word_timings

        if words is None:
            known = read_word_timings(timings)
        else:
            rate = words.sample_rate
            known = tuple(WordTiming(one.text, one.start / rate, one.end / rate) for one in words.words)
        return io.NodeOutput(timed_text(known, text, anchored=anchored))


class PlotWords(io.ComfyNode):
    """Words in time -> picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PlotWords",
            "Plot Words",
            "plot",
            "Draw words in time: when each was asked to begin, and when it is spoken.",
            inputs=[words_input(), width_input()],
            outputs=[image_output()],
            aliases=["alignment", "word timeline"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, words: Any, width: int) -> io.NodeOutput:
        from ..indextts2.plots.words import draw_words

        return shown(cls, draw_words(words, width=width))


NODES = (SaveCaptions, PrepareLipSync, WordsAtTimes, PlotWords)
