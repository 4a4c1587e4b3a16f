"""Nodes that turn a recording into a reference, and a reference into a speaker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..indextts2.stages.reference import SECONDS_LIMIT
from . import memory, ports
from .host import services
from .host.audio import waveform_of
from .ports import node_schema
from .voices import chosen_recording, voice_input, voice_state
from .widgets import number, switch

GROUP = "condition"
MOST_SECONDS = 60.0
MOST_START = 36_000.0


class EncodeReference(io.ComfyNode):
    """Audio -> reference."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "EncodeReference",
            "Encode Reference",
            GROUP,
            "Encode a recording of someone talking, to use as speaker, as emotion, or as both. Without audio, a "
            "built-in reference is used.",
            inputs=[
                ports.Encoder.Input("encoder", tooltip="The encoder of a checkpoint."),
                voice_input(saved=False),
                number(
                    "seconds_limit",
                    SECONDS_LIMIT,
                    1.0,
                    MOST_SECONDS,
                    0.5,
                    "Seconds of audio that are read, from the start. The released models were trained with 15.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="Clean speech of one person, 3 to 15 seconds, any sample rate, mono or stereo.",
                ),
                io.Audio.Input(
                    "emotion_audio",
                    optional=True,
                    tooltip=(
                        "A recording that gives the reference its emotion instead of the audio; any sample rate, "
                        "cut to the same length."
                    ),
                ),
                io.Boolean.Input(
                    "keep_on_disk",
                    default=False,
                    optional=True,
                    tooltip="Keep the result in the cache folder of this user, at most 512 MB of all, so that the same "
                    "recording need not be encoded again after a restart.",
                ),
                number(
                    "start_seconds",
                    0.0,
                    0.0,
                    MOST_START,
                    0.1,
                    "Where the part that is used begins in the recording, in seconds.",
                    optional=True,
                ),
                number(
                    "seconds",
                    0.0,
                    0.0,
                    MOST_SECONDS,
                    0.1,
                    "Length of the part that is used, in seconds; 0 is all that follows, up to seconds_limit.",
                    optional=True,
                ),
                switch(
                    "trim_silence",
                    True,
                    "Take silence off both ends: it makes speech slow and swallows words.",
                    optional=True,
                ),
            ],
            outputs=[
                ports.Reference.Output(display_name="reference", tooltip="Encoder outputs of the recording."),
                io.String.Output(
                    display_name="report",
                    tooltip="Level, noise and length of the recording, and a sentence about all that makes it poor. Of "
                    "other voices in it, about half are noticed: listen yourself.",
                ),
            ],
            aliases=["voice", "clone", "voice cloning", "speech", "speaker encoder", "reference audio"],
        )

    @classmethod
    def execute(
        cls,
        encoder: Any,
        built_in_speaker: str,
        seconds_limit: float,
        audio: Any = None,
        emotion_audio: Any = None,
        keep_on_disk: bool = False,
        start_seconds: float = 0.0,
        seconds: float = 0.0,
        trim_silence: bool = True,
    ) -> io.NodeOutput:
        from ..indextts2.audio.recording import part_of_recording, recording_quality, without_silence
        from ..indextts2.runtime.reference_cache import ReferenceCache
        from ..indextts2.stages.reference import encode_reference, style_similarity

        encode = ReferenceCache().encode if keep_on_disk else encode_reference
        part = part_of_recording(chosen_recording(audio, built_in_speaker), start_seconds, seconds)
        speech = without_silence(part) if trim_silence else part
        emotional = None if emotion_audio is None else waveform_of(emotion_audio, "emotion_audio")
        if emotional is not None and trim_silence:
            emotional = without_silence(emotional)
        work = memory.encoder_bytes(services.required(encoder).models.config, seconds_limit)
        with services.running(encoder, work) as models:
            reference = encode(models, speech, seconds_limit=seconds_limit, emotion_waveform=emotional)
            quality = replace(recording_quality(part), similarity=style_similarity(models, speech))
        return io.NodeOutput(services.on_intermediate(reference), quality.describe())

    @classmethod
    def fingerprint_inputs(cls, built_in_speaker: str | None = None, **unused: Any) -> str:
        return voice_state(built_in_speaker)


class SpeakerCondition(io.ComfyNode):
    """Reference -> speaker."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SpeakerCondition",
            "Make Speaker",
            GROUP,
            "Make a speaker from a reference. It also carries the emotion of the same recording, which is used "
            "wherever no other emotion is connected.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model that will speak."),
                ports.Reference.Input("reference", tooltip="A recording encoded by the same checkpoint's encoder."),
            ],
            outputs=[ports.Speaker.Output(display_name="speaker", tooltip="The speaker, for every node that speaks.")],
            aliases=["clone", "speaker embedding"],
        )

    @classmethod
    def execute(cls, t2s: Any, reference: Any) -> io.NodeOutput:
        from ..indextts2.stages.conditions import condition_speaker

        work = memory.encoder_bytes(services.required(t2s).models.config, reference.seconds)
        with services.running(t2s, work) as models:
            return io.NodeOutput(services.on_intermediate(condition_speaker(models, reference)))


NODES = (EncodeReference, SpeakerCondition)
