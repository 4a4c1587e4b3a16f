"""Checks of what arrives on a port, made before a node runs.

The host checks widgets and the types of links, but a link from a node of another pack that says it sends anything may
bring anything. `checked` puts one look in front of a node's `execute`, so that whatever comes, the user reads a
sentence about it and no node has to ask.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from numbers import Integral, Real
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..indextts2.errors import AudioError, InputError
from . import ports
from .bundle import ModelBundle
from .host import services
from .host.audio import waveform_of

SHOWN = 40  # characters of a value that a message repeats

MODELS = {
    ports.Encoder: ("stages.handles", "EncoderModels"),
    ports.T2S: ("stages.handles", "T2SModels"),
    ports.S2M: ("stages.handles", "S2MModels"),
    ports.Vocoder: ("stages.handles", "VocoderModels"),
    ports.T2E: ("stages.emotion.from_text", "TextToEmotionModel"),
}
"""Port of a model -> where the class of its models lives; imported when it is needed, for a quick start."""

VALUES = {
    ports.Reference: ("contracts", "Reference"),
    ports.Speaker: ("contracts", "Speaker"),
    ports.Emotion: ("contracts", "Emotion"),
    ports.EmotionWeights: ("contracts", "EmotionWeights"),
    ports.Text: ("contracts", "PreparedText"),
    ports.Duration: ("contracts", "Duration"),
    ports.Semantic: ("contracts", "SemanticSpeech"),
    ports.Mel: ("contracts", "MelSpectrogram"),
    ports.Script: ("script.model", "Script"),
    ports.Cast: ("script.cast", "Cast"),
    ports.Lines: ("script.run", "SpokenScript"),
    ports.Takes: ("script.takes", "Takes"),
    ports.Words: ("contracts", "SpokenWords"),
}
"""Port of a value -> where its class lives."""


def checked(node: type[Any]) -> type[Any]:
    """The node, whose `execute` looks at its inputs first. Once is enough: a second call changes nothing."""
    execute = node.execute.__func__
    if getattr(execute, "looks_first", False):
        return node

    @functools.wraps(execute)
    def look_first(cls: type[Any], **inputs: Any) -> Any:
        check_inputs(cls.define_schema(), inputs)  # a class that runs is locked, so GET_SCHEMA cannot be called
        return execute(cls, **inputs)

    look_first.looks_first = True  # type: ignore[attr-defined]
    node.execute = classmethod(look_first)
    return node


def check_inputs(schema: io.Schema, inputs: Mapping[str, Any]) -> None:
    """Raises InputError for the first input that cannot be used.

    The host leaves out an input that nothing is connected to, so None is what a connected node gave.
    """
    for port in schema.inputs or []:
        if port.id not in inputs:
            continue
        value = inputs[port.id]
        for one in value if schema.is_input_list and isinstance(value, list) else [value]:
            check_input(port, one)


def check_input(port: io.Input, value: Any) -> None:
    """Raises InputError or AudioError, naming the port, what it takes and what arrived."""
    kind = port.get_io_type()
    if value is None and port.optional and kind not in _MODEL_TYPES:
        raise InputError(
            f"The input '{port.id}' is connected, but the node before it gave nothing, as a video without sound does. "
            "Disconnect this input, or connect an output that has a value."
        )
    if kind in _CHECKS:
        _CHECKS[kind](port, value)


def described(value: Any) -> str:
    """A value in a few words, for messages."""
    if value is None:
        return "nothing"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, str):
        return "an empty text" if not value else f"the text '{value[:SHOWN]}'"
    if isinstance(value, Real):
        return f"{value}"[:SHOWN]
    if isinstance(value, services.Loaded):
        return f"a model ({type(value.models).__name__})"
    return f"a value of type {type(value).__name__}"


def _refuse(port: io.Input, wanted: str, value: Any, advice: str) -> InputError:
    return InputError(f"The input '{port.id}' takes {wanted}, but got {described(value)}. {advice}")


def _library(place: tuple[str, str]) -> type[Any]:
    module, name = place
    return getattr(import_module(f"..indextts2.{module}", __package__), name)


def _model(kind: Any) -> Callable[[io.Input, Any], None]:
    def check(port: io.Input, value: Any) -> None:
        if value is None:
            raise InputError(
                f"The checkpoint lacks the model this input needs ({port.id}). Wire it from a checkpoint that has it."
            )
        if not isinstance(value, services.Loaded) or not isinstance(value.models, _library(MODELS[kind])):
            wire = "Load Text-to-Emotion" if kind is ports.T2E else "Load Checkpoint (IndexTTS2)"
            raise _refuse(port, f"a model ({kind.io_type})", value, f"Connect the output of that name of {wire}.")

    return check


def _bundle(port: io.Input, value: Any) -> None:
    if not isinstance(value, ModelBundle):
        wanted = f"models on one wire ({ports.Models.io_type})"
        raise _refuse(port, wanted, value, "Connect the output 'models' of Load Checkpoint (IndexTTS2).")


def _value(kind: Any) -> Callable[[io.Input, Any], None]:
    def check(port: io.Input, value: Any) -> None:
        if not isinstance(value, _library(VALUES[kind])):
            advice = f"Connect an output of the type {kind.io_type}."
            raise _refuse(port, f"a value of the type {kind.io_type}", value, advice)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in _tensors(value)):
            raise InputError(
                f"The input '{port.id}' contains NaN or infinite values. Look for the node before it that made them."
            )

    return check


def _tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor of numbers inside a value."""
    parts: Iterable[Any] = ()
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        parts = value.values()
    elif isinstance(value, tuple):
        parts = value
    elif is_dataclass(value):
        parts = (getattr(value, field.name) for field in fields(value))
    for part in parts:
        yield from _tensors(part)


