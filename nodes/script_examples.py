"""The script files that ship with the pack, so that every list of script files holds something that works."""

from __future__ import annotations

from pathlib import Path

from . import user_files

FOLDER = Path(__file__).parent.parent / "workflows" / "scripts"
MARK = " [example]"


def offered_files() -> list[str]:
    """Names for the list: the user's own files, then the examples."""
    return [*user_files.script_files(), *(path.name + MARK for path in sorted(FOLDER.iterdir()) if path.is_file())]


def offered_file(name: str) -> Path:
    """The file of a name of the list. Raises InputError for one that is not there."""
    plain = name.removesuffix(MARK)
    if plain != name and plain in {path.name for path in FOLDER.iterdir()}:
        return FOLDER / plain
    return user_files.script_file(name)
