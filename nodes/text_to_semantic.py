"""Nodes that make semantic tokens: what is said, when, and how."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.sampling import SAMPLERS, SamplingSettings
from . import memory, ports
from .duration import any_length_input
from .host import services
from .host.audio import waveform_of
from .ports import node_schema
from .widgets import MOST_GUIDANCE, choice, integer, number, seed_input, switch

GROUP = "T2S"
DEFAULTS = SamplingSettings()
MOST_TAKES = 16


def sampling_inputs() -> list[Any]:
    """Widgets of `SamplingSettings`, named as its fields."""
    return [
        choice(
            "mode",
            tuple(SAMPLERS),
            "beam: samples with several beams, as released. sample: samples one token at a time, faster. greedy "
            "and beam_search: no randomness.",
            default=DEFAULTS.mode,
        ),
        integer("beams", DEFAULTS.beams, 1, 16, "Number of hypotheses that the beam modes keep."),
        number(
            "temperature",
            DEFAULTS.temperature,
            0.05,
            3.0,
            0.05,
            "Sampling temperature. Lower is flatter: below 0.6 is monotonous, above 1.2 is unstable.",
        ),
        integer(
            "top_k", DEFAULTS.top_k, 0, 1000, "Sample only from this many of the likeliest tokens; 0 switches it off."
        ),
        number(
            "top_p",
            DEFAULTS.top_p,
            0.01,
            1.0,
            0.01,
            "Sample only from the likeliest tokens that together have this probability; 1 switches it off.",
        ),
        number(
            "repetition_penalty",
            0.0,
            0.0,
            30.0,
            0.1,
            "Penalty on tokens that were already used: 0 is the checkpoint's own value, 1 is off.",
        ),
        integer(
            "max_tokens",
            DEFAULTS.max_tokens,
            1,
            1815,
            "Largest number of semantic tokens per segment. Speech that has not ended by then is cut.",
        ),
    ]


def emotion_guidance_input() -> Any:
    """The widget of `SamplingSettings.emotion_guidance`."""
    return number(
        "emotion_guidance",
        DEFAULTS.emotion_guidance,
        0.0,
        MOST_GUIDANCE,
        0.05,
        "Amplifies what the emotion changes in the choice of tokens: 1 is off, 1.5 to 2 makes it plainer, from 3 on "
        "words suffer. Takes twice the memory of decoding, and more time.",
        optional=True,
    )


def sampling_settings(*, repetition_penalty: float, **widgets: Any) -> SamplingSettings:
    """Settings of the widgets, where a repetition penalty of 0 stands for the checkpoint's own."""
    return SamplingSettings(repetition_penalty=repetition_penalty or None, **widgets)


def t2s_work(t2s: Any, text: Any, takes: int, settings: SamplingSettings) -> float:
    """Bytes that decoding a text works in."""
    from ..indextts2.stages.t2s.batches import DecodingSettings

    models = services.required(t2s).models
    rows = max(min(len(text.segments) * takes, DecodingSettings().rows_at_once), takes) * settings.width
    rows *= 2 if settings.emotion_guidance != 1.0 else 1  # every row has one with the speaker's own emotion beside it
    longest = max((len(segment.ids) for segment in text.segments), default=0)
    tokens = min(settings.max_tokens, memory.expected_tokens(longest), models.config.t2s.max_semantic_tokens)
    return memory.t2s_bytes(models.config, rows, tokens, models.dtype.itemsize)


