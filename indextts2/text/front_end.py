"""The interface of every text front end, and the table of kinds. A later text kind is a new entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..config import TextConfig
from ..errors import ConfigError
from .byte_pairs import BytePairVocabulary
from .english import EnglishFrontEnd
from .multilingual import MultilingualFrontEnd, special_tokens
from .normalise import Glossary
from .official import OfficialFrontEnd
from .pieces import TextPieces
from .plain import PlainFrontEnd
from .tokenizer import TextTokenizer


class FrontEnd(Protocol):
    """Text -> pieces -> segments of ids."""

    kind: str
    config: TextConfig
    seconds_per_piece: float  # how long a text token takes to say, about: for estimates, before anything is spoken

    @property
    def fingerprint(self) -> str:
        """Names the tokenizer file."""

    def pieces(self, text: str, glossary: Glossary | None = None, *, language: str = "") -> TextPieces:
        """Pieces of a whole text; an empty text has none. language: a tag such as en; "" leaves it to the text."""

    def segment_tokens(self, language: str) -> int:
        """Longest segment of a language by default, in text tokens."""

    def ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Pieces of one segment to text token ids, without start and stop. language: that of the whole text."""

    def known_ids(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """Ids to feed to T2S; none when nothing in the pieces can be spoken."""

    def piece_indices(self, pieces: Sequence[str], *, language: str = "") -> list[int]:
        """For each of `known_ids` the index of the piece it begins with; -1 for one that stands for no piece."""

    def split(self, pieces: Sequence[str], limit: int, *, language: str = "") -> list[list[int]]:
        """Positions of the pieces of every segment, at most `limit` text tokens each."""

    def spoken(self, pieces: TextPieces, positions: Sequence[int]) -> str:
        """The words that some of the pieces say, in plain spelling, with the punctuation at which the voice pauses."""


def _official(config: TextConfig, path: Path) -> FrontEnd:
    return OfficialFrontEnd(TextTokenizer(path), config)


def _english(config: TextConfig, path: Path) -> FrontEnd:
    return EnglishFrontEnd(TextTokenizer(path), config)


def _plain(config: TextConfig, path: Path) -> FrontEnd:
    return PlainFrontEnd(TextTokenizer(path), config)


def _multilingual(config: TextConfig, path: Path) -> FrontEnd:
    return MultilingualFrontEnd(BytePairVocabulary(path, special_tokens()), config)


FRONT_ENDS: dict[str, Callable[[TextConfig, Path], FrontEnd]] = {
    "official": _official,
    "english": _english,
    "multilingual": _multilingual,
    "plain": _plain,
}
"""Text kind to the function that opens its tokenizer file."""


def front_end_for(config: TextConfig, tokenizer_path: str | Path) -> FrontEnd:
    """The front end of a checkpoint. Raises ConfigError for an unknown kind, CheckpointError for an unusable file."""
    if config.kind not in FRONT_ENDS:
        known = ", ".join(sorted(FRONT_ENDS))
        raise ConfigError(f"The text kind should be one of {known}, but the configuration says '{config.kind}'.")
    return FRONT_ENDS[config.kind](config, Path(tokenizer_path))
