"""The nine prosody styles of the corpus: pace, pitch, effort and tilt. They are recipes, not acted emotion.

The eight that are not neutral carry the names of `config.EMOTIONS`, because they teach a model that emotion vectors
mean something; a model card must call them prosody styles.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ...config import EMOTIONS

NEUTRAL = "neutral"
STYLES = (NEUTRAL, *EMOTIONS)


@dataclass(frozen=True, slots=True)
class Prosody:
    """What the teacher is told beyond text and speaker. The defaults change nothing.

    f0_gain and f0_range: f0' = gain * (mean + range * (f0 - mean)) over voiced frames; energy scales the
    predicted energy curve; f0_ramp: F0 times 1 + ramp * (t - 1/2) with t from 0 to 1; f0_tremolo: relative depth of
    a 5.5 Hz sine; tilt_db: high shelf applied to the waveform. speed 1.1 means 10 % faster.
    """

    speed: float = 1.0
    f0_gain: float = 1.0
    f0_range: float = 1.0
    energy: float = 1.0
    f0_ramp: float = 0.0
    f0_tremolo: float = 0.0
    tilt_db: float = 0.0

    def style_params(self) -> dict[str, float]:
        """Everything but the speed, as the manifest records it."""
        return {name: value for name, value in asdict(self).items() if name != "speed"}

    def scaled(self, level: float) -> Prosody:
        """Move every value towards "no change": level 0 changes nothing, level 1 is the full recipe."""
        neutral = asdict(Prosody())
        moved = {
            name: round(neutral[name] + level * (value - neutral[name]), 6) for name, value in asdict(self).items()
        }
        return Prosody(**moved)


RECIPES: dict[str, Prosody] = {
    NEUTRAL: Prosody(),
    "happy": Prosody(speed=1.08, f0_gain=1.12, f0_range=1.45, energy=1.1, tilt_db=1.5),
    "angry": Prosody(speed=1.15, f0_gain=1.04, f0_range=1.25, energy=1.35, tilt_db=3.0),
    "sad": Prosody(speed=0.8, f0_gain=0.9, f0_range=0.5, energy=0.82, tilt_db=-3.0),
    "afraid": Prosody(speed=1.18, f0_gain=1.2, f0_range=1.15, energy=0.85, f0_tremolo=0.0145),
    "disgusted": Prosody(speed=0.85, f0_gain=0.92, f0_range=1.3, tilt_db=-1.0),
    "melancholic": Prosody(speed=0.88, f0_gain=0.95, f0_range=0.7, energy=0.8, f0_ramp=-0.15, tilt_db=-2.0),
    "surprised": Prosody(f0_gain=1.25, f0_range=1.7, energy=1.15, f0_ramp=0.12, tilt_db=1.0),
    "calm": Prosody(speed=0.93, f0_gain=0.97, f0_range=0.75, energy=0.92, tilt_db=-1.0),
}
"""Values at level 1.0."""


@dataclass(frozen=True, slots=True)
class DrawnStyle:
    """One draw for one utterance."""

    name: str
    level: float
    prosody: Prosody


def draw_style(
    random: np.random.Generator,
    *,
    neutral_share: float,
    neutral_speed: tuple[float, float],
    level: tuple[float, float],
) -> DrawnStyle:
    """Draw a style: neutral with the given share and a speed from a range, else one of the eight with a level."""
    if random.random() < neutral_share:
        speed = round(float(random.uniform(*neutral_speed)), 3)
        return DrawnStyle(NEUTRAL, 1.0, Prosody(speed=speed))
    name = EMOTIONS[int(random.integers(len(EMOTIONS)))]
    strength = round(float(random.uniform(*level)), 2)
    return DrawnStyle(name, strength, RECIPES[name].scaled(strength))
