"""LogStore on both engines: what one append commits, who loses a race, what a look-up says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from node.model.issuing import ReportRow, StatusRow
from node.model.log import DuplicateRequests, EntryKind, EntryView, LogEntry, LogMoved, StatusFlag, SubtreeRoot
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.log_store import LogStore
from node.storage.report_store import ReportStore
from tests.storage.samples import (
    NOW,
    ORIGIN,
    sample_entry,
    sample_head,
    sample_report,
    sample_status,
    sample_status_row,
)
from tests.support.databases import Statements


@pytest.fixture
def store(database: Database) -> LogStore:
    return LogStore(database)


async def test_append_commits_everything_that_was_handed_in(store: LogStore, database: Database) -> None:
    entries = [sample_entry(index) for index in range(300)]
    report = sample_report(7)
    await store.append(0, sample_head(300), entries, [SubtreeRoot(8, 0, b"h" * 32)], [report])
    assert await store.head(ORIGIN) == sample_head(300)
    assert await store.entries(ORIGIN, 290, 100) == [entry.entry for entry in entries[290:]]
    assert await store.leaf_hashes(ORIGIN, 10, 20) == [entry.leaf_hash for entry in entries[10:20]]
    assert await store.subtree_roots(ORIGIN, 8, 0, 5) == [b"h" * 32]
    assert await ReportStore(database).get(report.issued.report_number) == report.issued


async def test_hashes_come_in_runs_in_the_order_of_the_log(store: LogStore) -> None:
    entries = [sample_entry(index) for index in range(40)]
    roots = [SubtreeRoot(4, 0, b"h" * 32), SubtreeRoot(4, 1, b"i" * 32)]
    await store.append(0, sample_head(40), entries, roots)
    leaves = [entry.leaf_hash for entry in entries]
    runs = [(4, 0, 16), (0, 16, 32), (0, 32, 48), (0, 32, 35), (0, 48, 64), (8, 0, 16)]
    expected = [[b"h" * 32, b"i" * 32], leaves[16:32], leaves[32:], leaves[32:35], [], []]
    assert await store.hash_runs(ORIGIN, runs) == [b"".join(run) for run in expected]


@pytest.mark.parametrize("damage", ["DELETE FROM log_entries", "UPDATE log_entries SET leaf_hash = digest || digest"])
async def test_no_hash_slips_into_the_place_of_one_that_is_missing(
    store: LogStore, database: Database, damage: str
) -> None:
    entries = [sample_entry(index) for index in range(32)]
    await store.append(0, sample_head(32), entries, ())
    async with database.write() as connection:
        await connection.exec_driver_sql(f"{damage} WHERE idx IN (0, 20)")
    assert await store.hash_runs(ORIGIN, [(0, 0, 16), (0, 16, 32)]) == [b"", b""]
    assert await store.hash_runs(ORIGIN, [(0, 1, 16)]) == [b"".join(entry.leaf_hash for entry in entries[1:16])]


async def test_an_unknown_log_is_empty(store: LogStore) -> None:
    assert await store.head("huxin/520000") is None
    assert await store.entries("huxin/520000", 0, 10) == []
    assert await store.leaf_hashes("huxin/520000", 0, 10) == []


async def test_an_empty_head_can_be_stored_and_then_extended(store: LogStore) -> None:
    await store.append(0, sample_head(0), (), ())
    await store.append(0, sample_head(1), [sample_entry(0)], ())
    assert await store.head(ORIGIN) == sample_head(1)


@pytest.mark.parametrize("stored", [0, 3])
async def test_of_two_appends_from_the_same_size_one_wins(store: LogStore, stored: int) -> None:
    if stored:
        await store.append(0, sample_head(stored), [sample_entry(index) for index in range(stored)], ())
    outcomes = await asyncio.gather(
        *(store.append(stored, sample_head(stored + 1), [sample_entry(stored)], ()) for _ in range(4)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [LogMoved] * 3
    assert len(await store.entries(ORIGIN, 0, 100)) == stored + 1


async def test_an_append_beyond_the_stored_size_is_refused(store: LogStore) -> None:
    with pytest.raises(LogMoved):
        await store.append(5, sample_head(6), [sample_entry(5)], ())
    assert await store.head(ORIGIN) is None


async def test_entries_size_and_head_must_fit_together(store: LogStore) -> None:
    with pytest.raises(ValueError, match="numbered from 0 to 2"):
        await store.append(0, sample_head(2), [sample_entry(0)], ())
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        await store.append(0, sample_head(1), [sample_entry(4)], ())


async def test_a_used_request_id_names_its_place_and_commits_nothing(store: LogStore) -> None:
    await store.append(0, sample_head(1), [sample_entry(0)], (), [sample_report(0, "first")])
    group: list[ReportRow | StatusRow] = [
        sample_report(1, "second"),
        sample_status_row(2, "first"),
        sample_report(3, "third"),
    ]
    with pytest.raises(DuplicateRequests) as clash:
        await store.append(1, sample_head(4), [sample_entry(index) for index in (1, 2, 3)], (), group)
    assert clash.value.places == {1}
    assert await store.head(ORIGIN) == sample_head(1)
    # The others can be tried again at once.
    retry = [sample_report(1, "second"), sample_report(2, "third")]
    await store.append(1, sample_head(3), [sample_entry(1), sample_entry(2)], (), retry)
    assert await store.head(ORIGIN) == sample_head(3)


async def test_a_request_id_twice_in_one_group_names_the_second(store: LogStore) -> None:
    group = [sample_report(0, "same"), sample_report(1, "same")]
    with pytest.raises(DuplicateRequests) as clash:
        await store.append(0, sample_head(2), [sample_entry(0), sample_entry(1)], (), group)
    assert clash.value.places == {1}


async def test_a_report_number_used_twice_is_a_fault_not_a_repeated_request(store: LogStore) -> None:
    await store.append(0, sample_head(1), [sample_entry(0)], (), [sample_report(0, "first")])
    with pytest.raises(StorageFault, match="REPORT_NOT_UNIQUE"):
        await store.append(1, sample_head(2), [sample_entry(1)], (), [sample_report(0, "second")])


async def test_a_statement_is_found_with_every_status_of_its_own_log(store: LogStore) -> None:
    first, second = sample_entry(0), sample_entry(1)
    changes = [sample_status(2, first.digest, StatusFlag.UNDER_OBJECTION), sample_status(3, first.digest)]
    await store.append(0, sample_head(4), [first, second, *changes], ())
    # Another log repeats the statement and revokes it: that is not the issuer's word.
    other = "huxin/520000"
    foreign = [sample_status(1, second.digest, origin=other)]
    await store.append(0, sample_head(2, other), [first, *foreign], ())
    one, two = _key(first), _key(second)
    found = await store.find_by_digests([one, two, (ORIGIN, b"?" * 32, first.report_number), one])
    assert found == {
        one: EntryView(ORIGIN, 0, first.entry, tuple(c.status for c in changes if c.status)),
        two: EntryView(ORIGIN, 1, second.entry, ()),
    }
    assert await store.find_by_digests([_key(first, other)]) == {
        _key(first, other): EntryView(other, 0, first.entry, ())
    }
    by_number = await store.find_by_report_number(ORIGIN, first.report_number)
    assert by_number == found[one]
    assert await store.find_by_report_number("huxin/210000", first.report_number) is None


async def test_the_first_of_equal_entries_counts(store: LogStore) -> None:
    entry = sample_entry(0)
    again = replace(entry, index=1)
    await store.append(0, sample_head(3), [entry, again, sample_status(2, entry.digest)], ())
    view = (await store.find_by_digests([_key(entry)]))[_key(entry)]
    assert (view.index, len(view.statuses)) == (0, 1)


async def test_of_two_statements_under_one_number_each_is_found(store: LogStore) -> None:
    """An issuer that signs two reports of one number: the number means the first, a digest what it always meant."""
    first = sample_entry(0)
    second = replace(sample_entry(1), report_number=first.report_number)
    await store.append(0, sample_head(2), [first, second], ())
    found = await store.find_by_digests([_key(first), _key(second)])
    assert [view.index for view in found.values()] == [0, 1]
    by_number = await store.find_by_report_number(ORIGIN, first.report_number)
    assert by_number is not None
    assert by_number.index == 0


async def test_an_entry_whose_number_was_not_known_is_found_by_its_digest(store: LogStore) -> None:
    """What an older version could not read, or a log that holds digests alone."""
    unread = replace(sample_entry(0), kind=EntryKind.OTHER, report_number="")
    await store.append(0, sample_head(1), [unread], ())
    asked = [(ORIGIN, unread.digest, "number in the statement"), (ORIGIN, unread.digest, "")]
    assert [view.index for view in (await store.find_by_digests(asked)).values()] == [0, 0]


def _key(entry: LogEntry, origin: str = ORIGIN) -> tuple[str, bytes, str]:
    return origin, entry.digest, entry.report_number


async def test_64_concurrent_look_ups_cost_one_query(store: LogStore, count_statements: Statements) -> None:
    entries = [sample_entry(index) for index in range(64)]
    await store.append(0, sample_head(64), entries, ())
    count_statements.clear()
    views = await asyncio.gather(*(store.find_by_report_number(ORIGIN, entry.report_number) for entry in entries))
    assert [view.index for view in views if view] == list(range(64))
    assert len(count_statements) == 1


async def test_a_newer_cosignature_replaces_an_older_one(store: LogStore) -> None:
    await store.append(0, sample_head(1), [sample_entry(0)], ())
    newer = sample_head(1, fresh_at=NOW + timedelta(minutes=1))
    assert await store.update_head(newer)
    assert await store.head(ORIGIN) == newer
    assert await store.update_head(sample_head(1, fresh_at=NOW - timedelta(minutes=1)))
    assert await store.head(ORIGIN) == newer


async def test_a_head_of_another_size_or_root_is_not_replaced(store: LogStore) -> None:
    await store.append(0, sample_head(1), [sample_entry(0)], ())
    assert not await store.update_head(sample_head(2))
    forked = replace(sample_head(1), root=b"x" * 32, fresh_at=NOW + timedelta(days=1))
    assert not await store.update_head(forked)
    assert not await store.update_head(sample_head(1, "huxin/520000"))
    assert await store.head(ORIGIN) == sample_head(1)
