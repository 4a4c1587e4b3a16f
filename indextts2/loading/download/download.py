"""Download of the released checkpoint, on request only: listed, planned, checked for space, fetched, verified."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...checks import check_fields
from ...contracts import Progress, no_progress
from ...errors import CheckpointError
from ..find import machine_caches
from ..fingerprint import sha256_of
from ..official import cached_snapshot
from ..parts import AUXILIARY_FOLDER
from ..releases import OFFICIAL_KIND
from .fetch import PART_SUFFIX, SPARE_BYTES, DownloadTarget, fetch
from .hubs import HUGGING_FACE, Hub, Listed, git_blob_of, hub_of
from .published import CONFIG_PART, LICENCE_PART, PublishedFile, licence_file, published_files
from .sums import read_sums, write_sums
from .web import HttpClient, HttpFailure, RetryPolicy

REFRESH_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """Files that a download fetches, and their source."""

    source: str = HUGGING_FACE
    revision: str = ""  # empty for the newest
    parts: tuple[str, ...] = ()  # of `published.DOWNLOADABLE`, all when empty
    workers: int = 4  # files fetched at a time
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    kind: str = OFFICIAL_KIND  # of `releases.RELEASES`

    def __post_init__(self) -> None:
        check_fields(self, workers=(1, 64))


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """Outcome of a download: names of the files fetched and of those that were there, and the bytes fetched."""

    folder: Path
    fetched: tuple[str, ...]
    present: tuple[str, ...]
    bytes: int


def download_official(
    folder: Path, settings: DownloadSettings | None = None, progress: Progress = no_progress
) -> DownloadReport:
    """Bring the released files to `folder`, where `open_checkpoint` reads them. What is there and right stays.

    progress: (bytes here, bytes in all), called from this thread. Raises CheckpointError in one sentence.
    """
    settings = settings or DownloadSettings()
    client, hub = HttpClient(settings.retries), hub_of(settings.source, settings.revision)
    try:
        plan = _plan(folder, settings, hub, client)
        missing = {file: wanted for file, wanted in plan.items() if not _is_here(folder, file, wanted)}
        _check_space(folder, missing.values())
        counts = _run(folder, missing, settings, client, progress)
    except HttpFailure as failure:
        raise CheckpointError(
            f"The download stopped: {failure}. Run the same command again to go on, or try another --source."
        ) from failure
    present = tuple(file.local for file in plan if file not in missing)
    return DownloadReport(folder, tuple(file.local for file in missing), present, counts)


def _plan(
    folder: Path, settings: DownloadSettings, hub: Hub, client: HttpClient
) -> dict[PublishedFile, DownloadTarget]:
    """Every file with what the hub says of it; licence texts of the repositories come along."""
    files = published_files(settings.parts, settings.kind)
    plan: dict[PublishedFile, DownloadTarget] = {}
    for repository in dict.fromkeys(file.repository for file in files):
        listing = hub.listing(repository, client)
        own = [file for file in files if file.repository == repository]
        own += [file for path in listing if (file := licence_file(repository, path)) is not None]
        for file in own:
            listed = listing.get(file.path)
            if listing and listed is None:
                raise CheckpointError(
                    f"{hub.endpoint} has no {file.path} in {repository}. Try the other source, or another --revision."
                )
            plan[file] = _wanted(folder, file, hub, listed)
    return plan


def _wanted(folder: Path, file: PublishedFile, hub: Hub, listed: Listed | None) -> DownloadTarget:
    address, target = hub.address(file.repository, file.path), folder / file.local
    if listed is None:  # a mirror without listings: size and sum are those known here, if any
        return DownloadTarget(address, target, file.bytes, "" if hub.is_pinned else file.sha256)
    return DownloadTarget(address, target, listed.bytes, listed.sha256, listed.blob)


def _in_cache(file: PublishedFile, wanted: DownloadTarget) -> bool:
    """Whether this machine's Hugging Face cache holds an auxiliary file already, where `open_checkpoint` finds it."""
    if not file.local.startswith(AUXILIARY_FOLDER) or file.part == LICENCE_PART:
        return False
    snapshots = [cached_snapshot(cache, file.repository) for cache in machine_caches()]
    paths = [snapshot / file.path for snapshot in snapshots if snapshot is not None]
    return any(path.is_file() and path.stat().st_size == wanted.bytes for path in paths)


