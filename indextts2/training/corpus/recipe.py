"""Recipe of a corpus run, as one frozen dataclass that a YAML file can set."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...foreign import ForeignDataError, read_yaml


@dataclass(frozen=True, slots=True)
class CorpusRecipe:
    """Every choice of a corpus run. Paths are as given by the user; `None` means "not used".

    teacher: folder of the teacher, where the caller names none. wordnet: folder with the WordNet database files
    (data.noun, ...). avoid: manifests or text lists (JSONL with a `text` field) whose sentences must not occur again;
    held-out texts belong here. first_index: the number of the first utterance, so that a second corpus does not reuse
    ids. one_word_share, short_share, joined_share: of the utterances, lines of one word, of two or three, and two
    sentences in a row. blends: mixes of two voices beyond the named ones. mixed_precision: "bf16" lets the teacher's
    convolutions run in bfloat16. share of neutral, ranges of speed and level: see styles.py.
    """

    teacher: str | None = None
    utterances: int = 1300
    seed: int = 20_260
    first_index: int = 10_000
    split: str = "train"
    wordnet: str | None = None
    avoid: tuple[str, ...] = ()
    wordnet_share: float = 0.6
    words: tuple[int, int] = (4, 18)
    preferred_words: float = 11.0
    one_word_share: float = 0.0
    short_share: float = 0.0
    joined_share: float = 0.0
    blends: int = 0
    neutral_share: float = 0.56
    neutral_speed: tuple[float, float] = (0.80, 1.25)
    level: tuple[float, float] = (0.65, 1.0)
    edge_seconds: float = 0.075
    peak_db: float = -3.0
    bit_rate: int = 32_000
    mixed_precision: str = "no"

    def __post_init__(self) -> None:
        if self.utterances < 1:
            raise ConfigError(f"A corpus needs at least one utterance, but {self.utterances} were asked.")
        for name in ("wordnet_share", "neutral_share", "one_word_share", "short_share", "joined_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} is a share between 0 and 1, but is {getattr(self, name)}.")
        if self.one_word_share + self.short_share + self.joined_share > 1.0:
            raise ConfigError(
                "one_word_share, short_share and joined_share are parts of one corpus, but exceed 1 in all."
            )
        if self.mixed_precision not in ("no", "bf16"):
            raise ConfigError(f'mixed_precision is "no" or "bf16", but is {self.mixed_precision!r}.')
        if self.blends < 0:
            raise ConfigError(f"blends counts additional voices, but is {self.blends}.")
        for name in ("words", "neutral_speed", "level"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ConfigError(f"{name} is a range (low, high) of positive numbers, but is ({low}, {high}).")

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for YAML or JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def identity(recipe: CorpusRecipe) -> dict[str, Any]:
    """Fields by which two recipes make the same corpus: everything but the place of the teacher."""
    return {name: value for name, value in recipe.to_dict().items() if name != "teacher"}


def recipe_from_dict(values: dict[str, Any]) -> CorpusRecipe:
    """Build a recipe; an unknown key or a value of the wrong kind is a ConfigError."""
    known = {item.name: item for item in fields(CorpusRecipe)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"Unknown corpus setting {', '.join(unknown)}; known are {', '.join(sorted(known))}.")
    ready: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        return CorpusRecipe(**ready)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The corpus recipe has a value of the wrong kind: {error}.") from error


def read_recipe(path: Path) -> CorpusRecipe:
    """Read a recipe from a YAML file. Raises ConfigError when it is not a mapping or has unknown keys."""
    try:
        values = read_yaml(path)
    except ForeignDataError as error:
        raise ConfigError(f"The corpus recipe {path} cannot be read: {error}.") from error
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise ConfigError(f"The corpus recipe {path} should be a mapping of settings, but is {type(values).__name__}.")
    return recipe_from_dict(values)
