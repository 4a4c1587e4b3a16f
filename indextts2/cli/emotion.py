"""Emotions on the command line: weights by name, and presets."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import InputError
from ..foreign import shown
from .common import model_folders

if TYPE_CHECKING:
    from ..contracts import EmotionWeights


def emotion_weights(text: str) -> EmotionWeights:
    """argparse type of --emotion."""
    from ..contracts import EmotionWeights
    from ..runtime.presets import emotion_presets
    from ..stages.emotion.presets import with_preset

    presets = emotion_presets(model_folders())
    weights: dict[str, float] = {}
    mixtures: dict[str, float] = {}
    for item in filter(None, (piece.strip() for piece in text.split(","))):
        name, sign, value = (part.strip() for part in item.partition("="))
        try:
            (mixtures if name in presets else weights)[name] = 1.0 if name in presets and not sign else float(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(
                f"NAME=WEIGHT is expected, such as happy=.6, or one of {', '.join(presets)}, but got {shown(item)}"
            ) from error
    try:
        mixed = EmotionWeights.of(**weights)
        for name, strength in mixtures.items():
            mixed = with_preset(mixed, name, strength, presets)
        return mixed
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
