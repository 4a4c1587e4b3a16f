"""What every text front end offers, and which one a checkpoint asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..config import TextConfig
from ..errors import ConfigError
from .pieces import TextPieces
from .tokenizer import TextTokenizer


class TextFrontEnd(Protocol):
    """Text to pieces and ids. `kind` is the checkpoint's `text.kind`."""

    kind: str
    tokenizer: TextTokenizer

    @property
    def fingerprint(self) -> str:
        """Names the vocabulary."""

    def pieces(self, text: str) -> TextPieces:
        """Pieces of a whole text. Never raises; an empty text has no pieces."""

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Pieces to ids."""


def front_end_for(config: TextConfig, tokenizer: TextTokenizer) -> TextFrontEnd:
    """The front end of a checkpoint. Raises ConfigError for an unknown kind."""
    if config.kind == "english":
        from .english import EnglishFrontEnd

        return EnglishFrontEnd(tokenizer)
    if config.kind == "official":
        from .official import OfficialFrontEnd

        return OfficialFrontEnd(tokenizer)
    raise ConfigError(f"The text kind should be official or english, but is '{config.kind}'.")
