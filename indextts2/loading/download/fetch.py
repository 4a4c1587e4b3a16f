"""One file from an address to its place: resumed where it broke off, checked, and put in place in one step.

While it grows it is called `<name>.<mark>.part`, the mark naming the content that is expected, so that a part of an
older version is never continued. Only a whole file whose size and sum are right gets its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...atomic import free_space, make_folder
from ...errors import Cancelled, CheckpointError
from ..fingerprint import CHUNK
from .hubs import git_blob_of
from .web import HttpClient, HttpFailure

PART_SUFFIX = ".part"
MARK_DIGITS = 12
BAD_COPIES = 3  # whole downloads with a wrong sum before giving up: the server's file is damaged, not the line
PARTIAL_CONTENT, BEYOND_THE_END = 206, 416
BLOCK = 1 << 16
SPARE_BYTES = 64 << 20  # left free on the disk after everything is there


@dataclass(frozen=True, slots=True)
class DownloadTarget:
    """A file to fetch. bytes, sha256 and blob: what is known of it; None or empty where it is not."""

    address: str
    target: Path
    bytes: int | None = None
    sha256: str = ""
    blob: str = ""

    @property
    def part(self) -> Path:
        """The name while it is not whole."""
        mark = (self.sha256 or self.blob)[:MARK_DIGITS] or "unlisted"
        return self.target.with_name(f"{self.target.name}.{mark}{PART_SUFFIX}")


def fetch(wanted: DownloadTarget, client: HttpClient, report: Callable[[int], None]) -> str:
    """Bring a file to its place; returns its SHA-256. report: takes the bytes of it that are here.

    Raises HttpFailure when the server does not deliver, CheckpointError for content that stays wrong, Cancelled.
    """
    folder = wanted.target.parent
    make_folder(folder, CheckpointError)
    failures = bad = 0
    while True:
        before = _count(wanted.part)
        try:
            content = _attempt(wanted, client, report)
            mismatch = _mismatch(wanted, content)
            if not mismatch:
                os.replace(wanted.part, wanted.target)
                return content.sha256
            wanted.part.unlink()
            report(0)
            bad += 1
            if bad >= BAD_COPIES:
                raise CheckpointError(f"{wanted.address} {mismatch}, {bad} times over. Try later, or another source.")
        except HttpFailure as failure:
            failures = 1 if _count(wanted.part) > before else failures + 1
            client.pause(failures, failure)
        except OSError as error:
            raise CheckpointError(
                f"{wanted.part} cannot be written ({error.strerror or error}; {free_space(folder)}). Free some "
                "space, or choose --to; what has arrived is kept."
            ) from error


@dataclass(slots=True)
class _Content:
    """A part's content while it grows: how much, and the sum so far."""

    count: int
    digest: Any

    @property
    def sha256(self) -> str:
        return str(self.digest.hexdigest())


def _attempt(wanted: DownloadTarget, client: HttpClient, report: Callable[[int], None]) -> _Content:
    """One request that continues the part; returns what is there after it ended well."""
    content = _so_far(wanted.part)
    report(content.count)
    if wanted.bytes is not None and content.count >= wanted.bytes and wanted.part.exists():
        return content
    headers = {"Range": f"bytes={content.count}-"} if content.count else {}
    try:
        with client.open(wanted.address, headers) as response:
            if content.count and not _continues(response, content.count):
                content = _Content(0, hashlib.sha256())
            expected = _expected(response, content.count)
            limit = _limit(wanted, expected, content.count)
            with wanted.part.open("r+b" if content.count else "wb") as file:
                file.seek(content.count)
                _copy(response, file, content, limit, client, report)
    except TooMuch as error:
        wanted.part.unlink(missing_ok=True)
        raise HttpFailure(f"{wanted.address} sends {error}") from error
    except HttpFailure as failure:
        if failure.status == BEYOND_THE_END:  # what is here cannot be the start of it
            wanted.part.unlink(missing_ok=True)
            raise HttpFailure(str(failure)) from failure
        raise
    if expected is not None and content.count < expected:
        raise HttpFailure(f"{wanted.address} broke off after {content.count} of {expected} bytes")
    return content


class TooMuch(Exception):
    """A server sends, or announces, more than the file can have."""


def _limit(wanted: DownloadTarget, expected: int | None, count: int) -> int:
    """The most bytes of the file: as published, else as announced now, else what the disk takes.

    Raises TooMuch when more is announced than was published, CheckpointError when it does not fit on the disk.
    """
    if wanted.bytes is not None and expected is not None and expected > wanted.bytes:
        raise TooMuch(f"{expected} bytes where {wanted.bytes} were published")
    room = count + max(0, shutil.disk_usage(wanted.part.parent).free - SPARE_BYTES)
    known = wanted.bytes if wanted.bytes is not None else expected
    if known is not None and known > room:
        raise CheckpointError(
            f"{wanted.target} needs {(known - count) / 1e9:.2f} GB more, but there are {(room - count) / 1e9:.2f} GB "
            "free. Free some space, or choose another folder with --to."
        )
    return room if known is None else known


def _copy(
    response: Any, file: Any, content: _Content, limit: int, client: HttpClient, report: Callable[[int], None]
) -> None:
    while True:
        block = response.read1(BLOCK)
        if not block:
            break
        if content.count + len(block) > limit:
            raise TooMuch(f"more than {limit} bytes")
        if client.stop.is_set():
            raise Cancelled("The download was stopped.")
        file.write(block)
        content.digest.update(block)
        content.count += len(block)
        report(content.count)
    file.flush()
    os.fsync(file.fileno())


def _continues(response: Any, count: int) -> bool:
    """Whether an answer starts where the part ends; a server may send everything again instead."""
    return response.status == PARTIAL_CONTENT and (response.headers.get("Content-Range") or "").startswith(
        f"bytes {count}-"
    )


def _expected(response: Any, count: int) -> int | None:
    """Bytes of the whole file, as the answer says."""
    length = response.headers.get("Content-Length")
    return count + int(length) if length and length.isdigit() else None


def _so_far(part: Path) -> _Content:
    content = _Content(0, hashlib.sha256())
    if part.is_file():
        with part.open("rb") as file:
            while block := file.read(CHUNK):
                content.digest.update(block)
                content.count += len(block)
    return content


def _count(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _mismatch(wanted: DownloadTarget, content: _Content) -> str:
    """Fault of a finished part, empty where there is none."""
    if wanted.bytes is not None and content.count != wanted.bytes:
        return f"has {content.count} bytes where {wanted.bytes} were announced"
    if wanted.sha256 and content.sha256 != wanted.sha256:
        return "has not the published SHA-256 sum"
    if wanted.blob and git_blob_of(wanted.part.read_bytes()) != wanted.blob:
        return "has not the published content"
    return ""
