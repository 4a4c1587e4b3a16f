"""Nodes that make mel spectrograms."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.stages.ode import GRIDS, SOLVERS
from ..indextts2.stages.semantic_to_mel import FlowSettings
from . import memory, ports, runtime
from .ports import node_schema, seed_input

GROUP = "S2M"
DEFAULTS = FlowSettings()


def flow_inputs() -> list[Any]:
    """Widgets of `FlowSettings`, named as its fields."""
    return [
        io.Int.Input(
            "steps",
            default=DEFAULTS.steps,
            min=1,
            max=200,
            step=1,
            tooltip="Steps of the flow: 10 is fast, 25 released.",
        ),
        io.Float.Input(
            "guidance",
            default=DEFAULTS.guidance,
            min=0.0,
            max=5.0,
            step=0.05,
            tooltip="How strongly the speaker and the tokens are followed; 0 takes half the time, 0.7 is released.",
        ),
        io.Float.Input(
            "temperature",
            default=DEFAULTS.temperature,
            min=0.0,
            max=2.0,
            step=0.05,
            tooltip="Strength of the noise at the start; 1 is the checkpoint's own choice, less is smoother.",
        ),
        io.Combo.Input(
            "grid",
            options=list(GRIDS),
            default=DEFAULTS.grid,
            tooltip="Where the steps lie. uniform: released. sway: more at the start. epss: for 7, 10 or 12 steps.",
        ),
        io.Combo.Input(
            "solver",
            options=list(SOLVERS),
            default=DEFAULTS.solver,
            tooltip="euler: released. ab2: second order at the same cost, for few steps.",
        ),
        io.Float.Input(
            "latent_strength",
            default=DEFAULTS.latent_strength,
            min=0.0,
            max=2.0,
            step=0.05,
            tooltip="How much of the text-to-semantic model's latent is added to the tokens: 0 none, 1 as released.",
        ),
    ]


class SemanticToMel(io.ComfyNode):
    """Semantic tokens and a speaker -> mel."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SemanticToMel",
            "IndexTTS2 Semantic to Mel",
            GROUP,
            "Give semantic tokens the sound of a speaker: a mel spectrogram of exactly the length asked for.",
            inputs=[
                ports.S2M.Input("s2m", tooltip="The semantic-to-mel model."),
                ports.Semantic.Input("semantic", tooltip="What is said, of the same checkpoint's encoder."),
                ports.Speaker.Input("speaker", tooltip="Who talks: the sound that is given to the tokens."),
                *flow_inputs(),
                io.Float.Input(
                    "prompt_seconds",
                    default=0.0,
                    min=0.0,
                    max=60.0,
                    step=0.5,
                    tooltip="Use only so many seconds of the speaker's reference, which is faster; 0 uses all.",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=1_000_000,
                    step=1,
                    tooltip="Exact number of mel frames of all segments together, pauses not counted; 0 keeps the "
                    "length asked for before.",
                ),
                io.Boolean.Input(
                    "allow_any_stretch",
                    default=False,
                    tooltip="Allow stretching below 0.5 or above 2 of the natural length, which hurts the sound.",
                ),
                seed_input("the noise at the start"),
            ],
            outputs=[
                ports.Mel.Output(display_name="mel", tooltip="Log-mel spectrogram, one row per segment."),
                io.String.Output(display_name="report", tooltip="Frames of each segment and how far it was stretched."),
            ],
            aliases=["flow matching", "cfm", "s2mel"],
        )

    @classmethod
    def execute(
        cls, s2m: Any, semantic: Any, speaker: Any, prompt_seconds: float, frames: int, seed: int, **flow: Any
    ) -> io.NodeOutput:
        from ..indextts2.stages.revoice import with_frame_count
        from ..indextts2.stages.semantic_to_mel import semantic_to_mel
        from ..indextts2.values.report import speech_report

        settings = FlowSettings(prompt_seconds=prompt_seconds or None, **flow)
        config = runtime.required(s2m).models.config
        asked = with_frame_count(semantic, frames, config.mel.hop) if frames else semantic
        with runtime.running(s2m, memory.flow_work(config, asked, speaker, settings.rows_at_once)) as models:
            mel = semantic_to_mel(models, asked, speaker, settings=settings, seed=seed, progress=runtime.progress())
        return io.NodeOutput(runtime.on_intermediate(mel), speech_report(mel.reports, mel.texts))


class MelFromAudio(io.ComfyNode):
    """Audio -> mel."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "MelFromAudio",
            "IndexTTS2 Mel from Audio",
            GROUP,
            "The mel spectrogram of a recording, as the vocoder reads it: to hear what a vocoder alone does.",
            inputs=[
                ports.Vocoder.Input("vocoder", tooltip="The vocoder whose kind of mel is made."),
                io.Audio.Input("audio", tooltip="The recording; any sample rate, stereo is mixed down."),
            ],
            outputs=[ports.Mel.Output(display_name="mel", tooltip="Log-mel spectrogram, one row per recording.")],
            aliases=["spectrogram", "vocoder test", "resynthesis"],
        )

    @classmethod
    def execute(cls, vocoder: Any, audio: Any) -> io.NodeOutput:
        from ..indextts2.stages.revoice import mel_from_audio

        runtime.check_interrupt()
        mel = mel_from_audio(runtime.required(vocoder).models.mel, runtime.waveform_of(audio))
        return io.NodeOutput(runtime.on_intermediate(mel))


NODES = (SemanticToMel, MelFromAudio)