class TextToSemantic(io.ComfyNode):
    """Text, speaker, emotion, duration -> semantic tokens."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "TextToSemantic",
            "Text to Semantic",
            GROUP,
            "Turn text into semantic tokens, which hold the words, the delivery and the timing but not the sound.",
            inputs=[
                ports.T2S.Input("t2s", tooltip="The text-to-semantic model."),
                ports.Text.Input("text", tooltip="The text from Prepare Text."),
                ports.Speaker.Input("speaker", tooltip="The speaker, made with the same checkpoint."),
                *sampling_inputs(),
                integer(
                    "takes",
                    1,
                    1,
                    MOST_TAKES,
                    "Number of takes to decode at once. The one nearest to the duration is kept, or the likeliest.",
                ),
                seed_input("the token sampling"),
                ports.Emotion.Input(
                    "emotion", optional=True, tooltip="The emotion; unconnected keeps the speaker's own."
                ),
                ports.Duration.Input("duration", optional=True, tooltip="The length; unconnected is free."),
                emotion_guidance_input(),
                any_length_input(),
            ],
            outputs=[
                ports.Semantic.Output(display_name="semantic", tooltip="Semantic tokens, one row per segment."),
                io.String.Output(
                    display_name="report", tooltip="Length asked for and produced of each segment, in tokens."
                ),
                ports.words_output(),
            ],
            aliases=["tts", "gpt", "text to speech"],
        )

    @classmethod
    def execute(
        cls,
        t2s: Any,
        text: Any,
        speaker: Any,
        takes: int,
        seed: int,
        emotion: Any = None,
        duration: Any = None,
        allow_any_length: bool = False,
        **sampling: Any,
    ) -> io.NodeOutput:
        from ..indextts2.stages.t2s.batches import DecodingSettings
        from ..indextts2.stages.t2s.spoken_words import words_in_time
        from ..indextts2.stages.t2s.text_to_semantic import text_to_semantic
        from ..indextts2.stages.t2s.word_times import place_words
        from ..indextts2.values.report import speech_report

        settings = sampling_settings(**sampling)
        with services.running(t2s, t2s_work(t2s, text, takes, settings)) as models:
            semantic = text_to_semantic(
                models,
                text,
                speaker,
                emotion,
                duration=duration,
                sampling=settings,
                decoding=DecodingSettings(takes=takes, allow_any_length=allow_any_length),
                seed=seed,
                progress=services.progress(),
            )
            semantic = place_words(models, text, semantic, speaker, emotion)
            words = words_in_time(models, text, semantic, speaker, emotion)
        report = speech_report(semantic.reports, semantic.texts)
        return io.NodeOutput(services.on_intermediate(semantic), report, words)


class AudioToSemantic(io.ComfyNode):
    """Audio -> semantic tokens."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "AudioToSemantic",
            "Audio to Semantic",
            GROUP,
            "Turn a recording into semantic tokens: the words and their timing without the speaker. Semantic to "
            "Mel with another speaker then says the same in that speaker's sound.",
            inputs=[
                ports.Encoder.Input("encoder", tooltip="The encoder of the checkpoint whose semantic-to-mel follows."),
                io.Audio.Input("audio", tooltip="The recording to convert; any length and sample rate."),
                switch(
                    "keep_length",
                    True,
                    "Produce exactly as many samples as the recording has; off gives each token its natural length.",
                ),
            ],
            outputs=[
                ports.Semantic.Output(display_name="semantic", tooltip="Semantic tokens, one row per 15 s or less."),
                io.String.Output(display_name="report", tooltip="Length of each row, in tokens."),
            ],
            aliases=["voice conversion", "re-voice", "speech to speech", "vc"],
        )

    @classmethod
    def execute(cls, encoder: Any, audio: Any, keep_length: bool) -> io.NodeOutput:
        from ..indextts2.stages.revoice import ROW_SECONDS, audio_to_semantic
        from ..indextts2.values.report import speech_report

        waveform = waveform_of(audio)
        work = memory.encoder_bytes(services.required(encoder).models.config, min(waveform.seconds, ROW_SECONDS))
        with services.running(encoder, work) as models:
            semantic = audio_to_semantic(models, waveform, keep_length=keep_length, progress=services.progress())
        return io.NodeOutput(services.on_intermediate(semantic), speech_report(semantic.reports))


NODES = (TextToSemantic, AudioToSemantic)
