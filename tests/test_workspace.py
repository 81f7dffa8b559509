"""The folder of a refresh: gone afterwards, also when the process that worked in it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.workspace import PREFIX, workspace

_WORKER = """
import signal
from node.workspace import workspace
with workspace() as folder:
    (folder / "timestamp.json").write_bytes(b"{}")
    print(folder, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, for this test and the processes that it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    """A process that works in a folder of its own."""
    process = subprocess.Popen([sys.executable, "-c", _WORKER], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def folder_of(worker: subprocess.Popen[str]) -> Path:
    assert worker.stdout is not None
    return Path(worker.stdout.readline().strip())


def test_it_is_ours_alone_and_gone_afterwards(temporary: Path) -> None:
    with workspace() as folder:
        assert folder.parent == temporary
        assert (folder.stat().st_mode & 0o777, list(folder.iterdir())) == (0o700, [])
        (folder / "inner").mkdir()
    with pytest.raises(RuntimeError), workspace():
        raise RuntimeError
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(temporary: Path, worker: subprocess.Popen[str]) -> None:
    left = folder_of(worker)
    with workspace() as folder:
        assert set(temporary.iterdir()) == {left, folder}  # it is at work
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert (left / "timestamp.json").exists()
    with workspace() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_folders_in_use_in_one_process_do_not_end_each_other(temporary: Path) -> None:
    with workspace() as first, workspace() as second:
        assert set(temporary.iterdir()) == {first, second}


def test_what_is_no_folder_of_ours_stays(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    (temporary / f"{PREFIX}file").touch()
    with workspace():
        pass
    assert (elsewhere / "precious").exists()
    assert {each.name for each in temporary.iterdir()} == {"elsewhere", f"{PREFIX}link", f"{PREFIX}file"}
