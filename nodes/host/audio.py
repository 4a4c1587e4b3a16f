"""Sound between the host and the library: AUDIO values, and the built-in references that stand in for one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from comfy import model_management
from torch import Tensor

from ...indextts2.contracts import Waveform
from ...indextts2.errors import AudioError
from ...indextts2.loading.find import built_in_references

BUILT_IN_PLACES = ("first", "second")
"""Names that stand for the first built-in references, whatever these are called; example graphs use them."""


def waveform_of(audio: Any, name: str = "audio") -> Waveform:
    """The library's waveform of a host AUDIO value. Raises AudioError for anything else."""
    try:
        samples, sample_rate = (audio if isinstance(audio, Mapping) else {})["waveform"], int(audio["sample_rate"])
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise AudioError(
            f"The {name} input should be AUDIO of the host, but is {type(audio).__name__}. Connect an audio output, "
            "such as that of Load Audio."
        ) from error
    if not isinstance(samples, Tensor) or samples.dim() != 3:
        found = tuple(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
        raise AudioError(
            f"The {name} should hold a waveform of shape (batch, channels, samples), but holds {found}. Connect an "
            "audio output, such as that of Load Audio."
        )
    return Waveform(samples, sample_rate)


def built_in_speakers() -> dict[str, Path]:
    """Name -> recording of the references that ship with the mini."""
    return built_in_references()


def reference_waveform(audio: Any, built_in_speaker: str) -> Waveform:
    """The connected audio, or the built-in reference of that name when none is. Raises AudioError."""
    if audio is not None:
        return waveform_of(audio, "reference audio")
    offered = built_in_speakers()
    by_place = dict(zip(BUILT_IN_PLACES, offered, strict=False))
    built_in_speaker = by_place.get(built_in_speaker, built_in_speaker)
    if built_in_speaker not in offered:
        known = ", ".join(offered) or "none is installed"
        raise AudioError(
            f"There is no built-in reference '{built_in_speaker}'; there are: {known}. Connect a recording of speech."
        )
    from ...indextts2.audio.io import read_audio

    return read_audio(offered[built_in_speaker])


def audio_of(waveform: Waveform) -> dict[str, Any]:
    """A host AUDIO value of the library's waveform, float32 on the intermediate device."""
    samples = waveform.samples.to(model_management.intermediate_device(), torch.float32)
    return {"waveform": samples, "sample_rate": waveform.sample_rate}
