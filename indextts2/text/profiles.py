"""The text profiles: ways in which a text may be written out before it is spoken."""

from __future__ import annotations

AUTO, PLAIN = "auto", "plain"
PROFILES = (AUTO, PLAIN)
"""auto: as the checkpoint reads its text. plain: the text as it is written, for fine-tunes that were trained so."""
