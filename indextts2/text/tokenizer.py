"""The SentencePiece vocabulary of a checkpoint: pieces, their ids, and which pieces it does not know."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ..errors import CheckpointError

FINGERPRINT_LENGTH = 16
"""Hexadecimal digits of the sha256 that name a tokenizer file."""


def vocabulary_of(path: Path) -> tuple[bytes, str]:
    """The bytes of a tokenizer file and its fingerprint. Raises CheckpointError when the file is missing."""
    if not path.is_file():
        raise CheckpointError(
            f"The tokenizer file {path.name} is missing from {path.parent}. "
            "Copy it from the checkpoint's download folder."
        )
    data = path.read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:FINGERPRINT_LENGTH]


class TextTokenizer:
    """A SentencePiece model read from a file. Start and stop ids are never added here; T2S adds its own."""

    def __init__(self, path: str | Path) -> None:
        import sentencepiece

        self.path = Path(path)
        data, self.fingerprint = vocabulary_of(self.path)
        try:
            self._model = sentencepiece.SentencePieceProcessor(model_proto=data)
        except RuntimeError as error:
            raise CheckpointError(f"{self.path.name} is not a SentencePiece model: {error}") from error

    def __len__(self) -> int:
        return int(self._model.get_piece_size())

    @property
    def unknown_id(self) -> int:
        return int(self._model.unk_id())

    def knows(self, piece: str) -> bool:
        """Whether the piece has an id of its own."""
        return bool(self._model.piece_to_id(piece) != self.unknown_id)

    def encode(self, text: str) -> list[str]:
        """Text to pieces. Characters the vocabulary lacks stay readable pieces, whose id is `unknown_id`."""
        return list(self._model.encode(text, out_type=str))

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Pieces to ids."""
        return [int(self._model.piece_to_id(piece)) for piece in pieces]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Ids to pieces."""
        return [str(self._model.id_to_piece(int(number))) for number in ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Ids to readable text."""
        return str(self._model.decode([int(number) for number in ids]))

    def unknown(self, pieces: Sequence[str]) -> list[str]:
        """The different pieces without an id, in order of appearance."""
        return list(dict.fromkeys(piece for piece in pieces if not self.knows(piece)))
