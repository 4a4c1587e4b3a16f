"""The interface of every text front end, and the table of kinds. A later text kind is a new entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..config import TextConfig
from ..errors import ConfigError, InputError
from .byte_pairs import BytePairVocabulary
from .english import EnglishFrontEnd
from .multilingual import MultilingualFrontEnd, special_tokens
from .normalise import Glossary
from .official import OfficialFrontEnd
from .pieces import TextPieces
from .plain import PlainFrontEnd
from .profiles import AUTO, PLAIN, PROFILES
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


BYTE_PAIRS = ".tiktoken"
"""Suffix of a vocabulary of byte pairs; others are SentencePiece."""


def _official(config: TextConfig, path: Path) -> FrontEnd:
    return OfficialFrontEnd(TextTokenizer(path), config)


def _english(config: TextConfig, path: Path) -> FrontEnd:
    return EnglishFrontEnd(TextTokenizer(path), config)


def _plain(config: TextConfig, path: Path) -> FrontEnd:
    if path.suffix == BYTE_PAIRS:
        return MultilingualFrontEnd(BytePairVocabulary(path, special_tokens()), config, plain=True)
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


def front_end_for(config: TextConfig, tokenizer_path: str | Path, *, tells_language: bool = False) -> FrontEnd:
    """The front end of a checkpoint. tells_language: whether its model is told the language of a text.

    Raises ConfigError for an unknown kind, CheckpointError for an unusable file.
    """
    if config.kind not in FRONT_ENDS:
        known = ", ".join(sorted(FRONT_ENDS))
        raise ConfigError(f"The text kind should be one of {known}, but the configuration says '{config.kind}'.")
    front_end = FRONT_ENDS[config.kind](config, Path(tokenizer_path))
    if isinstance(front_end, PlainFrontEnd):
        front_end.tells_language = tells_language
    return front_end


_PLAIN_FRONT_ENDS: dict[str, Callable[[Any], FrontEnd]] = {
    "official": lambda front_end: PlainFrontEnd(front_end.tokenizer, front_end.config),
    "plain": lambda front_end: front_end,
    "multilingual": lambda front_end: MultilingualFrontEnd(front_end.vocabulary, front_end.config, plain=True),
}
"""Text kind to the same vocabulary with nothing written out; kinds that read phonemes are not here."""


def with_profile(front_end: FrontEnd, profile: str) -> FrontEnd:
    """The front end of a checkpoint in a text profile.

    Raises InputError for an unknown one, and for one that the checkpoint cannot have.
    """
    if profile not in PROFILES:
        raise InputError(f"The text profile should be one of {', '.join(PROFILES)}, but got '{profile}'.")
    if profile != PLAIN:
        return front_end
    if front_end.kind not in _PLAIN_FRONT_ENDS:
        raise InputError(
            f"The text profile '{PLAIN}' is for checkpoints that read letters, but this one reads phonemes (text kind "
            f"'{front_end.kind}'). Choose the profile '{AUTO}'."
        )
    return _PLAIN_FRONT_ENDS[front_end.kind](front_end)
