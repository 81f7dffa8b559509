"""The logs that `make bench-scale` measures are logs as appends make them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from node.ledger.assembly import assemble, load_frontier
from node.storage.database import Database
from node.storage.log_store import LogStore
from ops.bench.scale.__main__ import goals
from ops.bench.scale.appends import open_log
from ops.bench.scale.logs import CHUNK, SyntheticEntries, make_log, new_keys, signed_head
from ops.bench.scale.proofs import CALLS, measure
from tests.support.trust import key
from trust.log.checkpoint import open_checkpoint
from trust.log.tree import Frontier
from trust.statements import peek_entry

_LOG_TABLES = ("log_entries", "log_subtrees", "log_status")
KEYS = new_keys()


async def _rows(database: Database) -> dict[str, list[object]]:
    async with database.read() as connection:
        return {
            table: sorted((await connection.execute(text(f"SELECT * FROM {table}"))).all(), key=repr)  # noqa: S608
            for table in _LOG_TABLES
        }


async def test_a_log_made_in_bulk_has_the_rows_of_appends(tmp_path: Path) -> None:
    size = CHUNK + 500  # more than one chunk, and none of them whole
    told: list[int] = []
    await make_log(tmp_path / "bulk.db", size, KEYS, told.append)
    assert told == [CHUNK, 500]

    appended = await Database.open(f"sqlite:///{tmp_path}/appended.db")
    await appended.migrate()
    store, entries, frontier = LogStore(appended), SyntheticEntries(), Frontier()
    for start in range(0, size, 700):
        batch = assemble(frontier, entries.drafts(start, min(size, start + 700)))
        await store.append(frontier.size, signed_head(KEYS, batch.frontier), batch.entries, batch.subtrees)
        frontier = batch.frontier

    bulk = await Database.open(f"sqlite:///{tmp_path}/bulk.db")
    assert await _rows(bulk) == await _rows(appended)
    head = await LogStore(bulk).head(KEYS.origin)
    assert head is not None
    cosigners = {KEYS.cosigner_name: key("bench cosigner").public}
    signed = open_checkpoint(head.checkpoint, key("bench head").public, KEYS.origin, cosigners)
    loaded = await load_frontier(LogStore(bulk), KEYS.origin, size)
    assert (signed.size, signed.root) == (size, loaded.root())
    assert await LogStore(bulk).entries(KEYS.origin, size - 1, 10)
    await bulk.close()
    await appended.close()


def test_synthetic_entries_are_read_as_attestations_are() -> None:
    entries = SyntheticEntries()
    one, other = entries.draft(7), entries.draft(8)
    assert peek_entry(one.entry).report_number == one.report_number != other.report_number
    assert len(one.entry) == len(other.entry) == entries.bytes_each


async def test_commits_continue_the_log(tmp_path: Path) -> None:
    file = tmp_path / "log.db"
    await make_log(file, 300, KEYS, lambda _: None)
    log = await open_log(file)
    assert await log.commit(20) > 0
    head = await log.store.head(KEYS.origin)
    assert head is not None
    assert (head.size, head.root) == (320, log.frontier.root())
    await log.database.close()


async def test_every_goal_about_proofs_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In small, with everything checked that a long run checks: proofs that do not hold end it."""
    monkeypatch.setattr("ops.bench.scale.proofs.CALLS", {name: {1: 10, 64: 70} for name in CALLS})
    monkeypatch.setattr("ops.bench.scale.proofs.COLD_CALLS", 70)
    monkeypatch.setattr("ops.bench.scale.proofs.REPETITIONS", 2)
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None)
    file = tmp_path / "log.db"
    await make_log(file, 2_000, KEYS, lambda _: None)
    figures = await measure(file)
    wanted = {name for name in goals(10, 100) if name.startswith(("inclusion", "consistency", "ready"))}
    assert wanted
    assert wanted <= set(figures)
    assert all(value > 0 for value in figures.values())
