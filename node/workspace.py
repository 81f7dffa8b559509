"""The folder in which one piece of work is done: removed when it ends, and by the next work where it could not end.

A process that is killed leaves its folder behind. Nobody reads it again (what counts is in the database alone), yet
hundreds of them would fill the disk. Each folder is locked by the process that works in it, and the lock ends with
the process, so that whoever comes next can tell what is left over from what is in use.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "huxin-work-"


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder of our own below the system's folder for temporary files. Raises OSError where none can be."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Between the two calls another process may take it for abandoned: then there is none any more, or no lock.
        with suppress(BlockingIOError, FileNotFoundError):
            lock = _locked(folder)
            if os.fstat(lock).st_nlink:
                return folder, lock
            os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(where: Path) -> None:
    """Removes our own folders whose process has gone. Whatever is another user's, or no folder, stays."""
    for folder in where.glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = _locked(folder)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _locked(folder: Path) -> int:
    """A descriptor of a folder that nobody else has locked. Raises OSError where somebody has."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
