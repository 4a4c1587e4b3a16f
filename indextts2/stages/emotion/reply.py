"""Reading the reply of a text-emotion language model (docs/spec/emotion.md#reading-the-reply).

The model was taught to answer with a JSON object of eight Chinese keys, and does not always do so. The rules are the
official ones, with one exception. When the text names melancholy, the official program swaps sad and melancholic, which
also turns a reply that was right into a wrong one. Here the swap happens only when it makes the melancholic weight the
larger of the two; `compatible=True` gives the official behaviour.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ...config import EMOTIONS
from ...contracts import EmotionWeights
from ...errors import shortened

CHINESE_LABELS = ("高兴", "愤怒", "悲伤", "恐惧", "反感", "低落", "惊讶", "自然")
"""Keys of the reply, in the order of EMOTIONS."""

MELANCHOLY_WORDS = ("低落", "melancholy", "melancholic", "depression", "depressed", "gloomy")
"""Words of the text that make the official program distrust "sad"."""

LABEL_KEYS = ("emotion", "emotion_label", "label", "情感", "情绪")
"""Keys under which a model may answer with one label, in the order they are looked up."""

LARGEST_WEIGHT = 1.2
"""Official upper limit of one weight."""

CALM = EmotionWeights.of(calm=1.0)
"""Weights that stand for an all-zero or unreadable reply."""

SCORE_PATTERN = re.compile(r'([^\s":.,]+)(?:"?\s*:\s*([\d.]+))?')
"""A word in text that is not JSON, and its number if it is a key; knows no minus sign and no exponent, like the
official one.
"""

_SHOWN = 40  # characters of a wrong value that a warning repeats
_SAD, _MELANCHOLIC = EMOTIONS.index("sad"), EMOTIONS.index("melancholic")
_LABELS = dict(zip(CHINESE_LABELS, CHINESE_LABELS, strict=True)) | dict(zip(EMOTIONS, CHINESE_LABELS, strict=True))


class UnreadableReply(Exception):
    """The reply cannot be turned into weights; the stage answers with calm and a warning."""


def parse_reply(reply: str, text: str, *, compatible: bool = False) -> EmotionWeights:
    """Weights from a model's reply to `text`. Raises UnreadableReply where the official program would fail."""
    content = _decoded(reply)
    melancholy = any(word in text.lower() for word in MELANCHOLY_WORDS)
    if compatible and melancholy:
        content = _swapped(content)
    values = [_score(value) for value in _scores(content)]
    if not compatible and melancholy and values[_SAD] > values[_MELANCHOLIC]:
        values[_SAD], values[_MELANCHOLIC] = values[_MELANCHOLIC], values[_SAD]
    return EmotionWeights(tuple(values)) if any(values) else CALM


def _decoded(reply: str) -> Any:
    """The JSON value of the reply, or the pairs of key and number found in it."""
    try:
        return json.loads(reply)
    except json.JSONDecodeError:
        return {key: _number(value) for key, value in SCORE_PATTERN.findall(reply) if value}
    except (RecursionError, ValueError) as error:  # nested too deeply, or an integer of thousands of digits
        raise UnreadableReply(f"the reply is not usable JSON ({error})") from error


def _swapped(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise UnreadableReply("the reply is not an object, so sad and melancholic cannot be exchanged")
    sad, melancholic = CHINESE_LABELS[_SAD], CHINESE_LABELS[_MELANCHOLIC]
    return content | {sad: content.get(melancholic, 0.0), melancholic: content.get(sad, 0.0)}


def _scores(content: Any) -> list[Any]:
    """The eight values as written, labels already resolved to 0 and 1."""
    entries = dict(content) if isinstance(content, dict) else {}
    label = _label(content) or next(filter(None, (_label(entries.get(key)) for key in LABEL_KEYS)), None)
    if label is not None and not any(key in entries for key in CHINESE_LABELS):
        entries[label] = 1.0
    for key in CHINESE_LABELS:
        named = _label(entries.get(key))
        if named is not None:
            entries[key] = 0.0
            entries[named] = 1.0
    return [entries.get(key, 0.0) for key in CHINESE_LABELS]


def _label(value: Any) -> str | None:
    """The Chinese key that a string names in Chinese or English; None for anything else."""
    return _LABELS.get(value.strip().lower()) if isinstance(value, str) else None


def _score(value: Any) -> float:
    number = _number(value)
    return LARGEST_WEIGHT if math.isnan(number) else min(max(number, 0.0), LARGEST_WEIGHT)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UnreadableReply(f"'{shortened(str(value), _SHOWN)}' is not a number") from error
