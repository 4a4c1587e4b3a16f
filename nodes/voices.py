"""The voice library of the host: built-in voices, saved speakers and recordings of input/voices, in one list."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..indextts2.contracts import Speaker, Waveform
from ..indextts2.errors import InputError
from ..indextts2.foreign import shown
from ..indextts2.loading.voices import RECORDINGS, VOICES, recordings_in
from . import user_files
from .host import folders
from .host.audio import BUILT_IN_PLACES, built_in_speakers, reference_waveform
from .widgets import choice

SAVED_KIND = "speaker"


def voice_input(*, saved: bool = True) -> io.Combo.Input:
    """The widget that names a voice; its id is that of the graphs that knew built-in voices alone.

    saved: whether saved speakers are among them.
    """
    kinds = "built-in voices, saved speakers and recordings" if saved else "built-in voices and recordings"
    speakers = user_files.saved_files(SAVED_KIND, learned=False) if saved else []
    return choice(
        "built_in_speaker",
        [*BUILT_IN_PLACES, *built_in_speakers(), *speakers, *recordings()],
        f"The voice to use while no audio is connected: {kinds} of input/voices. Press R to refresh the list.",
        default=BUILT_IN_PLACES[0],
    )


def recordings() -> list[str]:
    """Names of the recordings of input/voices, as lists show them."""
    root = folders.user_folders()["input"]
    inside = (path for path in recordings_in(root / VOICES) if user_files.is_inside(path, root))
    return [f"{path.relative_to(root).as_posix()} [input]" for path in inside]


def chosen_voice(audio: Any, name: str) -> Waveform | Speaker:
    """The connected audio, or the voice of a name. Raises InputError for one that is not there."""
    place = None if audio is not None else _file_of(name)
    if place is None:
        return reference_waveform(audio, name)
    if place.suffix.lower() in RECORDINGS:
        from ..indextts2.audio.io import read_audio

        return read_audio(place)
    from ..indextts2.values.files import load_value

    return load_value(place, SAVED_KIND)


def chosen_recording(audio: Any, name: str) -> Waveform:
    """The same for what needs a recording. Raises InputError for a saved speaker."""
    voice = chosen_voice(audio, name)
    if isinstance(voice, Speaker):
        raise InputError(
            f"{shown(name)} is a saved speaker, which is encoded already. Choose it in Speak or Voice Cast, or use "
            "Load Speaker."
        )
    return voice


def voice_state(name: str | None) -> str:
    """Changes when the file of a voice does; empty for a built-in one, or a linked name that is not known yet."""
    try:
        place = _file_of(name or "")
        facts = None if place is None else place.stat()
    except (InputError, OSError):
        return ""
    return "" if facts is None else f"{facts.st_size},{facts.st_mtime_ns}"


def _file_of(name: str) -> Path | None:
    """The file of a voice; None for a built-in one. Raises InputError for a file that is not offered or not there."""
    plain, separator, label = name.rpartition(" [")
    if not separator or not label.endswith("]"):
        return None
    if Path(plain).suffix.lower() not in RECORDINGS:
        return user_files.saved_file(name)
    root = folders.user_folders()["input"]
    path = root / plain
    if label != "input]" or not user_files.is_inside(path, root / VOICES) or not os.path.isfile(path):
        raise InputError(f"There is no recording {shown(name)} in input/{VOICES}. Put one there and press key R.")
    return path
