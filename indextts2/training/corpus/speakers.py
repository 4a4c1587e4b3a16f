"""The speakers of the corpus: published voice packs of the teacher, and blends of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ...errors import ConfigError

HELD_OUT_PACKS = ("af_kore", "am_eric", "bf_lily", "bm_fable")
"""Packs no training utterance may use, alone or in a blend: they are the speakers of the test split."""


@dataclass(frozen=True, slots=True)
class CorpusSpeaker:
    """One speaker. packs: (pack name, weight) pairs whose weights sum to 1."""

    name: str
    gender: str
    accent: str
    packs: tuple[tuple[str, float], ...]

    def source(self) -> dict[str, object]:
        """The `source` field of the manifest."""
        if len(self.packs) == 1:
            return {"generator": "kokoro-82m", "type": "voice", "voice": self.packs[0][0]}
        return {
            "generator": "kokoro-82m",
            "type": "blend",
            "voices": [name for name, _ in self.packs],
            "weights": [weight for _, weight in self.packs],
        }


_ACCENTS = {"a": "en-us", "b": "en-gb"}
_GENDERS = {"f": "female", "m": "male"}

_PACKS = (
    "af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky "
    "am_adam am_echo am_eric am_fenrir am_liam am_michael am_onyx am_puck am_santa "
    "bf_alice bf_emma bf_isabella bf_lily bm_daniel bm_fable bm_george bm_lewis"
).split()

_BLENDS = (  # name, accent, first pack, its weight, second pack
    ("mix01", "en-us", "bf_isabella", 0.49, "af_heart"),
    ("mix02", "en-us", "af_alloy", 0.40, "af_bella"),
    ("mix03", "en-us", "af_nicole", 0.41, "af_jessica"),
    ("mix04", "en-us", "af_aoede", 0.56, "bf_emma"),
    ("mix05", "en-us", "af_aoede", 0.60, "af_sky"),
    ("mix06", "en-us", "af_sarah", 0.46, "af_river"),
    ("mix07", "en-us", "af_nova", 0.52, "bf_alice"),
    ("mix08", "en-us", "af_nova", 0.54, "af_alloy"),
    ("mix09", "en-us", "bf_emma", 0.37, "af_jessica"),
    ("mix10", "en-us", "af_river", 0.36, "af_bella"),
    ("mix11", "en-us", "af_nicole", 0.58, "bf_isabella"),
    ("mix12", "en-us", "af_heart", 0.61, "bf_alice"),
    ("mix13", "en-us", "af_river", 0.40, "af_jessica"),
    ("mix14", "en-us", "af_sarah", 0.48, "af_sky"),
    ("mix15", "en-us", "af_sarah", 0.37, "af_heart"),
    ("mix16", "en-us", "am_adam", 0.55, "bm_lewis"),
    ("mix17", "en-us", "am_puck", 0.41, "am_michael"),
    ("mix18", "en-gb", "bm_daniel", 0.62, "am_echo"),
    ("mix19", "en-gb", "am_onyx", 0.46, "bm_daniel"),
    ("mix20", "en-us", "bm_george", 0.46, "am_fenrir"),
    ("mix21", "en-us", "am_liam", 0.43, "am_adam"),
    ("mix22", "en-us", "am_fenrir", 0.49, "am_echo"),
    ("mix23", "en-gb", "bm_george", 0.50, "am_puck"),
    ("mix24", "en-us", "am_santa", 0.49, "am_onyx"),
    ("mix25", "en-us", "am_liam", 0.56, "bm_lewis"),
    ("mix26", "en-us", "am_michael", 0.59, "am_onyx"),
    ("mix27", "en-us", "am_liam", 0.51, "am_fenrir"),
    ("mix28", "en-us", "bm_daniel", 0.49, "am_santa"),
    ("mix29", "en-us", "bm_george", 0.47, "am_santa"),
    ("mix30", "en-us", "af_nicole", 0.39, "am_echo"),
    ("mix31", "en-us", "bf_emma", 0.46, "am_michael"),
    ("mix32", "en-us", "af_aoede", 0.49, "am_puck"),
)


_HELD_OUT_BLENDS = (  # of the corpus that comes with the project's specification: test speakers
    ("mix35", "en-us", "af_aoede", 0.53, "af_sarah"),
    ("mix36", "en-gb", "bm_lewis", 0.41, "bm_george"),
)
_BLEND_SEED, _BLEND_WEIGHTS = 20_262, (0.3, 0.7)


def _gender(*packs: str) -> str:
    found = {_GENDERS[pack[1]] for pack in packs}
    return found.pop() if len(found) == 1 else "mixed"


def pack_accent(pack: str) -> str:
    """The phonemizer's accent for a pack: the first letter of its name says it."""
    return _ACCENTS[pack[0]]


def _more_blends(count: int) -> list[CorpusSpeaker]:
    """Blends beyond the named ones, of pairs that no other blend uses; the first ones do not depend on the count."""
    free = [pack for pack in _PACKS if pack not in HELD_OUT_PACKS]
    taken = {frozenset((first, second)) for _, _, first, _, second in (*_BLENDS, *_HELD_OUT_BLENDS)}
    pairs = [pair for pair in combinations(free, 2) if frozenset(pair) not in taken and pair[0][1] == pair[1][1]]
    if count > len(pairs):
        raise ConfigError(f"{len(pairs)} more blends of two voices can be made, but {count} were asked.")
    random = np.random.default_rng(_BLEND_SEED)
    order = random.permutation(len(pairs))
    weights = random.uniform(*_BLEND_WEIGHTS, size=len(pairs)).round(2)
    chosen = [(pairs[int(place)], float(weight)) for place, weight in zip(order, weights, strict=True)][:count]
    return [
        CorpusSpeaker(
            f"blend{number:03d}", _gender(first, second), pack_accent(first if weight >= 0.5 else second),
            ((first, weight), (second, round(1.0 - weight, 2))),
        )
        for number, ((first, second), weight) in enumerate(chosen, start=1)
    ]  # fmt: skip


def training_speakers(blends: int = 0) -> tuple[CorpusSpeaker, ...]:
    """Every speaker that training may use: the packs that are not held out, the named blends, `blends` more.

    Raises ConfigError for more blends than there are pairs of one gender.
    """
    single = [
        CorpusSpeaker(pack, _gender(pack), pack_accent(pack), ((pack, 1.0),))
        for pack in _PACKS
        if pack not in HELD_OUT_PACKS
    ]
    named = [
        CorpusSpeaker(name, _gender(first, second), accent, ((first, weight), (second, round(1.0 - weight, 2))))
        for name, accent, first, weight, second in _BLENDS
    ]
    return (*single, *named, *_more_blends(blends))
