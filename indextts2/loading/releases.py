"""The released checkpoints: their kinds, repositories and folder names. Importing this loads nothing."""

from __future__ import annotations

RELEASES = {"2.0": "IndexTeam/IndexTTS-2", "2.5": "IndexTeam/IndexTTS-2.5"}
"""Kind of released checkpoint -> its repository."""

OFFICIAL_KIND = "2.0"
"""The kind that is meant where none is named."""

OFFICIAL_NAMES = {repository.rpartition("/")[2]: kind for kind, repository in RELEASES.items()}
"""Folder of a released checkpoint below a folder of models -> its kind."""
