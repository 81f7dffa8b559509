"""Messages from peers at rest, on both databases: taken once, handled once with all that it brings about."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from node.model.asking import AskedState, NewAsk
from node.model.messages import (
    Delivery,
    DeliveryOutcome,
    Draft,
    Handled,
    MessageHeader,
    MessageReason,
    SealedMessage,
    StoredAnswer,
)
from node.storage.asked_store import AskedStore
from node.storage.database import Database
from node.storage.inbox_store import InboxStore
from node.storage.outbox_store import OutboxStore
from node.storage.schema import inbox

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
DAY = timedelta(days=1)
DELIVERED = Delivery(DeliveryOutcome.DELIVERED)
LIMIT = 4


def message(number: int, order: int, sender: str = "520000", life: timedelta = 7 * DAY) -> SealedMessage:
    header = MessageHeader(
        bytes([number]) * 16, sender, "140000", "report_request", bytes([order]) * 32, NOW, NOW + life
    )
    return SealedMessage(header, bytes(32), b"sealed %d" % number)


def reply(number: int) -> Draft:
    header = MessageHeader(bytes([number]) * 16, "140000", "520000", "report_delivery", bytes(32), NOW, NOW + DAY)
    return Draft(header, b"sealed reply")


@pytest.fixture
def store(database: Database) -> InboxStore:
    return InboxStore(database, "140000", LIMIT)


async def taken(store: InboxStore, *messages: SealedMessage) -> list[Delivery]:
    return await store.take(messages[0].header.sender, messages)


async def next_number(store: InboxStore, now: datetime = NOW, sender: str = "520000") -> int | None:
    found = await store.next(sender, now)
    return None if found is None else found.header.id[0]


async def test_a_message_is_stored_once_however_often_it_comes(database: Database, store: InboxStore) -> None:
    one = message(1, 1)
    assert await taken(store, one, one) == [DELIVERED, DELIVERED]
    assert await taken(store, replace(one, sealed=b"sealed anew", key_id=bytes([1]) * 32)) == [DELIVERED]
    assert await store.next("520000", NOW) == one
    async with database.read() as connection:
        assert len((await connection.execute(select(inbox.c.id))).all()) == 1
    # The same id of another sender is another message.
    assert await taken(store, message(1, 1, "620100")) == [DELIVERED]
    assert await next_number(store, sender="620100") == 1


async def test_replicas_that_take_the_same_message_at_once_store_it_once(database: Database, store: InboxStore) -> None:
    answers = await asyncio.gather(*(taken(store, message(1, 1)) for _ in range(4)))
    assert answers == [[DELIVERED]] * 4
    async with database.read() as connection:
        assert len((await connection.execute(select(inbox.c.id))).all()) == 1


async def test_an_id_that_stands_for_something_else_is_refused(store: InboxStore) -> None:
    await taken(store, message(1, 1))
    assert await taken(store, message(1, 2)) == [Delivery(DeliveryOutcome.REFUSED, MessageReason.ID_REUSED)]


async def test_no_more_of_one_sender_than_the_limit_is_open(store: InboxStore) -> None:
    full = Delivery(DeliveryOutcome.DEFERRED, MessageReason.INBOX_FULL)
    assert await taken(store, *(message(n, n) for n in range(1, 7))) == [DELIVERED] * LIMIT + [full] * 2
    assert await taken(store, message(1, 1)) == [DELIVERED], "one that is here already needs no room"
    assert await taken(store, message(9, 9, "620100")) == [DELIVERED], "another sender has its own room"
    await store.finish(message(1, 1).header, Handled(), NOW)
    assert await taken(store, message(5, 5)) == [DELIVERED]


async def test_messages_of_a_subject_wait_for_each_other_and_for_nobody_else(store: InboxStore) -> None:
    await taken(store, message(1, 7), message(2, 7), message(3, 8))
    assert await next_number(store) == 1
    await store.park(message(1, 7).header, MessageReason.NOT_OPENED)
    assert await next_number(store) == 3
    await store.finish(message(3, 8).header, Handled(), NOW)
    assert await next_number(store) is None
    assert await store.retry(bytes([1]) * 16)
    assert not await store.retry(bytes([1]) * 16), "it is parked no more"
    assert await next_number(store) == 1
    await store.finish(message(1, 7).header, Handled(), NOW)
    assert await next_number(store) == 2


async def test_what_wants_a_sealing_key_waits_again_when_that_key_is_here(store: InboxStore) -> None:
    lost = [replace(message(number, number), key_id=bytes([number]) * 32) for number in (1, 2)]
    await taken(store, *lost, message(3, 3))
    for each in lost:
        await store.park(each.header, MessageReason.KEY_NOT_LOADED)
    await store.park(message(3, 3).header, MessageReason.NOT_OPENED)
    assert await store.release(lambda _key_id: False) == frozenset()
    assert await next_number(store) is None
    assert await store.release(lambda key_id: key_id == "02" * 32) == {"520000"}
    assert await next_number(store) == 2
    assert await store.release(lambda _key_id: True) == {"520000"}
    assert await next_number(store) == 1
    line = await store.line(bytes([3]) * 16)
    assert line is not None
    assert (line.state, line.reason) == ("parked", "NOT_OPENED"), "no key helps it"


async def test_an_end_and_what_it_brings_about_are_one_and_happen_once(database: Database, store: InboxStore) -> None:
    header = message(1, 1).header
    await taken(store, message(1, 1))
    handled = Handled((reply(9),), outcome="14000020261122000G40R40M30E209Q", evidence_digest=b"e" * 32)
    other = Handled((reply(8),))
    done = await asyncio.gather(store.finish(header, handled, NOW), store.finish(header, other, NOW))
    assert sorted(done) == [False, True]
    assert len(await OutboxStore(database, "140000").due("520000", NOW, 10)) == 1
    line = await store.line(header.id)
    assert line is not None
    assert (line.state, line.ended_at) == ("handled", NOW)
    async with database.read() as connection:
        assert await connection.scalar(select(inbox.c.sealed)) is None


async def test_a_reply_that_cannot_be_queued_leaves_the_message_waiting(store: InboxStore) -> None:
    await taken(store, message(1, 1), message(2, 2))
    await store.finish(message(1, 1).header, Handled((reply(9),)), NOW)
    with pytest.raises(Exception, match="refused a statement"):  # the same id again
        await store.finish(message(2, 2).header, Handled((reply(9),)), NOW)
    assert await next_number(store) == 2


async def test_attempts_are_counted_before_they_are_made_and_what_passes_counts_not(store: InboxStore) -> None:
    header = message(1, 1).header
    await taken(store, message(1, 1))
    assert [await store.begin(header) for _ in range(3)] == [1, 2, 3]
    await store.postpone(header, MessageReason.NOT_READY)
    assert await store.begin(header) == 1


async def test_what_has_outlived_its_time_ends_parked_or_not(database: Database, store: InboxStore) -> None:
    await taken(store, message(1, 1, life=DAY), message(2, 2, life=DAY), message(3, 2))
    await store.park(message(1, 1).header, MessageReason.FAILED)
    assert await next_number(store, NOW + DAY) is None
    assert await store.expire(NOW + DAY) == 2
    assert await next_number(store, NOW + DAY) == 3
    async with database.read() as connection:
        left = (await connection.execute(select(inbox.c.sealed).order_by(inbox.c.sequence))).scalars().all()
    assert left == [None, None, b"sealed 3"]


async def test_the_backlog_and_the_lists_tell_what_is_open(store: InboxStore) -> None:
    await taken(store, message(1, 1), message(2, 2), message(3, 3))
    await store.park(message(2, 2).header, MessageReason.NOT_READABLE)
    await store.finish(message(3, 3).header, Handled(), NOW)
    backlog = await store.backlog()
    assert {peer: (each.waiting, each.parked) for peer, each in backlog.items()} == {"520000": (1, 1)}
    (parked,) = await store.lines("520000", "parked", 10, 2**62)
    assert (parked.id[0], parked.reason) == (2, "NOT_READABLE")


async def test_what_could_come_again_is_not_forgotten(store: InboxStore) -> None:
    await taken(store, message(1, 1, life=30 * DAY), message(2, 2, life=DAY))
    for number in (1, 2):
        await store.finish(message(number, number).header, Handled(), NOW)
    assert await store.forget(NOW + 10 * DAY) == 1
    assert await taken(store, message(1, 1, life=30 * DAY)) == [DELIVERED]
    assert await next_number(store) is None


async def test_the_first_answer_of_who_was_asked_counts(database: Database, store: InboxStore) -> None:
    asked = AskedStore(database)
    ask = NewAsk(bytes([5]) * 16, "140000/gateway", "a request", b"c" * 32, "520000", NOW, NOW + 7 * DAY)
    assert await asked.add(ask, reply(5))
    await taken(store, message(1, 1), message(2, 2), message(3, 3, "620100"))

    async def answer(number: int, by: str, report: str) -> AskedState:
        stored = StoredAnswer(ask.id, by, report, b"sealed bundle")
        await store.finish(message(number, number, by).header, Handled(answer=stored), NOW)
        found = await asked.get(ask.id, ask.caller, NOW)
        assert found is not None
        return found.state

    assert await answer(3, "620100", "62") is AskedState.QUEUED
    assert await answer(1, "520000", "first") is AskedState.ANSWERED
    await answer(2, "520000", "second")
    found = await asked.get(ask.id, ask.caller, NOW)
    assert found is not None
    assert (found.report_number, found.answered_at, found.downloadable) == ("first", NOW, True)
