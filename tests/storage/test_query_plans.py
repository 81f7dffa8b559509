"""Look-ups stay look-ups: no query of a hot path reads a whole table (SQLite's planner is the weaker one)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.storage.database import Database
from node.storage.elsewhere_store import ElsewhereStore
from node.storage.inbox_store import InboxStore
from node.storage.log_store import LogStore
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from node.storage.report_store import ReportStore
from node.storage.sharing_store import SharingStore
from tests.storage.samples import NOW, ORIGIN, SUBJECT, sample_delivery, sample_row
from tests.support.databases import statements_of


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path}/node.db")
    await opened.migrate()
    yield opened
    await opened.close()


async def test_no_hot_query_scans_a_table(database: Database) -> None:
    with statements_of(database) as queries:
        logs, reports, records = LogStore(database), ReportStore(database), RecordStore(database)
        await logs.find_by_digests([(ORIGIN, b"a" * 32, "a"), (ORIGIN, b"b" * 32, "")])
        await logs.find_by_report_numbers([(ORIGIN, "a"), (ORIGIN, "b"), (ORIGIN, "c")])
        await logs.entries(ORIGIN, 5, 10)
        await logs.leaf_hashes(ORIGIN, 5, 10)
        await logs.subtree_roots(ORIGIN, 8, 5, 10)
        await logs.head(ORIGIN)
        await logs.hash_runs(ORIGIN, [(0, 0, 16), (4, 16, 32), (8, 0, 5)])
        await logs.last_sighting(ORIGIN)
        await logs.first_sightings([(ORIGIN, "", 5), (ORIGIN, "520000", 7)])
        await logs.liftings([(ORIGIN, b"a" * 32), (ORIGIN, b"b" * 32)])
        await reports.get("a")
        await reports.list_for_subject(SUBJECT, 10, "MS4y")
        await reports.status_changes("140000", [b"a" * 32, b"b" * 32])
        await reports.find_request("a", "b")
        await records.for_subjects([SUBJECT, SUBJECT])
        await records.delivery_version()
        await RegistrationStore(database).get_many([SUBJECT, SUBJECT])
    tables = ("log_", "reports", "requests", "records", "registrations", "counters", "e", "d", "s", "h", "t")
    async with database.read() as connection:
        for statement, parameters in queries:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = plan.scalars("detail").all()
            scans = [step for step in steps if step.startswith(tuple(f"SCAN {table}" for table in tables))]
            assert scans == [], statement
    assert len(queries) == 17


async def test_each_look_up_takes_the_index_made_for_it(database: Database) -> None:
    """Both indexes begin with the number: with the other one, a number signed a million times would cost a million."""
    logs = LogStore(database)
    with statements_of(database) as by_number:
        await logs.find_by_report_numbers([(ORIGIN, "a")])
    with statements_of(database) as by_digest:
        await logs.find_by_digests([(ORIGIN, b"a" * 32, "a")])
    for queries, wanted in (
        (by_number, "log_entries_by_report (origin=? AND report_number=?)"),
        (by_digest, "log_entries_by_digest (origin=? AND report_number=? AND digest=?)"),
    ):
        ((statement, parameters),) = queries
        async with database.read() as connection:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [step for step in plan.scalars("detail").all() if step.startswith("SEARCH d")]
        assert steps
        assert all(step.endswith(wanted) for step in steps)


async def test_leaf_hashes_of_proofs_come_from_their_index_alone(database: Database) -> None:
    """Their entries lie pages apart, and a proof in a long log would read most of those for itself."""
    with statements_of(database) as queries:
        await LogStore(database).hash_runs(ORIGIN, [(0, 0, 16), (4, 16, 32)])
    ((statement, parameters),) = queries
    async with database.read() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        assert any("COVERING INDEX log_entries_leaves" in step for step in plan.scalars("detail").all())


async def test_who_is_told_and_what_a_peer_asked_today_are_pieces_of_an_index(database: Database) -> None:
    """However many records, messages and words of peers there are."""
    shared, elsewhere = SharingStore(database), ElsewhereStore(database)
    await RecordStore(database).apply_delivery(sample_delivery(), [sample_row()])
    with statements_of(database) as queries:
        assert len((await shared.holdings("9114", 500, "520000"))[0]) == 1
        await shared.queued()
        await shared.list("", SUBJECT, 10, "uscc 91 140000")
        await elsewhere.list("", SUBJECT, 10, "uscc 91 140000")
        await elsewhere.list("140000", None, 10, "uscc 91 140000")
        await elsewhere.count("140000", 1_000)
        await InboxStore(database, "140000", 1).handled_since("520000", "report_request", NOW)
    steps: list[str] = []
    async with database.read() as connection:
        for statement, parameters in queries:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += plan.scalars("detail").all()
    # A page is as long as was asked; `queued` reads the index of what is queued, which is as small as the queues.
    allowed = ("SCAN anon", "SCAN page", "SCAN outbox USING INDEX outbox_queued", "SCAN (", "SCAN CONSTANT")
    assert [step for step in steps if step.startswith("SCAN") and not step.startswith(allowed)] == []
    assert any("inbox_ended" in step for step in steps)
    assert any("subjects_elsewhere_by_holder" in step for step in steps)
