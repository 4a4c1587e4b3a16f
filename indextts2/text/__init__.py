"""Text to text token ids: normalisers, tokenizers and the segment splitter. Knows nothing of models."""

from .front_end import FrontEnd, front_end_for
from .pieces import TextPieces

__all__ = ["FrontEnd", "TextPieces", "front_end_for"]
