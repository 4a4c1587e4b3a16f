"""Several sources of emotion in one: sliders with sliders, and a recording with sliders and with words.

What comes out keeps to sums whose coefficients add up to one (docs/spec/control.md#geometry, item 4), and says which.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from ...contracts import Emotion, EmotionWeights, Speaker, require_same_checkpoint
from ...errors import InputError
from ...surroundings import with_torch_defaults
from ..handles import EmotionBank, T2SModels
from .algebra import Mixed, blend_emotions, scale_emotion
from .bank import speaker_emotion
from .schedule import as_float

WEIGHT_RULES: dict[str, Callable[[float, float], float]] = {
    "add": lambda first, second: first + second,
    "average": lambda first, second: (first + second) / 2.0,
    "larger": max,
    "multiply": lambda first, second: first * second,
}
"""Ways to make one set of weights of two, emotion by emotion."""

RULES = ("share", "sum")
"""share: the weights take their sum from recording and speaker alike. sum: both differences are added in full."""

NO_WEIGHTS = EmotionWeights.of()


def combine_weights(first: EmotionWeights, second: EmotionWeights | None, rule: str = "add") -> EmotionWeights:
    """Two sets of weights as one; None leaves the first as it is."""
    if rule not in WEIGHT_RULES:
        raise InputError(f"Emotion weights are combined by {', '.join(WEIGHT_RULES)}, but got '{rule}'.")
    if second is None:
        return first
    pairs = zip(first.values, second.values, strict=True)
    return EmotionWeights(tuple(WEIGHT_RULES[rule](one, other) for one, other in pairs))


def multiply_weights(weights: EmotionWeights, factor: float) -> EmotionWeights:
    """All eight times a factor; one changes nothing."""
    if not 0.0 <= factor < math.inf:
        raise InputError(f"Emotion weights are multiplied by a finite number from 0 on, but got {factor}.")
    return weights if factor == 1.0 else EmotionWeights(tuple(value * factor for value in weights.values))


@with_torch_defaults
def combine_sources(
    t2s: T2SModels,
    speaker: Speaker,
    *,
    audio: Emotion | None = None,
    audio_strength: float = 1.0,
    weights: EmotionWeights = NO_WEIGHTS,
    rule: str = "share",
    selection: str = "nearest",
    seed: int = 0,
) -> Mixed:
    """One emotion of a recording's emotion and of emotion weights, for a speaker.

    weights: hand-set and read ones already combined. coefficients: of the recording, of the bank rows together, of the
    speaker's own emotion. Under "share" (docs/spec/emotion.md#emotion-bank, the recording in the place of the base) the
    rows take theirs from recording and speaker alike; under "sum" they take it from the speaker alone. Nothing given
    returns the speaker's own vector bit for bit.
    """
    if rule not in RULES:
        raise InputError(f"Sources are combined by {' or '.join(RULES)}, but got '{rule}'.")
    fingerprint = require_same_checkpoint(
        ("The text-to-semantic model", t2s.fingerprint),
        ("the speaker", speaker.fingerprint),
        ("the emotion of the recording", audio.fingerprint if audio else ""),
    )
    base = as_float(speaker.emotion_vector)
    rows = math.fsum(weights.values)
    own = Emotion(base, base=base, fingerprint=fingerprint)
    heard = own if audio is None else scale_emotion(audio, audio_strength, base=base).emotion
    strength = 0.0 if audio is None else float(audio_strength)
    if rows == 0.0:
        return Mixed(heard, (strength, 0.0, 1.0 - strength))
    shown = speaker_emotion(t2s, weights, speaker, selection=selection, seed=seed)
    if audio is None:
        return Mixed(shown, (0.0, rows, 1.0 - rows))
    kept = 1.0 - rows if rule == "share" else 1.0
    mixed = blend_emotions([(heard, kept), (shown, 1.0)], base=base)
    return Mixed(mixed.emotion, (strength * kept, rows, 1.0 - strength * kept - rows))


def base_from(speaker: Speaker | None, *emotions: Emotion) -> Tensor | None:
    """The vector that no emotion stands for, from a speaker of the same checkpoint; None without a speaker."""
    if speaker is None:
        return None
    named = ((f"emotion {number}", emotion.fingerprint) for number, emotion in enumerate(emotions, start=1))
    require_same_checkpoint(("The speaker", speaker.fingerprint), *named)
    return speaker.emotion_vector


def mix_report(mixed: Mixed, names: tuple[str, ...]) -> str:
    """Coefficients by name with their sum, then the warnings. names: as many as there are coefficients."""
    lines = []
    if mixed.coefficients is None:
        lines.append("No fixed coefficients: the result depends on the inputs' directions.")
    else:
        shown = [f"{name} {value:+.3f}" for name, value in zip(names, mixed.coefficients, strict=True) if value or name]
        lines.append(f"{', '.join(shown)} (sum {mixed.coefficient_sum:.3f})")
    return "\n".join([*lines, *(f"Note: {warning}" for warning in mixed.warnings)])


def bank_of(t2s: T2SModels, *emotions: Emotion) -> EmotionBank:
    """The emotion bank of a checkpoint, for emotions it made. Raises InputError where it has none."""
    named = ((f"emotion {number}", emotion.fingerprint) for number, emotion in enumerate(emotions, start=1))
    require_same_checkpoint(("The text-to-semantic model", t2s.fingerprint), *named)
    if t2s.bank is None:
        raise InputError("This checkpoint stores no emotions, so strengths cannot be measured with it.")
    return t2s.bank
