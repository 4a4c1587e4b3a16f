"""Speakers, emotions, semantic speech and mel spectrograms as files that can be kept and shared.

A file is one safetensors file: the tensors of the value by name, its plain fields as JSON, and who made it when, of
what, and under which terms. Reading one runs nothing in it and checks everything: kind, version, names, shapes, types,
ranges. Values keep the fingerprints of their checkpoints, so a stage refuses those that do not belong to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from torch import Tensor

from ..atomic import make_folder, write_bytes
from ..checks import check_finite
from ..contracts import DurationReport, Emotion, Keyframe, MelSpectrogram, SemanticSpeech, Speaker
from ..errors import IndexTTS2Error, InputError
from ..foreign import ForeignDataError, parse_json, record, shown

Value = Speaker | Emotion | SemanticSpeech | MelSpectrogram

FORMAT = "indextts2-value"
FORMAT_VERSION = 1
SUFFIX = ".safetensors"
KINDS: dict[str, type[Any]] = {
    "speaker": Speaker,
    "emotion": Emotion,
    "semantic": SemanticSpeech,
    "mel": MelSpectrogram,
}
FINGERPRINTS = ("fingerprint", "encoder_fingerprint")
POSITIONS, KEYFRAMES = "keyframe_positions", "keyframe_vectors"
LARGEST_SEED = 2**64 - 1


class DamagedFile(InputError):
    """A file that may have been saved by this pack, but cannot be read any more."""


@dataclass(frozen=True, slots=True)
class FileNote:
    """Provenance stored in a file. source: what it was made of; text: what is said in it; made: date and time in UTC.

    licence: the terms under which it may be used, in free words.
    """

    source: str = ""
    text: str = ""
    licence: str = ""
    made: str = ""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file's kind, note and checkpoints, read without its tensors."""

    kind: str
    note: FileNote
    fingerprints: Mapping[str, str]

    def describe(self) -> str:
        """One line per fact that is known."""
        facts = [("kind", self.kind), *asdict(self.note).items(), *self.fingerprints.items()]
        return "\n".join(f"{name.replace('_', ' ')}: {fact}" for name, fact in facts if fact)


def save_value(path: Path, value: Value, note: FileNote | None = None) -> Path:
    """Write a value whole or not at all; a file of that name is replaced. An empty date becomes now.

    Raises InputError when the folder cannot be written to.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save

    kind = next((name for name, made in KINDS.items() if isinstance(value, made)), None)
    if kind is None:
        raise InputError(f"Files hold {', '.join(KINDS)}, but got a {type(value).__name__}.")
    note = note or FileNote()
    tensors, plain = _serialize(value)
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "kind": kind,
        "fields": json.dumps(plain, sort_keys=True),
        **asdict(note),
        "made": note.made or datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    # save refuses tensors that share memory, as a vector and its base may; save_file would keep others from reading
    stored = {name: _storable(tensor) for name, tensor in tensors.items()}
    make_folder(path.parent)
    try:
        content = save(stored, metadata)
    except SafetensorError as error:
        raise InputError(f"{path.name} cannot be written: {error}.") from error
    write_bytes(path, content)
    return path


def _storable(tensor: Tensor) -> Tensor:
    """A copy on the CPU, in the number format that `_check` expects."""
    wanted = torch.float32 if tensor.is_floating_point() else torch.int64
    return tensor.detach().to("cpu", wanted, copy=True).contiguous()


def load_value(path: Path, kind: str) -> Any:
    """Read a value of a kind of KINDS. Raises InputError that says what is wrong with the file."""
    metadata, tensors = _read(path, with_tensors=True)
    if metadata["kind"] != kind:
        raise InputError(
            f"{path.name} holds a file of kind '{metadata['kind']}', but '{kind}' is expected here. "
            "Use the load node of that kind."
        )
    try:
        value = _deserialize(KINDS[kind], tensors, _plain_fields(metadata))
        _check(value)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexTTS2Error) as error:
        raise DamagedFile(f"{path.name} does not hold a usable {kind}: {error}") from error
    return value


def file_info(path: Path) -> FileInfo:
    """Provenance stored in a file. Raises InputError for a foreign file, DamagedFile for one that cannot be read."""
    metadata, _ = _read(path, with_tensors=False)
    try:
        plain = _plain_fields(metadata)
        fingerprints = {name: str(plain[name]) for name in FINGERPRINTS if plain.get(name)}
    except (KeyError, ValueError) as error:
        raise DamagedFile(f"{path.name} is damaged: its description cannot be read ({error}).") from error
    note = FileNote(**{field.name: str(metadata.get(field.name, "")) for field in fields(FileNote)})
    return FileInfo(metadata["kind"], note, fingerprints)


def _plain_fields(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a value that are no tensors. Raises ForeignDataError, or KeyError where there are none."""
    plain = parse_json(metadata["fields"])
    if not isinstance(plain, dict):
        raise ForeignDataError("its fields should be a JSON object")
    return plain


