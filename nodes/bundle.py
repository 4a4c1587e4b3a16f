"""The four models of a checkpoint on one wire, beside their four ports: nodes that join both worlds.

A node that speaks gets its models from `gathered`: from single ports, from the bundle, or from a checkpoint of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io

from ..indextts2.errors import InputError
from ..indextts2.loading.parts import GROUPS
from . import ports
from .checkpoints import own_models
from .host import services
from .ports import node_schema

GROUP = "load"
MODELS_OF = {"encoder": ports.Encoder, "t2s": ports.T2S, "s2m": ports.S2M, "vocoder": ports.Vocoder}
NAMED = "encoder, t2s, s2m and vocoder"


@dataclass(frozen=True, eq=False)
class ModelBundle:
    """The models of one checkpoint. None where the checkpoint lacks one."""

    encoder: services.Loaded[Any] | None
    t2s: services.Loaded[Any] | None
    s2m: services.Loaded[Any] | None
    vocoder: services.Loaded[Any] | None

    def parts(self) -> dict[str, services.Loaded[Any] | None]:
        return {name: getattr(self, name) for name in GROUPS}


def model_inputs(replaces: str) -> list[Any]:
    """The four single ports, all optional. replaces: what one of them is used in place of, for the tooltip."""
    return [
        port.Input(name, optional=True, tooltip=f"A single model, used in place of {replaces}.")
        for name, port in MODELS_OF.items()
    ]


def bundle_input() -> Any:
    """The one wire of a node that speaks."""
    return ports.Models.Input("models", optional=True, tooltip="All four models, from Load Checkpoint (IndexTTS2).")


def bundle_output(tooltip: str = "All four models on one wire, for Speak and Synthesize Script.", **more: Any) -> Any:
    return ports.Models.Output(display_name="models", tooltip=tooltip, **more)


def joined(inputs: Mapping[str, Any]) -> dict[str, services.Loaded[Any] | None]:
    """The four models at a node's inputs: single ones first, the others from its bundle.

    With nothing connected, those of the node's own `checkpoint`, where it has one. Raises InputError for an input that
    is missing.
    """
    single = {name: inputs[name] for name in GROUPS if name in inputs}
    bundle = inputs.get("models")
    if bundle is None and not single and inputs.get("checkpoint"):
        return own_models(inputs["checkpoint"])
    found = (bundle.parts() if bundle is not None else {}) | single
    if missing := [name for name in GROUPS if name not in found]:
        raise InputError(
            f"The models {NAMED} are needed, but nothing gives {' and '.join(missing)}. Connect the output 'models' "
            "of Load Checkpoint (IndexTTS2)."
        )
    return {name: found[name] for name in GROUPS}


def gathered(inputs: Mapping[str, Any]) -> dict[str, services.Loaded[Any]]:
    """The four models of a node that speaks. Raises InputError for one that is missing or that the checkpoint lacks."""
    return {name: services.required(loaded) for name, loaded in joined(inputs).items()}


def uses_own_checkpoint(inputs: Mapping[str, Any]) -> bool:
    """Whether nothing is connected to a node's ports for models. Looks at names only: values are not there yet."""
    return not any(name in inputs for name in (*GROUPS, "models"))


class PackModels(io.ComfyNode):
    """Four models -> bundle."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "PackModels",
            "Pack Models",
            GROUP,
            "Put models on one wire. A single model takes the place of the bundle's: connect a bundle and the "
            "text-to-semantic model of Load LoRA, for example.",
            inputs=[*model_inputs("the bundle's"), bundle_input()],
            outputs=[bundle_output(id="packed")],
            aliases=["bundle", "pipe", "join models"],
        )

    @classmethod
    def execute(cls, **inputs: Any) -> io.NodeOutput:
        return io.NodeOutput(ModelBundle(**joined(inputs)))


class UnpackModels(io.ComfyNode):
    """Bundle -> four models."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            "UnpackModels",
            "Unpack Models",
            GROUP,
            "Take the four models from one wire, for the nodes of single stages.",
            inputs=[ports.Models.Input("models", tooltip="All four models, from Load Checkpoint (IndexTTS2).")],
            outputs=[
                port.Output(id=f"{name}_model", display_name=name, tooltip=f"The {name} of the bundle.")
                for name, port in MODELS_OF.items()
            ],
            aliases=["unbundle", "pipe", "split models"],
        )

    @classmethod
    def execute(cls, models: Any) -> io.NodeOutput:
        return io.NodeOutput(*models.parts().values())


NODES = (PackModels, UnpackModels)
