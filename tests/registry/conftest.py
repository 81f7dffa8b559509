from __future__ import annotations

from tests.support.databases import database, database_url, empty_database_url, migrated_template, postgres

__all__ = ["database", "database_url", "empty_database_url", "migrated_template", "postgres"]
