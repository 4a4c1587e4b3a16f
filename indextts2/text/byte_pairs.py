"""Byte-level byte-pair vocabulary in the .tiktoken form: ranks by byte string, and special tokens behind them.

A file has one line per token: its bytes in base64, a space, its rank. A text is cut by the pattern of GPT-2, and inside
each piece the two neighbours of the lowest rank are joined until none are left to join.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import CheckpointError
from .tokenizer import vocabulary_of

SUFFIX = ".tiktoken"
_CONTRACTION = re.compile(r"'(?:s|t|re|ve|m|ll|d)")
_CLASSES = re.compile(r" ?L+| ?N+| ?O+|[ W]+(?![LNO])|[ W]+")
"""GPT-2's pattern over classes of characters: letters, numbers, others, a space, other white space."""

_NO_WHITE_SPACE = "\x1c\x1d\x1e\x1f"  # Python's isspace has them, Unicode's White_Space has not
_CACHED = 8192  # pieces whose ids are remembered; most words come again


class BytePairVocabulary:
    """A .tiktoken file with its special tokens, whose ids follow the ranks in the order given."""

    def __init__(self, path: str | Path, special_tokens: Sequence[str] = ()) -> None:
        self.path = Path(path)
        data, self.fingerprint = vocabulary_of(self.path)
        self._ranks = _parse(data, self.path)
        self._bytes = {rank: token for token, rank in self._ranks.items()}
        self.special_ids = {token: len(self._ranks) + index for index, token in enumerate(special_tokens)}
        names = "|".join(re.escape(token) for token in sorted(self.special_ids, key=len, reverse=True))
        self._special = re.compile(f"({names})") if names else None
        self._encode_piece = lru_cache(maxsize=_CACHED)(self._merged)

    def __len__(self) -> int:
        return len(self._ranks) + len(self.special_ids)

    def rank(self, token: str) -> int | None:
        """The id of a token that stands in the file, or None."""
        return self._ranks.get(token.encode("utf-8"))

    def encode(self, text: str) -> list[int]:
        """Text to ids; special tokens in it count as such."""
        return [number for ids, _ in self.pieces(text) for number in ids]

    def pieces(self, text: str) -> Iterator[tuple[tuple[int, ...], str]]:
        """(ids, text) of every special token and of every piece of the pattern, in order; no token crosses a piece."""
        parts = self._special.split(text) if self._special else [text]
        for part in parts:
            if part in self.special_ids:
                yield (self.special_ids[part],), part
            else:
                for piece in split_pieces(part):
                    yield self._encode_piece(piece), piece

    def decode(self, ids: Iterable[int]) -> str:
        """Ids to readable text; bytes that are no whole character become replacement characters."""
        special = {number: token for token, number in self.special_ids.items()}
        parts = [
            special[number].encode("utf-8") if number in special else self._bytes.get(number, b"") for number in ids
        ]
        return b"".join(parts).decode("utf-8", errors="replace")

    def byte_length(self, number: int) -> int:
        """Bytes that the token of an id stands for; special tokens have none here."""
        return len(self._bytes.get(number, b""))

    def _merged(self, piece: str) -> tuple[int, ...]:
        data = piece.encode("utf-8")
        whole = self._ranks.get(data)
        if whole is not None:
            return (whole,)
        parts = [data[index : index + 1] for index in range(len(data))]
        while len(parts) > 1:
            pairs = [self._ranks.get(left + right) for left, right in zip(parts, parts[1:], strict=False)]
            known = [(rank, index) for index, rank in enumerate(pairs) if rank is not None]
            if not known:
                break
            _, index = min(known)
            parts[index : index + 2] = [parts[index] + parts[index + 1]]
        return tuple(self._ranks[part] for part in parts)


def split_pieces(text: str) -> Iterator[str]:
    """The pieces that no token crosses; joined they are the text. A contraction such as 've is a piece of its own."""
    classes = "".join(map(_class_of, text))
    position = 0
    while position < len(text):
        match = _CONTRACTION.match(text, position) or _CLASSES.match(classes, position)
        end = match.end() if match else len(text)
        yield text[position:end]
        position = end


@lru_cache(maxsize=_CACHED)
def _class_of(character: str) -> str:
    if character == " ":
        return " "
    if character.isspace() and character not in _NO_WHITE_SPACE:
        return "W"
    kind = unicodedata.category(character)[0]
    return kind if kind in "LN" else "O"


def _parse(data: bytes, path: Path) -> dict[bytes, int]:
    """Ranks by byte string. Raises CheckpointError naming the line that cannot be read.

    The released file has one row with an empty byte string, written "="; it keeps its rank and never matches.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split()
        try:
            word, rank = fields
            token = base64.b64decode(word, validate=True) if word.strip(b"=") else b""
            ranks[token] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise CheckpointError(
                f"Line {number} of {path.name} should hold a token in base64 and its rank, but holds "
                f"{line[:40]!r}. Get the file again."
            ) from error
    singles = all(bytes([value]) in ranks for value in range(256))
    if not singles or sorted(ranks.values()) != list(range(len(ranks))):
        raise CheckpointError(
            f"{path.name} should hold every single byte and the ranks 0 to {max(len(ranks) - 1, 0)} once each. "
            "Get the file again."
        )
    return ranks
