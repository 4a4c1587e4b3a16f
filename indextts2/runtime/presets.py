"""Emotion presets of one's own: JSON files in a folder `emotions` of the models."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from ..contracts import EmotionWeights
from ..errors import InputError
from ..foreign import CONFIGURATION, ForeignDataError, read_json
from ..stages.emotion.presets import PRESETS, read_presets

logger = logging.getLogger(__name__)

FOLDER = "emotions"
MOST_FILES = 200


def emotion_presets(model_folders: Iterable[Path]) -> dict[str, EmotionWeights]:
    """The library's presets, and those of the files in `emotions` below the folders; one's own go first.

    A file that cannot be used is named in a warning, and left.
    """
    own: dict[str, EmotionWeights] = {}
    for folder in model_folders:
        for path in _files(folder / FOLDER):
            try:
                for name, weights in read_presets(read_json(path, CONFIGURATION)).items():
                    own.setdefault(name, weights)
            except (ForeignDataError, InputError) as error:
                logger.warning("The emotion presets of %s cannot be used: %s", path, error)
    return own | {name: weights for name, weights in PRESETS.items() if name not in own}


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.glob("*.json"))[:MOST_FILES] if path.is_file()]
    except OSError:
        return []
