from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from node.storage.database import Database
from tests.issuance.world import Issuing, issuing_in
from tests.support.databases import database, database_url, migrated_template, postgres

__all__ = ["database", "database_url", "migrated_template", "postgres"]


@pytest.fixture
async def issuing(database: Database) -> AsyncIterator[Issuing]:
    """Shanxi's issuing, with one registered enterprise and no deliveries yet."""
    async with issuing_in(database) as world:
        yield world
