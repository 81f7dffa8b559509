from __future__ import annotations

import pytest

from tests.registry.forging import A, B
from tests.support.databases import database, database_url, empty_database_url, migrated_template, postgres
from tests.support.registry import Federation

__all__ = ["database", "database_url", "empty_database_url", "migrated_template", "postgres"]


@pytest.fixture
def federation() -> Federation:
    """Two jurisdictions that have published once."""
    return Federation(A, B)
