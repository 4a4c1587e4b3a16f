"""Nodes for scripts of many lines: dialogue, subtitles and dubbing on a timeline that is exact to the sample."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.text.languages import AUTO, tag_of
from . import ports
from .bundle import bundle_input, gathered, model_inputs
from .duration import any_length_input
from .host import folders, services
from .host.audio import audio_of, built_in_speakers
from .ports import node_schema
from .preview import PICTURE_WIDTH, GrowingMel, heard, player_input
from .script_lines import lines_input, overflow_input, timeline_of
from .script_readers import script_output
from .semantic_to_mel import latent_guidance_input
from .speak import OFF, speech_models
from .text import language_input, profile_input
from .text_to_semantic import emotion_guidance_input
from .voices import chosen_voice, voice_input, voice_state
from .widgets import choice, integer, number, seed_input, switch, words

GROUP = "script"
CUES = ("fill", "within", "start")


class VoiceCast(io.ComfyNode):
    """A name and a speaker -> cast."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "VoiceCast",
            "Voice Cast",
            GROUP,
            "Set the voice that speaks the lines of a name. Chain one node per name. The name * stands for "
            "everyone else, an empty name for lines without one.",
            inputs=[
                words("name", "Anna", "The name as in the script; * for everyone not listed."),
                voice_input(),
                ports.Speaker.Input(
                    "speaker", optional=True, tooltip="The speaker; takes precedence over reference audio."
                ),
                io.Audio.Input("reference", optional=True, tooltip="A recording of the speaker, 3 to 15 seconds."),
                ports.EmotionWeights.Input(
                    "emotion_weights",
                    optional=True,
                    tooltip="Emotion of this name's lines that have none of their own.",
                ),
                ports.Emotion.Input(
                    "emotion",
                    optional=True,
                    tooltip="A finished emotion for this name's lines; weights take precedence over it.",
                ),
                ports.Cast.Input("cast", optional=True, tooltip="The cast so far, from another Voice Cast."),
            ],
            outputs=[ports.Cast.Output(id="joined", display_name="cast", tooltip="For Synthesize Script.")],
            aliases=["speakers", "characters", "roles"],
        )

    @classmethod
    def execute(
        cls,
        name: str,
        built_in_speaker: str,
        speaker: Any = None,
        reference: Any = None,
        emotion_weights: Any = None,
        emotion: Any = None,
        cast: Any = None,
    ) -> io.NodeOutput:
        from ..indextts2.script.cast import Cast, Voice

        source = speaker if speaker is not None else chosen_voice(reference, built_in_speaker)
        return io.NodeOutput((cast or Cast()).with_voice(name.strip(), Voice(source, emotion_weights, emotion)))

    @classmethod
    def fingerprint_inputs(cls, built_in_speaker: str | None = None, **unused: Any) -> str:
        return voice_state(built_in_speaker)


def _line_inputs() -> list[Any]:
    """How lines are fitted to their cues, chosen among takes and finished."""
    return [
        choice(
            "cue",
            CUES,
            "fill: as long as the cue, as far as the voice allows. within: never longer than the cue. "
            "start: natural length, only the start time is kept.",
            default="fill",
        ),
        overflow_input(),
        number(
            "squeeze",
            0.5,
            0.2,
            0.8,
            0.05,
            "Shortest a line may be compressed before it overflows, as a factor of its length; 0.8 is hardly audible.",
        ),
        integer("takes", 1, 1, 16, "Takes per line; the best is kept."),
        integer("retries", 2, 0, 10, "Number of further seeds to try when all takes are poor."),
        number(
            "loudness",
            -20.0,
            -60.0,
            0.0,
            0.5,
            "Loudness of every line in LUFS; 0 leaves lines as they are.",
        ),
        switch("trim_tails", True, "Cut the sound after the last word of a line."),
        switch(
            "soft_ends",
            True,
            ("Fade the ends of lines and the joins between segments, so that nothing clicks."),
        ),
        number(
            "longest_silence",
            0.8,
            0.0,
            60.0,
            0.05,
            "Longest silence inside lines of free length, in seconds; 0 keeps all.",
        ),
        integer("max_tokens", 1500, 10, 4000, "Longest segment, in tokens."),
        integer("steps", 0, 0, 200, "Steps of semantic-to-mel. 0 is the checkpoint's own choice."),
        seed_input("lines without a seed of their own"),
    ]


