"""What becomes of a driver's error: a sentence for the caller, a code for the operator, and never a value.

HuxinError (node/errors.py)
└── NotReady
    └── StorageUnavailable   locked, unreachable, full, read-only: a later retry can help
Exception
└── StorageFault             a broken constraint or statement: a defect, or a file that is damaged

Driver texts are cut off (`from None`), not only hidden: PostgreSQL's DETAIL repeats the values of the row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from node.errors import NotReady

_SQLITE_RETRY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }
)
"""Primary result codes (the low byte) of https://www.sqlite.org/rescode.html after which a retry can help."""

_POSTGRES_RETRY = ("08", "25006", "28", "3D000", "40", "53", "55P03", "57", "58")
"""SQLSTATE prefixes (PostgreSQL appendix A): connection, read-only standby, access, rollback, resources, shutdown."""


class StorageUnavailable(NotReady):
    """The database cannot be used at the moment. `code` is the driver's code, for logs."""

    def __init__(self, code: str) -> None:
        super().__init__(
            "STORAGE_UNAVAILABLE",
            "The node's database is busy, full or out of reach. Try again in a few seconds, with the same request_id.",
        )
        self.code = code


class StorageFault(Exception):
    """The database refused a statement: a defect here or a damaged database. Holds the driver's code only."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the database refused a statement (code {code}); see the database's own log")
        self.code = code


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn whatever a driver raises inside into StorageUnavailable or StorageFault, without its text or values."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _translated(error) from None
    except sqlite3.Error as error:  # of a statement that went to the driver itself
        raise _of_sqlite(error) or StorageFault(type(error).__name__) from None
    except exc.TimeoutError:
        raise StorageUnavailable("POOL_TIMEOUT") from None
    except exc.StatementError as error:
        # A value that its column's type does not take: the original text repeats it.
        raise StorageFault(type(error.orig).__name__) from None
    except (OSError, TimeoutError) as error:
        raise StorageUnavailable(type(error).__name__) from None


def _translated(error: exc.DBAPIError) -> StorageUnavailable | StorageFault:
    original = error.orig
    of_sqlite = _of_sqlite(original)
    if of_sqlite is not None:
        return of_sqlite
    state = getattr(original, "sqlstate", None)
    if isinstance(state, str):
        return StorageUnavailable(state) if state.startswith(_POSTGRES_RETRY) else StorageFault(state)
    if error.connection_invalidated:
        return StorageUnavailable("DISCONNECTED")
    return StorageFault(type(error).__name__)


def _of_sqlite(error: BaseException | None) -> StorageUnavailable | StorageFault | None:
    number = getattr(error, "sqlite_errorcode", None)
    if not isinstance(number, int):
        return None
    name = str(getattr(error, "sqlite_errorname", number))
    return StorageUnavailable(name) if number & 0xFF in _SQLITE_RETRY else StorageFault(name)
