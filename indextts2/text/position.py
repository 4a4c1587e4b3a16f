"""Position of words in a text, which is what a keyframe of an emotion schedule takes."""

from __future__ import annotations

import re

from ..contracts import PreparedText
from ..errors import InputError


def position_of(text: PreparedText | str, words: str, occurrence: int = 1) -> float:
    """Start of the words as a fraction of the text, 0 to 1; case is ignored.

    occurrence: which time they stand there, from 1 on; the text is the one given, before it was normalised. Raises
    InputError for no words, and for an occurrence that the text does not have.
    """
    whole = text if isinstance(text, str) else text.original
    wanted = words.strip()
    if not wanted:
        raise InputError("No words to look for. Write the words at which the emotion should begin.")
    starts = [match.start() for match in re.finditer(f"(?={re.escape(wanted)})", whole, re.IGNORECASE)]
    if not 1 <= occurrence <= len(starts):
        raise InputError(
            f"'{wanted}' occurs {len(starts)} times in the text, so occurrence should be 1 to {len(starts)}, but got "
            f"{occurrence}."
            if starts
            else f"'{wanted}' does not occur in the text. Write the words as they are written there."
        )
    return starts[occurrence - 1] / len(whole)
