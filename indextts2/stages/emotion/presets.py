"""Named mixtures of the eight emotions: those of the library, and how they are read from a list of one's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...config import EMOTIONS
from ...contracts import EmotionWeights
from ...errors import InputError
from ...foreign import shown
from .sources import combine_weights, multiply_weights

PRESETS: Mapping[str, EmotionWeights] = {
    "anxious": EmotionWeights.of(afraid=0.45, sad=0.1, surprised=0.1),
    "awe": EmotionWeights.of(surprised=0.45, happy=0.15, calm=0.15),
    "bittersweet": EmotionWeights.of(happy=0.35, melancholic=0.35),
    "contempt": EmotionWeights.of(disgusted=0.45, angry=0.2, calm=0.1),
    "desperate": EmotionWeights.of(sad=0.4, afraid=0.35),
    "excited": EmotionWeights.of(happy=0.5, surprised=0.25),
    "hopeful": EmotionWeights.of(happy=0.35, calm=0.25),
    "horrified": EmotionWeights.of(afraid=0.45, surprised=0.2, disgusted=0.1),
    "nostalgic": EmotionWeights.of(melancholic=0.4, happy=0.15, calm=0.15),
    "outraged": EmotionWeights.of(angry=0.55, disgusted=0.15, surprised=0.05),
    "relieved": EmotionWeights.of(calm=0.4, happy=0.25, sad=0.05),
    "tender": EmotionWeights.of(calm=0.4, happy=0.2, melancholic=0.1),
}
"""Mixtures by name; each sums to at most 0.8, which sounds natural. Set by hand, not trained."""

LONGEST_NAME = 60
ALIKE = 0.985  # cosine of two mixtures that count as the same


def read_presets(content: Any) -> dict[str, EmotionWeights]:
    """Presets of parsed JSON: {"name": {"happy": 0.3, "sad": 0.2}}. Raises InputError naming the entry."""
    if not isinstance(content, dict):
        raise InputError(f'Presets are written as {{"name": {{"happy": 0.3}}}}, but got {shown(content)}.')
    return {_checked_name(name): _mixture(name, weights) for name, weights in content.items()}


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or set(name) & set("=,"):
        raise InputError(
            f"A preset has a name of 1 to {LONGEST_NAME} letters without = and comma, but got {shown(name)}."
        )
    if name.lower() in (*EMOTIONS, "none"):
        raise InputError(f"A preset cannot be called {shown(name)}, which means something else. Choose another name.")
    return name


def _mixture(name: str, weights: Any) -> EmotionWeights:
    if not isinstance(weights, dict) or not weights:
        raise InputError(f'The preset {shown(name)} should hold weights such as {{"happy": 0.3}}.')
    wrong = [key for key, value in weights.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    if wrong:
        raise InputError(f"The preset {shown(name)} gives {shown(wrong[0])} no number.")
    try:
        return EmotionWeights.of(**weights)
    except InputError as error:
        raise InputError(f"The preset {shown(name)}: {error}") from error


def preset_named(name: str, presets: Mapping[str, EmotionWeights] = PRESETS) -> EmotionWeights:
    """The mixture of a name. Raises InputError with the names there are."""
    if name not in presets:
        raise InputError(f"There is no emotion preset {shown(name)}; there are {', '.join(presets)}.")
    return presets[name]


def with_preset(
    weights: EmotionWeights, name: str, strength: float, presets: Mapping[str, EmotionWeights] = PRESETS
) -> EmotionWeights:
    """Weights and a preset of some strength on top of them."""
    return combine_weights(weights, multiply_weights(preset_named(name, presets), strength), "add")


def nearest_preset(weights: EmotionWeights, presets: Mapping[str, EmotionWeights] = PRESETS) -> str | None:
    """The name of the preset that mixes the emotions as these weights do, however strong; None where none does."""
    alike = {name: _cosine(weights.values, preset.values) for name, preset in presets.items()}
    best = max(alike, key=lambda name: alike[name], default=None)
    return best if best is not None and alike[best] >= ALIKE else None


def _cosine(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    lengths = math.hypot(*first) * math.hypot(*second)
    return sum(one * other for one, other in zip(first, second, strict=True)) / lengths if lengths else 0.0
