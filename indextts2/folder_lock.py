"""One command at a time in an output folder: a second one is refused by name.

The system holds the lock and lets go of it when its process ends, however that ends, so none is ever left behind. The
file it hangs on says who holds it, and goes when the work is done.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .atomic import make_folder
from .errors import IndexTTS2Error, InputError

logger = logging.getLogger(__name__)

NAME = ".lock"
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
LOCKED_BYTE = 1 << 20  # far behind what the file says, since Windows refuses to read a locked byte
SHOWN = 80  # characters of the file in a message


@contextmanager
def only_process(folder: Path, error: type[IndexTTS2Error] = InputError) -> Iterator[None]:
    """The only command that writes to a folder, which is made, until the block ends.

    Raises `error` where another process holds the folder, or where it cannot be written. On a file system without locks
    a warning says so, and nothing is kept out.
    """
    make_folder(folder, error)
    file = _taken(folder / NAME, error)
    try:
        yield
    finally:
        if file is not None:
            _release(file, folder / NAME)


def _taken(path: Path, error: type[IndexTTS2Error]) -> BinaryIO | None:
    """The locked file; None on a file system without locks."""
    while True:
        try:
            file = path.open("a+b")
        except OSError as failure:
            raise error(f"{path.parent} cannot be written ({failure.strerror}). Check its permissions.") from failure
        try:
            _lock(file)
            if path.exists() and (os.name == "nt" or os.path.samestat(os.fstat(file.fileno()), path.stat())):
                with suppress(OSError):  # a full disk: who holds it stays unsaid
                    file.truncate(0)
                    file.write(f"process {os.getpid()} of {socket.gethostname()}\n".encode())
                    file.flush()
                return file
        except FileNotFoundError:  # its holder removed it between two looks
            pass
        except OSError as failure:
            if failure.errno in HELD:
                holder = _holder(file)
                file.close()
                raise error(
                    f"{path.parent} is being written by {holder}. Wait until it is done, or name another folder."
                ) from failure
            file.close()
            logger.warning("%s lies on a file system without locks; let only one command write to it.", path.parent)
            return None
        file.close()  # its holder has just removed it


def _holder(file: BinaryIO) -> str:
    try:
        file.seek(0)
        said = file.read(SHOWN).decode("utf-8", "replace").strip()
    except OSError:
        said = ""
    return f"another command ({said})" if said else "another command"


def _release(file: BinaryIO, path: Path) -> None:
    with suppress(OSError):
        if os.name == "nt":  # there, a file that is open cannot be removed
            _unlock(file)
            file.close()
        path.unlink(missing_ok=True)
    with suppress(OSError):
        file.close()


def _lock(file: BinaryIO) -> None:
    if os.name == "nt":
        import msvcrt

        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        file.seek(0)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file: BinaryIO) -> None:
    import msvcrt

    file.seek(LOCKED_BYTE)
    msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
