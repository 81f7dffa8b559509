"""A node's database: transactions that write, statements that read, and what keeps an SQLite file whole."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from node.storage.engines import Engines, create_engines
from node.storage.errors import storage_errors
from node.storage.schema import counters
from node.storage.upgrade import require_current, upgrade
from node.storage.write_gate import WriteGate

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""Size of the write-ahead log at which the writer copies it into the file: about 30 ms, measured; 16 MiB took 90 ms."""


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """Plain numbers for metrics. `wal_bytes` and `checkpoints_missed` are 0 on PostgreSQL."""

    writers: int
    writers_in_use: int
    readers: int
    readers_in_use: int
    wal_bytes: int
    checkpoints_missed: int


class Database:
    """An open database. Open it with `Database.open` in the event loop that uses it, after any fork."""

    def __init__(self, engines: Engines, gate: WriteGate | None) -> None:
        self._writer = engines.writer
        self._reader = engines.reader
        self._gate = gate
        self._wal = None if engines.file is None else Path(f"{engines.file}-wal")
        self._anchor: AsyncConnection | None = None
        self._checkpoint_at = CHECKPOINT_BYTES
        self._checkpoints_missed = 0

    @classmethod
    async def open(cls, url: str, *, connections: int = 4, patience: float = 10.0) -> Self:
        """Open `sqlite:///path` or `postgresql://...` with so many reading connections.

        `patience`: seconds to wait for a connection or for another process's write before StorageUnavailable.
        Raises BadConfiguration for an unusable URL, StorageUnavailable when the database cannot be reached.
        """
        engines = create_engines(url, connections, patience)
        with storage_errors():
            gate = None if engines.file is None else WriteGate(Path(f"{engines.file}.lock"), patience)
        database = cls(engines, gate)
        try:
            await database._connect()
        except BaseException:
            if gate is not None:
                gate.close()
            raise
        return database

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writer.dialect.name

    async def _connect(self) -> None:
        with storage_errors():
            # The first connection may have to recover the write-ahead log of a killed process: under the gate.
            async with self._exclusive():
                try:
                    async with self._writer.connect():
                        pass
                    if self._gate is not None:
                        # Kept open, so that no connection closed later on is the last one: closing that checkpoints.
                        self._anchor = await self._reader.connect()
                        await self._anchor.exec_driver_sql("SELECT count(*) FROM sqlite_schema")
                except BaseException:
                    await self._dispose()
                    raise

    async def migrate(self) -> None:
        """Bring the schema up to this program's version; nothing happens when it is there already.

        Raises NotReady (SCHEMA_TOO_NEW) when a newer program migrated the database.
        """
        # A crash here leaves the schema as it was: both databases do DDL inside the transaction.
        async with self.write() as connection:
            await connection.run_sync(upgrade)

    async def require_schema(self) -> None:
        """For whoever only reads: changes nothing.

        Raises NotReady (SCHEMA_TOO_OLD, SCHEMA_TOO_NEW) where `migrate` would change the schema or refuse.
        """
        async with self.read() as connection:
            await connection.run_sync(require_current)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction: committed and durable when the block ends well, rolled back when it raises.

        On SQLite one at a time across all processes. A caller cancelled during the commit learns of it after the end.
        Driver errors leave as StorageUnavailable or StorageFault.
        """
        with storage_errors():
            async with self._exclusive():
                connection = await self._writer.connect()
                try:
                    await connection.begin()
                    yield connection
                except BaseException:
                    await _to_the_end(connection.close())
                    raise
                await _to_the_end(self._commit(connection))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading. Each statement sees its own snapshot of what is committed."""
        with storage_errors():
            async with self._reader.connect() as connection:
                yield connection

    async def fetch(self, query: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
        """Rows of one raw statement, as tuples, for look-ups that callers wait for.

        On SQLite it goes to the driver's thread once; through SQLAlchemy's cursor it goes three times.
        """
        async with self.read() as connection:
            if self._gate is None:
                return (await connection.exec_driver_sql(query, parameters)).all()
            driver: Any = (await connection.get_raw_connection()).driver_connection
            rows: Sequence[Any] = await driver.execute_fetchall(query, parameters)
            return rows

    async def check_writable(self) -> None:
        """Commit a harmless change. Raises StorageUnavailable when the database is locked, full, gone or read-only."""
        # A crash here leaves a counter one higher or not: nobody reads its value.
        async with self.write() as connection:
            await connection.execute(
                update(counters).where(counters.c.name == "probe").values(value=counters.c.value + 1)
            )

    def statistics(self) -> PoolStatistics:
        """How the pools stand at this moment."""
        readers, readers_in_use = _pool(self._reader)
        anchors = 0 if self._anchor is None else 1
        return PoolStatistics(
            *_pool(self._writer),
            readers - anchors,
            readers_in_use - anchors,
            self._wal_bytes(),
            self._checkpoints_missed,
        )

    async def close(self) -> None:
        """Close every connection; on SQLite the write-ahead log is copied into the file if no other process reads it.

        Raises StorageUnavailable when another process writes all the while; then the process may simply end, and the
        next one to open the file recovers it.
        """
        with storage_errors():
            async with self._exclusive():
                await _to_the_end(self._dispose())
        if self._gate is not None:
            self._gate.close()

    async def _dispose(self) -> None:
        if self._anchor is not None:
            await self._anchor.close()
            self._anchor = None
        await self._reader.dispose()
        await self._writer.dispose()

    def _exclusive(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._gate is None else self._gate

    async def _commit(self, connection: AsyncConnection) -> None:
        try:
            # A crash before this line has answered nobody and leaves nothing of the transaction; after it, all of it.
            await connection.commit()
            if self._wal_bytes() >= self._checkpoint_at:
                await self._checkpoint(connection)
        finally:
            await connection.close()

    async def _checkpoint(self, connection: AsyncConnection) -> None:
        """Copy the write-ahead log into the file and empty it, unless a reader uses it. A crash here loses nothing.

        Never raises: the transaction before it is committed, and its caller must be told so.
        """
        driver: Any = (await connection.get_raw_connection()).driver_connection
        busy = True
        # A failure (a full disk) shows in `checkpoints_missed`; the next writes fail by themselves if it stays.
        with contextlib.suppress(sqlite3.Error):
            # Readers finish within milliseconds; a long one postpones the work to the next multiple of the size.
            await driver.execute_fetchall("PRAGMA busy_timeout=50")
            rows = await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = bool(rows[0][0])
            await driver.execute_fetchall("PRAGMA busy_timeout=1000")
        self._checkpoints_missed += busy
        self._checkpoint_at = CHECKPOINT_BYTES + (self._wal_bytes() if busy else 0)

    def _wal_bytes(self) -> int:
        try:
            return 0 if self._wal is None else self._wal.stat().st_size
        except FileNotFoundError:
            return 0


def _pool(engine: AsyncEngine) -> tuple[int, int]:
    pool = engine.pool
    if not isinstance(pool, QueuePool):
        raise TypeError("engines.py gives every engine a queue pool")
    return pool.size(), pool.checkedout()


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` even when the caller is cancelled meanwhile, then let the cancellation go on.

    So the gate is never given back while a driver thread is still committing.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
