"""Pronunciation annotations `<word|reading>` in the text of a user (docs/spec/text.md#annotations)."""

from __future__ import annotations

import re

ANNOTATION = re.compile(r"<([^<|>\n]+)\|([^<>\n]+)>")
"""Group 1 is the written word, group 2 its reading."""
