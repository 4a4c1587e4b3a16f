"""Reference encodings kept on disk, so that a second line in the same voice starts at once.

An entry is named by everything that shapes its numbers: the samples, the limits, the encoder's configuration and a
probe of its weights, and how it computes. So a hit gives the bytes that encoding would give. Entries are safetensors
files; those that were used longest ago go when the folder is full, and a damaged one is made anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..atomic import make_folder, write_bytes
from ..checks import check_fields, check_finite
from ..contracts import Reference, Waveform
from ..errors import IndexTTS2Error, InputError
from ..foreign import ForeignDataError, parse_json, record, shown
from ..stages.handles import EncoderModels
from ..stages.reference import SECONDS_LIMIT, encode_reference

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "INDEXTTS2_CACHE"
"""Environment variable with another folder for what can be computed again."""

FORMAT = 1  # of an entry; an entry with another number is not read
SUFFIX = ".safetensors"
LARGEST = 512 << 20  # bytes of all entries; one of 15 s at the released size has 10 MB
PROBED = 16  # numbers of each weight that name an encoder


def cache_folder() -> Path:
    """The folder of this user for what can be computed again, as the system has it."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE])
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "indextts2"


class ReferenceCache:
    """Encodings of references in a folder of at most `largest` bytes."""

    def __init__(self, folder: Path | None = None, largest: int = LARGEST) -> None:
        self.folder = folder or cache_folder() / "references"
        self.largest = largest

    def encode(
        self,
        encoder: EncoderModels,
        waveform: Waveform,
        *,
        seconds_limit: float = SECONDS_LIMIT,
        emotion_waveform: Waveform | None = None,
    ) -> Reference:
        """`encode_reference`, from the disk where the same was encoded before. Raises its errors, and none of its own:
        a folder that cannot be used is a warning.
        """
        path = self.folder / (_name(encoder, waveform, seconds_limit, emotion_waveform) + SUFFIX)
        found = _read(path, encoder.fingerprint)
        if found is not None:
            return _at_home(found, waveform.samples.device)
        made = encode_reference(encoder, waveform, seconds_limit=seconds_limit, emotion_waveform=emotion_waveform)
        try:
            _write(path, made)
            self._forget_oldest()
        except (OSError, InputError) as error:
            logger.warning("Reference encodings cannot be kept: %s", error)
        return made

    def _forget_oldest(self) -> None:
        known = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):  # another process removes entries too
                facts = path.stat()
                known.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in known)
        for _, size, path in sorted(known, key=lambda entry: entry[0]):
            if total <= self.largest:
                return
            path.unlink(missing_ok=True)
            total -= size


def _name(encoder: EncoderModels, waveform: Waveform, seconds_limit: float, emotion_waveform: Waveform | None) -> str:
    """Everything that shapes an encoding, as one sum."""
    known = hashlib.sha256()
    facts: dict[str, Any] = {
        "format": FORMAT,
        "config": {
            name: asdict(getattr(encoder.config, name))
            for name in ("semantic_encoder", "codec", "style_encoder", "mel")
        },
        "seconds_limit": seconds_limit,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": encoder.device.type,
    }
    known.update(json.dumps(facts, sort_keys=True).encode())
    for recording in (waveform, emotion_waveform):
        known.update(b"none" if recording is None else _described(recording))
    for value in _probes(encoder):
        known.update(value)
    return known.hexdigest()[:40]


def _described(waveform: Waveform) -> bytes:
    samples = waveform.samples.detach().cpu().float().contiguous()
    return f"{waveform.sample_rate} {tuple(samples.shape)} ".encode() + samples.numpy().tobytes()


def _probes(encoder: EncoderModels) -> Iterator[bytes]:
    """A few numbers of each weight, which tell a fine-tuned or converted encoder from its origin."""
    for module in (encoder.semantic_encoder, encoder.codec, encoder.style_encoder):
        yield from _probes_of(module)
    for value in (encoder.mean, encoder.std):
        yield value.detach().cpu().double().numpy().tobytes()


def _probes_of(module: nn.Module) -> Iterator[bytes]:
    for name, value in module.state_dict().items():
        flat = value.detach().reshape(-1)
        picked = flat[:: max(1, flat.numel() // PROBED)][: PROBED + 1]
        yield f"{name} {value.dtype} {tuple(value.shape)}".encode() + picked.cpu().double().numpy().tobytes()


def _read(path: Path, fingerprint: str) -> Reference | None:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
            plain = parse_json((file.metadata() or {}).get("fields", "null"))
        if not isinstance(plain, dict):
            raise ForeignDataError(f"its fields are {shown(plain)}")
        found = record(Reference, {**plain, **tensors, "fingerprint": fingerprint})
        _check(found)
        os.utime(path)  # in use: it goes last
        return found
    except (SafetensorError, OSError, RuntimeError, KeyError, TypeError, ValueError, IndexTTS2Error) as error:
        logger.warning("%s is damaged and is made again (%s).", path, error)
        return None


def _check(reference: Reference) -> None:
    """Raises InputError for numbers that no encoder made; the contract has looked at the shapes."""
    check_fields(reference)
    for field in fields(reference):
        value = getattr(reference, field.name)
        if not isinstance(value, Tensor):
            continue
        if value.dtype != (torch.int64 if field.name == "tokens" else torch.float32):
            raise InputError(f"its {field.name} are {value.dtype}")
        if field.name != "tokens":
            check_finite(field.name, value)


def _write(path: Path, reference: Reference) -> None:
    """Keep a reference. Raises InputError where it cannot be written."""
    from safetensors.torch import save

    values = {field.name: getattr(reference, field.name) for field in fields(reference)}
    tensors = {name: value.cpu().contiguous().clone() for name, value in values.items() if isinstance(value, Tensor)}
    plain = {name: value for name, value in values.items() if name not in tensors and value is not None}
    make_folder(path.parent)
    write_bytes(path, save(tensors, {"fields": json.dumps(plain)}))


def _at_home(reference: Reference, device: torch.device) -> Reference:
    values = ((field.name, getattr(reference, field.name)) for field in fields(reference))
    moved: dict[str, Any] = {name: value.to(device) for name, value in values if isinstance(value, Tensor)}
    return replace(reference, **moved)
