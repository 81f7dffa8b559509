"""Messages to peers at rest, on both databases: order per subject, ends that come once, contents that go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from node.model.messages import Draft, MessageHeader, MessageReason, OutboxState
from node.storage.database import Database
from node.storage.outbox_store import OutboxStore, queue
from node.storage.schema import outbox

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def draft(number: int, order: int, receiver: str = "140000", life: timedelta = 7 * DAY) -> Draft:
    header = MessageHeader(
        bytes([number]) * 16, "520000", receiver, "report_request", bytes([order]) * 32, NOW, NOW + life
    )
    return Draft(header, b"sealed %d" % number)


@pytest.fixture
def store(database: Database) -> OutboxStore:
    return OutboxStore(database, "520000")


async def queued(database: Database, drafts: Sequence[Draft]) -> None:
    async with database.write() as connection:
        await queue(connection, drafts)


def numbers(found: Sequence[Draft]) -> list[int]:
    return [each.header.id[0] for each in found]


async def test_of_each_ordering_key_the_first_that_has_not_ended_is_due(database: Database, store: OutboxStore) -> None:
    first, *rest = drafts = [draft(1, 7), draft(2, 7), draft(3, 8), draft(4, 9, "620100"), draft(5, 8)]
    await queued(database, drafts)
    assert await store.due("140000", NOW, 10) == [first, rest[1]]
    assert numbers(await store.due("140000", NOW, 1)) == [1]
    assert numbers(await store.due("620100", NOW, 10)) == [4]
    assert await store.end(first.header.id, OutboxState.REFUSED, MessageReason.EXPIRED, NOW)
    assert numbers(await store.due("140000", NOW, 10)) == [2, 3]


async def test_what_caused_a_message_and_the_message_are_there_together_or_not_at_all(
    database: Database, store: OutboxStore
) -> None:
    async def queue_and_fail() -> None:
        async with database.write() as connection:
            await queue(connection, [draft(1, 1)])
            raise LookupError

    with pytest.raises(LookupError):
        await queue_and_fail()
    assert await store.due("140000", NOW, 10) == []


async def test_an_end_comes_once_and_takes_the_content(database: Database, store: OutboxStore) -> None:
    await queued(database, [draft(1, 1)])
    await store.note([bytes([1]) * 16], MessageReason.UNREACHABLE)
    assert await store.end(bytes([1]) * 16, OutboxState.DELIVERED, None, NOW + DAY)
    assert not await store.end(bytes([1]) * 16, OutboxState.REFUSED, MessageReason.EXPIRED, NOW + 2 * DAY)
    line = await store.line(bytes([1]) * 16)
    assert line is not None
    assert (line.state, line.reason, line.attempts, line.ended_at) == ("delivered", "", 2, NOW + DAY)
    async with database.read() as connection:
        assert await connection.scalar(select(outbox.c.content)) is None
    await store.note([bytes([1]) * 16], MessageReason.UNREACHABLE)
    assert await store.line(bytes([1]) * 16) == line


async def test_what_has_outlived_its_time_ends_and_those_behind_it_go(database: Database, store: OutboxStore) -> None:
    await queued(database, [draft(1, 1, life=DAY), draft(2, 1), draft(3, 2, "620100", DAY)])
    assert await store.due("140000", NOW + DAY, 10) == []
    assert await store.expire(NOW + DAY - timedelta(microseconds=1)) == {}
    assert await store.expire(NOW + DAY) == {"140000": 1, "620100": 1}
    assert numbers(await store.due("140000", NOW + DAY, 10)) == [2]
    async with database.read() as connection:
        kept = (await connection.execute(select(outbox.c.content).order_by(outbox.c.sequence))).scalars().all()
    assert kept == [None, b"sealed 2", None]


async def test_why_nothing_can_be_sent_is_noted_without_counting_attempts(
    database: Database, store: OutboxStore
) -> None:
    await queued(database, [draft(1, 1), draft(2, 2, "620100")])
    await store.note_waiting("140000", MessageReason.NO_SEALING_KEY)
    lines = {line.peer: line for line in await store.lines("", "", 10, 2**62)}
    assert (lines["140000"].reason, lines["140000"].attempts, lines["620100"].reason) == ("NO_SEALING_KEY", 0, "")


async def test_lists_are_by_peer_and_state_newest_first_in_pages(database: Database, store: OutboxStore) -> None:
    await queued(database, [draft(number, number) for number in range(1, 6)] + [draft(6, 6, "620100")])
    await store.end(bytes([2]) * 16, OutboxState.DELIVERED, None, NOW)
    lines = await store.lines("140000", "queued", 3, 2**62)
    assert [line.id[0] for line in lines] == [5, 4, 3]
    assert [line.id[0] for line in await store.lines("140000", "queued", 3, lines[-1].sequence)] == [1]
    assert [line.id[0] for line in await store.lines("", "", 2, 2**62)] == [6, 5]
    assert await store.line(bytes(16)) is None


async def test_the_backlog_counts_what_has_not_ended(database: Database, store: OutboxStore) -> None:
    await queued(database, [draft(1, 1), draft(2, 2), draft(3, 3, "620100")])
    await store.end(bytes([3]) * 16, OutboxState.DELIVERED, None, NOW)
    backlog = await store.backlog()
    assert {peer: (each.queued, each.oldest) for peer, each in backlog.items()} == {"140000": (2, NOW)}


async def test_what_ended_long_ago_is_forgotten_and_nothing_else(database: Database, store: OutboxStore) -> None:
    await queued(database, [draft(1, 1), draft(2, 2), draft(3, 3)])
    await store.end(bytes([1]) * 16, OutboxState.DELIVERED, None, NOW)
    await store.end(bytes([2]) * 16, OutboxState.DELIVERED, None, NOW + DAY)
    assert await store.forget(NOW + DAY) == 1
    assert {line.id[0] for line in await store.lines("", "", 10, 2**62)} == {2, 3}
