"""The cast: names of a script to reference recordings, saved speakers or ready ones, each with a usual emotion.

A cast file is YAML. A value alone is a file, or the name of a built-in voice; `"*"` is everybody who is not listed.

    Anna: {reference: anna.wav, emotion: calm .3}
    Ben: {speaker: ben.safetensors}
    Carl: built_in_name
    "*": [built_in_name, other.wav]
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from ..contracts import Emotion, EmotionWeights, Speaker, Waveform
from ..errors import InputError, ScriptError
from ..foreign import CONFIGURATION, ForeignDataError, parse_yaml, read_foreign_text, shown
from .header import emotion_of
from .model import check_name

OTHERS = "*"
NARRATOR = "the narrator"
SAVED_SUFFIX = ".safetensors"
_KEYS = ("reference", "speaker", "built_in", "emotion")


@dataclass(frozen=True, slots=True)
class Voice:
    """One who speaks. source: a recording or a saved speaker on disk, a recording, or a ready speaker.

    emotion_weights or emotion: how lines without an emotion of their own are said; None for the speaker's own.
    """

    source: Path | Waveform | Speaker
    emotion_weights: EmotionWeights | None = None
    emotion: Emotion | None = None
    name: str = ""

    def fingerprint(self) -> str:
        """A hash of everything that shapes the sound, so of a file's content and not of its name."""
        digest = hashlib.sha256()
        if isinstance(self.source, Path):
            try:
                if not os.path.isfile(self.source):  # a device would never end
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                with self.source.open("rb") as file:
                    while part := file.read(1 << 20):
                        digest.update(part)
            except OSError as error:
                raise InputError(f"The voice {self.source} cannot be read ({error.strerror}).") from error
        else:
            _update(digest, self.source)
        _update(digest, self.emotion)
        digest.update(repr(self.emotion_weights).encode())
        return digest.hexdigest()


def _update(digest: Any, value: Any) -> None:
    """Feed a contract into a hash, tensors by their numbers."""
    if isinstance(value, Tensor):
        digest.update(repr((value.dtype, tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    elif isinstance(value, tuple):
        for part in value:
            _update(digest, part)
    elif isinstance(value, Emotion | Speaker | Waveform):
        for one in fields(value):
            _update(digest, getattr(value, one.name))
    elif hasattr(value, "vector"):
        _update(digest, (value.position, value.vector))
    else:
        digest.update(repr(value).encode())


@dataclass(frozen=True, slots=True)
class Cast:
    """voices: by name, "" for the narrator; others: taken in turn by names that are not listed."""

    voices: Mapping[str, Voice] = field(default_factory=dict)
    others: tuple[Voice, ...] = ()

    def assigned(self, names: Sequence[str]) -> dict[str, Voice]:
        """A voice for each name of a script, in the order they first speak. Raises InputError naming who has none."""
        taken: dict[str, Voice] = {}
        waiting = 0
        for name in names:
            if name in self.voices:
                taken[name] = self.voices[name]
            elif self.others:
                taken[name] = self.others[waiting % len(self.others)]
                waiting += 1
        missing = [name or NARRATOR for name in names if name not in taken]
        if missing:
            raise InputError(
                f"The cast has no voice for {', '.join(missing)}. Add the name, or {OTHERS} for everybody else."
            )
        return taken

    def notes(self, names: Sequence[str]) -> tuple[str, ...]:
        """Notes on names that share a voice for want of others."""
        by_voice: dict[int, list[str]] = {}
        for name, voice in self.assigned(names).items():
            if name not in self.voices:
                by_voice.setdefault(id(voice), []).append(name or NARRATOR)
        return tuple(f"{', '.join(shared)} share one voice." for shared in by_voice.values() if len(shared) > 1)

    def with_voice(self, name: str, voice: Voice) -> Cast:
        """The same cast and one more."""
        if name == OTHERS:
            return Cast(self.voices, (*self.others, voice))
        check_name(name)
        return Cast({**self.voices, name: voice}, self.others)


def default_cast(built_in: Mapping[str, Path]) -> Cast:
    """Built-in voices in turn for everybody. Raises InputError where none is installed."""
    if not built_in:
        raise InputError("No built-in voice is installed. Give a cast with recordings.")
    return Cast({}, tuple(Voice(path, name=name) for name, path in built_in.items()))


def read_cast_file(path: str | Path, built_in: Mapping[str, Path]) -> Cast:
    """A cast from a YAML file; paths in it are relative to it. Raises ScriptError or InputError."""
    source = Path(path)
    try:
        text = read_foreign_text(source, CONFIGURATION)
    except ForeignDataError as error:
        raise ScriptError(f"The cast {shown(str(source), 200)} cannot be read: {error}.") from error
    return read_cast(text, built_in, source.parent)


def read_cast(text: str, built_in: Mapping[str, Path], folder: Path) -> Cast:
    """A cast from YAML text. Raises ScriptError or InputError."""
    try:
        content = parse_yaml(text)
    except ForeignDataError as error:
        raise ScriptError(f"The cast cannot be read: {error.reason}.", error.line, error.column) from error
    if not isinstance(content, dict) or not content:
        raise ScriptError("A cast is a list of names, such as 'Anna: {reference: anna.wav}'.", 1, 1)
    cast = Cast()
    for name, value in content.items():
        if not isinstance(name, str):
            raise ScriptError(f"Names of a cast are texts, but got {shown(name)}. Put it in quotes.")
        for one in value if name == OTHERS and isinstance(value, list) else [value]:
            cast = cast.with_voice(name, _voice(name, one, built_in, folder))
    return cast


def _voice(name: str, value: Any, built_in: Mapping[str, Path], folder: Path) -> Voice:
    if isinstance(value, str):
        value = {"built_in" if value in built_in else "reference": value}
    if not isinstance(value, dict) or set(value) - set(_KEYS):
        raise ScriptError(f"The cast gives {name} {shown(value)}; known keys are {', '.join(_KEYS)}.")
    sources = [key for key in _KEYS[:3] if value.get(key)]
    if len(sources) != 1:
        raise ScriptError(f"The cast should give {name} one of {', '.join(_KEYS[:3])}.")
    given = str(value[sources[0]])
    weights = _weights(name, value.get("emotion"))
    if sources[0] == "built_in":
        if given not in built_in:
            raise ScriptError(
                f"{name}: there is no built-in voice {shown(given)}; there are {', '.join(built_in) or 'none'}."
            )
        return Voice(built_in[given], weights, name=given)
    path = folder / os.path.expanduser(given)  # which leaves "~nobody" as it is, where Path raises
    if not os.path.isfile(path):  # which, unlike Path, takes names of any length
        known = ", ".join(built_in) or "none"
        raise ScriptError(
            f"{name}: no file {shown(str(path), 200)}, and no built-in voice of this name (there are: {known})."
        )
    return Voice(path, weights, name=path.stem)


def _weights(name: str, value: Any) -> EmotionWeights | None:
    if value is None:
        return None
    try:
        return emotion_of(value if isinstance(value, dict) else str(value))
    except InputError as error:
        raise ScriptError(f"{name}: an emotion such as 'happy .6' is expected, but got {shown(value)}.") from error
