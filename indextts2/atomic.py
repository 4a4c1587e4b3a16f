"""Files that are written as a whole or not at all. Every writer of the library and of the nodes goes through here.

The content goes into a hidden file beside its place, reaches the disk, and then takes the place in one step. Whatever
fails on the way, a full disk included, the old file stays as it was and nothing else is left behind. What a killed
process left is taken over by the next one that writes the same file; two at a time do not mix.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import IndexTTS2Error, InputError
from .foreign import shown

SUFFIX = ".part"
HALF = "backslashreplace"  # of what UTF-8 cannot hold, such as bytes of odd file names; in JSON it is their escape
NAME_CHARACTERS = 40  # of the file's name in that of the hidden one, so that the longest name still has a neighbour
SHOWN = 300  # characters of a path in a message
MOST_WRITERS = 16  # processes that may write the same file at the same time
FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)
FULL_BYTES = 4096  # a file system with less than one block free is full, whatever a package made of the error


@contextmanager
def replacing(path: str | Path, error: type[IndexTTS2Error] = InputError) -> Iterator[BinaryIO]:
    """A file to write to, which becomes `path` when the block ends without an exception.

    A link is followed. A device or a pipe, which cannot be replaced, is written to directly. Raises `error` where the
    file cannot be written, naming it and, when the disk is full, the space that is left; other exceptions pass.
    """
    target = _real(path, error)
    if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
        with target.open("wb") as device:
            yield device
        return
    kept: tuple[BinaryIO, Path] | None = None
    try:
        kept = file, beside = _claimed(target)
        yield file
        file.flush()
        os.fsync(file.fileno())
        with suppress(OSError):  # a mode is kept where the file system has modes
            shutil.copymode(target, beside)
        _put(file, beside, target)
    except BaseException as failure:
        full = _is_full(failure, target.parent)
        if kept:
            _discard(*kept)
        if full or isinstance(failure, OSError):
            raise _failed(target, failure, full, error) from failure
        raise
    finally:
        if kept:
            kept[0].close()


def write_bytes(path: str | Path, content: bytes, error: type[IndexTTS2Error] = InputError) -> None:
    """A whole file of bytes. Raises `error`."""
    with replacing(path, error) as file:
        file.write(content)


def write_text(path: str | Path, text: str, error: type[IndexTTS2Error] = InputError) -> None:
    """A whole file of UTF-8, its line ends as they are in the text; half characters are escaped. Raises `error`."""
    write_bytes(path, text.encode("utf-8", HALF), error)


def append_text(path: str | Path, text: str, error: type[IndexTTS2Error] = InputError) -> None:
    """More text at the end of a file, all of it or none. Raises `error`."""
    target = Path(path)
    before = target.stat().st_size if target.is_file() else None
    try:
        with target.open("ab") as file:
            file.write(text.encode("utf-8", HALF))
            file.flush()
            os.fsync(file.fileno())
    except OSError as failure:
        full = _is_full(failure, target.parent)
        with suppress(OSError):
            if before is None:
                target.unlink(missing_ok=True)
            else:
                os.truncate(target, before)
        raise _failed(target, failure, full, error) from failure


def copy_file(source: Path, target: Path, error: type[IndexTTS2Error] = InputError) -> None:
    """A copy of a file's content; nothing happens where both are the same file. Raises `error`."""
    if os.path.realpath(source) == os.path.realpath(target):
        return
    with source.open("rb") as original, replacing(target, error) as copy:
        shutil.copyfileobj(original, copy, 1 << 20)


def copy_tree(source: Path, target: Path, error: type[IndexTTS2Error] = InputError) -> None:
    """A copy of every file of a folder; each is whole or not there. Raises `error`."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            make_folder(place.parent, error)
            copy_file(path, place, error)


def make_folder(folder: Path, error: type[IndexTTS2Error] = InputError) -> None:
    """A folder with those above it, where they are not there yet. Raises `error`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as failure:  # ValueError: a NUL or half a character in the name
        reason = getattr(failure, "strerror", None) or str(failure)
        raise error(f"{shown_path(folder)} cannot be made a folder ({reason}). Choose another place.") from failure


def free_space(folder: Path) -> str:
    """Bytes free where a folder lies, in words; of the nearest folder above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB free in {folder}"


def shown_path(path: Path) -> str:
    """A path in a message, cut where nobody would read it to its end."""
    text = str(path)
    return text if len(text) <= SHOWN and text.isprintable() else shown(text, SHOWN)


def _real(path: str | Path, error: type[IndexTTS2Error]) -> Path:
    """The path behind links. Raises `error` for a name that no file has."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as failure:
        raise error(f"{shown(str(path), SHOWN)} cannot be written ({failure}). Choose another name.") from failure


def _claimed(target: Path) -> tuple[BinaryIO, Path]:
    """An empty file beside the target that no other living process writes, and its path."""
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    for number in range(MOST_WRITERS):
        beside = target.with_name(f".{target.name[:NAME_CHARACTERS]}.{number}{SUFFIX}")
        file = _exclusive(beside)
        if file is not None:
            return file, beside
    raise OSError(errno.EBUSY, f"{MOST_WRITERS} programs are writing it")


def _exclusive(path: Path) -> BinaryIO | None:
    """The file, empty and ours alone; None while another one writes it."""
    if os.name == "nt":  # there, a file that is open cannot be removed
        try:
            path.unlink(missing_ok=True)
            return path.open("xb")
        except FileExistsError:
            return None
        except PermissionError:
            if path.exists():
                return None
            raise
    import fcntl

    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        same = False
    except OSError:  # a file system without locks
        same = True
    if not same:  # another one writes it, or has just put it in its place
        file.close()
        return None
    file.truncate(0)
    return file


def _put(file: BinaryIO, beside: Path, target: Path) -> None:
    if os.name == "nt":
        file.close()
    os.replace(beside, target)  # elsewhere the lock is held until the name is gone


def _discard(file: BinaryIO, beside: Path) -> None:
    with suppress(OSError):
        if os.name == "nt":
            file.close()
        beside.unlink(missing_ok=True)
    with suppress(OSError):  # what is still in its buffer does not fit either
        file.close()


def _is_full(failure: BaseException, folder: Path) -> bool:
    """Whether an exception, or one behind it, came of a full disk. Packages hide that in errors of their own."""
    if not isinstance(failure, Exception) or isinstance(failure, IndexTTS2Error):
        return False
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def _failed(target: Path, failure: BaseException, full: bool, error: type[IndexTTS2Error]) -> IndexTTS2Error:
    kept = " The file that was there is unchanged." if os.path.isfile(target) else ""
    if full:
        return error(
            f"{target} cannot be written: the disk is full ({free_space(target.parent)}). Free some space, or write to "
            f"another folder.{kept}"
        )
    reason = getattr(failure, "strerror", None) or str(failure)
    return error(f"{shown_path(target)} cannot be written ({reason}). Check the folder and its permissions.{kept}")
