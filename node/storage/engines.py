"""Engines for the two databases: one connection that writes and some that read.

SQLite: `synchronous=FULL` makes a commit survive a power cut, `wal_autocheckpoint=0` leaves checkpoints to the writer
(write_gate.py says why), readers are `query_only`. PostgreSQL needs none of this.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from node.errors import BadConfiguration

_POSTGRES_WRITERS = 4
"""Write transactions at once on PostgreSQL; appends to one log wait for each other's row lock anyway."""

_COMMON = (
    "PRAGMA busy_timeout=1000",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)
_WRITER = "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-65536", *_COMMON
# Readers: room for the inner pages of a log of ten million entries, 28 MB, so that a look-up reads leaf pages only.
_READER = "PRAGMA synchronous=FULL", "PRAGMA cache_size=-32768", *_COMMON, "PRAGMA query_only=ON"


@dataclass(frozen=True, slots=True)
class Engines:
    """`writer` runs transactions, `reader` single statements, each on its own snapshot. `file` is SQLite's file."""

    writer: AsyncEngine
    reader: AsyncEngine
    file: Path | None


def create_engines(url: str, connections: int, patience: float) -> Engines:
    """Engines for `sqlite:///path` or `postgresql://...` with at most so many reading connections.

    `patience`: seconds that a caller waits for a free connection. Raises BadConfiguration. Connects to nothing yet.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadConfiguration("database.url", _EXAMPLES) from None
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed.set(drivername="sqlite+aiosqlite"), connections, patience)
        case "postgresql":
            return _postgres(parsed.set(drivername="postgresql+asyncpg"), connections, patience)
    raise BadConfiguration("database.url", _EXAMPLES)


_TALKATIVE = "aiosqlite", "asyncpg", "sqlalchemy.engine"
"""Loggers that write values of statements or rows at DEBUG, identifiers of subjects among them: never below WARNING."""

_EXAMPLES = "write sqlite:///relative/path.db, sqlite:////absolute/path.db or postgresql://user@host/database"


def _sqlite(url: URL, connections: int, patience: float) -> Engines:
    if not url.database or url.database == ":memory:" or url.query:
        raise BadConfiguration("database.url", "SQLite needs a file without options: " + _EXAMPLES)
    file = Path(url.database).absolute()
    if not file.parent.is_dir():
        raise BadConfiguration("database.url", "the directory of the SQLite file does not exist; create it first")
    try:
        # Identifiers of subjects lie inside: for the node's user alone. WAL and lock file inherit the mode.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError:
        raise BadConfiguration(
            "database.url", "the SQLite file cannot be opened for writing; check its owner"
        ) from None
    shared: dict[str, Any] = {"poolclass": AsyncAdaptedQueuePool, "max_overflow": 0, "pool_timeout": patience}
    shared |= {"hide_parameters": True, "pool_reset_on_return": None, "connect_args": {"isolation_level": None}}
    writer = create_async_engine(url, pool_size=1, **shared)
    event.listen(writer.sync_engine, "connect", _pragmas(_WRITER))
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    # One more than asked for: Database holds one open for its whole life.
    reader = create_async_engine(
        url, pool_size=connections + 1, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, **shared
    )
    event.listen(reader.sync_engine, "connect", _pragmas(_READER))
    return Engines(writer, reader, file)


def _pragmas(statements: tuple[str, ...]) -> Callable[[Any, Any], None]:
    def apply(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    return apply


def _begin_immediate(connection: Connection) -> None:
    # The lock is taken at the start, not at the first write: no transaction reads what it then may not change.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: URL, connections: int, patience: float) -> Engines:
    mode = url.query.get("sslmode")
    if isinstance(mode, str):
        # What libpq calls sslmode is ssl in asyncpg, with the same values.
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    shared: dict[str, Any] = {
        "hide_parameters": True,
        "max_overflow": 0,
        "pool_timeout": patience,
        "connect_args": {
            "timeout": patience,
            "command_timeout": 60,
            "server_settings": {"application_name": "huxin", "lock_timeout": str(int(patience * 1000))},
        },
    }
    return Engines(
        create_async_engine(url, pool_size=_POSTGRES_WRITERS, **shared),
        create_async_engine(
            url, pool_size=connections, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, **shared
        ),
        None,
    )
