"""Kinds of scripts and the suffixes of their files: one table for the readers, the nodes and the commands."""

from __future__ import annotations

AUTO = "auto"
SUFFIXES_OF = {
    "dialogue": ("txt",),
    "srt": ("srt",),
    "vtt": ("vtt",),
    "ass": ("ass", "ssa"),
    "csv": ("csv",),
    "tsv": ("tsv",),
    "json": ("json",),
    "sbv": ("sbv",),
    "lrc": ("lrc",),
    "ttml": ("ttml", "dfxp"),
    "microdvd": ("microdvd", "sub", "mpl", "tmp"),
    "sami": ("sami", "smi"),
}
"""Kind to the suffixes of its files, without the point. `read.READERS` has a reader for each."""

KINDS = (AUTO, *SUFFIXES_OF)
"""What a user may choose; auto looks at what a text holds."""

SUFFIXES = {"": AUTO} | {suffix: kind for kind, suffixes in SUFFIXES_OF.items() for suffix in suffixes}
"""Suffix to kind; none leaves it to the text."""
