"""The pace of a checkpoint: pace.json beside its configuration, seconds per unit of text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..errors import CheckpointError, InputError
from ..foreign import CONFIGURATION, ForeignDataError, read_json, shown
from ..text.pace import DEFAULT_PACE, RATES, Pace, with_rates
from .opened import Checkpoint

PACE_NAME = "pace.json"


def pace_of(checkpoint: Checkpoint) -> Pace:
    """The measured pace of a checkpoint or of the base it takes its T2S from; the default where there is none.

    Raises CheckpointError for a file that cannot be used.
    """
    folders = [checkpoint.folder]
    if checkpoint.base is not None:  # a fine-tune of a checkpoint speaks about as fast
        folders.append(checkpoint.base.folder)
    found = next((folder / PACE_NAME for folder in folders if (folder / PACE_NAME).is_file()), None)
    return DEFAULT_PACE if found is None else read_pace(found)


def read_pace(path: Path) -> Pace:
    """The pace in a file. Raises CheckpointError."""
    try:
        values = read_json(path, CONFIGURATION)
        rates = values["seconds"] if isinstance(values, dict) else None
        if not isinstance(rates, dict) or sorted(rates) != sorted(RATES):
            raise ForeignDataError(f"'seconds' should hold {', '.join(RATES)}, but got {shown(rates)}")
        wrong = [name for name in RATES if isinstance(rates[name], bool) or not isinstance(rates[name], int | float)]
        if wrong:
            raise ForeignDataError(f"'{wrong[0]}' should be a number, but got {shown(rates[wrong[0]])}")
        error = values.get("median_error")
        if error is not None and (isinstance(error, bool) or not isinstance(error, int | float)):
            raise ForeignDataError(f"'median_error' should be a number, but got {shown(error)}")
        return with_rates([float(rates[name]) for name in RATES], error)
    except KeyError as error:
        raise CheckpointError(f"{path} cannot be read: it has no {error}. Measure the pace again.") from error
    except (ForeignDataError, InputError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. Measure the pace again, or remove the file.") from error


def write_pace(folder: Path, pace: Pace, about: dict[str, Any]) -> Path:
    """Keep a measured pace beside a checkpoint's configuration. about: how it was measured, for a reader."""
    values = {
        "seconds": {name: round(getattr(pace, name), 4) for name in RATES},
        "median_error": None if pace.median_error is None else round(pace.median_error, 4),
        "measured": about,
    }
    write_text(folder / PACE_NAME, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    return folder / PACE_NAME
