"""A plain list of recordings with their texts, encoded once by the checkpoint that is taught.

A line is `path|text`, or `path|text|language`, or a JSON object with `audio`, `text` and, if wanted, `language`. Paths
are relative to the list.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...audio.io import read_audio
from ...errors import AudioError, TrainingError
from ...foreign import ForeignDataError, parse_json, read_foreign_text
from ...stages.conditions import condition_speaker
from ...stages.handles import EncoderModels, T2SModels
from ...stages.reference import encode_reference
from ...text.languages import language_row

logger = logging.getLogger(__name__)

SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Line:
    """One recording of a list."""

    audio: Path
    text: str
    language: str = ""  # "" is judged by the characters


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording as teaching needs it: on the CPU, float32."""

    ids: tuple[int, ...]  # text ids without start and stop
    tokens: Tensor  # (tokens,) int64 semantic tokens
    condition: Tensor  # (latents, dim) speaker condition
    emotion: Tensor  # (dim,) emotion vector
    language: int  # row of the language table, 0 where the model has none


def read_list(path: Path) -> list[Line]:
    """The lines of a list; blank lines and those with # in front are left out. Raises TrainingError naming the line."""
    try:
        text = read_foreign_text(path)
    except ForeignDataError as error:
        raise TrainingError(f"The list {path} cannot be read: {error}.") from error
    lines = list(_lines(text, path))
    if not lines:
        raise TrainingError(f"The list {path} is empty. Write one 'recording.wav|what is said in it' a line.")
    return lines


def _lines(text: str, path: Path) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        fields = _fields(line.strip())
        if fields is None or not fields[0] or not fields[1]:
            raise TrainingError(
                f"Line {number} of {path} should read 'recording.wav|what is said in it', or be a JSON object with "
                f"'audio' and 'text', but is '{line.strip()[:60]}'."
            )
        yield Line(path.parent / fields[0], fields[1], fields[2])


def _fields(line: str) -> tuple[str, str, str] | None:
    if line.startswith("{"):
        try:
            entry = parse_json(line)
        except ForeignDataError:
            return None
        return str(entry.get("audio", "")), str(entry.get("text", "")), str(entry.get("language", ""))
    fields = [field.strip() for field in line.split(SEPARATOR)]
    return (fields[0], fields[1], fields[2] if len(fields) > 2 else "") if len(fields) > 1 else None


@torch.no_grad()
def encode_list(
    lines: list[Line], encoder: EncoderModels, t2s: T2SModels, *, language: str = "", longest_seconds: float = 20.0
) -> list[Utterance]:
    """Every usable line; those that are too long, too short or without a word are left out with a warning.

    language: of lines that name none. Raises TrainingError when nothing is left.
    """
    found = []
    for line in lines:
        try:
            waveform = read_audio(line.audio)
            reference = encode_reference(encoder, waveform, seconds_limit=longest_seconds)
        except AudioError as error:
            logger.warning("%s is left out: %s", line.audio, error)
            continue
        if waveform.seconds > longest_seconds:
            logger.warning("%s is left out: it lasts longer than %g s.", line.audio, longest_seconds)
            continue
        pieces = t2s.front_end.pieces(line.text, language=line.language or language)
        ids = t2s.front_end.known_ids(pieces.pieces, language=pieces.language)
        config = t2s.model.config
        ids = [number for number in ids if number not in (config.start_text, config.stop_text)]
        count = reference.tokens.shape[1]
        if not ids or len(ids) > config.max_text_tokens or count > config.max_semantic_tokens:
            logger.warning("%s is left out: %d text tokens, %d semantic tokens.", line.audio, len(ids), count)
            continue
        speaker = condition_speaker(t2s, reference)
        found.append(
            Utterance(
                ids=tuple(ids),
                tokens=reference.tokens[0].cpu(),
                condition=speaker.condition[0].cpu(),
                emotion=speaker.emotion_vector[0].cpu(),
                language=language_row(pieces.language) if config.language_rows else 0,
            )
        )
    if not found:
        raise TrainingError("No line of the list can be used; the warnings above say why.")
    return found