def _is_here(folder: Path, file: PublishedFile, wanted: DownloadTarget) -> bool:
    """Whether a file is in place and right; its sum is noted. Raises CheckpointError for another file of its name."""
    if not wanted.target.is_file():
        return _in_cache(file, wanted)
    sums = read_sums(folder)
    count, noted = wanted.target.stat().st_size, sums.get(file.local, "")
    if (wanted.bytes is None or wanted.bytes == count) and noted and noted == (wanted.sha256 or noted):
        return True
    if wanted.bytes is None or wanted.bytes == count:
        mark = sha256_of(wanted.target)
        same_blob = not wanted.blob or git_blob_of(wanted.target.read_bytes()) == wanted.blob
        if mark == (wanted.sha256 or mark) and same_blob:
            write_sums(folder, {**sums, file.local: mark})
            return True
    if file.part == LICENCE_PART:
        return False
    raise CheckpointError(
        f"{wanted.target} is there, but is not the published file. Move it away to get that one, or choose --to."
    )


def _check_space(folder: Path, missing: Collection[DownloadTarget]) -> None:
    """Raises CheckpointError when what is missing does not fit on the disk."""
    needed = sum(max((wanted.bytes or 0) - _here(wanted), 0) for wanted in missing)
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed and needed + SPARE_BYTES > free:
        raise CheckpointError(
            f"The download needs {needed / 1e9:.2f} GB more, but {place} has {free / 1e9:.2f} GB free. "
            "Free some space, or choose another folder with --to."
        )


def _here(wanted: DownloadTarget) -> int:
    return wanted.part.stat().st_size if wanted.part.is_file() else 0


def _run(
    folder: Path,
    missing: dict[PublishedFile, DownloadTarget],
    settings: DownloadSettings,
    client: HttpClient,
    progress: Progress,
) -> int:
    """Fetch side by side: the configuration first, by which a folder is known, then the largest; the first failure
    stops all. Returns the bytes that were fetched.
    """
    order = sorted(missing, key=lambda file: (file.part != CONFIG_PART, -(missing[file].bytes or 0)))
    here = {file: _here(missing[file]) for file in order}
    total = sum(missing[file].bytes or 0 for file in order)
    lock = threading.Lock()

    def one(file: PublishedFile) -> None:
        def report(count: int) -> None:
            here[file] = count

        mark = fetch(missing[file], client, report)
        with lock:
            write_sums(folder, {**read_sums(folder), file.local: mark})
        _drop_old_parts(missing[file])

    with _workers(settings.workers, client) as pool:
        jobs = [pool.submit(one, file) for file in order]
        _watch(jobs, lambda: progress(sum(here.values()), max(total, sum(here.values()), 1)))
    return sum(missing[file].target.stat().st_size for file in order)


@contextmanager
def _workers(count: int, client: HttpClient) -> Iterator[ThreadPoolExecutor]:
    """Threads that end with the block, however it ends."""
    pool = ThreadPoolExecutor(max(count, 1), thread_name_prefix="download")
    try:
        yield pool
    except BaseException:
        client.stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _watch(jobs: list[Future[None]], report: Callable[[], None]) -> None:
    """Wait for all, reporting on the way; raises what the first failed job raised."""
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=REFRESH_SECONDS, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        report()


def _drop_old_parts(wanted: DownloadTarget) -> None:
    """Parts of other versions of a file that is whole now."""
    for left in wanted.target.parent.glob(f"{wanted.target.name}.*{PART_SUFFIX}"):
        left.unlink(missing_ok=True)
