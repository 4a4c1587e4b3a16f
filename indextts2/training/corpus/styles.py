"""The nine prosody styles of the corpus: pace, pitch, effort, pauses, accents, voice. Recipes, not acted emotion.

The eight that are not neutral carry the names of `config.EMOTIONS`, because they teach a model that emotion vectors
mean something; a model card must call them prosody styles.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ...config import EMOTIONS

NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Prosody:
    """Prosody that the teacher is told beyond text and speaker. The defaults change nothing.

    speed 1.1 means 10 % faster. f0_gain and f0_range: f0' = gain * (mean + range * (f0 - mean)) over voiced frames;
    f0_ramp: F0 times 1 + ramp * (t - 1/2) with t from 0 to 1; f0_tremolo: relative depth of a 6 Hz sine; final_rise:
    semitones at the very end. energy scales the predicted energy curve. accent (semitones), accent_energy (share) and
    stretch (share of duration) mark the stressed vowels of content words; final_stretch lengthens the last syllable.
    pause_share: of the words at which a speaker may stop, how many he does, for about pause_units of 25 ms. breath and
    creak: shares of the sound source; final_creak the same at the end. Of the waveform: tilt_db, a high shelf;
    loudness_db against neutral speech; fade_db, how much of it is lost from start to end.
    """

    speed: float = 1.0
    f0_gain: float = 1.0
    f0_range: float = 1.0
    energy: float = 1.0
    f0_ramp: float = 0.0
    f0_tremolo: float = 0.0
    tilt_db: float = 0.0
    final_rise: float = 0.0
    accent: float = 0.0
    accent_energy: float = 0.0
    stretch: float = 0.0
    final_stretch: float = 0.0
    pause_share: float = 0.0
    pause_units: float = 0.0
    breath: float = 0.0
    creak: float = 0.0
    final_creak: float = 0.0
    loudness_db: float = 0.0
    fade_db: float = 0.0

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
    "happy": Prosody(
        speed=1.15, f0_gain=1.13, f0_range=1.4, energy=1.1, tilt_db=3.0, accent=4.0, accent_energy=0.2, loudness_db=1.0,
    ),
    "angry": Prosody(
        speed=1.08, f0_gain=1.03, f0_range=1.1, energy=1.35, tilt_db=5.0, accent=1.5, accent_energy=0.4, stretch=0.2,
        pause_share=0.5, pause_units=5.0, creak=0.35, loudness_db=3.0, f0_ramp=-0.1,
    ),
    "sad": Prosody(
        speed=0.78, f0_gain=0.87, f0_range=0.4, energy=0.85, tilt_db=-5.0, pause_share=0.6, pause_units=14.0,
        final_stretch=0.3, breath=0.3, loudness_db=-6.0, fade_db=3.0,
    ),
    "afraid": Prosody(
        speed=1.22, f0_gain=1.28, f0_range=0.8, energy=0.9, f0_tremolo=0.03, breath=0.45, pause_share=0.5,
        pause_units=6.0, loudness_db=-2.0,
    ),
    "disgusted": Prosody(
        speed=0.85, f0_gain=0.88, f0_range=1.3, stretch=0.6, accent=-2.0, creak=0.6, final_creak=0.8, tilt_db=1.0,
        final_stretch=0.3, loudness_db=-1.0,
    ),
    "melancholic": Prosody(
        speed=0.86, f0_gain=1.02, f0_range=0.8, energy=0.9, f0_ramp=-0.35, tilt_db=-3.0, pause_share=0.25,
        pause_units=8.0, final_stretch=0.8, loudness_db=-3.0, fade_db=8.0,
    ),
    "surprised": Prosody(
        speed=0.94, f0_gain=1.25, f0_range=1.6, energy=1.15, f0_ramp=0.3, tilt_db=1.0, final_rise=6.0,
        final_stretch=0.7, accent=1.5, stretch=0.15, loudness_db=1.5,
    ),
    "calm": Prosody(
        speed=0.95, f0_gain=0.94, f0_range=0.65, energy=0.92, tilt_db=-2.0, accent_energy=-0.15, final_stretch=0.15,
        loudness_db=-3.0,
    ),
}  # fmt: skip
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
