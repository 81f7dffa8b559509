"""`huxin log close` and `found`, `huxin trust succeed`: what the people of a recovery type and read."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node.app.storing import open_database
from node.cli.failures import ExitCode
from node.cli.tables import in_groups
from node.config import Settings
from node.model.log import EntryKind
from node.model.witnesses import SplitNotes, SplitView
from node.storage.witness_store import WitnessStore
from tests.cli.running import huxin
from tests.cli.test_log import NOW, _store
from trust.keys import load
from trust.log.succession import read_succession

SUCCESSION = "shanxi.json"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shanxi's home with a log of five entries, three of them in both histories, and a ceremony that it is part of."""
    asyncio.run(_store(home, Settings.load(home / "huxin.toml", {}), EntryKind.OTHER))
    asyncio.run(show_split(home, "520000", 4))
    asyncio.run(show_split(home, "620100", 3))
    monkeypatch.chdir(tmp_path)
    for use in ("root", "snapshot", "timestamp", "registry"):
        done(huxin("trust", "key", "new", use))
    done(
        huxin(
            *("trust", "root", "init", "--holder", "140000=root.pub", "--threshold", "1", "--allow-single"),
            *("--coordinator", "140000", "--snapshot", "snapshot.pub", "--timestamp", "timestamp.pub", "--folder", "c"),
        )
    )
    done(huxin("trust", "delegate", "140000", "--key", "registry.pub", "--folder", "c"))
    return home


async def show_split(home: Path, by: str, agreed: int, origin: str = "huxin/140000") -> None:
    """A peer has shown another history of a log."""
    async with open_database(Settings.load(home / "huxin.toml", {})) as database:
        notes = SplitNotes("one", "two", bytes(32), ())
        await WitnessStore(database).keep_split(SplitView(origin, by, NOW, agreed, notes))


def done(result: Any) -> str:
    assert result.exit_code == ExitCode.OK, result.output
    return str(result.stdout)


def close(home: Path, *more: str | Path, entries: str = "3") -> Any:
    return huxin("log", "close", "--entries", entries, "-o", SUCCESSION, *more, home=home)


def test_what_is_to_be_signed_off_is_written_and_shown(desk: Path) -> None:
    told = done(close(desk))
    made = read_succession(Path(SUCCESSION).read_bytes())
    assert (made.predecessor, made.size, made.origin) == ("huxin/140000", 3, "huxin/140000/2")
    assert made.new_head_key.key_id == load(desk / "keys" / "log.key").key_id
    for said in (
        "止于第 3 条",
        in_groups(made.root.hex()),
        in_groups(made.digest.hex()),
        "huxin trust succeed shanxi.json",
    ):
        assert said in told

    shown = done(huxin("trust", "succeed", SUCCESSION, "--folder", "c"))
    for said in ("日志关闭 closed log huxin/140000", in_groups(made.root.hex()), in_groups(made.digest.hex()), "注意"):
        assert said in shown
    document = json.loads(done(huxin("trust", "root", "show", "c/1.targets.json", "--json")))[0]
    (fact,) = [fact for fact in document["facts"] if fact["topic"] == "succession"]
    assert fact["name"] == "huxin/140000"
    assert "huxin/140000/2 after 3 entries" in fact["value"]
    again = huxin("trust", "succeed", SUCCESSION, "--folder", "c")
    assert again.exit_code == ExitCode.USAGE
    assert "already" in again.stderr


def test_new_keys_are_named_by_their_public_halves(desk: Path) -> None:
    for name in ("log", "cosigner"):
        done(huxin("trust", "key", "new", "root", "-o", f"{name}.key"))
    told = json.loads(done(close(desk, "--log-key", "log.pub", "--cosigner-key", "cosigner.pub", "--json")))
    made = read_succession(Path(SUCCESSION).read_bytes())
    assert [made.new_head_key.key_id, made.new_cosigner.key_id] == [
        load(Path(f"{n}.key")).key_id for n in ("log", "cosigner")
    ]
    assert (told["origin"], told["entries"], told["digest"]) == (made.origin, 3, made.digest.hex())


def test_beyond_what_our_own_evidence_says_is_agreed_it_warns_and_wants_to_be_told(desk: Path) -> None:
    result = close(desk, entries="4")
    assert result.exit_code == ExitCode.USAGE
    assert "agree for 3 entries only, and 4 lies beyond" in result.stderr
    assert "--entries 3" in result.stderr
    assert "--yes" in result.stderr
    assert not Path(SUCCESSION).exists()
    result = close(desk, "--yes", "--json", entries="4")
    assert "agree for 3 entries only" in result.stderr
    told = json.loads(done(result))
    assert (told["entries"], told["agreed_size"]) == (4, 3)
    assert read_succession(Path(SUCCESSION).read_bytes()).size == 4


def test_one_entry_is_told_as_one(desk: Path) -> None:
    asyncio.run(show_split(desk, "210000", 1))
    assert "agree for 1 entry only, and 3 lies beyond" in close(desk).stderr


@pytest.mark.parametrize(("answer", "code"), [("y", ExitCode.OK), ("n", ExitCode.PROBLEMS), ("", ExitCode.PROBLEMS)])
def test_a_person_is_asked(desk: Path, answer: str, code: ExitCode) -> None:
    """At a terminal, as somebody types it."""
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    run = subprocess.run(
        [sys.executable, "-m", "node", "--home", desk, "log", "close", "--entries", "5", "-o", SUCCESSION],
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(ours)
    os.close(theirs)
    assert (run.returncode, Path(SUCCESSION).exists()) == (code, code == ExitCode.OK), run.stderr
    assert "agree for 3 entries only" in run.stderr
    assert "Write it all the same?" in run.stderr


@pytest.mark.parametrize("entries", ["0", "3"])
def test_within_what_is_agreed_nothing_is_asked(desk: Path, entries: str) -> None:
    result = close(desk, entries=entries)
    done(result)
    assert result.stderr == ""


def test_without_any_evidence_of_our_own_log_it_warns_and_wants_to_be_told(home: Path, tmp_path: Path) -> None:
    asyncio.run(_store(home, Settings.load(home / "huxin.toml", {}), EntryKind.OTHER))
    asyncio.run(show_split(home, "620100", 5, "huxin/520000"))
    at = tmp_path / SUCCESSION
    words = ("log", "close", "--entries", "0", "-o", at)
    result = huxin(*words, home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "No evidence of a second history" in result.stderr
    assert not at.exists()
    told = json.loads(done(huxin(*words, "--yes", "--json", home=home)))
    assert told["agreed_size"] is None
    assert at.exists()


def test_what_cannot_be_is_refused_with_what_to_do(desk: Path) -> None:
    result = close(desk, entries="6")
    assert result.exit_code == ExitCode.USAGE
    assert "has 5 entries" in result.stderr
    result = huxin("log", "found", home=desk)
    assert result.exit_code == ExitCode.USAGE
    assert "names no successor of huxin/140000" in result.stderr
    assert "huxin trust refresh" in result.stderr
    Path("other.json").write_text("{}", encoding="utf-8")
    result = huxin("trust", "succeed", "other.json", "--folder", "c")
    assert result.exit_code != ExitCode.OK
    assert "other.json" in result.stderr


def test_a_home_without_a_log_has_nothing_to_close(home: Path, tmp_path: Path) -> None:
    result = huxin("log", "close", "--entries", "0", "-o", tmp_path / "x", home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "nothing to close" in result.stderr