class SynthesizeScript(io.ComfyNode):
    """Script and cast -> spoken lines."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SynthesizeScript",
            "Synthesize Script",
            GROUP,
            "Speak every line of a script to the length of its cue. Finished lines are kept until ComfyUI "
            "restarts, so a cancelled run resumes, and only changed lines are spoken again.",
            inputs=[
                *model_inputs("that of 'models'"),
                ports.Script.Input("script", tooltip="The lines to speak."),
                *_line_inputs(),
                ports.Cast.Input(
                    "cast", optional=True, tooltip="The cast; unconnected assigns the built-in voices in turn."
                ),
                language_input(),
                emotion_guidance_input(),
                latent_guidance_input(),
                profile_input(),
                words(
                    "accepted",
                    "",
                    "Lines to keep while the others are spoken with a new seed: one row per seed, such as 17: 1, 4-6. "
                    "The report says the row to write.",
                    multiline=True,
                    optional=True,
                ),
                bundle_input(),
                player_input(),
                any_length_input(),
            ],
            outputs=[
                ports.Lines.Output(display_name="lines", tooltip="The spoken lines, for Timeline Mix."),
                io.String.Output(
                    display_name="report",
                    tooltip="For each line: length asked for, length produced, method and stretch.",
                ),
                ports.words_output(),
            ],
            aliases=["dubbing", "dialogue", "batch tts", "audiobook", "subtitles to speech"],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, script: Any, cast: Any = None, **inputs: Any) -> io.NodeOutput:
        from ..indextts2.plots.script import draw_script
        from ..indextts2.script.mix import MixSettings, mix
        from ..indextts2.script.report import describe
        from ..indextts2.script.run import SpokenScript, speak_script
        from ..indextts2.script.store import LineStore
        from ..indextts2.script.words import timeline_words

        told = LinesTold(len(script.lines))
        models = speech_models(inputs, told.stage).with_watch(GrowingMel(told.progress))
        job = _job(models, script, cast, inputs)
        lines = speak_script(job, lambda: models, store=LineStore(folders.temporary_folder()), progress=told)
        rate = models.vocoder.mel.sample_rate
        spoken = SpokenScript(script, tuple(lines), rate, inputs["overflow"])
        timeline = mix(script, lines, rate, MixSettings(inputs["overflow"]))
        report = "\n".join((describe(script, lines, timeline), *_accepting(inputs["seed"], len(script.lines))))
        services.tell(f"{len(timeline.placements)} of {len(lines)} lines, {timeline.waveform.seconds:.2f} s")
        shown = None
        if timeline.waveform.samples.shape[-1]:
            picture = draw_script(spoken, timeline, width=PICTURE_WIDTH)
            shown = heard(cls, audio_of(timeline.waveform), picture, told.progress)
        return io.NodeOutput(spoken, report, timeline_words(script, lines, timeline), ui=shown)


def _accepting(seed: int, count: int) -> list[str]:
    """How lines of this run are kept, where there are several."""
    return [f"To keep lines of this run, write into 'accepted': {seed}: 1-{count}"] if count > 1 else []


class LinesTold:
    """The progress of a script that says which of its lines is spoken, and by which stage."""

    def __init__(self, line_count: int) -> None:
        self.progress, self.line, self.line_count = services.progress(), 1, line_count

    def __call__(self, done: int, total: int) -> None:
        self.progress(done, total)
        if total > 0:
            self.line = min(done * self.line_count // total + 1, self.line_count)

    def stage(self, name: str) -> None:
        services.tell(f"Line {self.line} of {self.line_count}: {name}")


def _job(models: Any, script: Any, cast: Any, inputs: dict[str, Any]) -> Any:
    """The job of a Synthesize Script node. Its mark names everything about the models that shapes the sound."""
    from ..indextts2.sampling import SamplingSettings
    from ..indextts2.script.accepted import accepted_seeds
    from ..indextts2.script.cast import default_cast
    from ..indextts2.script.clean import CleanSettings
    from ..indextts2.script.fit import FitSettings
    from ..indextts2.script.line import LineSettings
    from ..indextts2.script.run import Job, JobSettings
    from ..indextts2.script.take_scores import TakeSettings
    from ..indextts2.stages.semantic_to_mel import FlowSettings
    from ..indextts2.stages.t2s.batches import DecodingSettings

    soft = inputs["soft_ends"]
    settings = LineSettings(
        fit=FitSettings(inputs["cue"], squeeze=inputs["squeeze"], overflow=inputs["overflow"]),
        clean=CleanSettings(inputs["trim_tails"], soft, soft, inputs["longest_silence"], inputs["loudness"] or None),
        takes=TakeSettings(inputs["takes"], retries=inputs["retries"]),
        decoding=DecodingSettings(allow_any_length=inputs.get("allow_any_length", False)),
        sampling=SamplingSettings(
            max_tokens=inputs["max_tokens"], emotion_guidance=inputs.get("emotion_guidance", OFF)
        ),
        flow=FlowSettings(steps=inputs["steps"] or None, latent_guidance=inputs.get("latent_guidance", OFF)),
    )
    parts = (models.encoder, models.t2s, models.s2m, models.vocoder)
    dtype = models.t2s.dtype
    mark = " ".join([*(part.fingerprint for part in parts), str(dtype), *_names(inputs)])
    mark += "" if (profile := inputs.get("text_profile", AUTO)) == AUTO else f" {profile}"
    cast = cast or default_cast(built_in_speakers())
    voices = cast.assigned(script.speakers)
    return Job(
        script,
        voices,
        models.t2s.config,
        mark,
        JobSettings(settings, inputs["seed"], language=tag_of(inputs.get("language", AUTO))),
        seeds=accepted_seeds(inputs.get("accepted", ""), script.lines),
    )


def _names(inputs: dict[str, Any]) -> list[str]:
    """Handles that share weights may differ by a LoRA; the patcher's own identity tells them apart."""
    parts = gathered(inputs)
    return [str(parts[name].patcher.patches_uuid) for name in ("t2s", "s2m") if parts[name].patcher.patches]


