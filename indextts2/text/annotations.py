"""Pronunciation annotations `<word|reading>` in the text of a user (spec/t2s.md section 11.2 step 0)."""

from __future__ import annotations

import re

ANNOTATION = re.compile(r"<([^|>\n]+)\|([^>\n]+)>")
"""Group 1 is the written word, group 2 its reading."""
