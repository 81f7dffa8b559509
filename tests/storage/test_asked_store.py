"""Requests for reports of other jurisdictions at rest, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from node.errors import InvalidInput
from node.model.asking import AskedState, NewAsk
from node.model.messages import Draft, MessageHeader, MessageReason, OutboxState, StoredAnswer
from node.storage.asked_store import AskedStore, keep_answer
from node.storage.database import Database
from node.storage.outbox_store import OutboxStore

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
DAY = timedelta(days=1)
MINE, OTHERS = "520000/gateway", "520000/relying-party/91520000MA0TE5T16B"


def ask(number: int, caller: str = MINE, at: datetime = NOW) -> NewAsk:
    return NewAsk(bytes([number]) * 16, caller, f"request {number}", b"c" * 32, "140000", at, at + 7 * DAY)


def draft(made: NewAsk) -> Draft:
    return Draft(
        MessageHeader(made.id, "520000", "140000", "report_request", bytes(32), made.created_at, made.expires_at),
        b"sealed",
    )


@pytest.fixture
async def store(database: Database) -> AskedStore:
    found = AskedStore(database)
    for made in (ask(1), ask(2, at=NOW + DAY), ask(3, OTHERS)):
        assert await found.add(made, draft(made))
    return found


async def test_a_request_and_its_message_are_one(database: Database, store: AskedStore) -> None:
    again = NewAsk(bytes([9]) * 16, MINE, "request 1", b"d" * 32, "140000", NOW, NOW + DAY)
    assert not await store.add(again, draft(again)), "the request id was used before"
    outbox = OutboxStore(database, "520000")
    assert await outbox.line(again.id) is None
    assert await outbox.line(ask(1).id) is not None
    found = await store.find(MINE, "request 1", NOW)
    assert found is not None
    assert (found[0], found[1].id) == (b"c" * 32, ask(1).id)
    assert await store.find(OTHERS, "request 1", NOW) is None


@pytest.mark.parametrize(
    ("sent", "later", "state"),
    [
        (None, timedelta(0), AskedState.QUEUED),
        (None, 7 * DAY, AskedState.EXPIRED),
        (OutboxState.DELIVERED, timedelta(0), AskedState.ASKED),
        (OutboxState.DELIVERED, 7 * DAY, AskedState.EXPIRED),
        (OutboxState.REFUSED, timedelta(0), AskedState.UNDELIVERED),
        (OutboxState.EXPIRED, 7 * DAY, AskedState.EXPIRED),
    ],
)
async def test_its_state_is_what_became_of_its_message(
    database: Database, store: AskedStore, sent: OutboxState | None, later: timedelta, state: AskedState
) -> None:
    if sent is not None:
        await OutboxStore(database, "520000").end(ask(1).id, sent, MessageReason.UNKNOWN_KIND, NOW)
    found = await store.get(ask(1).id, MINE, NOW + later)
    assert found is not None
    assert found.state is state


async def test_each_caller_sees_its_own_newest_first(store: AskedStore) -> None:
    page, after = await store.list(MINE, NOW, 1, "")
    assert [each.id[0] for each in page] == [2]
    page, after = await store.list(MINE, NOW, 1, after)
    assert ([each.id[0] for each in page], after) == ([1], "")
    assert await store.get(ask(3).id, MINE, NOW) is None
    assert await store.bundle(ask(3).id, MINE) is None
    with pytest.raises(InvalidInput):
        await store.list(MINE, NOW, 1, "never given")


async def test_a_bundle_is_erased_in_time_and_the_request_remembered(database: Database, store: AskedStore) -> None:
    answer = StoredAnswer(ask(1).id, "140000", "14000020261122000G40R40M30E209Q", b"sealed bundle")
    async with database.write() as connection:
        await keep_answer(connection, answer, NOW)
    assert await store.erase(NOW) == 0
    assert await store.bundle(ask(1).id, MINE) == b"sealed bundle"
    assert await store.erase(NOW + timedelta(microseconds=1)) == 1
    assert await store.bundle(ask(1).id, MINE) is None
    found = await store.get(ask(1).id, MINE, NOW + 30 * DAY)
    assert found is not None
    assert (found.state, found.report_number, found.downloadable) == (
        AskedState.ANSWERED,
        answer.report_number,
        False,
    )
