from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.support.databases import database, database_url, migrated_template, postgres

__all__ = ["database", "database_url", "migrated_template", "postgres"]


@pytest.fixture
def store(database: Database) -> LogStore:
    return LogStore(database)


@pytest.fixture
async def other_store(database: Database, database_url: str) -> AsyncIterator[LogStore]:
    """The same database as another replica of the node sees it: connections of its own."""
    assert database.dialect in database_url
    opened = await Database.open(database_url)
    yield LogStore(opened)
    await opened.close()
