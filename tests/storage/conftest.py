from __future__ import annotations

from collections.abc import Iterator

import pytest

from node.storage.database import Database
from tests.support.databases import (
    Statements,
    database,
    database_url,
    empty_database_url,
    migrated_template,
    postgres,
    statements_of,
)

__all__ = ["database", "database_url", "empty_database_url", "migrated_template", "postgres"]


@pytest.fixture
def count_statements(database: Database) -> Iterator[Statements]:
    """The statements that this database runs from now on, with their parameters."""
    with statements_of(database) as statements:
        yield statements
