"""Fixtures: every test that asks for `database` runs on a real SQLite and on a real PostgreSQL.

Import what is needed into a conftest.py: `from tests.support.databases import *` names them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from node.storage.database import Database
from tests.support.postgres import PostgresMissing, PostgresServer

__all__ = ["database", "database_url", "empty_database_url", "migrated_template", "postgres"]

Statements = list[tuple[str, Any]]
"""Statements with their parameters."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    try:
        server = PostgresServer()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> str:
    """Name of a migrated PostgreSQL database to copy: a copy takes less time than a migration."""
    name = postgres.create()
    asyncio.run(_migrate(postgres.url(name)))
    return name


async def _migrate(url: str) -> None:
    database = await Database.open(url)
    await database.migrate()
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/node.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database of this test's own; processes that the test starts may open it as well."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/node.db"
        asyncio.run(_migrate(url))
        yield url
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create(request.getfixturevalue("migrated_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, open, empty database."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@contextmanager
def statements_of(database: Database) -> Iterator[Statements]:
    """The statements that this database runs from now on, with their parameters."""
    statements: Statements = []
    fetch = database.fetch

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        statements.append((statement, parameters))

    async def noted(query: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
        statements.append((query, parameters))
        return await fetch(query, parameters)

    engines = [engine.sync_engine for engine in (database._reader, database._writer)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    if database.dialect == "sqlite":  # goes past the engines' cursors
        database.fetch = noted  # type: ignore[method-assign]
    yield statements
    database.fetch = fetch  # type: ignore[method-assign]
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
