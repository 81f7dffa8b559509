from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import database, database_url, migrated_template, postgres
from tests.support.postgres import PostgresServer

__all__ = ["database", "database_url", "migrated_template", "postgres"]


@pytest.fixture
def postgres_urls(postgres: PostgresServer, migrated_template: str) -> Iterator[list[str]]:
    """`database.url` of two nodes, each with a migrated PostgreSQL database of its own."""
    names = [postgres.create(migrated_template) for _ in range(2)]
    yield [postgres.url(name).replace("://", "+asyncpg://", 1) for name in names]
    for name in names:
        postgres.drop(name)
