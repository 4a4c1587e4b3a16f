"""The node that makes audio of mel spectrograms."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import memory, ports
from .host import services
from .host.audio import audio_of
from .ports import node_schema

GROUP = "vocoder"


class MelToAudio(io.ComfyNode):
    """Mel -> audio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "MelToAudio",
            "Mel to Audio",
            GROUP,
            "Turn a mel spectrogram into audio of exactly the samples asked for, and join the segments with their "
            "pauses.",
            inputs=[
                ports.Vocoder.Input(
                    "vocoder", tooltip="The vocoder of the checkpoint that made the mel, or one of the same kind."
                ),
                ports.Mel.Input("mel", tooltip="A mel spectrogram of the kind that this vocoder reads."),
                ports.Words.Input(
                    "words", optional=True, tooltip="Words of Text to Semantic, to be put at the edges of the sound."
                ),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="Mono speech at the checkpoint's sample rate."),
                io.String.Output(
                    display_name="report", tooltip="What was asked for and what was produced, to the sample."
                ),
                ports.Words.Output(
                    display_name="words", tooltip="The connected words as they are heard in this audio."
                ),
            ],
            aliases=["bigvgan", "vocode", "mel decode"],
        )

    @classmethod
    def execute(cls, vocoder: Any, mel: Any, words: Any = None) -> io.NodeOutput:
        from ..indextts2.stages.mel_to_audio import mel_to_audio
        from ..indextts2.stages.words_on_time import heard_words
        from ..indextts2.values.report import speech_report

        work = memory.vocoder_bytes(services.required(vocoder).models.config, mel.mel.shape[-1])
        with services.running(vocoder, work) as models:
            speech = mel_to_audio(models, mel, progress=services.progress())
        rate, total = speech.waveform.sample_rate, speech.waveform.samples.shape[-1]
        report = speech_report(speech.reports, mel.texts, rate, total)
        return io.NodeOutput(audio_of(speech.waveform), report, None if words is None else heard_words(words, speech))


NODES = (MelToAudio,)