def _number(port: Any, value: Any) -> None:
    whole = isinstance(port, io.Int.Input)
    wanted = "a whole number" if whole else "a number"
    if not isinstance(value, Integral if whole else Real) or not (whole or _finite(value)):
        raise _refuse(port, wanted, value, "Connect a number, or use the widget.")
    low, high = getattr(port, "min", None), getattr(port, "max", None)
    if (low is not None and value < low) or (high is not None and value > high):
        raise _refuse(port, f"{wanted} from {low} to {high}", value, "Set another, or use the widget.")


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _text(port: io.Input, value: Any) -> None:
    if not isinstance(value, str):
        raise _refuse(port, "a text", value, "Connect a text, or use the widget.")


def _switch(port: io.Input, value: Any) -> None:
    if not isinstance(value, bool):
        raise _refuse(port, "yes or no (BOOLEAN)", value, "Connect a switch, or use the widget.")


def _glossary(port: io.Input, value: Any) -> None:
    words = isinstance(value, Mapping) and all(
        isinstance(term, str) and isinstance(reading, str | Mapping) for term, reading in value.items()
    )
    if not words:
        raise _refuse(port, "a glossary", value, "Connect Pronunciation Glossary.")


def _audio(port: io.Input, value: Any) -> None:
    samples = waveform_of(value, port.id).samples
    if 0 in samples.shape:
        raise AudioError(
            f"The input '{port.id}' takes audio of at least one sample, but got {described(samples)}. "
            "Look for the node that cut it away."
        )
    if not samples.is_floating_point():
        kind = str(samples.dtype).removeprefix("torch.")
        raise AudioError(
            f"The input '{port.id}' takes samples as decimal numbers from -1 to 1 (float32), but got {kind}. "
            "Convert them in the node that made them; whole numbers are divided by full scale, 32768 for int16."
        )
    if not bool(torch.isfinite(samples).all()):
        raise AudioError(f"The input '{port.id}' contains NaN or infinite samples. Look for the node that made them.")


def _image(port: io.Input, value: Any) -> None:
    if not isinstance(value, Tensor) or value.dim() != 4 or 0 in value.shape:
        wanted = "pictures (IMAGE) of shape (batch, height, width, channels)"
        raise _refuse(port, wanted, value, "Connect an image output.")


def _latent(port: io.Input, value: Any) -> None:
    samples = value.get("samples") if isinstance(value, Mapping) else None
    if not isinstance(samples, Tensor) or samples.dim() < 2 or not samples.is_floating_point():
        raise _refuse(port, "a LATENT", value if samples is None else samples, "Connect Emotion to Latent.")


def _video(port: io.Input, value: Any) -> None:
    if not callable(getattr(value, "get_duration", None)):
        raise _refuse(port, "a VIDEO", value, "Connect a video output, such as that of Load Video.")


_MODEL_TYPES = frozenset(kind.io_type for kind in MODELS)
"""None on these has a message of its own."""

_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    **{kind.io_type: _model(kind) for kind in MODELS},
    **{kind.io_type: _value(kind) for kind in VALUES},
    ports.Models.io_type: _bundle,
    ports.Glossary.io_type: _glossary,
    io.Int.io_type: _number,
    io.Float.io_type: _number,
    io.String.io_type: _text,
    io.Combo.io_type: _text,
    io.Boolean.io_type: _switch,
    io.Audio.io_type: _audio,
    io.Image.io_type: _image,
    io.Latent.io_type: _latent,
    io.Video.io_type: _video,
}
