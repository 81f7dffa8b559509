"""`huxin log` in homes without a running node: what is said where there is little, and where much differs."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.app.storing import open_database
from node.cli import log as log_commands
from node.cli.failures import ExitCode
from node.config import Settings
from node.ledger.assembly import EntryDraft, assemble
from node.model.log import EntryKind, LogHead
from node.storage.log_store import LogStore
from tests.cli.running import huxin
from trust.keys import load
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.tree import Frontier

ORIGIN = "huxin/140000"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


async def _store(home: Path, settings: Settings, kind: EntryKind, entries: int = 5) -> None:
    """A log of entries that this version cannot read, filed as of that kind."""
    drafts = [EntryDraft(bytes([number]), bytes(32), kind) for number in range(entries)]
    batch = assemble(Frontier(), drafts)
    at = batch.frontier
    text = sign_head(ORIGIN, at.size, at.root(), load(home / "keys" / "log.key"))
    text = cosign(text, own_cosigner(ORIGIN), load(home / "keys" / "cosigner.key"), NOW)
    async with open_database(settings) as database:
        await LogStore(database).append(
            0, LogHead(ORIGIN, at.size, at.root(), text, NOW), batch.entries, batch.subtrees
        )


@pytest.mark.parametrize("words", [("show",), ("check",)])
def test_a_home_without_a_log_is_in_order(home: Path, words: tuple[str, ...]) -> None:
    result = huxin("log", *words, home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "No log is stored here yet" in result.stdout
    proof = huxin("log", "prove", "0", home=home)
    assert proof.exit_code == ExitCode.USAGE
    assert "No log huxin/140000 is stored here" in proof.stderr


def test_differences_beyond_what_anybody_reads_are_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(home / "huxin.toml", {})
    asyncio.run(_store(home, settings, EntryKind.OTHER))
    # Each of the five digests is wrong: nothing was hashed.
    monkeypatch.setattr(log_commands, "MOST_TOLD", 3)
    result = huxin("log", "check", home=home)
    assert result.exit_code == ExitCode.PROBLEMS
    assert result.stdout.count("摘要 digest") == 3
    assert "... and 2 more." in result.stdout
    found = json.loads(huxin("log", "check", "--json", home=home).stdout)
    assert (found["count"], len(found["differences"])) == (5, 3)
    assert found["logs"] == [{"origin": ORIGIN, "size": 5, "checked": 5}]


def test_a_root_that_the_entries_do_not_give_is_proven_nothing_about(home: Path) -> None:
    asyncio.run(_store(home, Settings.load(home / "huxin.toml", {}), EntryKind.OTHER))
    assert huxin("log", "prove", "--old-size", "2", home=home).exit_code == ExitCode.OK
    with closing(sqlite3.connect(home / "huxin.db")) as database, database:
        database.execute("UPDATE log_heads SET root = ?", (bytes(32),))
    for words in (("--old-size", "2"), ("4",)):
        refused = huxin("log", "prove", *words, home=home)
        assert (refused.exit_code, refused.stdout) == (ExitCode.REFUSED, "")
        assert "does not agree with itself" in refused.stderr


def test_a_database_of_another_program_is_not_touched(home: Path) -> None:
    database = home / "huxin.db"
    for path in home.glob("huxin.db*"):
        path.unlink()
    result = huxin("log", "check", home=home)
    assert result.exit_code == ExitCode.REFUSED
    assert "schema none" in result.stderr
    assert "huxin serve" in result.stderr
    database.write_bytes(b"no database at all, and long enough to be looked at as one" * 100)
    damaged = huxin("log", "check", home=home)
    assert damaged.exit_code == ExitCode.REFUSED
    assert "restore it from a backup" in damaged.stderr


def test_of_a_log_without_entries_no_index_below_zero_is_asked_for(home: Path) -> None:
    asyncio.run(_store(home, Settings.load(home / "huxin.toml", {}), EntryKind.OTHER, entries=0))
    refused = huxin("log", "prove", "0", home=home)
    assert refused.exit_code == ExitCode.USAGE
    assert "The log huxin/140000 has no entries yet" in refused.stderr
    assert "numbered from 0" not in refused.stderr
