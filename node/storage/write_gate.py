"""One writer at a time on an SQLite file, across tasks and processes.

SQLite before 3.51.3 (this includes Debian's 3.40.1) can corrupt a database when one connection resets the write-ahead
log while another one writes or checkpoints ("WAL-reset bug"). SQLite's own locks do not exclude that. So everything
that writes, checkpoints, or closes what may be the last connection holds this gate: an asyncio lock among the tasks of
a process, and `flock` on `<database>.lock` among processes (`huxin ingest` beside a running node). The kernel frees the
lock when a process dies, so a killed writer blocks nobody. Readers never need the gate: they are `query_only` and
never checkpoint (`wal_autocheckpoint=0` on every connection).

The lock file is never deleted (deleting it would let two processes lock two different files of one name), must lie on a
local disk, and the database MUST be opened after any fork: a forked child would share the lock.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from types import TracebackType

from node.storage.errors import StorageUnavailable

_RETRY_SECONDS = 0.002
"""Pause between attempts: short beside a commit (about 0.2 ms of fsync and more), free beside an idle loop."""


class WriteGate:
    """Async context manager that is held by one task of one process at a time. Not reentrant.

    `patience` is how many seconds a caller waits before StorageUnavailable.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._patience = patience
        self._turn = asyncio.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    async def __aenter__(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
                try:
                    await self._lock_file()
                except BaseException:
                    self._turn.release()
                    raise
        except TimeoutError:
            raise StorageUnavailable("WRITE_GATE_TIMEOUT") from None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._turn.release()

    async def _lock_file(self) -> None:
        # Attempts that never block the event loop; a thread blocked in flock could not be cancelled.
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    def close(self) -> None:
        """Give the file back; the gate cannot be used afterwards."""
        os.close(self._file)
