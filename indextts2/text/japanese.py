"""Japanese text cut into morphemes: fugashi with a dictionary where installed, the plain text otherwise."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

MISSING_FUGASHI = (
    "The packages fugashi and unidic-lite are not installed: Japanese text is not cut into words, which the model was "
    'taught to expect. Install them with: pip install "fugashi>=1.3" unidic-lite'
)


def morphemes(text: str) -> tuple[list[str], tuple[str, ...]]:
    """The morphemes of a text without spaces, and a warning where they cannot be found; then the text stays whole."""
    cut = _cutter()
    if cut is None:
        return ([text] if text else []), (MISSING_FUGASHI,)
    return cut(text), ()


@functools.cache
def _cutter() -> Callable[[str], list[str]] | None:
    try:
        import fugashi

        tagger = fugashi.Tagger()
    except (ImportError, RuntimeError) as error:  # RuntimeError: fugashi without a dictionary
        logger.warning(MISSING_FUGASHI)
        logger.debug("fugashi cannot be used", exc_info=error)
        return None
    return lambda text: [word.surface for word in tagger(text)]