class TimelineMix(io.ComfyNode):
    """Spoken lines -> audio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "TimelineMix",
            "Timeline Mix",
            GROUP,
            "Place spoken lines on one timeline. Every cue starts at exactly its sample; lines without a cue "
            "follow the previous line. Also outputs the script with its actual times as SRT.",
            inputs=[
                lines_input(),
                overflow_input(),
                number("gap", 0.35, 0.0, 10.0, 0.05, "Seconds between lines without cues."),
                number(
                    "seconds",
                    0.0,
                    0.0,
                    360_000.0,
                    0.01,
                    "Minimum length of the whole in seconds, such as that of a video; 0 ends with the last line.",
                ),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="The whole timeline, mono."),
                script_output("The placed lines with their actual times."),
                io.String.Output(display_name="srt", tooltip="The same as SRT subtitles."),
                io.String.Output(display_name="report", tooltip="Every line, and the lines that do not fit."),
                ports.words_output(),
            ],
            aliases=["mix", "dub", "concatenate", "subtitle audio"],
        )

    @classmethod
    def execute(cls, lines: Any, overflow: str, gap: float, seconds: float) -> io.NodeOutput:
        from ..indextts2.script.read import write_script
        from ..indextts2.script.report import describe
        from ..indextts2.script.words import timeline_words

        timeline = timeline_of(lines, overflow, gap, seconds)
        srt = write_script(timeline.script, "srt") if timeline.script else ""
        report = describe(lines.script, lines.lines, timeline)
        words = timeline_words(lines.script, lines.lines, timeline)
        return io.NodeOutput(audio_of(timeline.waveform), timeline.script or lines.script, srt, report, words)


NODES = (VoiceCast, SynthesizeScript, TimelineMix)
