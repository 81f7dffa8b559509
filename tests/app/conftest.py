from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import nodes
from tests.support.databases import database, database_url, migrated_template, postgres
from tests.support.nodes import TestJurisdiction

__all__ = ["database", "database_url", "migrated_template", "postgres"]


@pytest.fixture
def guizhou(tmp_path: Path) -> TestJurisdiction:
    """Founded, with nobody known but itself."""
    return nodes.found(tmp_path, "520000")


@pytest.fixture
def shanxi(tmp_path: Path) -> TestJurisdiction:
    return nodes.found(tmp_path, "140000")
