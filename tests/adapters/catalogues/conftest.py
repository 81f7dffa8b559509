"""Copies of real versions in which tests may change one thing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from node.adapters.catalogues.registry import BUILT_IN
from node.adapters.catalogues.shared_data import SharedData, load_shared

Edit = Callable[[str, str, str], None]
"""(file name, what, by what): replaces the first occurrence, which must exist."""


@pytest.fixture(scope="session")
def shared() -> SharedData:
    return load_shared()


@pytest.fixture
def shanxi(tmp_path: Path) -> Path:
    """A copy of Shanxi's version, to be spoilt."""
    return Path(shutil.copytree(BUILT_IN / "140000_shanxi" / "2025-237", tmp_path / "140000_shanxi" / "2025-237"))


@pytest.fixture
def edit(shanxi: Path) -> Edit:
    def replace_once(name: str, what: str, by: str) -> None:
        text = (shanxi / name).read_text("utf-8")
        assert what in text
        (shanxi / name).write_text(text.replace(what, by, 1), "utf-8")

    return replace_once
