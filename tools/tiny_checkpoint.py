"""Writes a tiny checkpoint with random weights in the layout of the released files, for trying what loads and runs.

    python -m tools.tiny_checkpoint --kind 2.5 FOLDER

It speaks noise, and meets the lengths that are asked for, since by itself it would never end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from indextts2.config import Config
from indextts2.loading.releases import OFFICIAL_KIND, RELEASES
from indextts2.training.data.tokenizer import train_english_tokenizer
from tests.conftest import TINY, TINY_V25, TINY_VOCABULARY, random_parts
from tests.loading.official_writer import write_official, write_official_v25


def with_lengths(config: Config) -> Config:
    """The configuration of a model that was taught to meet lengths."""
    return replace(config, t2s=replace(config.t2s, duration=replace(config.t2s.duration, trained=True)))


def write(folder: Path, kind: str) -> None:
    """Write all files of a tiny checkpoint to a folder."""
    if kind == "2.5":
        config = with_lengths(TINY_V25)
        write_official_v25(folder, config, random_parts(config), TINY_VOCABULARY)
        return
    config = with_lengths(TINY)
    with tempfile.TemporaryDirectory() as place:
        tokenizer = train_english_tokenizer(Path(place) / "tokenizer.model")
        write_official(folder, config, random_parts(config), tokenizer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=tuple(RELEASES), default=OFFICIAL_KIND, help="which release")
    options = parser.parse_args()
    write(options.folder, options.kind)
    sys.stdout.write(f"{options.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
