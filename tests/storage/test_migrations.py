"""What a migration computes from rows that were there before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from node.ledger.assembly import EntryDraft, assemble, load_frontier
from node.model.log import EntryKind, LogEntry, LogHead, SubtreeRoot
from node.storage import upgrade
from node.storage.bulk import insert_rows
from node.storage.database import Database
from node.storage.log_store import LogStore, insert_batch
from tests.storage.samples import ORIGIN, sample_entry, sample_head
from trust.log.tree import STORED_LEVELS, Frontier

BEFORE_LOGS_OF_MILLIONS = "0002"


def _migrate_to(connection: Connection, revision: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(upgrade.__file__).parent / "migrations"))
    command.upgrade(config, revision)


async def _store_as_before(
    database: Database, head: LogHead, entries: Sequence[LogEntry], subtrees: Sequence[SubtreeRoot]
) -> None:
    """A log as the schema of that time held it."""
    async with database.write() as connection:
        row = (head.origin, head.size, head.root, head.checkpoint, 0)
        await insert_rows(connection, "log_heads", ("origin", "size", "root", "checkpoint", "fresh_at"), [row])
        await insert_batch(connection, head.origin, entries, subtrees)


@pytest.mark.parametrize("size", [0, 15, 16, 4_500])
async def test_a_log_of_before_gets_the_levels_between(empty_database_url: str, size: int) -> None:
    database = await Database.open(empty_database_url)
    store = LogStore(database)
    async with database.write() as connection:
        await connection.run_sync(_migrate_to, BEFORE_LOGS_OF_MILLIONS)
    samples = [sample_entry(index, size=50) for index in range(size)]
    drafts = [EntryDraft(each.entry, each.digest, EntryKind.ATTESTATION, each.report_number) for each in samples]
    batch = assemble(Frontier(), drafts)
    of_before = [root for root in batch.subtrees if root.level in {8, 16, 24, 32}]
    await _store_as_before(database, sample_head(size), batch.entries, of_before)
    other = "huxin/520000"  # a second log: levels are of one log each
    await _store_as_before(database, sample_head(min(size, 1), other), [sample_entry(0, other)] if size else [], ())

    await database.migrate()

    for level in STORED_LEVELS:
        expected = [root.hash for root in batch.subtrees if root.level == level]
        assert await store.subtree_roots(ORIGIN, level, 0, size + 1) == expected
        assert await store.subtree_roots(other, level, 0, size + 1) == []
    assert await load_frontier(store, ORIGIN, size) == batch.frontier
    keys = [(ORIGIN, each.digest, each.report_number) for each in samples[-3:]]
    assert [view.entry for view in (await store.find_by_digests(keys)).values()] == [s.entry for s in samples[-3:]]
    await database.close()
