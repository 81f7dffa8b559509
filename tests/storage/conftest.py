from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from node.storage.database import Database
from tests.support.databases import database, database_url, empty_database_url, migrated_template, postgres

__all__ = ["database", "database_url", "empty_database_url", "migrated_template", "postgres"]


@pytest.fixture
def count_statements(database: Database) -> Iterator[list[str]]:
    """The statements that this database's engines run from now on."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    for engine in (database._reader, database._writer):
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield statements
    for engine in (database._reader, database._writer):
        event.remove(engine.sync_engine, "before_cursor_execute", note)
