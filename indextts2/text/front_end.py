"""The interface of every text front end, and the table of kinds. A later text kind is a new entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..config import TextConfig
from ..errors import ConfigError
from .english import EnglishFrontEnd
from .normalise import Glossary
from .official import OfficialFrontEnd
from .pieces import TextPieces
from .tokenizer import TextTokenizer


class FrontEnd(Protocol):
    """Text -> pieces -> segments of ids."""

    kind: str
    config: TextConfig

    @property
    def fingerprint(self) -> str:
        """Names the tokenizer file."""

    def pieces(self, text: str, glossary: Glossary | None = None, *, language: str = "") -> TextPieces:
        """Pieces of a whole text; an empty text has none. language: a tag such as en; "" leaves it to the text."""

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Pieces to text token ids, without start and stop."""

    def known_ids(self, pieces: Sequence[str]) -> list[int]:
        """Ids to feed to T2S; none when nothing in the pieces can be spoken."""

    def split(self, pieces: Sequence[str], limit: int) -> list[list[int]]:
        """Positions of the pieces of every segment, at most `limit` each."""


def _official(config: TextConfig, path: Path) -> FrontEnd:
    return OfficialFrontEnd(TextTokenizer(path), config)


def _english(config: TextConfig, path: Path) -> FrontEnd:
    return EnglishFrontEnd(TextTokenizer(path), config)


FRONT_ENDS: dict[str, Callable[[TextConfig, Path], FrontEnd]] = {"official": _official, "english": _english}
"""Text kind to the function that opens its tokenizer file."""


def front_end_for(config: TextConfig, tokenizer_path: str | Path) -> FrontEnd:
    """The front end of a checkpoint. Raises ConfigError for an unknown kind, CheckpointError for an unusable file."""
    if config.kind not in FRONT_ENDS:
        known = ", ".join(sorted(FRONT_ENDS))
        raise ConfigError(f"The text kind should be one of {known}, but the configuration says '{config.kind}'.")
    return FRONT_ENDS[config.kind](config, Path(tokenizer_path))
