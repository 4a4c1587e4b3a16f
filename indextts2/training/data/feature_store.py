"""Precomputed training features: what the encoder, codec and style encoder say of every utterance.

A folder holds `index.jsonl`, one line per entry (id, speaker, style, split, text, phonemes, phoneme_durations, seconds,
token_count, frame_count, shard), and safetensors shards with `<id>/tokens`, `<id>/features`, `<id>/style`, `<id>/mel`,
`<id>/prosody` and `<id>/contour`. An id may carry a speed: `af_sky_00012@0.9` is that utterance played at 0.9 times its
speed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from ...checks import check_fields
from ...errors import TrainingError
from .json_lines import read_objects


@dataclass(frozen=True, slots=True)
class FeatureEntry:
    """One line of the index."""

    id: str
    speaker: str
    style: str
    split: str
    text: str
    seconds: float
    token_count: int
    frame_count: int
    shard: str
    language: str = "en"
    speed: float = 1.0
    phonemes: str = ""
    phoneme_durations: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, error=TrainingError)

    @property
    def utterance(self) -> str:
        """The id without its speed."""
        return self.id.split("@")[0]


class FeatureStore:
    """Reads a folder of precomputed features; tensors stay on disk until asked for, unless `preload` is called."""

    def __init__(self, folder: Path) -> None:
        index = folder / "index.jsonl"
        if not os.path.isfile(index):
            raise TrainingError(f"No features at {folder}: {index.name} is missing. Run `train features` first.")
        self.folder = folder
        self.entries = tuple(_entry(line) for line in read_objects(index, "The index of the features"))
        self._by_id = {entry.id: entry for entry in self.entries}
        self._loaded: dict[str, Tensor] = {}

    def __iter__(self) -> Iterator[FeatureEntry]:
        return iter(self.entries)

    def select(self, keep: Callable[[FeatureEntry], bool]) -> tuple[FeatureEntry, ...]:
        """Entries for which `keep` is true, in the order of the index."""
        return tuple(entry for entry in self.entries if keep(entry))

    def find(self, id: str) -> FeatureEntry | None:
        """The entry of this id, None when there is none."""
        return self._by_id.get(id)

    def tensor(self, entry: FeatureEntry, kind: str) -> Tensor:
        """One tensor of an entry; all but the tokens come as float32.

        kind: "tokens" (tokens,) int64, "features" (tokens, dim), "style" (dim,), "mel" (bands, frames), "prosody" (6,),
        "contour" (2 * tokens, 3).

        Raises TrainingError when the shard lacks it.
        """
        key = f"{entry.id}/{kind}"
        value = self._loaded.get(key)
        if value is None:
            with safe_open(str(self.folder / entry.shard), framework="pt") as shard:
                if key not in shard.keys():
                    raise TrainingError(f"{entry.shard} has no '{key}'. Run `train features` into a new folder.")
                value = shard.get_tensor(key)
        return value.long() if kind == "tokens" else value.float()

    def preload(self, *kinds: str) -> None:
        """Read these kinds of every entry into memory, in the precision they are stored in."""
        for shard_name in sorted({entry.shard for entry in self.entries}):
            with safe_open(str(self.folder / shard_name), framework="pt") as shard:
                for key in shard.keys():
                    name, _, kind = key.rpartition("/")
                    if kind in kinds and name in self._by_id:
                        self._loaded[key] = shard.get_tensor(key).clone()


def _entry(line: dict[str, Any]) -> FeatureEntry:
    known = {item.name for item in fields(FeatureEntry)}
    values = {key: value for key, value in line.items() if key in known and value is not None}
    durations = values.get("phoneme_durations")
    if isinstance(durations, list):
        values["phoneme_durations"] = tuple(durations)
    try:
        return FeatureEntry(**values)
    except (TypeError, TrainingError) as error:
        raise TrainingError(
            f"A line of the feature index is incomplete: {error}. Run `train features` again."
        ) from error


def stack_padded(rows: list[Tensor], fill: float = 0.0) -> Tensor:
    """Stack (length, ...) tensors of different lengths into (batch, longest, ...), padded on the right."""
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)
