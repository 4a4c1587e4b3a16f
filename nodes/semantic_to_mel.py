"""Nodes that make mel spectrograms."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..indextts2.stages.ode import GRIDS, SOLVERS
from ..indextts2.stages.semantic_to_mel import FlowSettings
from . import memory, ports
from .host import services
from .host.audio import waveform_of
from .ports import node_schema
from .preview import GrowingMel
from .widgets import MOST_GUIDANCE, choice, integer, number, seed_input, switch

GROUP = "S2M"
DEFAULTS = FlowSettings()
AUTO = "auto"
CHECKPOINTS_GUIDANCE = -1.0


def flow_inputs() -> list[Any]:
    """Widgets of `FlowSettings`, named as its fields."""
    return [
        integer(
            "steps",
            0,
            0,
            200,
            "Steps of the flow. 0 is the checkpoint's own choice; 10 on the epss grid is fast, 25 even ones are the "
            "original default.",
        ),
        number(
            "guidance",
            CHECKPOINTS_GUIDANCE,
            CHECKPOINTS_GUIDANCE,
            5.0,
            0.05,
            "Classifier-free guidance: how closely speaker and tokens are followed. -1 is the checkpoint's own choice; "
            "0 takes half the time, 0.7 is the original default.",
        ),
        number(
            "temperature",
            DEFAULTS.temperature,
            0.0,
            2.0,
            0.05,
            "Strength of the initial noise. 1 is the checkpoint's own value, lower is smoother.",
        ),
        choice(
            "grid",
            (AUTO, *GRIDS),
            "How the steps are spaced. auto: the checkpoint's own choice, or even. uniform: the original. sway: more "
            "steps at the start. epss: for 7, 10 or 12 steps.",
            default=AUTO,
        ),
        choice(
            "solver",
            (AUTO, *SOLVERS),
            "auto: the checkpoint's own choice. euler: the original. ab2: second order at the same cost, for few even "
            "steps.",
            default=AUTO,
        ),
        number(
            "latent_strength",
            DEFAULTS.latent_strength,
            0.0,
            2.0,
            0.05,
            "Strength of the text-to-semantic model's latents that are added to the tokens: 0 none, 1 as released.",
        ),
    ]


def latent_guidance_input() -> Any:
    """The widget of `FlowSettings.latent_guidance`."""
    return number(
        "latent_guidance",
        DEFAULTS.latent_guidance,
        0.0,
        MOST_GUIDANCE,
        0.05,
        "Amplifies what the latents, and with them the emotion, change in the sound: 1 is off, 2 is strong. Takes half "
        "as long again. Changes nothing where there are no latents.",
        optional=True,
    )


def flow_settings(
    *, steps: int, guidance: float, grid: str, solver: str, prompt_seconds: float, **others: Any
) -> FlowSettings:
    """The settings of `flow_inputs`, whose zeros and "auto" leave a choice to the checkpoint."""
    return FlowSettings(
        steps=steps or None,
        guidance=None if guidance < 0.0 else guidance,
        grid=None if grid == AUTO else grid,
        solver=None if solver == AUTO else solver,
        prompt_seconds=prompt_seconds or None,
        **others,
    )


class SemanticToMel(io.ComfyNode):
    """Semantic tokens and a speaker -> mel."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "SemanticToMel",
            "Semantic to Mel",
            GROUP,
            "Turn semantic tokens into a mel spectrogram in the sound of a speaker, of exactly the length asked for.",
            inputs=[
                ports.S2M.Input("s2m", tooltip="The semantic-to-mel model."),
                ports.Semantic.Input("semantic", tooltip="Semantic tokens, made with the same checkpoint's encoder."),
                ports.Speaker.Input("speaker", tooltip="The speaker whose sound the tokens are given."),
                *flow_inputs(),
                number(
                    "prompt_seconds",
                    0.0,
                    0.0,
                    60.0,
                    0.5,
                    "Seconds of the speaker's reference to use; fewer is faster, 0 uses all.",
                ),
                integer(
                    "frames",
                    0,
                    0,
                    1_000_000,
                    "Exact number of mel frames of all segments together, without pauses; 0 keeps the length asked "
                    "for earlier.",
                ),
                switch(
                    "allow_any_stretch",
                    False,
                    "Allow stretching below 0.5 or above 2 times the natural length, which harms the sound.",
                ),
                seed_input("the initial noise"),
                latent_guidance_input(),
            ],
            outputs=[
                ports.Mel.Output(display_name="mel", tooltip="Log-mel spectrogram, one row per segment."),
                io.String.Output(display_name="report", tooltip="Frames of each segment and its stretch."),
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

        settings = flow_settings(prompt_seconds=prompt_seconds, **flow)
        config = services.required(s2m).models.config
        asked = with_frame_count(semantic, frames, config.mel.hop) if frames else semantic
        progress = services.progress()
        with services.running(s2m, memory.flow_work(config, asked, speaker, settings)) as models:
            mel = semantic_to_mel(
                models, asked, speaker, flow=settings, seed=seed, progress=progress, watch=GrowingMel(progress)
            )
        return io.NodeOutput(services.on_intermediate(mel), speech_report(mel.reports, mel.texts))


class MelFromAudio(io.ComfyNode):
    """Audio -> mel."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "MelFromAudio",
            "Mel from Audio",
            GROUP,
            "Mel spectrogram of a recording, as the vocoder reads it: to hear the vocoder alone.",
            inputs=[
                ports.Vocoder.Input("vocoder", tooltip="The vocoder that will read the mel."),
                io.Audio.Input("audio", tooltip="The recording; any sample rate, stereo is mixed down."),
            ],
            outputs=[ports.Mel.Output(display_name="mel", tooltip="Log-mel spectrogram, one row per recording.")],
            aliases=["spectrogram", "vocoder test", "resynthesis"],
        )

    @classmethod
    def execute(cls, vocoder: Any, audio: Any) -> io.NodeOutput:
        from ..indextts2.stages.revoice import mel_from_audio

        services.check_interrupt()
        mel = mel_from_audio(services.required(vocoder).models.mel, waveform_of(audio))
        return io.NodeOutput(services.on_intermediate(mel))


NODES = (SemanticToMel, MelFromAudio)
