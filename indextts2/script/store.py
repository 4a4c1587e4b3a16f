"""Finished lines by the hash of everything that shapes them, so that a stopped job resumes where it was.

One safetensors file a line, which is either whole or absent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import torch

from ..atomic import SUFFIX, make_folder, write_bytes
from ..checks import check_fields, check_finite, check_shape
from ..contracts import SpokenWord
from ..errors import InputError
from ..foreign import ForeignDataError, parse_json, record, shown
from .line import UNSPOKEN, LineReport, SpokenLine
from .take_scores import TakeScore

logger = logging.getLogger(__name__)

FORMAT = "2"
"""Changes whenever the same settings would give another sound."""

PASSAGE = "-passage-"
STATUSES = ("spoken", "unfit", *UNSPOKEN)


def key_of(**parts: Any) -> str:
    """The name of a finished line. parts: plain values and dataclasses of them."""
    text = json.dumps({"format": FORMAT, **parts}, default=_plain, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def passage_key(key: str, place: int) -> str:
    """The name of a passage of a line that is not finished."""
    return f"{key}{PASSAGE}{place:04}"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return repr(value)


class LineStore:
    """Finished lines in a folder, or in memory when there is none."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._held: dict[str, SpokenLine] = {}

    def get(self, key: str) -> SpokenLine | None:
        """The finished line; None when it is not there, or its file is damaged."""
        if self.folder is None:
            return self._held.get(key)
        from safetensors import SafetensorError, safe_open

        path = self._path(key)
        if not path.is_file():
            return None
        try:
            with safe_open(str(path), framework="pt") as file:
                report = report_from(parse_json((file.metadata() or {}).get("report", "null")))
                return _checked(SpokenLine(file.get_tensor("audio"), file.get_tensor("tokens"), report))
        except (SafetensorError, OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
            logger.warning("The finished line %s is damaged and will be spoken again (%s).", path.name, error)
            return None

    def put(self, key: str, line: SpokenLine) -> None:
        """Keep a finished line. Raises InputError when its file cannot be written."""
        if self.folder is None:
            self._held[key] = line
            return
        from safetensors.torch import save

        metadata = {"report": json.dumps(dataclasses.asdict(line.report), ensure_ascii=False, sort_keys=True)}
        content = save({"audio": line.audio.contiguous(), "tokens": line.tokens.contiguous()}, metadata)
        path = self._path(key)
        make_folder(path.parent)
        write_bytes(path, content)

    def drop(self, key: str) -> None:
        """Forget a line, or a passage of one."""
        if self.folder is None:
            self._held.pop(key, None)
        else:
            self._path(key).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what killed processes left behind: half written files, and passages of lines that are finished.

        Only for one process, when no other is at work in the folder.
        """
        if self.folder is None or not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            whole, separator, _ = path.name.partition(PASSAGE)
            if path.suffix == SUFFIX or (separator and self._path(whole).is_file()):
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return (self.folder or Path()) / f"{key}.safetensors"


def report_from(values: Any) -> LineReport:
    """A report from its plain values. Raises InputError or ForeignDataError for what is none."""
    report = record(LineReport, {"words": (), **values} if isinstance(values, dict) else values)
    takes = tuple(record(TakeScore, take) for take in _listed(report.takes))
    words = tuple(record(SpokenWord, word) for word in _listed(report.words))
    report = dataclasses.replace(report, takes=takes, words=words, warnings=tuple(_listed(report.warnings)))
    for one in (report, *takes, *words):
        check_fields(one)
    if report.status not in STATUSES or report.sample_rate < 1 or not 0 <= report.chosen < max(1, len(takes)):
        raise InputError(f"a line of status {shown(report.status)} with take {report.chosen} of {len(takes)} is none.")
    return report


def _listed(values: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise ForeignDataError(f"a list is expected, but got {shown(values)}")
    return values


def _checked(line: SpokenLine) -> SpokenLine:
    """The line, if its numbers are those of speech. Raises InputError."""
    check_shape("audio", line.audio, line.report.sample_count if line.report.status == "spoken" else None)
    check_shape("tokens", line.tokens, None)
    if line.audio.dtype != torch.float32 or line.tokens.dtype != torch.int64:
        raise InputError(f"its numbers are {line.audio.dtype} and {line.tokens.dtype}.")
    check_finite("audio", line.audio)
    return line
