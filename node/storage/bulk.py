"""Raw statements for the hot paths: rows in bulk, and look-ups of many keys at once.

SQLAlchemy Core spends more on building and compiling such a statement than the database on running it. These go through
the same connections (`exec_driver_sql`), so transactions, pools and errors stay one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.subject import SubjectRef

_POSTGRES_TYPES: dict[type, str] = {str: "text", bytes: "bytea", int: "bigint"}


async def insert_rows(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert tuples in column order. Table and columns are names from this package, never input."""
    if rows:
        await connection.exec_driver_sql(insert_statement(connection.dialect.name, table, columns), list(rows))


def insert_statement(dialect: str, table: str, columns: Sequence[str]) -> str:
    """One row into a table; names are this package's own."""
    marks = ["?" if dialect == "sqlite" else f"${number}" for number in range(1, len(columns) + 1)]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(marks)})"  # noqa: S608 - own names


async def upsert_rows(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or replace all values of those whose primary key is there."""
    if not rows:
        return
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    changes = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    await connection.execute(insert.on_conflict_do_update(index_elements=table.primary_key.columns, set_=changes), rows)


def of_subjects(table: Table, refs: Sequence[SubjectRef]) -> ColumnElement[bool]:
    """Condition for rows of these subjects. A superset where identifiers of two registers are equal: callers filter.

    SQLite scans the whole table for `(id_type, id) IN (...)`, but uses the primary key for one IN per column.
    """
    types = sorted({ref.id_type.value for ref in refs})
    return and_(table.c.id_type.in_(types), table.c.id.in_([ref.id for ref in refs]))


def key_table(dialect: str, columns: dict[str, type], keys: Sequence[tuple[Any, ...]]) -> tuple[str, tuple[Any, ...]]:
    """A common table expression `keys(columns...)` holding `keys`, and its parameters.

    On SQLite the number of rows is rounded up to a power of two with rows of NULL, which equal nothing, so that few
    different statements are prepared; PostgreSQL gets one array per column and always the same statement.
    """
    names = ", ".join(columns)
    if dialect == "sqlite":
        size = 1 << (len(keys) - 1).bit_length()
        row = f"({', '.join('?' * len(columns))})"
        filler = (None,) * (len(columns) * (size - len(keys)))
        parameters = tuple(value for key in keys for value in key) + filler
        return f"WITH keys({names}) AS (VALUES {', '.join([row] * size)})", parameters
    arrays = ", ".join(f"${n}::{_POSTGRES_TYPES[kind]}[]" for n, kind in enumerate(columns.values(), 1))
    return (
        f"WITH keys AS (SELECT * FROM unnest({arrays}) AS k({names}))",  # noqa: S608 - own names
        tuple(list(column) for column in zip(*keys, strict=True)),
    )