def _read(path: Path, *, with_tensors: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        if not path.is_file():
            raise InputError(f"There is no file {path.name}. Refresh the list of files and choose another one.")
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            _check_format(path, metadata)
            return metadata, {name: file.get_tensor(name) for name in file.keys()} if with_tensors else {}
    except InputError:
        raise
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:  # ValueError: a NUL in the name, odd types
        raise DamagedFile(
            f"{shown(path.name)} is not a whole safetensors file. It was cut short or is something else; get it again."
        ) from error


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT or metadata.get("kind") not in KINDS:
        raise InputError(
            f"{path.name} was not saved by this pack, so what its numbers mean is unknown. "
            f"Files of kind {', '.join(KINDS)} can be loaded here; models belong into models/indextts2."
        )
    if metadata.get("format_version") != str(FORMAT_VERSION):
        raise InputError(
            f"{path.name} has format version {metadata.get('format_version')}, but this pack reads version "
            f"{FORMAT_VERSION}. Update the pack."
        )


def _serialize(value: Value) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a value by field name, and its other fields as JSON can hold them."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if isinstance(content, Tensor):
            tensors[field.name] = content
        elif field.name == "keyframes":
            plain[POSITIONS] = [frame.position for frame in content]
            if content:
                tensors[KEYFRAMES] = torch.cat([frame.vector.detach().cpu() for frame in content])
        elif field.name == "reports":
            plain["reports"] = [asdict(report) for report in content]
        elif content is not None:
            plain[field.name] = list(content) if isinstance(content, tuple) else content
    return tensors, plain


def _deserialize(made: type[Any], tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> Any:
    """The value of which `_serialize` made these. Raises ForeignDataError for unknown or missing fields."""
    given: dict[str, Any] = {**plain, **tensors}
    if made is Emotion:
        positions, vectors = given.pop(POSITIONS, []), given.pop(KEYFRAMES, None)
        rows = [] if vectors is None else list(vectors.split(1))
        given["keyframes"] = tuple(
            Keyframe(float(position), row) for position, row in zip(positions, rows, strict=True)
        )
    known = {field.name for field in fields(made)}
    given.update({name: None for name in OPTIONAL_TENSORS if name in known and name not in given})
    return record(made, {name: FIELDS.get(name, _as_it_is)(content) for name, content in given.items()})


def _as_it_is(content: Any) -> Any:
    return content


def _reports(content: Any) -> tuple[DurationReport, ...]:
    return tuple(DurationReport(**_typed_fields(DurationReport, report)) for report in _list(content))


def _typed_fields(kind: type[Any], content: Any) -> dict[str, Any]:
    """The fields of a dataclass of numbers, words and lists of them. Raises TypeError naming the one that is wrong."""
    if not isinstance(content, dict):
        raise TypeError(f"a report is a JSON object, but got {shown(content)}")
    hints = get_type_hints(kind)
    found = {}
    for name, value in content.items():
        kinds = get_args(hints[name]) or (hints[name],)
        if Ellipsis in kinds:  # a tuple of one kind
            if not all(_is_kind(item, kinds[:1]) for item in _list(value)):
                raise TypeError(f"{name} holds {shown(value)}")
            value = tuple(value)
        elif not _is_kind(value, kinds):
            raise TypeError(f"{name} is {shown(value)}")
        found[name] = value
    return found


def _is_kind(value: Any, kinds: Sequence[Any]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, tuple(kinds)) or (float in kinds and isinstance(value, int))


def _list(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise TypeError(f"a list is expected, but got {shown(content)}")
    return content


def _whole(content: Any) -> int:
    if isinstance(content, bool) or not isinstance(content, int):
        raise TypeError(f"a whole number is expected, but got {shown(content)}")
    return content


def _word(content: Any) -> str:
    if not isinstance(content, str):
        raise TypeError(f"a word is expected, but got {shown(content)}")
    return content


OPTIONAL_TENSORS = ("latent", "base", "spans")
"""Fields without a tensor where there was none."""

FIELDS: dict[str, Callable[[Any], Any]] = {
    "reports": _reports,
    "pauses": lambda content: tuple(float(seconds) for seconds in _list(content)),
    "texts": lambda content: tuple(_word(text) for text in _list(content)),
    "seed": _whole,
    "sample_rate": _whole,
    "hop": _whole,
    "fingerprint": _word,
    "encoder_fingerprint": _word,
    "downsample": _whole,
    "lead_seconds": float,
    "starts_at": lambda content: tuple(float(seconds) for seconds in _list(content)),
    "ends_by": lambda content: tuple(float(seconds) for seconds in _list(content)),
    "transition": _word,
}
"""Readers of fields from JSON; tensors stay as they are."""


def _check(value: Value) -> None:
    """Refuse numbers that no stage could have made; the contracts have looked at the shapes. Raises InputError."""
    for field in fields(value):
        content = getattr(value, field.name)
        if not isinstance(content, Tensor):
            continue
        whole = field.name in ("tokens", "token_lengths", "frame_lengths", "frame_targets", "sample_targets", "spans")
        if content.dtype != (torch.int64 if whole else torch.float32):
            raise InputError(f"{field.name} has the number format {content.dtype}.")
        if whole and content.numel() and int(content.min()) < 0:
            raise InputError(f"{field.name} holds negative numbers.")
        if not whole:
            check_finite(field.name, content)
    if isinstance(value, Emotion):
        _check_keyframes(value)
    if isinstance(value, SemanticSpeech):
        if not 0 <= value.seed <= LARGEST_SEED:
            raise InputError(f"its seed is {shown(value.seed)}.")
        if value.downsample is not None and value.downsample < 1:
            raise InputError(f"it makes {value.downsample} features of a token.")
        _check_lengths("token_lengths", value.token_lengths, value.tokens.shape[-1])
    if isinstance(value, MelSpectrogram):
        _check_lengths("frame_lengths", value.frame_lengths, value.mel.shape[-1])
        if len(value.pauses) != value.mel.shape[0] or value.sample_rate <= 0 or value.hop <= 0:
            raise InputError("its pauses, sample rate or hop cannot be right.")
    times = [*getattr(value, "pauses", ()), getattr(value, "lead_seconds", 0.0)]
    times += [*getattr(value, "starts_at", ()), *getattr(value, "ends_by", ())]
    if any(not 0.0 <= seconds < float("inf") for seconds in times):
        raise InputError("its pauses, or the times of its words, are not times.")


def _check_keyframes(emotion: Emotion) -> None:
    positions = [frame.position for frame in emotion.keyframes]
    if positions != sorted(set(positions)) or not all(0.0 <= position <= 1.0 for position in positions):
        raise InputError(f"its keyframes lie at {positions}.")
    if emotion.transition not in ("step", "linear"):
        raise InputError(f"its transition is '{emotion.transition}'.")
    for frame in emotion.keyframes:
        check_finite("a keyframe", frame.vector)
    if emotion.base is not None and emotion.base.shape != emotion.vector.shape:
        raise InputError("its base has another width than its vector.")


def _check_lengths(name: str, lengths: Tensor, most: int) -> None:
    if lengths.numel() and int(lengths.max()) > most:
        raise InputError(f"{name} says {int(lengths.max())}, but there are only {most}.")
