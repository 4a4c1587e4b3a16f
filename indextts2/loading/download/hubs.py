"""Hubs of published files: addresses and listings of Hugging Face and ModelScope, and of mirrors of both."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from ...errors import InputError
from ...foreign import ForeignDataError, parse_json, safe_relative_path, shown
from .web import HttpClient, HttpFailure

HUGGING_FACE, MODEL_SCOPE = "huggingface", "modelscope"
SOURCES = (HUGGING_FACE, MODEL_SCOPE)
NOT_FOUND = 404
LARGEST_FILE = 1 << 40  # bytes; no model file is near it

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """Listing of a file by a hub. sha256: of its content; blob: its name in git; each empty where it is not told."""

    path: str
    bytes: int
    sha256: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class Hub:
    """One source. renamed: repositories that have another name there."""

    name: str
    endpoint: str
    revision: str
    listing_address: str
    file_address: str
    read_listing: Callable[[object], list[Listed]]
    renamed: dict[str, str]
    is_pinned: bool = False  # a revision is named, whose files may be others than those known here

    def address(self, repository: str, path: str) -> str:
        """Address that a file is fetched from."""
        return self._filled(self.file_address, repository, quote(path, safe="/"))

    def listing(self, repository: str, client: HttpClient) -> dict[str, Listed]:
        """Path -> what the hub says of it; empty where a plain mirror has no listing."""
        try:
            text = client.read(self._filled(self.listing_address, repository, ""))
        except HttpFailure as failure:
            if failure.status == NOT_FOUND:
                return {}
            raise
        try:
            listing = self.read_listing(parse_json(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HttpFailure(f"{self.endpoint} answered with something that is no list of files ({error})") from error
        return {listed.path: listed for listed in listing if _is_safe(self.endpoint, listed.path)}

    def _filled(self, address: str, repository: str, path: str) -> str:
        name = self.renamed.get(repository, repository)
        return self.endpoint + address.format(repository=name, revision=quote(self.revision, safe=""), path=path)


def hub_of(source: str, revision: str = "") -> Hub:
    """A source with the endpoint that the usual variables name: HF_ENDPOINT, MODELSCOPE_DOMAIN. Raises InputError."""
    if source == HUGGING_FACE:
        return Hub(
            source,
            _endpoint(os.environ.get("HF_ENDPOINT"), "https://huggingface.co"),
            revision or "main",
            "/api/models/{repository}/tree/{revision}?recursive=true",
            "/{repository}/resolve/{revision}/{path}",
            _hugging_face_listing,
            {},
            is_pinned=bool(revision),
        )
    if source == MODEL_SCOPE:
        return Hub(
            source,
            _endpoint(os.environ.get("MODELSCOPE_DOMAIN"), "https://www.modelscope.cn"),
            revision or "master",
            "/api/v1/models/{repository}/repo/files?Revision={revision}&Recursive=true",
            "/api/v1/models/{repository}/repo?Revision={revision}&FilePath={path}",
            _model_scope_listing,
            {
                "facebook/w2v-bert-2.0": "AI-ModelScope/w2v-bert-2.0",
                "funasr/campplus": "iic/speech_campplus_sv_zh-cn_16k-common",
            },
            is_pinned=bool(revision),
        )
    raise InputError(f"There is no source '{source}'; known are {', '.join(SOURCES)}.")


def _is_safe(endpoint: str, path: str) -> bool:
    """Whether a listed name may become a file here; one that may not is told and left."""
    try:
        safe_relative_path(path)
    except ForeignDataError as error:
        logger.warning("%s lists a file that is left out: %s.", endpoint, error)
        return False
    return True


def _size_of(value: object) -> int:
    """A size in bytes as a listing has it. Raises TypeError or ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST_FILE:
        raise ValueError(f"a size is {shown(value)}")
    return value


def _path_of(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name is {shown(value)}")
    return value


def _endpoint(given: str | None, usual: str) -> str:
    if not given:
        return usual
    return (given if "://" in given else f"https://{given}").rstrip("/")


def _hugging_face_listing(answer: object) -> list[Listed]:
    if not isinstance(answer, list):
        raise TypeError("a list was expected")
    found = []
    for entry in answer:
        if entry["type"] == "file":
            large = entry.get("lfs") or {}
            blob = "" if large else str(entry.get("oid", ""))
            found.append(
                Listed(
                    _path_of(entry["path"]), _size_of(large.get("size", entry["size"])), str(large.get("oid", "")), blob
                )
            )
    return found


def _model_scope_listing(answer: object) -> list[Listed]:
    if not isinstance(answer, dict):
        raise TypeError("an object was expected")
    entries = answer["Data"]["Files"] or []
    return [
        Listed(_path_of(entry["Path"]), _size_of(entry["Size"]), str(entry.get("Sha256") or ""))
        for entry in entries
        if entry.get("Type") != "tree"
    ]


def git_blob_of(content: bytes) -> str:
    """The name git gives to a content, by which a hub lists its small files."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
