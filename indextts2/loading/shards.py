"""Weight files in several pieces, as large models are saved: `model-00001-of-00003.safetensors` and the others."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import CheckpointError

SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.\w+)")


def is_later_shard(path: Path) -> bool:
    """Whether a file is a piece behind the first, which stands for all."""
    match = SHARD.fullmatch(path.name)
    return match is not None and int(match["number"]) != 1


def shards_of(path: Path) -> tuple[Path, ...]:
    """All pieces of a file that are there, in order; the file itself where it is whole."""
    own = SHARD.fullmatch(path.name)
    if own is None or not path.parent.is_dir():
        return (path,)
    same = ("stem", "count", "suffix")
    found = {
        int(match["number"]): other
        for other in path.parent.iterdir()
        if (match := SHARD.fullmatch(other.name)) and all(match[name] == own[name] for name in same)
    }
    return tuple(found[number] for number in sorted(found)) or (path,)


def all_shards_of(path: Path) -> tuple[Path, ...]:
    """The same. Raises CheckpointError naming the first piece that is missing."""
    found, own = shards_of(path), SHARD.fullmatch(path.name)
    if own is None:
        return found
    names = {shard.name for shard in found}
    for number in range(1, int(own["count"]) + 1):
        name = f"{own['stem']}-{number:05}-of-{own['count']}{own['suffix']}"
        if name not in names:
            raise CheckpointError(f"{path} is a file in {int(own['count'])} pieces, but {name} is missing beside it.")
    return found
