"""A founded jurisdiction, made once: founding is slow next to a command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.running import huxin


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Shanxi as `huxin init` leaves it. Do not change it: `home` is a copy."""
    home = tmp_path_factory.mktemp("cli") / "shanxi"
    result = huxin("init", "140000", "--contact", "值班室 0351-0000000", home=home)
    assert result.exit_code == 0, result.stderr
    return home


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    """A home of Shanxi that a test may change."""
    return Path(shutil.copytree(founded, tmp_path / "shanxi"))


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables keep their words on one line, whatever terminal the tests were started from (xdist tells its workers)."""
    monkeypatch.setenv("COLUMNS", "400")
